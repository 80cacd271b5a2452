"""Paired differences of two architectures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from archnet.evaluation.comparison.matched_recall import RECALL_AT_EQUAL_FALSE_POSITIVE_RATE, RECALL_AT_EQUAL_PRECISION
from archnet.evaluation.comparison.paired import paired_differences
from archnet.evaluation.comparison.trainings import SeedPredictions, Trainings, Truth, bootstrap, estimate_metrics
from archnet.evaluation.uncertainty.clustered_auc import estimate_areas
from archnet.evaluation.uncertainty.intervals import resamples, t_interval
from archnet.spec.metrics import METRICS, metrics_shown_in
from metric_oracles import ORACLES

PAIRED = [metric.name for metric in metrics_shown_in("paired_differences")]


def truth_of(y_true, groups=None, num_classes=2):
    groups = np.arange(len(y_true)) if groups is None else np.asarray(groups)
    return Truth(y_true=np.asarray(y_true), groups=groups, num_classes=num_classes, positive=1)


def training(scores, threshold=0.5):
    scores = np.asarray(scores, dtype=np.float64)
    return SeedPredictions(scores=scores[:, None], y_pred=(scores >= threshold).astype(np.int64))


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


def slow_recall_at_alarms(scores, own, y_true):
    """The best recall over all thresholds that give no more false positives than `own` network does at its own."""
    limit = np.sum(own.y_pred[y_true == 0])
    allowed = [scores >= t for t in thresholds_of(scores)]
    allowed = [flags for flags in allowed if np.sum(flags[y_true == 0]) <= limit]
    return max((np.mean(flags[y_true == 1]) for flags in allowed), default=0.0)


def slow_recall_at_precision(scores, own, y_true):
    if not own.y_pred.any():
        return np.nan
    limit = np.mean(y_true[own.y_pred == 1])
    flagged = [scores >= t for t in thresholds_of(scores)]
    allowed = [flags for flags in flagged if flags.any() and np.mean(y_true[flags]) >= limit - 1e-12]
    return max((np.mean(flags[y_true == 1]) for flags in allowed), default=0.0)


def slow_numbers(one, reference, other, y_true):
    """All numbers of one training; the recalls are means over the points of either side."""
    scores = one.scores[:, 0]
    metrics = {name: ORACLES[name](y_true == 1, one.y_pred == 1, scores) for name in PAIRED}
    rules = {
        RECALL_AT_EQUAL_FALSE_POSITIVE_RATE: slow_recall_at_alarms,
        RECALL_AT_EQUAL_PRECISION: slow_recall_at_precision,
    }
    return metrics | {
        name: np.mean([np.mean([rule(scores, own, y_true) for own in side]) for side in (reference, other)])
        for name, rule in rules.items()
    }


def slow_table(reference, other, y_true):
    """The numbers of all trainings, by name."""
    rows = [slow_numbers(one, reference, other, y_true) for one in (*reference, *other)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def only(side, rows):
    return [SeedPredictions(scores=one.scores[rows], y_pred=one.y_pred[rows]) for one in side]


@pytest.mark.parametrize("num_seeds", [(1, 1), (2, 3)])
def test_differences_are_those_of_a_slow_search_over_all_thresholds(num_seeds):
    truth, network = drawn()
    reference, other = ([network(1 + k) for _ in range(num)] for k, num in enumerate(num_seeds))
    found = paired_differences(reference, other, truth, bootstraps=0)
    table = slow_table(reference, other, truth.y_true)
    assert set(found) == set(table)
    for name, entry in found.items():
        first, second = table[name][: num_seeds[0]].mean(), table[name][num_seeds[0] :].mean()
        expected = {"reference": first, "other": second, "difference": second - first}
        assert {key: entry[key] for key in expected} == pytest.approx(expected, abs=1e-12), name


def num_positive_groups(truth):
    return len(np.unique(truth.groups[truth.y_true == 1]))


def slow_covariances(reference, other, truth, bootstraps, seed):
    """Of all trainings' numbers, over resamples that repeat whole groups, times g / (g - 1) for groups with nodules."""
    num_groups, samples = truth.groups.max() + 1, []
    for draw in np.random.default_rng(seed).integers(num_groups, size=(bootstraps, num_groups)):
        rows = np.concatenate([np.flatnonzero(truth.groups == group) for group in draw])
        samples.append(slow_table(only(reference, rows), only(other, rows), truth.y_true[rows]))
    scale = 1 + 1 / (num_positive_groups(truth) - 1)
    return {name: scale * np.cov(np.array([one[name] for one in samples]).T) for name in samples[0]}


