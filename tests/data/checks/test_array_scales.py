"""The limits by which the scale of array values is recognized, at both sides of each."""

import numpy as np
import pytest

from archnet.data.checks.array_scales import Values, measure_values, recognize_scale

WINDOW = (-1000, 400)
HU, UNSIGNED = "Hounsfield units", "Hounsfield units + 1024"
LIMITS = {
    HU: WINDOW,
    UNSIGNED: (24, 1424),
    "0..1": (0, 1),
    "-1..1": (-1, 1),
    "-0.5..0.5": (-0.5, 0.5),
    "0..255": (0, 255),
    "0..127": (0, 127),
    "-128..127": (-128, 127),
}


def scale_of(counts, **options):
    ordered = np.repeat(sorted(counts), [counts[value] for value in sorted(counts)])
    assert len(ordered) == 1000
    options = {"is_float": False, "is_int8": False, "wraps": False, **options}
    extremes = {"lowest": float(ordered[0]), "highest": float(ordered[-1])}
    return recognize_scale(Values(cases=ordered[np.newaxis], ordered=ordered, **extremes, **options), WINDOW)


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        ({0: 500, 1: 500}, "0..1"),
        ({0: 500, 2: 500}, None),
        ({-800: 10, 0: 990}, HU),
        ({-800: 9, 0: 991}, None),
        ({-1150: 10, 0: 990}, HU),
        ({-1151: 10, 0: 990}, None),
        ({-500: 10, 0: 990}, HU),
        ({-499: 10, 0: 990}, None),
        ({-800: 100, 0: 800, 1501: 100}, HU),
        ({-800: 100, 0: 799, 1501: 101}, None),
        ({-800: 100, 1500: 900}, HU),
        ({-800: 100, 1501: 900}, None),
        ({-1: 500, 1: 500}, None),  # whole numbers are not centred units
        ({0: 500, 128: 500}, "0..255"),
        ({0: 500, 127: 500}, None),
        ({0: 500, 200: 499, 255: 1}, "0..255"),
        ({0: 500, 200: 499, 256: 1}, None),
        ({-1: 1, 0: 499, 200: 500}, None),
        ({100: 550, 1000: 50, 3000: 400}, UNSIGNED),
        ({100: 551, 1000: 49, 3000: 400}, None),
        ({100: 540, 1000: 59, 3000: 401}, None),
        ({100: 10, 1000: 700, 3000: 290}, UNSIGNED),
        ({100: 9, 1000: 700, 3000: 291}, None),
        ({1000: 800, 3000: 200}, UNSIGNED),
        ({1000: 799, 3000: 201}, None),
        ({524: 10, 1000: 700, 3000: 290}, UNSIGNED),
        ({525: 10, 1000: 700, 3000: 290}, None),
        ({100: 300, 774: 400, 3000: 300}, UNSIGNED),
        ({100: 300, 773: 400, 3000: 300}, None),
        ({100: 300, 1374: 400, 3000: 300}, UNSIGNED),
        ({100: 300, 1375: 400, 3000: 300}, None),
        ({-50: 5, 100: 545, 1000: 450}, UNSIGNED),
        ({-51: 5, 100: 545, 1000: 450}, None),
        ({-51: 4, 100: 546, 1000: 450}, UNSIGNED),
        ({-10: 10, 100: 890, 400: 100}, HU),
        ({-9: 10, 100: 890, 400: 100}, None),
        ({-10: 9, 100: 891, 400: 100}, None),
        ({-10: 10, 100: 889, 400: 101}, None),
        ({-250: 10, 100: 890, 400: 100}, HU),
        ({-251: 10, 100: 890, 400: 100}, None),
        ({-10: 10, 350: 890, 400: 100}, HU),
        ({-10: 10, 351: 890, 400: 100}, None),
        ({-20: 500, 0: 500}, HU),
        ({-19: 500, 0: 500}, None),
    ],
)
def test_the_limits_of_whole_numbers(counts, name):
    scale = scale_of(counts)
    assert (scale and scale.name) == name
    if scale:
        assert scale.limits == LIMITS[name]
        assert scale.is_hu == name.startswith(HU)


