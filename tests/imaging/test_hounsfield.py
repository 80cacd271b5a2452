"""Whether voxels are Hounsfield units of a chest: padding neither saves nor condemns a scan."""

from dataclasses import replace

import numpy as np
import pytest

from archnet.imaging import read_volume
from archnet.imaging.hounsfield import (
    SAMPLE_SHAPE,
    HuStatistics,
    evaluate_hu,
    measure_hu,
    parse_hu_statistics,
    sample_voxels,
)

WORDS = {
    "lost": "They are about 1,024 too high, as if the rescale intercept is missing",
    "twice": "They are about 1,024 too low, as if the rescale intercept was applied twice",
    "picture": "They look like the grey values of a picture",
    "unit": "They look scaled to 0..1",
    "centred": "They look scaled to -1..1",
    "standard": "They look standardized (z-scores)",
    "clipped": "They have been clipped or scaled, or this is not a chest CT",
}


def chest(seed=0, shape=(10, 48, 48)):
    """A body of soft tissue with two lungs in air, as an axial CT shows it, with noise."""
    _, y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in shape), indexing="ij")
    hu = np.full(shape, -1000.0)
    hu[(x / 0.9) ** 2 + (y / 0.7) ** 2 < 1] = 30
    hu[((abs(x) - 0.4) / 0.3) ** 2 + (y / 0.5) ** 2 < 1] = -850
    hu += np.random.default_rng(seed).normal(0, 20, shape)
    return np.clip(hu, -1024, 3071).round().astype(np.int16)


def padded(hu, value):
    """The same scan with a value outside the circle."""
    _, rows, columns = hu.shape
    y, x = np.mgrid[:rows, :columns]
    is_outside = ((2 * y + 1) / rows - 1) ** 2 + ((2 * x + 1) / columns - 1) ** 2 > 1
    return np.where(is_outside, value, hu).astype(hu.dtype)


def judge(hu):
    return evaluate_hu(measure_hu(sample_voxels(hu)))


CHANGES = {
    "unchanged": (lambda hu: hu, "hu", ""),
    "float": (lambda hu: hu.astype(np.float32), "hu", ""),
    "clipped to the window": (lambda hu: np.clip(hu, -1000, 400), "hu", ""),
    "only lungs and mediastinum": (lambda hu: hu[:, 15:33, 8:40], "hu", ""),
    "lost intercept": (lambda hu: hu + 1024, "other", "lost"),
    "intercept of 1000 lost": (lambda hu: hu + 1000, "other", "lost"),
    "intercept twice": (lambda hu: hu - 1024, "other", "twice"),
    "clipped to 0..255": (lambda hu: np.clip(hu, 0, 255), "other", "picture"),
    "scaled to 0..255": (lambda hu: (np.clip(hu, -1000, 400) + 1000) / 1400 * 255, "other", "picture"),
    "scaled to 0..1": (lambda hu: (np.clip(hu, -1000, 400) + 1000) / 1400, "other", "unit"),
    "scaled to -1..1": (lambda hu: (np.clip(hu, -1000, 400) + 300) / 700, "other", "centred"),
    "z-scores": (lambda hu: (hu - hu.mean()) / hu.std() * 2, "other", "standard"),
    "soft-tissue window": (lambda hu: np.clip(hu, -160, 240), "other", "clipped"),
    "doubled": (lambda hu: 2 * hu, "other", "clipped"),
}


@pytest.mark.parametrize("padding", [None, -2000, -3024, -1024, 0], ids=str)
@pytest.mark.parametrize(("change", "kind", "cause"), CHANGES.values(), ids=CHANGES)
def test_the_scale_is_recognized_regardless_of_the_values_outside_the_circle(change, kind, cause, padding):
    hu = change(chest())
    judgement = judge(hu if padding is None else padded(hu.astype(np.float32), padding))
    if padding == -1024 and hu.min() == -160:
        assert judgement.kind == "unclear"  # as a scan of soft tissue in air
        return
    assert judgement.kind == kind
    assert WORDS[cause] in judgement.reason if cause else judgement.reason == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lung1", "lung2"])
