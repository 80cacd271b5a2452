"""Intervals of proportions at many thresholds."""

from dataclasses import replace

import numpy as np
import pytest

from archnet.evaluation.metrics import evaluate
from archnet.evaluation.uncertainty import threshold_intervals as module
from archnet.evaluation.uncertainty.threshold_intervals import threshold_intervals
from archnet.spec.metrics import METRICS, metrics_shown_in
from synthetic_runs import synthetic_predictions

THRESHOLDS = np.array([0.9, 0.0, 0.31, 0.5, 1.0, 0.31, 0.05])


def rounded(predictions):
    """The same predictions with many equal probabilities, some of which are thresholds."""
    p = np.round(predictions.probabilities[:, 1], 2)
    return replace(predictions, probabilities=np.column_stack([1 - p, p]))


def intervals_of(part):
    groups = np.unique(part.groups, return_inverse=True)[1]
    return threshold_intervals(part.probabilities[:, 1], part.y_true == 1, groups, THRESHOLDS)


@pytest.mark.parametrize("has_groups", [True, False])
@pytest.mark.parametrize("cells_at_once", [2_000_000, 20])
def test_each_thresholds_intervals_are_those_of_an_evaluation_at_it(has_groups, cells_at_once, monkeypatch):
    monkeypatch.setattr(module, "_MAX_CELLS", cells_at_once)
    part = rounded(synthetic_predictions(num_cases=300, seed=2).select("test"))
    part = part if has_groups else replace(part, groups=part.cases)
    found = intervals_of(part)
    for place, threshold in enumerate(THRESHOLDS):
        expected = evaluate(part, positive=1, threshold=threshold, bootstraps=0)["test"]["intervals"]
        for name, ends in found.items():
            interval = None if np.isnan(ends[place]).any() else ends[place].tolist()
            assert interval == expected[name], (name, threshold)


def test_the_live_panels_proportions_have_intervals():
    panel = {metric.name for metric in metrics_shown_in("live_panel") if METRICS[metric.name].proportion}
    assert set(intervals_of(synthetic_predictions())) == panel
