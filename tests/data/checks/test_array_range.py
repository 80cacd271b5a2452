"""The range of array values: recognized where it is clear, asked for where it is not."""

import numpy as np
import pytest

from archnet.data import open_dataset
from archnet.data.checks.array_range import choose_range
from archnet.data.checks.array_scales import measure_values, recognize_scale
from archnet.data.checks.findings import stop_on_errors
from archnet.errors import DataError
from archnet.runs.preparation import prepare
from archnet.spec.experiment import Data
from archnet.spec.resolve import data_experiments
from archnet.spec.view import InputLimits

HU = (-1000, 400)


def crops(seed=0, count=24, shape=(12, 12, 6)):
    """Crops of lung with a ball of soft tissue that has a smooth edge, with noise, in HU."""
    y, x, z = np.indices(shape)
    distance = np.sqrt((y - 6) ** 2 + (x - 6) ** 2 + (2 * (z - 3)) ** 2)
    hu = 30 - 880 / (1 + np.exp(4.5 - distance))
    return (hu + np.random.default_rng(seed).normal(0, 30, (count, *shape))).round()


def bytes_of(hu):
    return ((np.clip(hu, *HU) + 1000) / 1400 * 255).round()


def opened(tmp_path, x, y=None, **options):
    path = tmp_path / "a.npz"
    np.savez(path, x=x, y=np.arange(len(x)) % 2 if y is None else y)
    return open_dataset(Data(name="npz", root=str(path), **options))


def findings_on_values(dataset):
    return tuple(finding for finding in dataset.findings if finding.check in ("value_range", "class_values"))


def zs(x):
    return (x - x.mean()) / x.std()