@pytest.mark.parametrize(
    ("counts", "limits"),
    [
        ({0: 500, 1.001: 500}, None),
        ({-0.001: 500, 1: 500}, (-1, 1)),
        ({-0.5: 500, 0.5: 500}, (-0.5, 0.5)),
        ({-0.501: 500, 0.3: 500}, (-0.5, 0.5)),
        ({-0.3: 500, 0.501: 500}, (-0.5, 0.5)),
        ({-0.502: 500, 0.5: 500}, (-1, 1)),
        ({-1.001: 500, 1: 500}, (-1, 1)),
        ({-1.2345: 500, 1: 500}, (-1.23, 1)),
        ({-0.652: 500, 1.35: 500}, (-0.652, 1.35)),
        ({-0.648: 500, 1.35: 500}, None),
        ({-1.35: 500, 0.652: 500}, (-1.35, 0.652)),
        ({-1.35: 500, 0.648: 500}, None),
        ({-1.5: 1, -0.4: 499, 0.4: 499, 1.5: 1}, (-0.4, 0.4)),
        ({-1.5: 1, -0.38: 499, 0.38: 499, 1.5: 1}, None),
        ({-2.5: 500, 2.5: 500}, (-2.5, 2.5)),
        ({-2.51: 500, 2.51: 500}, None),
        ({-10: 5, -1: 495, 1: 494, 10: 6}, (-10, 10)),
        ({-10.1: 5, -1: 495, 1: 494, 10: 6}, None),
        ({-10.1: 4, -1: 496, 1: 494, 10: 6}, (-1, 10)),
        ({-10: 5, -1: 495, 1: 494, 10.1: 6}, None),
        ({-10: 5, -1: 495, 1: 495, 10.1: 5}, (-10, 1)),
    ],
)
def test_the_limits_of_floats(counts, limits):
    scale = scale_of(counts, is_float=True)
    assert (scale and scale.limits) == limits
    assert scale is None or not scale.is_hu


@pytest.mark.parametrize(
    ("counts", "wraps", "name"),
    [
        ({-5: 500, 100: 500}, False, "-128..127"),
        ({0: 500, 100: 500}, False, "0..127"),
        ({0: 500, 1: 500}, False, "0..1"),
        ({-20: 500, 50: 500}, True, None),
    ],
)
def test_signed_bytes(counts, wraps, name):
    scale = scale_of(counts, is_int8=True, wraps=wraps)
    assert (scale and scale.name) == name
    assert scale is None or scale.limits == LIMITS[name]


def measured(x, rows=None, dtype=None):
    x = np.asarray(x)
    return measure_values(x, dtype or x.dtype, np.arange(len(x)) if rows is None else np.asarray(rows))


@pytest.mark.parametrize(
    ("lowest", "highest", "is_int8"),
    [
        (-128, 127, True), (-101, 101, True), (-100, 127, False), (-129, 127, False), (-128, 100, False),
        (-128, 128, False),
    ],
)  # fmt: skip
def test_whole_numbers_that_fill_the_range_of_signed_bytes_were_such(lowest, highest, is_int8):
    x = np.array([[[lowest], [highest]]])
    assert measured(x.astype(np.int16)).is_int8 is is_int8
    assert not measured(x.astype(np.float32)).is_int8
    assert measured(np.zeros((1, 2, 1), np.int8)).is_int8


def test_256_cases_and_the_extremes_of_all_are_measured():
    x = np.arange(600, dtype=np.int16).reshape(600, 1, 1)
    chosen = np.linspace(0, 599, 256).round().astype(int)
    found = measured(x)
    np.testing.assert_array_equal(found.cases[:, 0], chosen)
    np.testing.assert_array_equal(found.ordered, chosen)
    assert (found.lowest, found.highest, found.low, found.high) == (0, 599, chosen[1], chosen[253])
    changed = x.copy()
    changed[1] = 900
    assert measured(changed).highest == 900  # not among the 256
    found = measured(changed, [5, 1, 7])
    np.testing.assert_array_equal(found.cases[:, 0], [5, 900, 7])
    assert (found.lowest, found.highest) == (5, 900)
    assert measured(changed, [5, 6]).highest == 6


def test_of_large_cases_every_nth_value_is_measured():
    x = np.broadcast_to(np.arange(2**17, dtype=np.int32).reshape(1, 2**9, 2**8), (6, 2**9, 2**8))
    np.testing.assert_array_equal(measured(x[:5]).cases[0], np.arange(0, 2**17, 2))
    np.testing.assert_array_equal(measured(x).cases[5], np.arange(0, 2**17, 3))
    assert measured(x[:1]).cases.shape == (1, 2**17)


@pytest.mark.parametrize(
    ("value", "count", "is_padding"),
    [(-1500, 2, True), (-1500, 1, False), (-1499, 2, False), (-3024, 999, True), (-3024, 1000, False)],
)
def test_a_frequent_value_below_all_hounsfield_units_is_padding(value, count, is_padding):
    x = np.zeros((1, 1000, 1), np.int16)
    x[0, :count] = value
    found = measured(x)
    assert len(found.ordered) == (1000 - count if is_padding else 1000)
    assert found.lowest == value


def test_values_wrap_if_they_are_smoother_as_unsigned_bytes():
    ramp = np.arange(0, 256, 8, dtype=np.uint8).reshape(1, 32, 1)
    assert measured(ramp.view(np.int8)).wraps
    assert not measured((ramp.astype(np.int16) - 128).astype(np.int8)).wraps
    assert not measured((ramp // 2).view(np.int8)).wraps
    assert not measured(ramp.view(np.int8).reshape(1, 1, 32)).wraps  # one row has no neighbours
    assert not measured(ramp).wraps


def test_shares_include_both_ends():
    found = measured(np.arange(10, dtype=np.int16).reshape(1, 10, 1))
    assert (found.share(2, 5), found.share(9, 20), found.share(10, 20)) == (0.4, 0.1, 0)
