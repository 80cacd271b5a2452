"""Bands of curves: against resampling by hand with scikit-learn, and their coverage of known curves."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, t
from sklearn import metrics as sk

from archnet.evaluation import curve_bands as module
from archnet.evaluation.curve_bands import BAND_GRID, RankedCases, curve_bands
from archnet.evaluation.uncertainty.intervals import resamples


def clustered_cases(num_groups, num_each, correlation, seed=0):
    """Binormal scores with a separation of 1.5, correlated within groups; a fifth of the cases is positive."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(num_groups), num_each)
    is_positive = rng.random(len(groups)) < 0.2
    noise = np.sqrt(correlation) * rng.normal(size=num_groups)[groups]
    scores = noise + np.sqrt(1 - correlation) * rng.normal(size=len(groups)) + 1.5 * is_positive
    return RankedCases(scores_by_seed=[scores], is_positive=is_positive, groups=groups.astype(str))


def curves_of(truth, scores):
    """The recall at each false-positive rate and the precision at each recall of the grid."""
    rates, recall, _ = sk.roc_curve(truth, scores, drop_intermediate=False)
    recall_at = np.interp(BAND_GRID, rates, recall)
    precision, recall, _ = sk.precision_recall_curve(truth, scores)
    order = np.arange(len(recall) - 1)[::-1]
    reached = [order[np.searchsorted(recall[order], max(level - 1e-12, 1e-9))] for level in BAND_GRID]
    return recall_at, precision[reached]


@pytest.mark.parametrize("num_seeds", [1, 2])
def test_the_bands_are_the_percentiles_of_curves_resampled_with_scikit_learn(num_seeds):
    cases = clustered_cases(9, 12, 0.3)
    cases = replace(cases, scores_by_seed=[*cases.scores_by_seed, cases.scores_by_seed[0] % 1][:num_seeds])
    groups, rng = cases.groups.astype(int), np.random.default_rng(5)
    recalls, precisions = [], []
    for counts in (row for chunk in resamples(9, 40, num_cases=len(groups), seed=4) for row in chunk):
        rows = np.repeat(np.arange(len(groups)), counts[groups].astype(int))
        drawn = [cases.scores_by_seed[k][rows] for k in rng.integers(num_seeds, size=num_seeds)]
        curves = [curves_of(cases.is_positive[rows], scores) for scores in drawn]
        recalls.append(np.mean([recall for recall, _ in curves], axis=0))
        precisions.append(np.mean([precision for _, precision in curves], axis=0))
    level = 100 * norm.cdf(-t(8).ppf(0.975) * np.sqrt(9 / 8))
    for band, samples in zip(curve_bands(cases, bootstraps=40, seed=4), (recalls, precisions), strict=True):
        assert band[0] is BAND_GRID
        np.testing.assert_allclose(band[1], np.percentile(samples, level, axis=0), atol=1e-12)
        np.testing.assert_allclose(band[2], np.percentile(samples, 100 - level, axis=0), atol=1e-12)


@pytest.mark.parametrize(("max_weights", "number"), [(250 * 80 - 1, 249), (250 * 80, 250), (80, 200)])
def test_from_very_many_cases_fewer_resamples_are_drawn_but_200_at_least(monkeypatch, max_weights, number):
    cases = clustered_cases(4, 10, 0.3)
    cases = replace(cases, scores_by_seed=2 * cases.scores_by_seed)
    expected = curve_bands(cases, bootstraps=number)
    monkeypatch.setattr(module, "_MAX_WEIGHTS", max_weights)
    np.testing.assert_array_equal(curve_bands(cases, bootstraps=300), expected)


def test_bands_come_from_500_resamples():
    cases = clustered_cases(3, 6, 0.3)
    np.testing.assert_array_equal(curve_bands(cases), curve_bands(cases, bootstraps=500))


def test_one_group_has_no_band():
    assert curve_bands(clustered_cases(1, 40, 0)) is None


def test_resamples_without_a_class_are_left_out_of_the_bands():
    """Of two groups, one has all positive cases: half of the resamples lack a class, the others are perfect."""
    scores = np.array([0.1, 0.2, 0.8, 0.9])
    cases = RankedCases(scores_by_seed=[scores], is_positive=scores > 0.5, groups=np.array(["a", "a", "b", "b"]))
    for _, low, high in curve_bands(cases, bootstraps=50):
        np.testing.assert_array_equal([low, high], 1)
    without = RankedCases(scores_by_seed=[scores], is_positive=scores > 1, groups=cases.groups)
    for rates, low, high in curve_bands(without, bootstraps=50):
        assert rates is BAND_GRID
        np.testing.assert_array_equal([low, high], np.full((2, len(BAND_GRID)), np.nan))


def test_seeds_that_differ_widen_the_band():
    one = clustered_cases(30, 10, 0.0)
    other = clustered_cases(30, 10, 0.0, seed=0).scores_by_seed[0] * np.where(one.is_positive, 0.3, 1)
    both = RankedCases(scores_by_seed=[*one.scores_by_seed, other], is_positive=one.is_positive, groups=one.groups)
    same = RankedCases(scores_by_seed=2 * one.scores_by_seed, is_positive=one.is_positive, groups=one.groups)
    (_, low, high), (_, same_low, same_high) = curve_bands(both)[0], curve_bands(same)[0]
    assert (high - low)[10] > 1.5 * (same_high - same_low)[10]


@pytest.mark.slow
@pytest.mark.parametrize(("num_groups", "num_each", "correlation"), [(7, 28, 0.3), (20, 10, 0.3), (300, 1, 0)])
def test_the_bands_cover_the_true_curves_also_of_few_clustered_groups(num_groups, num_each, correlation):
    rates = np.array([0.05, 0.1, 0.2, 0.5])
    recalls = np.array([0.3, 0.5, 0.7, 0.9])
    true_recall = norm.cdf(1.5 + norm.ppf(rates))
    false_positives = 0.8 * norm.cdf(norm.ppf(recalls) - 1.5)
    true_precision = 0.2 * recalls / (0.2 * recalls + false_positives)
    hits = []
    for seed in range(60):
        (_, low, high), (_, lower, upper) = curve_bands(
            clustered_cases(num_groups, num_each, correlation, seed), bootstraps=200, seed=seed
        )
        at, at_recall = (np.rint(100 * places).astype(int) for places in (rates, recalls))
        inside = (low[at] <= true_recall) & (true_recall <= high[at])
        inside_too = (lower[at_recall] <= true_precision) & (true_precision <= upper[at_recall])
        hits.append(np.append(inside, inside_too))
    assert np.mean(hits, axis=0).min() > 0.87
