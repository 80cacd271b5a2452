import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from archnet.evaluation.comparison.paired_tests import delong, mcnemar


def right_and_wrong(only_reference, only_other, both, none):
    reference = np.repeat([True, False, True, False], [only_reference, only_other, both, none])
    other = np.repeat([False, True, True, False], [only_reference, only_other, both, none])
    return reference, other


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 1), (5, 1), (6, 16), (40, 40), (101, 65), (700, 800)])
def test_mcnemars_p_is_the_two_sided_binomial(first, second):
    found = mcnemar(*right_and_wrong(first, second, 30, 4))
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert found == {"only_reference_right": first, "only_other_right": second, "p": pytest.approx(expected, rel=1e-12)}


def slow_components(scores, is_positive):
    """DeLong's structural components, every pair of a positive and another case compared by itself."""
    pairs = [
        [1.0 if x > y else 0.5 if x == y else 0.0 for y in scores[~is_positive]] for x in scores[is_positive]
    ]  # fmt: skip
    return np.mean(pairs, axis=1), np.mean(pairs, axis=0)


def slow_delong(reference, other, is_positive):
    """The contrast of DeLong 1988, equation 5, from the whole covariance matrix of all areas."""
    columns = [slow_components(scores, is_positive) for scores in (*reference, *other)]
    of_positives, of_others = (np.array([column[k] for column in columns]) for k in (0, 1))
    areas = of_positives.mean(axis=1)
    covariance = np.atleast_2d(np.cov(of_positives)) / of_positives.shape[1]
    covariance = covariance + np.atleast_2d(np.cov(of_others)) / of_others.shape[1]
    contrast = np.array([-1 / len(reference)] * len(reference) + [1 / len(other)] * len(other))
    difference, spread = contrast @ areas, math.sqrt(contrast @ covariance @ contrast)
    return difference, spread, 2 * stats.norm.sf(abs(difference / spread))


@pytest.mark.parametrize("num_seeds", [(1, 1), (3, 3), (2, 1)])
@pytest.mark.parametrize("is_rounded", [False, True])
def test_delongs_test_is_that_of_every_pair_of_cases_ties_and_seeds_included(num_seeds, is_rounded):
    rng = np.random.default_rng(4)
    is_positive = rng.random(90) < 0.3
    shared = rng.normal(size=90) + is_positive
    sides = [[shared + rng.normal(size=90) + k * is_positive for _ in range(num)] for k, num in enumerate(num_seeds)]
    if is_rounded:
        sides = [[np.round(scores) for scores in side] for side in sides]
    found = delong(*sides, is_positive)
    difference, spread, p = slow_delong(*sides, is_positive)
    areas = [np.mean([sk.roc_auc_score(is_positive, scores) for scores in side]) for side in sides]
    assert found["difference"] == pytest.approx(areas[1] - areas[0], abs=1e-12)
    assert found["difference"] == pytest.approx(difference, abs=1e-12)
    assert found["z"] == pytest.approx(difference / spread, rel=1e-9)
    assert found["p"] == pytest.approx(p, rel=1e-9)
    half = stats.norm.ppf(0.975) * spread
    assert found["interval"] == pytest.approx([difference - half, difference + half], rel=1e-9)


def test_networks_of_one_order_have_no_p():
    is_positive = np.array([True, False] * 5)
    scores = np.arange(10.0)
    found = delong([scores], [scores * 2], is_positive)
    assert found == {"difference": 0.0, "interval": [0.0, 0.0], "z": None, "p": None}


@pytest.mark.parametrize("is_positive", [[True, False, False], [True, True, False], [False, False, False]])
def test_with_one_case_of_a_kind_there_is_no_test(is_positive):
    scores = np.arange(3.0)
    assert delong([scores], [-scores], np.array(is_positive)) is None
