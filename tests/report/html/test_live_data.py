"""The counts of the threshold slider, against counting by hand."""

import numpy as np
import pytest

from archnet.evaluation.metrics import evaluate
from archnet.evaluation.uncertainty.threshold_intervals import threshold_intervals
from archnet.report.curves import EvaluationResult
from archnet.report.html.live import live_data, live_panel
from synthetic_runs import synthetic_predictions


def column(name="net", *, seeds=(0,), threshold=0.5, points=(), skill=1.6):
    parts = tuple(synthetic_predictions(num_cases=150, skill=skill + seed).select("test") for seed in seeds)
    metrics = evaluate(parts[0], positive=1, threshold=threshold, bootstraps=0)["test"]
    return EvaluationResult(
        name=name, predictions_by_seed=parts, metrics=metrics, operating_points=dict(points), hue="test"
    )


def counts_of(result, threshold, seed=0):
    part = result.predictions_by_seed[seed]
    is_taken, is_positive = part.probabilities[:, 1] >= threshold, part.y_true == 1
    return int((is_taken & is_positive).sum()), int((is_taken & ~is_positive).sum())


@pytest.fixture(scope="module")
def one():
    return column(points={"mcc": {"threshold": 0.3125}, "recall": {"wanted": 0.1, "threshold": 0.999}})


def test_each_step_has_the_counts_at_its_threshold(one):
    data = live_data([one], 1, by_false_positives=False)
    (scale,) = data["scales"]
    assert scale["steps"] == sorted(set(scale["steps"]))
    scores = one.predictions_by_seed[0].probabilities[:, 1]
    assert set(scale["steps"]) == {*np.linspace(0, 1, 101).tolist(), *scores.tolist(), 0.3125, 0.999}
    (own,) = scale["columns"]
    assert own["thresholds"] == scale["steps"]
    (training,) = own["trainings"]
    found = list(zip(training["found"], training["alarms"], strict=True))
    assert found == [counts_of(one, step) for step in scale["steps"]]
    truth = one.predictions_by_seed[0].y_true
    assert data["columns"] == [{"positives": int(truth.sum()), "others": int((1 - truth).sum())}]


def test_the_intervals_of_a_single_seed_are_in_thousandths(one):
    (scale,) = live_data([one], 1, by_false_positives=False)["scales"]
    part = one.predictions_by_seed[0]
    groups = np.unique(part.groups, return_inverse=True)[1]
    expected = threshold_intervals(part.probabilities[:, 1], part.y_true == 1, groups, np.array(scale["steps"]))
    own = scale["columns"][0]["intervals"]
    assert set(own) == set(expected)
    for name, ends in expected.items():
        assert own[name] == [None if np.isnan(end) else round(1000 * end) for end in ends.ravel()]


def test_each_button_is_a_slider_position_with_the_counts_at_its_threshold(one):
    data = live_data([one], 1, by_false_positives=True)
    for place, threshold in enumerate((0.5, 0.999, 0.3125)):
        (entry,) = data["points"][place]["columns"]
        assert (entry["trainings"][0]["found"], entry["trainings"][0]["alarms"]) == tuple(
            [count] for count in counts_of(one, threshold)
        )
        at = data["points"][place]["at"]
        assert data["scales"][0]["steps"][at[0]] == threshold
        thresholds = np.array(data["scales"][1]["columns"][0]["thresholds"])
        assert abs(thresholds[at[1]] - threshold) == np.abs(thresholds - threshold).min()


def test_a_number_of_false_positives_is_reached_by_the_lowest_threshold_that_does_not_exceed_it():
    pair = [column(), column("other", seeds=(0, 1), skill=0.5)]
    scale = live_data(pair, 1, by_false_positives=True)["scales"][1]
    others = int((pair[0].predictions_by_seed[0].y_true == 0).sum())
    assert scale["steps"] == list(range(others + 1))
    for result, own in zip(pair, scale["columns"], strict=True):
        assert len(own["trainings"]) == len(result.predictions_by_seed)
        lowest = []
        for seed, training in enumerate(own["trainings"]):
            levels = [*np.unique(result.predictions_by_seed[seed].probabilities[:, 1]), np.nextafter(1.0, 2.0)]
            best = [next(one for one in levels if counts_of(result, one, seed)[1] <= step) for step in scale["steps"]]
            assert training["alarms"] == [counts_of(result, one, seed)[1] for one in best]
            assert training["found"] == [counts_of(result, one, seed)[0] for one in best]
            lowest.append(best)
        np.testing.assert_allclose(own["thresholds"], np.mean(lowest, axis=0))
    assert scale["columns"][1]["intervals"] == {}
    assert scale["columns"][0]["intervals"]


def test_the_buttons_are_the_operating_points_that_all_columns_have():
    points = {"mcc": {"threshold": 0.3125}}
    panel = live_panel([column(points=points), column("b", threshold=0.25, points=points)], 1, by_false_positives=False)
    assert panel["points"][0] == "configured threshold 0.25 and 0.5"
    assert len(panel["points"]) == 2
    without = live_panel([column(points=points), column("b")], 1, by_false_positives=True)
    assert without["points"] == ["configured threshold 0.5"]
    assert [entry["by_false_positives"] for entry in (panel, without)] == [False, True]
    assert [len(entry["data"]["scales"]) for entry in (panel, without)] == [1, 2]


def test_without_a_script_a_column_has_the_numbers_at_its_threshold(one):
    (shown,) = live_panel([one], 1, by_false_positives=False)["columns"]
    truth = one.predictions_by_seed[0].y_true
    assert (shown["name"], shown["hue"], shown["threshold"]) == ("net", "test", 0.5)
    assert shown["matrix"] == one.metrics["confusion_matrix"]
    assert shown["supports"] == [int((truth == 0).sum()), int((truth == 1).sum())]
    assert shown["numbers"]["recall"] == one.metrics["recall"]
