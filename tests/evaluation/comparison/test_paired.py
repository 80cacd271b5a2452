import numpy as np
import pytest

from archnet.evaluation.comparison.paired import (
    RECALL_AT_EQUAL_FALSE_POSITIVE_RATE,
    RECALL_AT_EQUAL_PRECISION,
    SeedPredictions,
    Truth,
    paired_differences,
)
from archnet.spec.metrics import metrics_shown_in
from metric_oracles import ORACLES

PAIRED = [metric.name for metric in metrics_shown_in("paired_differences")]


def truth_of(y_true, groups=None, num_classes=2):
    groups = np.arange(len(y_true)) if groups is None else np.asarray(groups)
    return Truth(y_true=np.asarray(y_true), groups=groups, num_classes=num_classes, positive=1)


def training(scores, threshold=0.5):
    scores = np.asarray(scores, dtype=np.float64)
    return SeedPredictions(scores=scores, y_pred=(scores >= threshold).astype(np.int64))


def drawn(num_cases=160, num_groups=12, seed=0, decimals=2):
    """Cases in groups and a maker of networks that know the truth by a skill; scores are rounded, so that some tie."""
    rng = np.random.default_rng(seed)
    y_true = (rng.random(num_cases) < 0.35).astype(np.int64)
    groups = rng.integers(num_groups, size=num_cases)
    groups[:num_groups] = np.arange(num_groups)

    def network(skill):
        logits = skill * y_true + rng.normal(size=num_cases) - skill / 2
        return training(np.round(1 / (1 + np.exp(-logits)), decimals))

    return truth_of(y_true, groups), network


def thresholds_of(scores):
    return [*np.unique(scores)[::-1], -1]


def slow_recall_at_alarms(network, own, y_true):
    """The best recall over all thresholds that give no more false positives than `own` network does at its own."""
    limit = np.sum(own.y_pred[y_true == 0])
    allowed = [network.scores >= t for t in thresholds_of(network.scores)]
    allowed = [flags for flags in allowed if np.sum(flags[y_true == 0]) <= limit]
    return max((np.mean(flags[y_true == 1]) for flags in allowed), default=0.0)


def slow_recall_at_precision(network, own, y_true):
    if not own.y_pred.any():
        return np.nan
    limit = np.mean(y_true[own.y_pred == 1])
    flagged = [network.scores >= t for t in thresholds_of(network.scores)]
    allowed = [flags for flags in flagged if flags.any() and np.mean(y_true[flags]) >= limit - 1e-12]
    return max((np.mean(flags[y_true == 1]) for flags in allowed), default=0.0)


def slow_numbers(side, reference, y_true):
    """All numbers of one side, means over its trainings and, for the recalls, over the reference's."""
    return {
        **{name: np.mean([ORACLES[name](y_true == 1, one.y_pred == 1, one.scores) for one in side]) for name in PAIRED},
        RECALL_AT_EQUAL_FALSE_POSITIVE_RATE: np.mean(
            [slow_recall_at_alarms(one, own, y_true) for one in side for own in reference]
        ),
        RECALL_AT_EQUAL_PRECISION: np.mean(
            [slow_recall_at_precision(one, own, y_true) for one in side for own in reference]
        ),
    }


def only(side, rows):
    return [SeedPredictions(scores=one.scores[rows], y_pred=one.y_pred[rows]) for one in side]


@pytest.mark.parametrize("num_seeds", [(1, 1), (2, 3)])
def test_differences_are_those_of_a_slow_search_over_all_thresholds(num_seeds):
    truth, network = drawn()
    reference, other = ([network(1 + k) for _ in range(num)] for k, num in enumerate(num_seeds))
    found = paired_differences(reference, other, truth, bootstraps=0)
    first, second = (slow_numbers(side, reference, truth.y_true) for side in (reference, other))
    assert set(found) == set(first)
    for name, entry in found.items():
        assert entry["interval"] is None
        expected = {"reference": first[name], "other": second[name], "difference": second[name] - first[name]}
        assert {key: entry[key] for key in expected} == pytest.approx(expected, abs=1e-12), name


def test_the_bootstrap_equals_a_slow_one_that_repeats_groups_for_both_networks():
    truth, network = drawn(num_cases=90)
    reference, other = [network(1.0)], [network(2.0)]
    found = paired_differences(reference, other, truth, bootstraps=30, seed=5)
    samples = {name: [] for name in found}
    for draw in np.random.default_rng(5).integers(12, size=(30, 12)):
        rows = np.concatenate([np.flatnonzero(truth.groups == group) for group in draw])
        sides = [only(side, rows) for side in (reference, other)]
        first, second = (slow_numbers(side, sides[0], truth.y_true[rows]) for side in sides)
        for name, values in samples.items():
            values.append(second[name] - first[name])
    for name, values in samples.items():
        assert found[name]["interval"] == pytest.approx(np.percentile(values, [2.5, 97.5]).tolist(), abs=1e-12), name


