"""Areas under the ROC curve of clustered cases."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score

from archnet.evaluation.uncertainty.clustered_auc import area_interval, estimate_areas, scarcer_groups


def drawn_cases(num_cases=60, num_networks=2, seed=0):
    rng = np.random.default_rng(seed)
    is_positive = rng.random(num_cases) < 0.4
    scores = [[np.round(rng.normal(size=num_cases) + is_positive, 1)] for _ in range(num_networks)]
    return scores, is_positive


def covariance_by_loops(scores, is_positive, groups):
    """Obuchowski's sums, written out pair by pair and group by group."""
    kernel = [
        np.array([[float(x > y) + 0.5 * (x == y) for y in one[~is_positive]] for x in one[is_positive]])
        for one in scores
    ]
    areas = [matrix.mean() for matrix in kernel]
    rows, columns = groups[is_positive], groups[~is_positive]
    m, n = len(rows), len(columns)
    names = np.unique(groups)
    covariance = np.zeros((len(scores), len(scores)))
    for i in range(len(scores)):
        for j in range(len(scores)):
            s10 = s01 = s11 = s11_turned = 0.0
            for name in names:
                x = [kernel[k].mean(axis=1)[rows == name].sum() - (rows == name).sum() * areas[k] for k in (i, j)]
                y = [kernel[k].mean(axis=0)[columns == name].sum() - (columns == name).sum() * areas[k] for k in (i, j)]
                s10, s01 = s10 + x[0] * x[1], s01 + y[0] * y[1]
                s11, s11_turned = s11 + x[0] * y[1], s11_turned + x[1] * y[0]
            i10, i01, every = len(np.unique(rows)), len(np.unique(columns)), len(names)
            covariance[i, j] = (
                s10 * i10 / ((i10 - 1) * m) / m
                + s01 * i01 / ((i01 - 1) * n) / n
                + (s11 + s11_turned) * every / (every - 1) / (m * n)
            )
    return np.array(areas), covariance


@pytest.mark.parametrize("num_positive_groups", [9, 2])
def test_the_covariance_is_that_of_obuchowskis_sums(num_positive_groups):
    scores, is_positive = drawn_cases()
    groups = np.random.default_rng(1).integers(9, size=60)
    is_positive &= groups < num_positive_groups
    areas, covariance = covariance_by_loops([one for (one,) in scores], is_positive, groups)
    estimates = estimate_areas(scores, is_positive, groups)
    np.testing.assert_allclose(estimates.areas, areas, rtol=1e-12)
    np.testing.assert_allclose(estimates.covariance, covariance, rtol=1e-10)


def test_the_areas_are_those_of_scikit_learn():
    scores, is_positive = drawn_cases()
    estimates = estimate_areas(scores, is_positive, np.arange(60) // 3)
    assert estimates.areas == pytest.approx([roc_auc_score(is_positive, one) for (one,) in scores])


def test_with_one_case_a_group_the_variance_of_a_difference_is_delongs():
    """DeLong 1988, equation 5, from every pair of a positive and another case."""
    scores, is_positive = drawn_cases()
    kernels = [np.sign(one[is_positive][:, None] - one[~is_positive]) / 2 + 0.5 for (one,) in scores]
    by_positive, by_other = ((kernels[1] - kernels[0]).mean(axis=axis) for axis in (1, 0))
    expected = by_positive.var(ddof=1) / len(by_positive) + by_other.var(ddof=1) / len(by_other)
    covariance = estimate_areas(scores, is_positive, np.arange(60)).covariance
    assert np.array([-1, 1]) @ covariance @ [-1, 1] == pytest.approx(expected, rel=1e-12)


def test_groups_that_are_copies_of_one_case_count_once():
    scores, is_positive = drawn_cases(30)
    once = estimate_areas(scores, is_positive, np.arange(30))
    copies = estimate_areas([[np.repeat(one, 4)] for (one,) in scores], np.repeat(is_positive, 4), np.arange(120) // 4)
    np.testing.assert_allclose(copies.covariance, once.covariance, rtol=1e-12)


def test_the_area_of_several_trainings_is_their_mean():
    scores, is_positive = drawn_cases(num_networks=3)
    trainings = [one for (one,) in scores]
    estimates = estimate_areas([trainings], is_positive, np.arange(60) // 2)
    assert estimates.areas[0] == pytest.approx(np.mean([roc_auc_score(is_positive, one) for one in trainings]))


def test_one_group_of_positive_cases_says_nothing_about_the_variance():
    scores, _ = drawn_cases(10)
    assert estimate_areas(scores, np.arange(10) < 3, np.minimum(np.arange(10), 3) // 3) is None


def test_the_interval_of_an_area_is_symmetric_on_the_logit_scale():
    ((scores,), *_), is_positive = drawn_cases()
    groups = np.arange(60) // 4
    estimates = estimate_areas([[scores]], is_positive, groups)
    area, error = estimates.areas[0], np.sqrt(estimates.covariance[0, 0])
    num_groups = min(len(set(groups[is_positive])), len(set(groups[~is_positive])))
    half = student.ppf(0.975, num_groups - 1) * error / (area * (1 - area))
    expected = [expit(logit(area) - half), expit(logit(area) + half)]
    assert area_interval(scores, is_positive, groups) == pytest.approx(expected, abs=1e-12)


def test_the_scarcer_groups_are_those_of_the_rarer_kind():
    groups, is_positive = np.array([0, 0, 1, 1, 2, 3]), np.array([True, False, True, False, False, False])
    assert (scarcer_groups(is_positive, groups), scarcer_groups(~is_positive, groups)) == (2, 2)


@pytest.mark.parametrize(("num_positives", "num_others", "pairs"), [(3, 60, 3), (60, 3, 3), (42, 100, 42)])
def test_a_perfect_area_is_bounded_by_the_pairs_that_share_no_group(num_positives, num_others, pairs):
    is_positive = np.arange(num_positives + num_others) < num_positives
    groups = np.arange(len(is_positive))
    least = 0.025 ** (1 / pairs)
    assert area_interval(is_positive.astype(float), is_positive, groups) == [least, 1.0]
    assert area_interval(-is_positive.astype(float), is_positive, groups) == [0.0, 1 - least]


def test_a_perfect_area_of_groups_with_both_kinds_has_half_as_many_pairs():
    is_positive = np.tile([True, False, False], 7)
    assert area_interval(is_positive.astype(float), is_positive, np.arange(21) // 3) == [0.025 ** (1 / 3), 1.0]


def test_a_constant_score_and_one_group_of_positive_cases_have_no_interval():
    is_positive = np.arange(10) < 4
    assert area_interval(np.ones(10), is_positive, np.arange(10)) is None
    assert area_interval(np.arange(10.0), is_positive, np.maximum(np.arange(10), 4)) is None


def test_no_area_makes_the_interval_fail():
    rng = np.random.default_rng(0)
    for _ in range(300):
        is_positive, groups = rng.random(8) < 0.5, rng.integers(4, size=8)
        interval = area_interval(np.round(rng.normal(size=8)), is_positive, groups)
        assert interval is None or 0 <= interval[0] < interval[1] <= 1