CLEAR = {
    "HU int16": (lambda hu: hu.astype(np.int16), HU, None),
    "HU float": (lambda hu: hu, HU, None),
    "HU with padding": (lambda hu: padded(hu, -3024), HU, None),
    "lung alone": (lambda hu: np.minimum(hu, -700).astype(np.int16), HU, None),
    "soft tissue alone": (lambda hu: np.clip(hu, -150, 200).astype(np.int16), HU, None),
    "uint8": (lambda hu: bytes_of(hu).astype(np.uint8), (0, 255), None),
    "float 0..1": (lambda hu: bytes_of(hu) / 255, (0, 1), None),
    "bool": (lambda hu: hu > -300, (0, 1), None),
    "0 and 1": (lambda hu: (hu > -300).astype(np.int16), (0, 1), "0..1"),
    "float 0..255": (bytes_of, (0, 255), "0..255"),
    "int32": (lambda hu: bytes_of(hu).astype(np.int32), (0, 255), "0..255"),
    "int64": (lambda hu: bytes_of(hu).astype(np.int64), (0, 255), "0..255"),
    "uint16": (lambda hu: bytes_of(hu).astype(np.uint16), (0, 255), "0..255"),
    "int8 - 128": (lambda hu: (bytes_of(hu) - 128).astype(np.int8), (-128, 127), "-128..127"),
    "int8 // 2": (lambda hu: (bytes_of(hu) // 2).astype(np.int8), (0, 127), "0..127"),
    "-1..1": (lambda hu: bytes_of(hu) / 127.5 - 1, (-1, 1), "-1..1"),
    "-0.5..0.5": (lambda hu: bytes_of(hu) / 255 - 0.5, (-0.5, 0.5), "-0.5..0.5"),
    "HU + 1024": (lambda hu: (hu + 1024).astype(np.uint16), (24, 1424), "Hounsfield units + 1024"),
    "HU + 1024 with padding": (lambda hu: padded(hu + 1024, -2000), (24, 1424), "Hounsfield units + 1024"),
}


def padded(hu, value):
    result = hu.copy()
    result[:, :2] = value
    return result


@pytest.mark.parametrize(("change", "limits", "name"), CLEAR.values(), ids=CLEAR)
def test_a_clear_scale_is_taken_and_named(tmp_path, change, limits, name):
    x = change(crops())
    dataset = opened(tmp_path, x)
    assert dataset.limits == InputLimits.of(*limits)
    notes = [(note.check, note.severity) for note in findings_on_values(dataset)]
    assert notes == ([("value_range", "note")] if name else [])
    if name:
        low, high = limits
        assert findings_on_values(dataset)[0].message.startswith(f"x contains {x.dtype} values, most of them between ")
        assert findings_on_values(dataset)[0].message.endswith(
            f' They are read as {name}, as with --set "data.range=[{low},{high}]".'
        )


@pytest.mark.parametrize("change", [lambda hu: bytes_of(hu), zs, lambda hu: bytes_of(hu) / 255 * 2 - 1])
def test_the_network_sees_the_same_as_of_bytes_up_to_a_linear_map(tmp_path, change):
    hu = crops()
    x = change(hu)
    low, high = opened(tmp_path, x).limits.hull
    scaled = np.clip((x - low) / (high - low), 0, 1)
    assert np.corrcoef(scaled.ravel(), bytes_of(hu).ravel())[0, 1] > 0.999
    assert scaled.std() > 0.15


def test_z_scores_take_their_percentiles(tmp_path):
    x = zs(crops())
    dataset = opened(tmp_path, x)
    assert dataset.limits.hull == tuple(float(f"{np.percentile(x, share):.3g}") for share in (0.5, 99.5))
    assert "They are read as z-scores" in findings_on_values(dataset)[0].message


UNCLEAR = {
    "0..4095": (lambda hu: (bytes_of(hu) / 255 * 4095).astype(np.uint16), "[0,3126]"),
    "0..90": (lambda hu: bytes_of(hu) / 255 * 90, None),
    "doubled": (lambda hu: 2 * hu, None),
    "negated": (lambda hu: -hu, None),
    "between air and tissue": (lambda hu: np.clip(hu, 20, 90), None),
}


@pytest.mark.parametrize(("change", "suggestion"), UNCLEAR.values(), ids=UNCLEAR)
def test_an_unclear_scale_is_an_error_that_names_the_key(tmp_path, change, suggestion):
    x = change(crops())
    (finding,) = findings_on_values(opened(tmp_path, x))
    assert (finding.check, finding.severity) == ("value_range", "error")
    low, high = (f"{float(f'{np.sort(x, axis=None)[int(share * (x.size - 1))]:.3g}'):g}" for share in (0.005, 0.995))
    assert finding.message == (
        f"x contains {x.dtype} values, most of them between {low} and {high}. It is unclear which of them should become "
        f"0 and 1. They are neither Hounsfield units of a chest (with or without the intercept of 1024) nor on the "
        f"scale "
        "0..255, 0..1 or -1..1, nor z-scores."
    )
    assert finding.remedy.startswith('Set the values that become 0 and 1, as in --set "data.range=[')
    assert finding.remedy.endswith(']", or use --set data.range=hu if they are Hounsfield units.')
    with pytest.raises(DataError, match="--allow value_range"):
        stop_on_errors([finding], ())


def test_the_suggested_line_is_accepted(tmp_path):
    x = (bytes_of(crops()) / 255 * 4095).astype(np.uint16)
    (finding,) = findings_on_values(opened(tmp_path, x))
    low, high = finding.remedy.partition("[")[2].partition("]")[0].split(",")
    assert (float(low), float(high)) == (x.min(), x.max())
    assert findings_on_values(opened(tmp_path, x, range=(float(low), float(high)))) == ()


def test_bytes_that_wrapped_around_are_refused(tmp_path):
    x = bytes_of(crops()).astype(np.uint8).astype(np.int8)
    (finding,) = findings_on_values(opened(tmp_path, x))
    assert finding.severity == "error"
    assert finding.message.endswith(
        ". They are unsigned bytes that were stored as signed ones: values above 127 became negative (200 is stored "
        "as -56)."
    )
    assert finding.remedy == 'Save x as uint8 instead, with x.view("uint8").'
    assert findings_on_values(opened(tmp_path, x.view(np.uint8))) == ()


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"range": "hu"}, '"hu", so -1000 becomes 0 and 400'),
        ({"range": (0, 4095)}, "[0, 4095], so 0 becomes 0 and 4095"),
    ],
)
def test_a_range_that_does_not_fit_is_warned_about(tmp_path, options, given):
    x = bytes_of(crops())
    if "hu" in options.values():
        x = x / 255
    (finding,) = findings_on_values(opened(tmp_path, x, **options))
    assert (finding.check, finding.severity, finding.remedy) == ("value_range", "warning", "Check data.range.")
    assert finding.message.startswith(f"data.range is {given} becomes 1, but most values of x lie between ")


@pytest.mark.parametrize("change", [lambda hu: hu + 1024, lambda hu: bytes_of(hu) / 255, bytes_of])
def test_classes_on_different_scales_are_an_error(tmp_path, change):
    x, y = crops(), np.arange(24) % 2
    x[y == 1] = change(x[y == 1])
    (found,) = [finding for finding in findings_on_values(opened(tmp_path, x, y)) if finding.check == "class_values"]
    assert found.severity == "error"
    assert found.message.startswith('The classes are on different scales: class "0" in Hounsfield units, class "1" in ')