@pytest.mark.parametrize("padding", [None, -2000, -3024, -1024, 0], ids=str)
@pytest.mark.parametrize(
    ("change", "kind", "cause"), [CHANGES[k] for k in ("unchanged", "lost intercept", "clipped to 0..255", "doubled")]
)
def test_the_scale_of_real_scans_is_recognized(real_data, name, padding, change, kind, cause):
    hu = change(np.asarray(read_volume(real_data / f"ct/{name}_image.nrrd").hu))
    judgement = judge(hu if padding is None else padded(hu, padding))
    assert (judgement.kind, WORDS.get(cause, "") in judgement.reason) == (kind, True)


def test_what_has_air_but_other_levels_is_unclear():
    judgement = judge(chest() + 200)
    assert judgement.kind == "unclear"
    assert judgement.reason == (
        "its darker part has a median of -779 and its brighter part one of 230; in a chest CT in Hounsfield units, air "
        "is near -1000 and soft tissue near 0. Check its rescale slope and intercept."
    )


def test_soft_tissue_alone_is_unclear_in_air_and_refused_otherwise():
    tissue = np.random.default_rng(0).normal(30, 20, (10, 48, 48)).astype(np.int16)
    assert judge(padded(tissue, -1000)).kind == "unclear"
    assert judge(padded(tissue, 0)).kind == "other"


def test_the_statistics_are_those_inside_the_circle_without_padding():
    hu = padded(chest(), -2000)
    y, x = np.mgrid[:48, :48]
    inside = hu[:, ((2 * y + 1) / 48 - 1) ** 2 + ((2 * x + 1) / 48 - 1) ** 2 <= 1]
    measured = measure_hu(hu)
    assert measured.padding == -2000
    assert measured.low == pytest.approx(np.percentile(inside, 0.5), abs=1)
    assert measured.high == pytest.approx(np.percentile(inside, 99.5), abs=1)
    assert measured.dark == pytest.approx(np.median(inside[inside < -400]), abs=1)
    assert measured.bright == pytest.approx(np.median(inside[inside > -400]), abs=1)
    assert measured.air_share == pytest.approx(np.mean(inside <= -500), abs=1e-3)
    assert measured.tissue_share == pytest.approx(np.mean(np.abs(inside - 50) <= 300), abs=1e-3)
    assert parse_hu_statistics(measured.to_document()) == measured


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 2), (3, 1, 5), (2, 512, 1)])
def test_the_scale_of_tiny_and_constant_scans_is_recognized(shape):
    assert judge(np.zeros(shape, np.int16)).kind == "other"


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(300, 512, 512), (11, 29, 29), (1, 64, 1000)])
def test_a_sample_is_spread_evenly_over_all_axes(shape):
    grid = np.indices(shape)
    for axis, (length, most) in enumerate(zip(shape, SAMPLE_SHAPE, strict=True)):
        places = np.unique(sample_voxels(grid[axis]))
        assert most / 2 < len(places) + (length < most) * most <= 2 * most
        assert len(set(np.diff(places))) <= 1
        assert abs(places[0] - (length - 1 - places[-1])) <= 1


def test_a_small_scan_is_looked_at_as_a_whole():
    hu = chest(shape=SAMPLE_SHAPE)
    np.testing.assert_array_equal(sample_voxels(hu), hu)
    assert sample_voxels(hu) is not hu