def check_entry(entry, variance, degrees):
    """That interval and p value are Student's with this standard error."""
    difference, error = entry["difference"], np.sqrt(variance)
    assert entry["interval"] == pytest.approx(stats.t.interval(0.95, degrees, difference, error), rel=1e-9)
    assert entry["p"] == pytest.approx(2 * stats.t.sf(abs(difference) / error, degrees), rel=1e-9)


BOOTSTRAPPED = [name for name in PAIRED if METRICS[name].proportion is None and name != "auc"]
BOOTSTRAPPED += [RECALL_AT_EQUAL_FALSE_POSITIVE_RATE, RECALL_AT_EQUAL_PRECISION]


@pytest.mark.slow
def test_intervals_and_p_values_are_students_with_the_error_of_a_slow_bootstrap_that_repeats_groups():
    truth, network = drawn(num_cases=90)
    reference, other = [network(1.0)], [network(2.0)]
    found = paired_differences(reference, other, truth, bootstraps=30, seed=5)
    for name, covariance in slow_covariances(reference, other, truth, 30, 5).items():
        if name in BOOTSTRAPPED:
            variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
            check_entry(found[name], variance, num_positive_groups(truth) - 1)


@pytest.mark.slow
def test_seeds_add_their_own_variance_and_lower_the_degrees_of_freedom():
    truth, network = drawn(num_cases=90)
    reference, other = [network(1.0) for _ in range(3)], [network(2.0) for _ in range(2)]
    found = paired_differences(reference, other, truth, bootstraps=30, seed=5)
    table, contrast = slow_table(reference, other, truth.y_true), np.array([-1 / 3, -1 / 3, -1 / 3, 1 / 2, 1 / 2])
    for name, covariance in slow_covariances(reference, other, truth, 30, 5).items():
        if name not in BOOTSTRAPPED:
            continue
        parts = [(contrast @ covariance @ contrast, num_positive_groups(truth) - 1)]
        for rows in (slice(0, 3), slice(3, 5)):
            values, own = table[name][rows], covariance[rows, rows]
            deviations = np.eye(len(values)) - 1 / len(values)
            from_cases = np.trace(deviations @ own @ deviations) / (len(values) - 1)
            parts.append((max(0, np.var(values, ddof=1) - from_cases) / len(values), len(values) - 1))
        variance = sum(part for part, _ in parts)
        degrees = variance**2 / sum(part**2 / number for part, number in parts)
        check_entry(found[name], variance, degrees)


