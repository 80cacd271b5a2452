"""Proportions of clustered cases."""

import numpy as np
import pytest
from scipy import stats

from archnet.evaluation.uncertainty.clustered_proportions import estimate_proportions
from archnet.evaluation.uncertainty.seed_variance import difference_over_seeds, mean_over_seeds


def drawn(num_cases=60, num_trainings=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((num_cases, num_trainings)) < 0.7, rng.random(num_cases) < 0.6


def covariance_by_loops(parts, wholes, groups):
    num_trainings = parts.shape[1]
    shares = [parts[:, a].sum() / wholes[:, a].sum() for a in range(num_trainings)]
    names = sorted(set(groups[wholes.any(axis=1)]))
    covariance = np.zeros((num_trainings, num_trainings))
    for a in range(num_trainings):
        for b in range(num_trainings):
            for name in names:
                rows = [row for row, group in enumerate(groups) if group == name]
                first, second = (
                    sum(float(parts[row, k]) - wholes[row, k] * shares[k] for row in rows) / wholes[:, k].sum()
                    for k in (a, b)
                )
                covariance[a, b] += first * second * len(names) / (len(names) - 1)
    return shares, covariance


def test_the_covariance_is_that_of_the_groups_residuals_written_out():
    right, is_counted = drawn()
    wholes = np.stack([is_counted, ~is_counted | right[:, 1]], axis=1)
    groups = np.random.default_rng(1).integers(9, size=60)
    estimates = estimate_proportions(right & wholes, wholes, groups)
    shares, covariance = covariance_by_loops(right & wholes, wholes, groups)
    np.testing.assert_allclose(estimates.values, shares, rtol=1e-12)
    np.testing.assert_allclose(estimates.covariance, covariance, rtol=1e-10)


def test_two_groups_give_a_covariance_and_a_training_without_a_proportion_leaves_that_of_the_others():
    parts, groups = np.array([[True, False], [False, False], [True, False], [True, False]]), np.array([0, 0, 1, 1])
    wholes = np.stack([np.ones(4, bool), np.zeros(4, bool)], axis=1)
    estimates = estimate_proportions(parts, wholes, groups)
    _, ((variance,),) = covariance_by_loops(parts[:, :1], wholes[:, :1], groups)
    np.testing.assert_array_equal(estimates.values, [0.75, np.nan])
    assert estimates.covariance[0, 0] == pytest.approx(variance)
    assert np.isnan(estimates.covariance[1, 1])
    nothing = estimate_proportions(parts[:0], wholes[:0], groups[:0])
    assert np.isnan(nothing.values).all()
    assert nothing.num_groups == 0


def test_with_groups_of_equal_size_a_difference_has_the_paired_t_test_of_the_group_means():
    right, _ = drawn(num_cases=72)
    groups = np.arange(72) // 6
    result = difference_over_seeds(estimate_proportions(right, np.ones_like(right), groups), 1)
    means = [np.mean(right[groups == name, 1]) - np.mean(right[groups == name, 0]) for name in range(12)]
    expected = stats.ttest_1samp(means, 0)
    assert result.value == pytest.approx(np.mean(means))
    assert result.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert result.interval == pytest.approx(list(expected.confidence_interval(0.95)), rel=1e-9)


def test_with_one_case_a_group_a_difference_has_the_paired_t_test_of_the_cases():
    right, _ = drawn()
    result = difference_over_seeds(estimate_proportions(right, np.ones_like(right), np.arange(60)), 1)
    assert result.p == pytest.approx(stats.ttest_1samp(right[:, 1].astype(int) - right[:, 0], 0).pvalue, rel=1e-9)


def test_only_groups_in_the_denominator_count():
    right, _ = drawn(num_cases=40, num_trainings=1)
    is_counted = (np.arange(40) < 12)[:, None]
    estimates = estimate_proportions(right & is_counted, is_counted, np.arange(40) // 4)
    alone = estimate_proportions(right[:12], is_counted[:12], np.arange(12) // 4)
    assert estimates.num_groups == 3
    np.testing.assert_allclose(estimates.covariance, alone.covariance, rtol=1e-12)


def test_the_mean_of_several_proportions_is_over_those_that_are_defined():
    right, is_first = drawn(num_trainings=1)
    wholes = np.stack([is_first[:, None], ~is_first[:, None], np.zeros((60, 1), bool)], axis=-1)
    groups = np.arange(60) // 5
    estimates = estimate_proportions(right[..., None] & wholes, wholes, groups)
    shares = [np.mean(right[is_first]), np.mean(right[~is_first])]
    assert estimates.values == pytest.approx([np.mean(shares)])
    sums = [
        sum((float(right[row, 0]) - shares[0]) / is_first.sum() if is_first[row] else (float(right[row, 0]) - shares[1]) / (~is_first).sum() for row in rows) / 2
        for rows in (range(5 * k, 5 * k + 5) for k in range(12))
    ]  # fmt: skip
    assert estimates.num_groups == 11  # one group has no case of the second kind
    assert estimates.covariance.item() == pytest.approx(11 / 10 * np.sum(np.square(sums)))


@pytest.mark.parametrize("wholes", [np.zeros((8, 1), bool), np.arange(8)[:, None] < 2])
def test_without_cases_or_with_one_group_of_them_there_is_no_interval(wholes):
    estimates = estimate_proportions(wholes & True, wholes, np.arange(8) // 2)
    result = mean_over_seeds(estimates)
    assert (result.interval, result.p, result.is_identical) == (None, None, False)
