"""Intervals of proportions of cases that come in groups."""

import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student

from archnet.evaluation.uncertainty.intervals import effective_trials, wilson_interval
from archnet.evaluation.uncertainty.proportions import (
    design_effect,
    proportion_bounds,
    proportion_interval,
    ratio_variance,
)


def score_test_ends(share, trials, quantile):
    """The shares that the score test just accepts: roots of a quadratic equation."""
    return np.sort(np.roots([1 + quantile**2 / trials, -2 * share - quantile**2 / trials, share**2])).tolist()


@pytest.mark.parametrize(("successes", "trials"), [(218, 281), (0, 7), (7, 7), (1, 2), (1248, 1338), (0, 1), (1, 1)])
def test_with_one_case_a_group_the_interval_is_wilsons_to_the_bit(successes, trials):
    outcomes = np.arange(trials) < successes
    found = proportion_interval(outcomes.astype(int), np.ones(trials, int))
    assert found == wilson_interval(successes, trials)
    expected = binomtest(successes, trials).proportion_ci(method="wilson")
    assert found == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_groups_of_equal_size_have_the_design_effect_of_the_ratio_estimator():
    successes, trials = np.array([9, 4, 10, 7, 8, 3, 10]), np.full(7, 10)
    share = 51 / 70
    between = np.sum((successes / 10 - share) ** 2) / 6 / 7
    effect = between / (share * (1 - share) / 70)
    assert design_effect(successes, trials) == pytest.approx(effect, rel=1e-12)
    assert effect > 1
    expected = score_test_ends(share, 70 / effect, student.ppf(0.975, 6))
    assert proportion_interval(successes, trials) == pytest.approx(expected, abs=1e-12)


def test_the_variance_of_unequal_groups_is_that_of_leaving_each_out():
    successes, trials = np.array([30, 3, 0, 2, 1]), np.array([40, 5, 4, 2, 6])
    without = (36 - successes) / (57 - trials)
    assert ratio_variance(successes, trials) == pytest.approx(4 / 5 * np.sum((without - 36 / 57) ** 2), rel=1e-12)


def test_groups_without_trials_do_not_count():
    successes, trials = np.array([3, 0, 1, 0, 4]), np.array([4, 0, 3, 0, 4])
    assert proportion_interval(successes, trials) == proportion_interval(successes[trials > 0], trials[trials > 0])


def test_groups_that_vary_less_than_chance_do_not_narrow_the_interval():
    successes, trials = np.full(12, 5), np.full(12, 10)
    assert design_effect(successes, trials) == pytest.approx(1, abs=0.01)
    expected = score_test_ends(0.5, 120, student.ppf(0.975, 11))
    assert proportion_interval(successes, trials) == pytest.approx(expected, abs=1e-3)


def test_a_design_effect_needs_two_groups_with_trials():
    effects = design_effect(np.array([[3, 0], [1, 2]]), np.array([[4, 0], [3, 3]]))
    np.testing.assert_allclose(effects, [np.nan, 1 + (3 - 1) / (3 + 1) ** 2])


def test_two_groups_leave_one_degree_of_freedom():
    least_effect = 1 + (3 - 1) / (3 + 1) ** 2  # larger than that of the two groups, 2 / 3
    expected = score_test_ends(0.5, 6 / least_effect, student.ppf(0.975, 1))
    assert proportion_interval(np.array([1, 2]), np.array([3, 3])) == pytest.approx(expected)


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_of_all_or_nothing_leaves_one_trial_a_group(share):
    trials = np.array([28, 28, 28, 14, 7])
    low, high = proportion_interval(trials * share, trials)
    quantile, worth = student.ppf(0.975, 4), effective_trials(trials.tolist())
    half = quantile**2 / (worth + quantile**2)
    assert (low, high) == pytest.approx((1 - half, 1) if share else (0, half), abs=1e-12)


@pytest.mark.parametrize("failures", [1, 2])
def test_few_failures_say_little_about_the_correlation_within_groups(failures):
    trials = np.full(7, 28)
    worth = 196 / (1 + 27 / (failures + 1) ** 2)
    expected = score_test_ends(1 - failures / 196, worth, student.ppf(0.975, 6))
    assert proportion_interval(trials - failures * np.eye(7, dtype=int)[0], trials) == pytest.approx(
        expected, abs=1e-12
    )


def test_the_intervals_of_many_proportions_are_those_of_each():
    rng = np.random.default_rng(0)
    trials = rng.integers(0, 4, size=(50, 6))
    successes = rng.binomial(trials, 0.7)
    for bounds, *pair in zip(proportion_bounds(successes, trials), successes, trials, strict=True):
        assert proportion_interval(*pair) == (None if np.isnan(bounds).any() else bounds.tolist())


def test_every_interval_holds_its_share_and_mirrors_that_of_the_failures():
    rng = np.random.default_rng(1)
    trials = rng.integers(0, 9, size=(300, 5))
    successes = rng.binomial(trials, rng.random((300, 1)))
    bounds, mirrored = proportion_bounds(successes, trials), proportion_bounds(trials - successes, trials)
    share = successes.sum(axis=1) / trials.sum(axis=1)
    assert np.all((bounds[:, 0] <= share) & (share <= bounds[:, 1]) & (bounds[:, 0] >= 0) & (bounds[:, 1] <= 1))
    np.testing.assert_allclose(mirrored, 1 - bounds[:, ::-1], atol=1e-12)


def test_no_trials_and_a_single_group_with_several_have_no_interval():
    assert proportion_interval(np.array([0, 0]), np.array([0, 0])) is None
    assert proportion_interval(np.array([0, 3]), np.array([0, 4])) is None
    assert proportion_interval(np.array([0, 1]), np.array([0, 1])) == wilson_interval(1, 1)


def covered(successes, trials, share):
    low, high = proportion_bounds(successes, trials).T
    return np.mean((low <= share) & (share <= high))


@pytest.mark.parametrize(
    ("num_groups", "size", "correlation", "share"),
    [(7, 28, 0.3, 0.8), (7, 28, 0.7, 0.95), (20, 10, 0.3, 0.8), (40, 10, 0.3, 0.95), (100, 3, 0.3, 0.9), (300, 1, 0, 0.8)],
)  # fmt: skip
def test_the_interval_covers_the_truth_of_correlated_cases(num_groups, size, correlation, share):
    rng, trials = np.random.default_rng(2), np.full((1500, num_groups), size)
    spread = (1 - correlation) / correlation if correlation else 1e9
    chances = rng.beta(share * spread, (1 - share) * spread, size=trials.shape)
    successes = rng.binomial(trials, chances)
    assert 0.92 <= covered(successes, trials, share) <= 0.99


def test_the_interval_covers_the_truth_where_one_group_has_half_the_cases():
    rng, sizes = np.random.default_rng(3), np.array([100, 10, 10, 10, 5, 5, 5])
    chances = rng.beta(0.8 * 7 / 3, 0.2 * 7 / 3, size=(1500, 7))
    successes = rng.binomial(sizes, chances)
    assert 0.9 <= covered(successes, np.broadcast_to(sizes, successes.shape), 0.8) <= 0.98
