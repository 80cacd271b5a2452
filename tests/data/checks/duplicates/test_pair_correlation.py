"""The correlation that decides on copies, compared with sums over the overlap at every shift."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from archnet.data.checks.duplicates.pair_correlation import (
    central_block,
    correlate,
    correlate_slices,
    count_details,
    extract_bands,
    num_compared_voxels,
    required_correlation,
)


def root(values):
    return np.sign(values) * np.sqrt(np.abs(values))


def overlapping(length, shift):
    return slice(max(shift, 0), length + min(shift, 0)), slice(max(-shift, 0), length + min(-shift, 0))


def best_correlation(first, second, masks=None, reach=None):
    """The correlation of two arrays (y, x, z) at the best shift, where both masks are 1."""
    first_mask, second_mask = masks or (np.ones(first.shape), np.ones(second.shape))
    first, second = first * first_mask, second * second_mask
    reach = reach or [min(2, length // 4) for length in second.shape]
    best = 0.0
    for shifts in itertools.product(*(range(-most, most + 1) for most in reach)):
        here, there = zip(*map(overlapping, second.shape, shifts), strict=True)
        a, b, p, q = first[here], second[there], first_mask[here], second_mask[there]
        best = max(best, abs((a * b).sum()) / np.sqrt((a**2 * q).sum() * (p * b**2).sum()))
    return best


def textured(shape, seed=0):
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(0, 100, shape), (0.7, 0.7, 0))


def bands_of(*cases):
    return [extract_bands(case[np.newaxis])[0].astype(np.float64) for case in cases]


def score(first, second):
    return float(correlate(first[np.newaxis], second[np.newaxis])[0])


@pytest.mark.parametrize("shape", [(30, 26, 9), (23, 24, 7), (40, 30, 1), (24, 7, 25), (10, 9, 4)])
@pytest.mark.parametrize("noise", [20, 60, 100, 1000])
def test_the_correlation_is_the_mean_of_details_and_roots_or_half_that_of_unlike_roots(shape, noise):
    source = textured([length + 2 for length in shape])
    first = source[:-2, 2:, 1:-1]
    columns = slice(0, -2) if shape[1] < 8 else slice(1, -1)  # a shift of two is too much for seven columns
    second = -0.5 * source[2:, columns, 0 if shape[2] < 8 else 2 :][..., : shape[2]]
    second = second + np.random.default_rng(1).normal(0, noise / 4, shape)
    details = bands_of(first, second)
    roots = best_correlation(*map(root, details))
    wanted = (roots + best_correlation(*details)) / 2 if roots >= 0.7 else roots / 2
    assert score(first, second) == pytest.approx(wanted, abs=1e-4)


def test_pairs_are_independent_of_each_other():
    cases = np.stack([textured((26, 28, 25), seed) for seed in range(3)])
    noisy = cases + np.random.default_rng(9).normal(0, [[[[10]]], [[[40]]], [[[500]]]], cases.shape)
    together = correlate(cases, noisy)
    np.testing.assert_allclose(together, [score(*pair) for pair in zip(cases, noisy, strict=True)], atol=1e-6)
    assert together[0] > together[1] > 0.5 > together[2]


def padded(case, columns, step=1):
    case = case.copy()
    case[:, columns, ::step] = -2000
    return case


@pytest.mark.parametrize(("depth", "step"), [(1, 1), (4, 2)])
@pytest.mark.parametrize(
    ("columns", "near"),
    [
        (slice(0, 14), slice(0, 19)),  # columns 0 to 11 are in the middle of five equal ones; seven more are near them
        (slice(0, 3), slice(0, 8)),
        (slice(2, 14), slice(0, 19)),
        (slice(28, 42), slice(24, 42)),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_turned", [False, True])
def test_padding_that_both_cases_share_does_not_count(depth, step, columns, near, is_turned):
    source = textured((46, 44, depth))
    first = padded(source[2:, 2:], columns, step)
    noise = np.random.default_rng(1).normal(0, 40, first.shape)
    second = padded(source[1:-1, 1:-1] + noise, columns, step)
    details = bands_of(first, second)
    mask = np.ones(first.shape)
    mask[:, near, ::step] = 0
    masks = (mask[2:-2, 2:-2],) * 2
    outside = (best_correlation(*details, masks) + best_correlation(*map(root, details), masks)) / 2
    whole = (best_correlation(*details) + best_correlation(*map(root, details))) / 2
    assert whole > required_correlation(first.shape)
    assert outside < whole - 1e-3
    if is_turned:
        first, second = first.swapaxes(0, 1), second.swapaxes(0, 1)
    assert score(first, second) == pytest.approx(outside, abs=1e-4)


@pytest.mark.parametrize("axis", [0, 1])
def test_stripes_are_no_padding(axis):
    source = textured((46, 44, 1))
    stripes = 50 * np.arange(44).reshape((44, 1, 1) if axis == 0 else (1, 44, 1)) % 300
    first = source[2:].copy()
    second = first + np.random.default_rng(1).normal(0, 30, first.shape)
    part = (slice(None), slice(14)) if axis == 0 else slice(14)
    first[part] = second[part] = np.broadcast_to(stripes, first.shape)[part]
    details = bands_of(first, second)
    whole = (best_correlation(*details) + best_correlation(*map(root, details))) / 2
    assert whole > required_correlation(first.shape)
    assert score(first, second) == pytest.approx(whole, abs=1e-4)


def test_cases_that_are_flat_but_for_a_small_part_are_compared_as_a_whole():
    case = np.zeros((44, 44, 1))
    case[18:26, 18:26] = textured((8, 8, 1))
    assert score(case, case) == pytest.approx(1, abs=1e-4)
    noise = np.random.default_rng(1).normal(0, 0.5, case.shape)
    details = bands_of(case, case + noise)
    wanted = (best_correlation(*details) + best_correlation(*map(root, details))) / 2
    assert required_correlation(case.shape) < wanted < 0.99
    assert score(case, case + noise) == pytest.approx(wanted, abs=1e-4)
    assert score(case + noise, case) == pytest.approx(wanted, abs=1e-4)


def test_a_case_with_few_details_resembles_none():
    case = np.zeros((30, 30, 1))
    case[14, 14] = 100
    assert count_details(extract_bands(case[np.newaxis]))[0] < 50
    assert score(case, case) == 0
    assert score(case, textured((30, 30, 1))) == 0
    assert score(textured((30, 30, 1)), case) == 0


@pytest.mark.parametrize(("num_details", "is_recognized"), [(49.5, False), (50.5, True)])
def test_fifty_details_are_enough(num_details, is_recognized):
    patch = np.zeros((44, 44, 1))
    patch[20:23, 20:23] = textured((3, 3, 1))
    more = np.zeros_like(patch)
    more[18:26, 18:26] = textured((8, 8, 1), 1)
    low, high = 0.0, 1.0
    for _ in range(30):
        case = patch + (low + high) / 2 * more
        is_less = count_details(extract_bands(case[np.newaxis]))[0] < num_details
        low, high = ((low + high) / 2, high) if is_less else (low, (low + high) / 2)
    assert count_details(extract_bands(case[np.newaxis]))[0] == pytest.approx(num_details, abs=0.01)
    assert score(case, case) == pytest.approx(float(is_recognized), abs=1e-4)


def test_an_offset_of_the_values_changes_nothing():
    cases = np.stack([textured((30, 30, 2), seed) for seed in (0, 1)]).round()
    np.testing.assert_array_equal(extract_bands(cases + 2**20), extract_bands(cases), strict=True)


def test_bands_below_a_hundred_thousandth_of_the_contrast_are_rounding_errors():
    cases = np.zeros((2, 40, 40, 1))
    cases[0, 20, 20], cases[1, 20, 20] = 1000, 0.1
    fine, coarse = (np.exp(-((np.arange(40) - 20) ** 2) / (2 * sigma**2)) for sigma in (1, 2))
    wanted = np.outer(fine, fine) / fine.sum() ** 2 - np.outer(coarse, coarse) / coarse.sum() ** 2
    wanted = np.abs(wanted[2:-2, 2:-2])
    is_near_limit = np.abs(wanted / 1e-5 - 1) < 0.05
    for bands in extract_bands(cases)[..., 0]:
        np.testing.assert_array_equal((bands != 0)[~is_near_limit], (wanted > 1e-5)[~is_near_limit])
    assert ((wanted > 1.05e-5) & (wanted < 1.9e-5)).any()


def test_details_are_counted_by_their_effective_number():
    bands = np.zeros((4, 10, 10, 2), np.float32)
    bands[0, :5] = 3
    bands[1, :5] = np.resize([1, -1], (5, 10, 2))
    bands[2, 0, :4, 0] = [1, 2, 3, 4]
    np.testing.assert_allclose(count_details(bands), [100, 100, 100 / 30, 0], rtol=1e-6)


@pytest.mark.parametrize("length", [23, 24, 40])
def test_the_border_is_cut_where_the_filter_lacks_neighbours_and_weights_sum_to_one(length):
    case = np.random.default_rng(0).normal(size=(length, 30, 2)) * 100 + 5000
    places = np.arange(length)

    def smooth(values, sigma, axis):
        places = np.arange(values.shape[axis])
        weights = np.exp(-((places[:, np.newaxis] - places) ** 2) / (2 * sigma**2))
        return np.moveaxis(np.tensordot(weights / weights.sum(1, keepdims=True), values, (1, axis)), 0, axis)

    wanted = [smooth(smooth(case, sigma, 0), sigma, 1) for sigma in (1, 2)]
    border = 2 if length >= 24 else 0
    (found,) = bands_of(case)
    assert found.shape == (len(places) - 2 * border, 26, 2)
    np.testing.assert_allclose(found, (wanted[0] - wanted[1])[border : length - border, 2:-2], atol=0.02)
    assert not extract_bands(np.full((1, length, 30, 2), 1e6)).any()


@pytest.mark.parametrize(
    ("shape", "num_voxels", "correlation"),
    [
        ((21, 21, 1), 441, 0.96),
        ((20, 20, 1), 400, 0.96),
        ((50, 50, 1), 2116, 0.85),
        ((20, 20, 16), 6400, 0.88),
        ((54, 29, 16), 20_000, 0.77),
        ((200, 200, 40), 68 * 68 * 16, 0.77),
        ((24, 23, 1), 460, 0.96 - 0.11 * np.log(460 / 441) / np.log(2116 / 441)),
        ((72, 73, 1), 68 * 68, 0.85 + 0.03 * np.log(68 * 68 / 2116) / np.log(6400 / 2116)),
    ],
)
def test_the_required_correlation_depends_on_the_number_of_compared_voxels(shape, num_voxels, correlation):
    assert num_compared_voxels(shape) == num_voxels
    assert required_correlation(shape) == pytest.approx(correlation, abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "block"),
    [((80, 73, 20), (72, 71, 16)), ((72, 74, 17), (72, 72, 15)), ((5, 6, 1), (5, 6, 1))],
)
def test_the_central_block_is_the_same_part_of_a_flipped_case(shape, block):
    case = np.arange(np.prod(shape)).reshape(shape)
    found = central_block(case)
    assert found.shape == block
    for axis in range(3):
        np.testing.assert_array_equal(central_block(np.flip(case, axis)), np.flip(found, axis))


@pytest.mark.parametrize(
    ("shape", "plane"),
    [
        ((60, 52, 9), (slice(6, 54), slice(2, 50))),
        ((51, 30, 4), (slice(1, 49), slice(None))),
        ((30, 7, 1), (slice(None),) * 2),
    ],
)
@pytest.mark.parametrize("depth_shift", [-3, 0, 2, 3])
def test_the_central_slice_is_looked_for_in_the_slices_around_it(shape, plane, depth_shift):
    source = textured((shape[0] + 1, shape[1] + 1, shape[2] + 6))
    first = source[1:, :-1, 3 : 3 + shape[2]]
    second = source[:-1, 1:, 3 + depth_shift : 3 + depth_shift + shape[2]]
    centre = shape[2] // 2
    wanted_band = root(bands_of(second[*plane, centre : centre + 1])[0])
    wanted = max(
        best_correlation(
            root(bands_of(first[*plane, place : place + 1])[0]),
            wanted_band,
            reach=[*(min(2, length // 4) for length in wanted_band.shape[:2]), 0],
        )
        for place in range(max(0, centre - 3), min(shape[2], centre + 3))
    )
    found = correlate_slices(first[np.newaxis], second[np.newaxis])
    assert found.shape == (1,)
    assert found[0] == pytest.approx(wanted, abs=1e-4)
