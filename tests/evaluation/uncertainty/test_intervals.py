import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest, norm
from scipy.stats import t as student

from archnet.evaluation.uncertainty.intervals import (
    bootstrap_t_interval,
    can_resample,
    effective_trials,
    expected_interval,
    resamples,
    wilson_interval,
)


@pytest.mark.parametrize(("successes", "trials"), [(218, 281), (0, 7), (7, 7), (1, 2), (1248, 1338), (0, 1)])
def test_wilson_intervals_are_scipys(successes, trials):
    expected = binomtest(successes, trials).proportion_ci(method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_an_expected_interval_is_the_wilson_interval_where_the_numbers_are_whole():
    assert expected_interval(0.9, 30) == pytest.approx(wilson_interval(27, 30), abs=1e-12)


def test_an_expected_interval_of_fractions_has_the_ends_that_the_score_test_just_accepts():
    num_trials, share, quantile = 27, 0.9, norm.ppf(0.975)
    ends = np.sort(np.roots([1 + quantile**2 / num_trials, -2 * share - quantile**2 / num_trials, share**2]))
    assert expected_interval(share, num_trials) == pytest.approx(ends, abs=1e-12)


def test_groups_that_succeed_as_a_whole_have_the_variance_of_so_many_trials():
    sizes = np.array([1, 4, 4, 7])
    outcomes = np.random.default_rng(0).random((200_000, len(sizes))) < 0.9
    shares = (outcomes * sizes).sum(axis=1) / sizes.sum()
    assert shares.var() == pytest.approx(0.9 * 0.1 / effective_trials(sizes.tolist()), rel=0.02)


def test_a_proportion_of_nothing_has_no_interval():
    assert wilson_interval(0, 0) is None


def test_each_resample_draws_as_many_groups_as_there_are():
    counts = np.concatenate(list(resamples(7, 50, num_cases=20, seed=0)))
    assert counts.shape == (50, 7)
    assert counts.sum(axis=1).tolist() == [7] * 50


def test_resamples_do_not_depend_on_how_they_are_cut_into_chunks():
    whole = np.concatenate(list(resamples(7, 50, num_cases=20, seed=4)))
    chunks = list(resamples(7, 50, num_cases=300_000, seed=4))
    assert len(chunks) == 4
    np.testing.assert_array_equal(np.concatenate(chunks), whole)


@pytest.mark.parametrize(("num_groups", "bootstraps", "is_possible"), [(2, 1, True), (1, 1, False), (2, 0, False)])
def test_a_bootstrap_needs_two_groups_and_a_resample(num_groups, bootstraps, is_possible):
    assert can_resample(num_groups, bootstraps) is is_possible


def test_a_bootstrap_has_students_interval_with_the_deviation_of_its_samples_corrected_for_the_groups():
    samples = np.array([0.5, 0.7, 0.9])
    half = student.ppf(0.975, 4) * 0.2 * np.sqrt(5 / 4) / (0.6 * 0.4)
    expected = expit(logit(0.6) + np.array([-half, half]))
    assert bootstrap_t_interval(0.6, samples, 5, "logit") == pytest.approx(expected)
    assert bootstrap_t_interval(0.6, samples[:1], 5, "logit") is None


def test_a_bootstrap_shows_no_uncertainty_at_an_end_of_the_scale_or_without_spread():
    samples = np.linspace(0.4, 0.9, 20)
    assert bootstrap_t_interval(1.0, samples, 20, "logit") is None
    assert bootstrap_t_interval(-1.0, samples, 20, "atanh") is None
    assert bootstrap_t_interval(np.nan, samples, 20, "atanh") is None
    assert bootstrap_t_interval(0.7, np.full(20, 0.7), 20, "logit") is None
    assert bootstrap_t_interval(0.7, samples, 1, "logit") is None


def test_a_bootstrap_of_which_most_resamples_are_undefined_has_no_interval():
    samples = np.concatenate([np.linspace(0.4, 0.9, 20), np.full(20, np.nan)])
    assert bootstrap_t_interval(0.7, samples, 20, "logit") == bootstrap_t_interval(0.7, samples[:20], 20, "logit")
    assert bootstrap_t_interval(0.7, samples[1:], 20, "logit") is None


def test_a_wide_interval_ends_inside_the_scale():
    for value, scale, ends in ((0.001, "logit", [0.0, 1.0]), (0.999, "atanh", [-1.0, 1.0])):
        assert bootstrap_t_interval(value, np.array([0.0, 0.9]), 2, scale) == pytest.approx(ends, abs=1e-9)