def test_the_accuracy_of_groups_of_equal_size_has_the_t_test_of_the_groups_means():
    truth, network = drawn(num_cases=120)
    truth = truth_of(truth.y_true, np.arange(120) // 8)
    reference, other = network(1.0), network(1.6)
    entry = paired_differences([reference], [other], truth, bootstraps=0)["accuracy"]
    gains = (other.y_pred == truth.y_true).astype(float) - (reference.y_pred == truth.y_true)
    expected = stats.ttest_1samp(gains.reshape(15, 8).mean(axis=1), 0)
    assert (entry["difference"], entry["p"]) == pytest.approx((gains.mean(), expected.pvalue), rel=1e-9)
    assert entry["interval"] == pytest.approx(list(expected.confidence_interval(0.95)), rel=1e-9)


def test_the_area_has_obuchowskis_error_and_students_t_over_the_groups_of_the_rarer_class():
    truth, network = drawn(num_cases=90, num_groups=30)
    is_positive = truth.y_true == 1
    assert len(np.unique(truth.groups[is_positive])) == 19
    reference, other = network(1.0), network(2.0)
    entry = paired_differences([reference], [other], truth, bootstraps=0)["auc"]
    scores = [[one.scores[:, 0]] for one in (reference, other)]
    (first, second), covariance = estimate_areas(scores, is_positive, truth.groups)
    assert entry["difference"] == pytest.approx(second - first)
    check_entry(entry, np.array([-1, 1]) @ covariance @ [-1, 1], 18)


def test_the_area_with_one_case_a_group_has_delongs_z():
    """DeLong 1988 from every pair of cases; only its normal distribution is Student's here."""
    truth, network = drawn(num_cases=150)
    truth = truth_of(truth.y_true)
    sides, is_positive = [network(1.0), network(2.0)], truth.y_true == 1
    kernels = [
        np.sign(one.scores[is_positive] - one.scores[~is_positive].T) / 2 + 0.5 for one in sides
    ]  # fmt: skip
    by_positive, by_other = ((kernels[1] - kernels[0]).mean(axis=axis) for axis in (1, 0))
    variance = by_positive.var(ddof=1) / len(by_positive) + by_other.var(ddof=1) / len(by_other)
    entry = paired_differences(sides[:1], sides[1:], truth, bootstraps=0)["auc"]
    assert entry["difference"] == pytest.approx(by_positive.mean())
    check_entry(entry, variance, min(is_positive.sum(), (~is_positive).sum()) - 1)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), num_seeds=st.tuples(st.integers(1, 3), st.integers(1, 3)))
def test_swapping_the_networks_flips_the_sign_of_every_difference(seed, num_seeds):
    truth, network = drawn(num_cases=40, num_groups=8, seed=seed, decimals=1)
    first, second = ([network(1 + k) for _ in range(num)] for k, num in enumerate(num_seeds))
    found = paired_differences(first, second, truth, bootstraps=20)
    swapped = paired_differences(second, first, truth, bootstraps=20)
    for name, entry in found.items():
        other = swapped[name]
        assert (other["reference"], other["other"]) == (entry["other"], entry["reference"])
        if entry["difference"] is None:
            continue
        assert other["difference"] == -entry["difference"]
        assert other["identical"] == entry["identical"]
        assert other["p"] == (entry["p"] and pytest.approx(entry["p"], rel=1e-6))
        ends = entry["interval"] and [-entry["interval"][1], -entry["interval"][0]]
        assert other["interval"] == (ends and pytest.approx(ends, rel=1e-6, abs=1e-12))


@pytest.mark.slow
def test_recalls_at_equal_rates_favour_neither_of_two_equal_networks():
    sums = {RECALL_AT_EQUAL_FALSE_POSITIVE_RATE: [], RECALL_AT_EQUAL_PRECISION: []}
    for seed in range(200):
        truth, network = drawn(num_cases=200, seed=seed, decimals=9)
        found = paired_differences([network(2.0)], [network(2.0)], truth, bootstraps=0)
        for name, values in sums.items():
            values.append(found[name]["difference"])
    for name, values in sums.items():
        assert abs(np.mean(values)) < 2.5 * np.std(values) / np.sqrt(200), name
        assert np.std(values) > 0.02


@pytest.mark.parametrize("num_seeds", [1, 3])
def test_a_network_is_never_better_than_itself(num_seeds):
    truth, network = drawn(seed=3)
    side = [network(1.5) for _ in range(num_seeds)]
    for name, entry in paired_differences(side, side, truth, bootstraps=0).items():
        assert entry["difference"] == pytest.approx(0, abs=1e-15), name


def test_both_thresholds_move_to_the_false_positives_of_either_network_and_the_results_are_averaged():
    truth = truth_of([1, 1, 1, 1, 0, 0, 0, 0])
    reference = training([0.9, 0.8, 0.3, 0.2, 0.7, 0.1, 0.1, 0.1])  # 1 false positive at 0.5
    other = training([0.40, 0.39, 0.38, 0.20, 0.385, 0.30, 0.1, 0.1])  # none
    found = paired_differences([reference], [other], truth, bootstraps=0)
    entry = found[RECALL_AT_EQUAL_FALSE_POSITIVE_RATE]
    assert (entry["reference"], entry["other"]) == ((1.0 + 0.5) / 2, (0.75 + 0.5) / 2)
    assert (entry["difference"], entry["interval"]) == (-0.125, None)
    assert found[RECALL_AT_EQUAL_PRECISION]["difference"] is None  # the other network predicts no positive case