def test_a_shifted_class_is_warned_about_and_a_brighter_ball_is_not(tmp_path):
    x, y = bytes_of(crops()), np.arange(24) % 2
    shifted, brighter = x.copy(), x.copy()
    shifted[y == 1] = np.minimum(shifted[y == 1] + 60, 255)
    brighter[y == 1] = np.where(brighter[y == 1] > 128, 250, brighter[y == 1])
    (finding,) = findings_on_values(opened(tmp_path, shifted.astype(np.uint8), y))
    assert (finding.check, finding.severity) == ("class_values", "warning")
    assert 'cases of class "1" are shifted by +24% of the range relative to the other cases' in finding.message
    assert finding.message.endswith("these values separate the classes with an AUC of 1.000.")
    assert findings_on_values(opened(tmp_path, brighter.astype(np.uint8), y)) == ()


def test_a_run_stops_on_an_unclear_range(tmp_path):
    x = (bytes_of(crops()) / 255 * 4095).astype(np.uint16)
    dataset = opened(tmp_path, x)
    (experiment,) = data_experiments({"name": "npz", "root": str(tmp_path / "a.npz")}, [])
    with pytest.raises(DataError, match=r"data\.range"):
        prepare(dataset, [experiment])


def test_negated_units_are_not_mistaken_for_unsigned_ones():
    generator = np.random.default_rng(0)
    lung, tissue = generator.normal(-850, 30, (9, 8, 8)), generator.normal(30, 25, (9, 8, 8))
    for sign, name in ((1, "Hounsfield units"), (-1, None)):
        x = (sign * np.concatenate([lung, tissue], axis=2)).astype(np.int16)
        scale = recognize_scale(measure_values(x, x.dtype, np.arange(9)), HU)
        assert (scale and scale.name) == name


def test_each_channel_has_a_range_of_its_own(tmp_path):
    x = np.stack([crops(), bytes_of(crops(seed=1)) / 255, crops(seed=2) + 1024], axis=-1).astype(np.float32)
    dataset = opened(tmp_path, x, channels=3)
    assert dataset.limits == InputLimits(windows=((HU, (0, 1), (24, 1424)),))
    (note,) = findings_on_values(dataset)
    assert note.message.startswith("Channel 2 of x: x contains float32 values, most of them between ")
    assert note.message.endswith(
        ". They are read as Hounsfield units + 1024, as with [24,1424] for this channel (data.range takes a pair for "
        "each)."
    )


def test_an_unclear_channel_is_named_with_its_remedy(tmp_path):
    x = np.stack([crops(), bytes_of(crops(seed=1)) / 255 * 90], axis=-1).astype(np.float32)
    (finding,) = findings_on_values(opened(tmp_path, x, channels=2))
    assert (finding.check, finding.severity) == ("value_range", "error")
    assert finding.message.startswith("Channel 1 of x: x contains float32 values, most of them between ")
    low, high = x[..., 1].min(), x[..., 1].max()
    assert finding.remedy == (
        f"Set the values that become 0 and 1, as in [{low:g},{high:g}] for this channel (data.range takes a pair for "
        "each), or use --set data.range=hu if they are Hounsfield units."
    )
    dataset = opened(tmp_path, x, channels=2, range=(HU, (0, 90)))
    assert dataset.limits == InputLimits(windows=((HU, (0, 90)),))
    assert findings_on_values(dataset) == ()


def test_one_range_is_that_of_all_channels(tmp_path):
    x = np.stack([bytes_of(crops())] * 2, axis=-1)
    assert opened(tmp_path, x, channels=2, range=(0, 200)).limits == InputLimits(windows=(((0, 200), (0, 200)),))


@pytest.mark.parametrize("shift", [0, 1024])
@pytest.mark.parametrize("options", [{}, {"range": "hu"}], ids=str)
def test_windows_are_those_of_hounsfield_units_with_their_intercept(tmp_path, shift, options):
    windows = ((-1350, 150), (-160, 240))
    dataset = opened(tmp_path, (crops() + shift).astype(np.int16), window_hu=windows, **options)
    expected = windows if options else tuple((low + shift, high + shift) for low, high in windows)
    assert dataset.limits == InputLimits(windows=tuple((window,) for window in expected))
    assert shift or options or findings_on_values(dataset) == ()


