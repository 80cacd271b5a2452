"""Means over trainings, and their variance over cases and seeds."""

import math

import numpy as np
import pytest
from scipy import stats

from archnet.evaluation.uncertainty.intervals import t_interval
from archnet.evaluation.uncertainty.seed_variance import (
    Estimates,
    difference_entry,
    difference_over_seeds,
    mean_over_seeds,
    scale_covariance,
    seed_variance,
)


def estimates_of(values, covariance, num_groups=10):
    return Estimates(values=np.array(values), covariance=np.array(covariance, float), num_groups=num_groups)


@pytest.mark.parametrize("num_groups", [2, 10])
def test_one_training_a_side_has_the_t_test_of_its_contrast(num_groups):
    result = difference_over_seeds(estimates_of([0.7, 0.8], [[4e-4, 1e-4], [1e-4, 9e-4]], num_groups), 1)
    error = math.sqrt(4e-4 + 9e-4 - 2e-4)
    assert (result.value, result.standard_error) == pytest.approx((0.1, error))
    assert result.p == pytest.approx(2 * stats.t.sf(0.1 / error, num_groups - 1))
    assert result.interval == pytest.approx(stats.t.interval(0.95, num_groups - 1, 0.1, error))


def test_a_bootstrap_covariance_of_g_groups_is_scaled_by_g_over_g_minus_1():
    covariance = np.array([[4.0, 1.0], [1.0, 9.0]])
    np.testing.assert_allclose(scale_covariance(covariance, 2), 2 * covariance)
    np.testing.assert_allclose(scale_covariance(covariance, 5), 1.25 * covariance)
    assert np.isnan(scale_covariance(covariance, 1)).all()


def test_where_the_cases_do_not_matter_two_architectures_have_welchs_t_test_of_their_seeds():
    first, second = [0.71, 0.75, 0.74], [0.78, 0.84, 0.80, 0.86]
    result = difference_over_seeds(estimates_of([*first, *second], np.zeros((7, 7))), 3)
    expected = stats.ttest_ind(second, first, equal_var=False)
    assert result.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert result.degrees_of_freedom == pytest.approx(expected.df)


def test_what_seeds_vary_by_on_single_cases_is_not_counted_twice():
    # the cases alone make the seeds differ by a variance of 0.002 - 0.0005; the seeds differ by 0.005
    covariance = np.full((2, 2), 0.0005) + np.diag([0.0015, 0.0015])
    assert seed_variance(np.array([0.8, 0.9]), covariance) == pytest.approx((0.005 - 0.0015) / 2)
    assert seed_variance(np.array([0.8, 0.81]), covariance) == 0


def test_the_variance_of_crossed_effects_is_estimated_without_bias():
    """A two-way layout of cases and seeds with known variances, of which everything is a plain mean."""
    rng = np.random.default_rng(0)
    num_cases, num_seeds, found = 40, 4, []
    for _ in range(600):
        numbers = (
            rng.normal(size=(num_cases, 1)) + 0.3 * rng.normal(size=num_seeds) + 2 * rng.normal(size=(num_cases, num_seeds))
        )  # fmt: skip
        covariance = np.cov(numbers, rowvar=False) / num_cases
        found.append(mean_over_seeds(estimates_of(numbers.mean(axis=0), covariance, num_cases)).standard_error ** 2)
    expected = 1 / num_cases + 0.3**2 / num_seeds + 4 / (num_cases * num_seeds)
    assert np.mean(found) == pytest.approx(expected, rel=0.12)


def test_equal_networks_are_identical_and_have_no_interval():
    result = difference_over_seeds(estimates_of([0.8, 0.7, 0.8, 0.7], np.full((4, 4), 1e-3)), 2)
    assert result.standard_error > 0  # the seeds differ
    result = difference_over_seeds(estimates_of([0.8, 0.8], np.full((2, 2), 1e-3)), 1)
    assert (result.is_identical, result.interval, result.p) == (True, None, None)


def test_a_difference_that_does_not_vary_has_neither_interval_nor_p():
    result = difference_over_seeds(estimates_of([-1.0, 1.0], np.zeros((2, 2))), 1)
    assert (result.value, result.is_identical, result.interval, result.p) == (2.0, False, None, None)


@pytest.mark.parametrize(
    ("values", "covariance", "num_groups"),
    [
        ([np.nan, 0.5], np.eye(2), 9),
        ([0.4, 0.5], np.full((2, 2), np.nan), 9),
        ([0.4, 0.5], [[1, np.nan], [np.nan, 1]], 9),
        ([0.4, 0.5], np.eye(2), 1),
    ],
)
def test_what_is_undefined_or_unknown_has_no_interval(values, covariance, num_groups):
    result = difference_over_seeds(estimates_of(values, covariance, num_groups), 1)
    assert (result.interval, result.p, result.is_identical) == (None, None, False)


@pytest.mark.parametrize(("scale", "ends"), [("logit", [-1, 1]), ("atanh", [-1.9, 2])])
def test_no_interval_of_a_difference_goes_beyond_the_range(scale, ends):
    covariance = np.array([[1.0, 0.0], [0.0, 1.0]]) * (2 / stats.t.ppf(0.975, 9)) ** 2 / 2
    entry = difference_entry(estimates_of([0.4, 0.5], covariance), 1, scale)
    assert entry["interval"] == pytest.approx(ends)


@pytest.mark.parametrize(("scale", "reference", "other"), [("logit", None, 0.5), ("atanh", -0.2, 0.5)])
def test_the_interval_of_each_side_is_symmetric_on_the_scale_of_its_number(scale, reference, other):
    entry = difference_entry(estimates_of([-0.2, 0.5], np.eye(2) * 0.01), 1, scale)
    expected = [value and t_interval(value, 0.1, 10, scale) for value in (reference, other)]
    assert [entry["reference_interval"], entry["other_interval"]] == expected


@pytest.mark.parametrize(("scale", "end"), [("logit", 0.0), ("logit", 1.0), ("atanh", -1.0), ("atanh", 1.0)])
def test_a_side_at_an_end_of_the_range_has_no_interval(scale, end):
    entry = difference_entry(estimates_of([end, 0.5], np.eye(2) * 0.01), 1, scale)
    assert (entry["reference"], entry["reference_interval"]) == (end, None)