def test_equal_scores_are_taken_together_or_not_at_all():
    truth = truth_of([1, 1, 0, 0])
    reference, tied = training([0.9, 0.4, 0.2, 0.1]), training([0.9, 0.4, 0.4, 0.1])  # no false positives at 0.5
    entry = paired_differences([reference], [tied], truth, bootstraps=0)[RECALL_AT_EQUAL_FALSE_POSITIVE_RATE]
    assert (entry["reference"], entry["other"]) == (1.0, 0.5)


def test_a_network_that_finds_nothing_has_no_precision_to_be_compared_at():
    truth, network = drawn()
    silent = SeedPredictions(scores=network(1).scores, y_pred=np.zeros(160, dtype=np.int64))
    found = paired_differences([silent], [network(2)], truth, bootstraps=50)
    for name in ("mcc", RECALL_AT_EQUAL_PRECISION):
        assert (found[name]["reference"], found[name]["difference"], found[name]["interval"]) == (None, None, None)
    assert found[RECALL_AT_EQUAL_FALSE_POSITIVE_RATE]["difference"] > 0
    assert found["auc"]["interval"] is not None


NO_INTERVALS = {"reference_interval": None, "other_interval": None, "interval": None, "p": None}
NOTHING = {"reference": None, "other": None, "difference": None, **NO_INTERVALS, "identical": False}


@pytest.mark.parametrize("label", [0, 1])
def test_without_a_class_what_needs_both_is_undefined(label):
    side = [training([0.9, 0.2, 0.6])]
    found = paired_differences(side, side, truth_of([label] * 3), bootstraps=20)
    assert {name for name, entry in found.items() if entry["difference"] is not None} <= {
        "accuracy", "recall", "mcc", RECALL_AT_EQUAL_PRECISION,
    }  # fmt: skip
    assert found["auc"] == NOTHING


def drawn_classes(num_classes=4, num_cases=90, num_groups=15):
    rng = np.random.default_rng(1)
    truth = truth_of(rng.integers(num_classes, size=num_cases), np.arange(num_cases) % num_groups, num_classes)

    def network(skill):
        scores = np.round(rng.random((num_cases, num_classes)) + skill * np.eye(num_classes)[truth.y_true], 2)
        return SeedPredictions(scores=scores, y_pred=scores.argmax(axis=1))

    return truth, network


def macro_numbers(one, y_true, num_classes):
    """What scikit-learn says, means over the classes."""
    return {
        "accuracy": sk.accuracy_score(y_true, one.y_pred),
        "recall": sk.recall_score(y_true, one.y_pred, average="macro", zero_division=np.nan),
        "mcc": sk.matthews_corrcoef(y_true, one.y_pred),
        "auc": np.mean([sk.roc_auc_score(y_true == k, one.scores[:, k]) for k in range(num_classes)]),
    }


def test_of_more_classes_the_macro_means_of_the_metrics_of_the_table_are_compared():
    truth, network = drawn_classes()
    reference, other = network(0.3), network(0.6)
    found = paired_differences([reference], [other], truth, bootstraps=0)
    first, second = (macro_numbers(one, truth.y_true, 4) for one in (reference, other))
    assert list(found) == PAIRED
    for name, entry in found.items():
        assert (entry["reference"], entry["other"]) == pytest.approx((first[name], second[name])), name


@pytest.mark.slow
def test_the_macro_area_has_the_error_of_a_slow_bootstrap_over_groups():
    truth, network = drawn_classes()
    sides, samples = [network(0.3), network(0.6)], []
    entry = paired_differences(sides[:1], sides[1:], truth, bootstraps=40, seed=3)["auc"]
    for draw in np.random.default_rng(3).integers(15, size=(40, 15)):
        rows = np.concatenate([np.flatnonzero(truth.groups == group) for group in draw])
        first, second = (macro_numbers(one, truth.y_true[rows], 4)["auc"] for one in only(sides, rows))
        samples.append(second - first)
    num_groups = min(len(np.unique(truth.groups[truth.y_true == k])) for k in range(4))
    variance = np.var(samples, ddof=1) * num_groups / (num_groups - 1)
    check_entry(entry, variance, num_groups - 1)


