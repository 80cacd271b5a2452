import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from archnet.evaluation.ranking import average_precision, precision_recall_curve, ranking, roc_auc, roc_curve

CASES = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=1, max_size=40)


@pytest.mark.slow
@given(CASES)
def test_auc_and_average_precision_are_scikit_learns_for_any_ties_and_weights(cases):
    scores, truth, weights = (np.array(column) for column in zip(*cases, strict=True))
    scores, weights = scores / 5, weights.astype(float)
    counts = ranking(scores, truth).counts(weights)
    positives, negatives = weights[truth].sum(), weights[~truth].sum()
    if positives and negatives:
        assert roc_auc(*counts) == pytest.approx(sk.roc_auc_score(truth, scores, sample_weight=weights), abs=1e-12)
        expected = sk.average_precision_score(truth, scores, sample_weight=weights)
        assert average_precision(*counts) == pytest.approx(expected, abs=1e-12)
    else:
        assert np.isnan(roc_auc(*counts))
        assert np.isnan(average_precision(*counts)) == (positives == 0)


def test_the_roc_curve_is_scikit_learns():
    rng = np.random.default_rng(0)
    scores, truth = np.round(rng.random(200), 1), rng.random(200) < 0.3
    false_positive_rate, recall = roc_curve(scores, truth)
    expected = sk.roc_curve(truth, scores, drop_intermediate=False)
    np.testing.assert_allclose(false_positive_rate, expected[0], atol=1e-12)
    np.testing.assert_allclose(recall, expected[1], atol=1e-12)


@pytest.mark.parametrize("truth", [[True, True], [False, False]])
def test_a_roc_curve_of_one_class_is_refused(truth):
    message = "a ROC curve needs both positive and negative cases"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        roc_curve(np.array([0.1, 0.2]), np.array(truth))


def test_the_precision_recall_curve_is_scikit_learns():
    rng = np.random.default_rng(1)
    truth, scores = rng.random(300) < 0.2, rng.integers(0, 40, 300) / 40
    recall, precision = precision_recall_curve(scores, truth)
    expected_precision, expected_recall, _ = sk.precision_recall_curve(truth, scores)
    np.testing.assert_allclose(recall, expected_recall[-2::-1], atol=1e-12)
    np.testing.assert_allclose(precision, expected_precision[-2::-1], atol=1e-12)


def test_a_precision_recall_curve_without_positive_cases_is_refused():
    with pytest.raises(ValueError, match=r"^a precision-recall curve needs positive cases$"):
        precision_recall_curve(np.zeros(2), np.zeros(2, bool))
