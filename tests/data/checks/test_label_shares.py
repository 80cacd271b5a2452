"""Summaries of soft labels and weights."""

import numpy as np
import pytest
from scipy.stats import entropy

from archnet.data.checks.label_shares import check_labels, summarize_soft_labels, summarize_weights


def test_the_entropy_is_scipys_and_hard_labels_are_not_soft():
    soft = np.array([[0.2, 0.3, 0.5], [1, 0, 0], [0, 0.25, 0.75]], np.float32)
    summary = summarize_soft_labels(soft)
    assert summary["soft"] == 2
    assert summary["mean_largest_share"] == pytest.approx(0.75)
    assert summary["mean_entropy_bits"] == pytest.approx(entropy(soft, base=2, axis=1).mean(), rel=1e-6)


def test_the_effective_number_of_cases_is_kishs():
    summary = summarize_weights(np.array([0.5, 1, 4], np.float32))
    assert summary == {"least": 0.5, "largest": 4.0, "effective_cases": pytest.approx(5.5**2 / 17.25)}
    assert summarize_weights(np.full(7, 3, np.float32))["effective_cases"] == pytest.approx(7)


def test_the_note_summarizes_soft_labels_and_weights():
    soft = np.array([[0.5, 0.5], [0, 1], [0, 1], [0, 1]], np.float32)
    (finding,) = check_labels(soft, np.array([1, 1, 1, 2], np.float32))
    assert (finding.check, finding.severity) == ("soft_labels", "note")
    assert finding.text == (
        "1 of 4 cases has a soft label; the mean largest share is 0.875, the mean entropy 0.250 bits. The weights of "
        "the cases are 1 to 2; the effective number of cases is 3.6 of 4."
    )
    (finding,) = check_labels(np.full((3, 2), 0.5, np.float32), None)
    assert finding.text == (
        "3 of 3 cases have soft labels; the mean largest share is 0.500, the mean entropy 1.000 bits."
    )
    assert list(check_labels(None, None)) == []
    assert list(check_labels(np.zeros((0, 2), np.float32), np.zeros(0, np.float32))) == []
    assert str(summarize_soft_labels(np.eye(2, dtype=np.float32))["mean_entropy_bits"]) == "0.0"