CHEST = HuStatistics(low=-1000, high=400, dark=-850, bright=-20, air_share=0.4, tissue_share=0.4, padding=None)
NO_AIR = {"low": -400, "high": 900, "air_share": 0.0, "tissue_share": 0.6}
WITH_PADDING = {**NO_AIR, "padding": -1000}
SHIFTED = {"air_share": 0.0, "low": -600}
MISSING = {"air_share": 0.0, "low": -100, "high": 2000}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "hu"),
        ({"air_share": 0.01, "tissue_share": 0.49}, "hu"),
        ({"air_share": 0.01, "tissue_share": 0.48}, "unclear"),
        ({"air_share": 0.0099, "tissue_share": 0.6}, "unclear"),
        ({"air_share": 0.6, "tissue_share": 0.01}, "hu"),
        ({"air_share": 0.6, "tissue_share": 0.0099}, "unclear"),
        *(({"dark": dark}, kind) for dark, kind in ((-1150, "hu"), (-1151, "unclear"), (-1500, "unclear"), (-1501, "other"))),
        *(({"bright": bright}, kind) for bright, kind in ((-250, "hu"), (-251, "unclear"), (150, "hu"), (151, "unclear"))),
        *(({**NO_AIR, "low": low}, kind) for low, kind in ((-500, "unclear"), (-499, "other"))),
        *(
            ({**WITH_PADDING, "padding": padding}, kind)
            for padding, kind in ((-1150, "unclear"), (-1151, "other"), (-900, "unclear"), (-899, "other"))
        ),
        ({**WITH_PADDING, "tissue_share": 0.5}, "unclear"),
        ({**WITH_PADDING, "tissue_share": 0.49}, "other"),
        *(
            ({**WITH_PADDING, "bright": bright}, kind)
            for bright, kind in ((-250, "unclear"), (-251, "other"), (150, "unclear"), (151, "other"))
        ),
        ({**WITH_PADDING, "low": -9, "high": 9}, "other"),  # z-scores in air
        *(({**SHIFTED, "bright": bright, "dark": -300}, kind) for bright, kind in ((380, "other"), (379, "unclear"))),
        *(
            ({**SHIFTED, "bright": 400, "dark": dark}, kind)
            for dark, kind in ((-200, "other"), (-199, "unclear"), (-1000, "other"), (-1001, "unclear"))
        ),
        *(({**SHIFTED, "bright": bright, "dark": -1200}, kind) for bright, kind in ((-420, "other"), (-419, "unclear"))),
    ],
)  # fmt: skip
def test_the_limits_of_hounsfield_units(changes, kind):
    assert evaluate_hu(replace(CHEST, **changes)).kind == kind


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        *(
            ({**MISSING, "bright": bright, "dark": 0}, f"They are about {offset} too high, as if the rescale intercept is missing")
            for bright, offset in ((1004, "1,024"), (1154, "1,024"), (1155, "1,200"), (854, "1,024"), (853, "900"))
        ),
        *(
            ({"bright": bright, "dark": -1900}, f"They are about {offset} too low, as if the rescale intercept was applied twice")
            for bright, offset in ((-1044, "1,024"), (-894, "1,024"), (-893, "900"), (-1194, "1,024"), (-1195, "1,200"))
        ),
        ({**MISSING, "bright": 1004, "dark": 0, "low": -101}, "They have been clipped or scaled, or this is not a chest CT"),
        ({"low": 0, "high": 5000, "air_share": 0.0}, "This is not a CT, or its rescale intercept is missing"),
        ({"low": -1, "high": 5000, "air_share": 0.0}, "They have been clipped or scaled, or this is not a chest CT"),
        *(
            ({"low": low, "high": high, "air_share": 0.0}, cause)
            for low, high, cause in (
                (0, 1, "They look scaled to 0..1"),
                (0, 1.01, "They look scaled to -1..1"),
                (-0.01, 1, "They look scaled to -1..1"),
                (-1.5, 1.5, "They look scaled to -1..1"),
                (-1.51, 1.5, "They look standardized"),
                (-1.5, 1.51, "They look standardized"),
                (-10, 10, "They look standardized"),
                (0, 10.1, "They look like the grey values"),
                (0, 255, "They look like the grey values"),
                (0, 256, "This is not a CT"),
                (-10.1, 10, "They have been clipped"),
            )
        ),
    ],
)  # fmt: skip
def test_the_causes_of_other_values(changes, cause):
    judgement = evaluate_hu(replace(CHEST, **changes))
    assert judgement.kind == "other"
    assert cause in judgement.reason


def test_the_range_is_written_with_three_digits():
    judgement = evaluate_hu(replace(CHEST, low=-123.456, high=12345.6, air_share=0.0))
    assert judgement.reason == (
        "most of its values lie between -123 and 12300, but a chest CT in Hounsfield units holds air, near -1000. They "
        "have been clipped or scaled, or this is not a chest CT: use the original scan from the scanner."
    )
    judgement = evaluate_hu(replace(CHEST, low=-2345.6, high=0.05678, bright=400.4, dark=-200, air_share=0.0))
    assert judgement.reason.startswith(
        "most of its values lie between -2350 and 0.0568, but a chest CT in Hounsfield units has air near -1000 and soft "
        "tissue near 0. They"
    )