def test_seeds_are_drawn_too_each_side_by_itself():
    truth, network = drawn(num_cases=90)
    reference, other = [network(1.0) for _ in range(3)], [network(2.0) for _ in range(2)]
    found = paired_differences(reference, other, truth, bootstraps=20, seed=5)
    groups, first, second = (
        np.random.default_rng(5 + k).integers(num, size=(20, num)) for k, num in enumerate((12, 3, 2))
    )
    samples = {name: [] for name in found}
    for draw, of_reference, of_other in zip(groups, first, second, strict=True):
        rows = np.concatenate([np.flatnonzero(truth.groups == group) for group in draw])
        sides = [only([reference[k] for k in of_reference], rows), only([other[k] for k in of_other], rows)]
        numbers = [slow_numbers(side, sides[0], truth.y_true[rows]) for side in sides]
        for name, values in samples.items():
            values.append(numbers[1][name] - numbers[0][name])
    for name, values in samples.items():
        assert found[name]["interval"] == pytest.approx(np.percentile(values, [2.5, 97.5]).tolist(), abs=1e-12), name


@pytest.mark.parametrize("num_seeds", [1, 3])
def test_a_network_is_never_better_than_itself(num_seeds):
    truth, network = drawn(seed=3)
    side = [network(1.5) for _ in range(num_seeds)]
    for name, entry in paired_differences(side, side, truth, bootstraps=0).items():
        assert entry["difference"] == pytest.approx(0, abs=1e-15), name


def test_the_threshold_moves_to_as_many_false_positives_as_the_reference_has():
    truth = truth_of([1, 1, 1, 1, 0, 0, 0, 0])
    reference = training([0.9, 0.8, 0.3, 0.2, 0.7, 0.1, 0.1, 0.1])
    other = training([0.40, 0.39, 0.38, 0.20, 0.385, 0.30, 0.1, 0.1])
    found = paired_differences([reference], [other], truth, bootstraps=0)
    assert found[RECALL_AT_EQUAL_FALSE_POSITIVE_RATE] == {
        "reference": 1.0,
        "other": 0.75,
        "difference": -0.25,
        "interval": None,
    }
    assert found[RECALL_AT_EQUAL_PRECISION] == {"reference": 1.0, "other": 1.0, "difference": 0.0, "interval": None}


def test_equal_scores_are_taken_together_or_not_at_all():
    truth = truth_of([1, 1, 0, 0])
    reference, tied = training([0.9, 0.4, 0.2, 0.1]), training([0.9, 0.6, 0.6, 0.1])
    found = paired_differences([reference], [tied], truth, bootstraps=0)
    assert (
        found[RECALL_AT_EQUAL_FALSE_POSITIVE_RATE]["reference"],
        found[RECALL_AT_EQUAL_FALSE_POSITIVE_RATE]["other"],
    ) == (1.0, 0.5)


def test_a_reference_that_finds_nothing_has_no_precision_to_be_compared_at():
    truth, network = drawn()
    silent = SeedPredictions(scores=network(1).scores, y_pred=np.zeros(160, dtype=np.int64))
    found = paired_differences([silent], [network(2)], truth, bootstraps=50)
    for name in ("mcc", RECALL_AT_EQUAL_PRECISION):
        assert (found[name]["reference"], found[name]["difference"], found[name]["interval"]) == (None, None, None)
    assert found[RECALL_AT_EQUAL_FALSE_POSITIVE_RATE]["difference"] > 0
    assert found["auc"]["interval"] is not None


@pytest.mark.parametrize("label", [0, 1])
def test_without_a_class_what_needs_both_is_undefined(label):
    side = [training([0.9, 0.2, 0.6])]
    found = paired_differences(side, side, truth_of([label] * 3), bootstraps=20)
    assert {name for name, entry in found.items() if entry["difference"] is not None} <= {
        "accuracy", "mcc", RECALL_AT_EQUAL_PRECISION,
    }  # fmt: skip
    assert found["auc"] == {"reference": None, "other": None, "difference": None, "interval": None}


def test_of_more_classes_only_the_metrics_of_the_table_are_compared():
    rng = np.random.default_rng(1)
    truth = truth_of(rng.integers(3, size=60), num_classes=3)
    side = [SeedPredictions(scores=rng.random(60), y_pred=rng.integers(3, size=60))]
    assert set(paired_differences(side, side, truth, bootstraps=0)) == set(PAIRED)


def test_a_single_group_gives_no_interval():
    truth, network = drawn()
    whole = truth_of(truth.y_true, np.zeros(160, dtype=np.int64))
    found = paired_differences([network(1)], [network(2)], whole, bootstraps=20)
    assert {entry["interval"] for entry in found.values()} == {None}


@pytest.mark.parametrize("scores", [[0.9, 0.3, 0.9, 0.1], [0.4, 0.3, 0.9, 0.1]])
def test_a_network_whose_first_cases_are_not_all_positive_finds_none_at_a_precision_of_one(scores):
    truth, reference = truth_of([1, 1, 0, 0]), [training([0.9, 0.8, 0.2, 0.1])]
    found = paired_differences(reference, [training(scores)], truth, bootstraps=0)
    for name in (RECALL_AT_EQUAL_FALSE_POSITIVE_RATE, RECALL_AT_EQUAL_PRECISION):
        assert (found[name]["reference"], found[name]["other"]) == (1.0, 0.0)


def test_a_step_of_just_the_reference_s_precision_or_false_positives_fits():
    truth, reference = truth_of([1, 1, 0, 0]), [training([0.9, 0.4, 0.8, 0.1])]
    found = paired_differences(reference, [training([0.9, 0.8, 0.85, 0.84])], truth, bootstraps=0)
    assert found[RECALL_AT_EQUAL_FALSE_POSITIVE_RATE]["other"] == 0.5
    assert found[RECALL_AT_EQUAL_PRECISION]["other"] == 1.0