def test_windows_are_those_of_every_channel(tmp_path):
    windows, x = ((-1350, 150), (-160, 240)), np.stack([crops(), crops(seed=1) + 1024], axis=-1)
    dataset = opened(tmp_path, x, window_hu=windows, channels=2)
    assert dataset.limits.windows == (((-1350, 150), (-326, 1174)), ((-160, 240), (864, 1264)))


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (bytes_of(crops()).astype(np.uint8), "uint8 values"),
        (bytes_of(crops()) / 255, "values on the scale 0..1"),
    ],
    ids=["uint8", "float"],
)
def test_windows_of_other_values_than_hounsfield_units_are_refused(tmp_path, x, kind):
    with pytest.raises(DataError) as caught:
        opened(tmp_path, x, window_hu=((-1350, 150), (-160, 240)))
    assert str(caught.value) == (
        f"{tmp_path / 'a.npz'}: data.window_hu has 2 windows, but x contains {kind}, which are not Hounsfield units; give "
        "one window, or set data.range=hu."
    )


def range_findings(x, labels, **options):
    """The findings on values in a given range."""
    x = np.asarray(x)
    found = choose_range(x, x.dtype, Data(name="npz", **options), np.asarray(labels), ["a", "b"]).findings
    return {finding.check: finding for finding in found}


def case_of(level, highest=100):
    """A case whose 5th percentile is a level."""
    return np.array([0, level, *[highest] * 19], np.uint8).reshape(21, 1)


@pytest.mark.parametrize(
    ("inside", "outside", "is_found"),
    [
        ([30] * 5, [20] * 5, True),
        ([29] * 5, [20] * 5, False),
        ([30] * 4, [20] * 6, False),
        ([30] * 6, [20] * 4, False),
        ([10] * 5, [20] * 5, True),
        ([30] * 4 + [15], [*[10] * 9, 20], True),  # 49 of 50 pairs: an AUC of 0.98
        ([30] * 4 + [15], [*[10] * 8, 15, 20], False),  # 48 and a tie: 0.97
        ([30] * 4 + [15], [*[10] * 8, 20, 20], False),
    ],
)
def test_the_limits_of_a_shift_between_classes(inside, outside, is_found):
    x = np.stack([case_of(level) for level in [*outside, *inside]])
    labels = [0] * len(outside) + [1] * len(inside)
    found = range_findings(x, labels, range=(0, 100))
    assert list(found) == ["class_values"] * is_found


def test_a_darker_class_is_warned_about_with_the_auc_of_the_reversed_order():
    x = np.stack([case_of(level, 200) for level in [180] * 5 + [20] * 5])
    finding = range_findings(x, [0] * 5 + [1] * 5, range=(0, 200))["class_values"]
    assert 'class "b" are shifted by -80% of the range relative to the other cases: 20 versus 180.' in finding.message
    assert finding.message.endswith("an AUC of 1.000.")
    assert finding.remedy == "Check that the cases of all classes were produced in the same way."


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ([90] * 500 + [600] * 500, True),
        ([89] * 500 + [600] * 500, False),
        ([210] * 500 + [600] * 500, True),
        ([211] * 500 + [600] * 500, False),
        ([150] * 499 + [600] * 501, False),
        ([150] * 500 + [160] * 500, True),
        ([150] * 500 + [159] * 500, False),
    ],
)
def test_a_given_range_fits_if_half_of_the_values_are_in_it_and_spread_over_a_tenth(values, fits):
    x = np.tile(np.array(values, np.int16).reshape(1, 1000, 1), (2, 1, 1))
    assert list(range_findings(x, [0, 1], range=(100, 200))) == ([] if fits else ["value_range"])


@pytest.mark.parametrize(
    ("lowest", "highest", "suggestion"),
    [
        (4500, 6500, "[4500,6500]"),
        (4499, 6500, "[5000,6500]"),
        (4500, 6501, "[4500,6000]"),
        (4499, 6501, "[5000,6000]"),
    ],
)
def test_outliers_are_not_suggested_as_limits(lowest, highest, suggestion):
    x = np.repeat(np.array([5000, 6000], np.int16), 500).reshape(2, 500, 1)
    x[0, 0], x[1, 0] = lowest, highest
    remedy = range_findings(x, [0, 1])["value_range"].remedy
    assert remedy.startswith(f'Set the values that become 0 and 1, as in --set "data.range={suggestion}", or')