def column(values):
    """A scan of one column, which is inside the circle as a whole."""
    return np.random.default_rng(0).permutation(values).astype(np.int16).reshape(-1, 1, 1)


def best_threshold(values):
    """The edge, of 129 between the 1st and the 99th percentile, that divides the bins with the least variance within."""
    values = np.sort(values)
    low, high = (values[int(share * (len(values) - 1))] for share in (0.01, 0.99))
    edges = np.linspace(low, high, 129)
    counts, _ = np.histogram(values[values < high], edges)
    centres = np.repeat((edges[1:] + edges[:-1]) / 2, counts)
    within = [sum(((part - part.mean()) ** 2).sum() for part in (centres[centres < edge], centres[centres > edge]))
              for edge in edges[1:-1]]  # fmt: skip
    return edges[1 + int(np.argmin(within))]


@pytest.mark.parametrize("power", [1, 2, 3])
def test_percentiles_medians_and_shares_are_those_of_the_sorted_values(power):
    values = np.unique((np.linspace(-1, 1.2, 1200) ** power * 1300 - 300).astype(int))
    measured = measure_hu(column(values))
    threshold, last = best_threshold(values), len(values) - 1
    dark, bright = values[values < threshold], values[values >= threshold]
    assert (measured.low, measured.high) == (values[int(0.005 * last)], values[int(0.995 * last)])
    assert (measured.dark, measured.bright) == (dark[(len(dark) - 1) // 2], bright[(len(bright) - 1) // 2])
    assert measured.air_share == round(np.mean((values >= -1150) & (values <= -500)), 4)
    assert measured.tissue_share == round(np.mean((values >= -250) & (values <= 350)), 4)
    assert measured.padding is None


def test_a_value_with_more_than_a_quarter_of_the_voxels_is_left_out_unless_little_remains():
    rest = np.arange(1000)
    for count, low in ((250, -2000), (251, 3)):
        assert measure_hu(column([*[-2000] * count, *rest[: 1000 - count]])).low == low
    for count, low in ((989, 0), (990, -2000)):
        assert measure_hu(column([*[-2000] * count, *rest[: 1000 - count]])).low == low


@pytest.mark.parametrize("value", [-2000, 50, 2000])
def test_a_value_with_more_than_half_of_the_corners_is_padding(value):
    hu = np.arange(100, dtype=np.int16).reshape(1, 10, 10)
    corners = np.flatnonzero(padded(hu, -2000) == -2000)
    hu[hu == value] = 0
    for count, padding in ((len(corners) // 2, None), (len(corners) // 2 + 1, value)):
        changed = hu.copy()
        changed.reshape(-1)[corners[:count]] = value
        assert len(corners) % 2 == 0
        assert measure_hu(changed).padding == padding


@pytest.mark.parametrize(
    ("length", "axis", "places"),
    [
        (10, 0, range(10)),
        (11, 0, range(0, 11, 2)),
        (21, 0, range(1, 21, 3)),
        (28, 1, range(28)),
        (29, 1, range(0, 29, 2)),
        (28, 2, range(28)),
        (57, 2, range(1, 57, 3)),
    ],
)
def test_a_sample_takes_every_nth_plane_around_the_middle(length, axis, places):
    shape = [1, 1, 1]
    shape[axis] = length
    assert sample_voxels(np.arange(length).reshape(shape)).ravel().tolist() == list(places)


def test_a_frequent_value_above_or_among_the_others_is_left_out_too():
    for count, high, tissue in ((250, 2000, 0.351), (251, 745, round(351 / 749, 4))):
        rest = [value for value in range(1001 - count) if value != 400]
        assert measure_hu(column([*[2000] * count, *rest])).high == high
        assert measure_hu(column([*[400] * count, *rest])).tissue_share == tissue


def test_the_shares_include_their_limits():
    measured = measure_hu(column([-1151, -1150, -500, -499, -251, -250, 350, 351]))
    assert (measured.air_share, measured.tissue_share) == (0.25, 0.25)