def test_identical_networks_are_called_so_and_have_no_interval():
    truth, network = drawn()
    side = [network(1.5)]
    for name, entry in paired_differences(side, side, truth, bootstraps=20).items():
        assert (entry["difference"], entry["interval"], entry["p"], entry["identical"]) == (0, None, None, True), name


def test_a_difference_that_is_the_same_in_every_resample_has_no_interval():
    truth = truth_of([1, 0, 1, 0, 1])
    right = training([0.9, 0.1, 0.9, 0.1, 0.9])
    wrong = training([0.1, 0.9, 0.1, 0.9, 0.1])
    entry = paired_differences([wrong], [right], truth, bootstraps=50)["mcc"]
    assert entry == {
        "reference": -1.0, "other": 1.0, "difference": 2.0, **NO_INTERVALS, "identical": False,
    }  # fmt: skip


def test_a_single_group_gives_no_interval():
    truth, network = drawn()
    whole = truth_of(truth.y_true, np.zeros(160, dtype=np.int64))
    found = paired_differences([network(1)], [network(2)], whole, bootstraps=20)
    assert {entry["interval"] for entry in found.values()} == {None}


def test_each_side_has_an_interval_inside_the_range_around_its_number():
    truth, network = drawn()
    seeds = [network(skill) for skill in (1.0, 1.1)]
    found = paired_differences([network(0.5)], seeds, truth, bootstraps=100)
    for name in ("accuracy", "auc", RECALL_AT_EQUAL_FALSE_POSITIVE_RATE):
        entry = found[name]
        for side in ("reference", "other"):
            low, high = entry[f"{side}_interval"]
            assert 0 < low < entry[side] < high < 1, (name, side)


def test_the_interval_of_a_side_is_that_of_its_own_standard_error():
    truth, network = drawn()
    reference = network(0.5)
    entry = paired_differences([reference], [network(1)], truth, bootstraps=0)["auc"]
    estimates = estimate_areas([[reference.scores[:, 0]]], truth.y_true == 1, truth.groups)
    error, num_groups = np.sqrt(estimates.covariance[0, 0]), truth.num_groups
    expected = t_interval(float(estimates.areas[0]), float(error), num_groups, "logit")
    assert entry["reference_interval"] == pytest.approx(expected)


def test_two_resamples_give_a_covariance_and_one_gives_none():
    truth, network = drawn(num_cases=60)
    trainings = Trainings([network(1), network(2)], truth)
    weights = next(resamples(12, 2, num_cases=60, seed=3))[:, truth.groups]
    samples = trainings.values(weights, ["f1"])["f1"][:, :, 0]
    for number, expected in ((2, np.cov(samples.T)), (1, np.full((2, 2), np.nan))):
        _, covariances = bootstrap(truth, lambda weights: trainings.values(weights, ["f1"]), 2, number, 3)
        np.testing.assert_allclose(covariances["f1"][0], expected)


def test_a_set_of_one_class_has_no_group_that_a_mean_over_classes_depends_on():
    truth = truth_of(np.zeros(6, np.int64), num_classes=3)
    scores = np.random.default_rng(0).random((6, 3))
    trainings = Trainings([SeedPredictions(scores=scores, y_pred=scores.argmax(axis=1))], truth)
    found = estimate_metrics(trainings, ["f1"], bootstraps=5)["f1"]
    assert [one.num_groups for one in found] == [0, 0, 0, 0]
    assert truth_of(np.zeros(0, np.int64)).num_groups == 0


@pytest.mark.parametrize("kind", [0, 1])
def test_the_degrees_of_freedom_count_the_groups_of_the_rarer_kind(kind):
    groups = np.arange(60) % 12
    is_rare = groups < 3  # the whole class is in three groups
    truth = truth_of(np.where(is_rare, kind, 1 - kind), groups)
    network = training(np.random.default_rng(0).random(60))
    found = estimate_metrics(Trainings([network], truth), ["f1"], bootstraps=0)["f1"]
    assert [one.num_groups for one in found] == [3]
