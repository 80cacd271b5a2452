import json

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import t as student
from sklearn import metrics as sk

from archnet.evaluation.confusion import class_report, confusion_matrix
from archnet.evaluation.metrics import evaluate, metric_entries, recompute_metrics
from archnet.evaluation.uncertainty.proportions import proportion_interval
from archnet.spec.metrics import EVALUATED_METRICS
from metric_oracles import ORACLES
from synthetic_runs import predictions_of, synthetic_predictions

THREE = ("CT-0", "CT-1", "CT-23")


def coarse(predictions):
    """The same predictions rounded to tenths, so that many scores are equal."""
    p = np.round(predictions.probabilities[:, 1], 1)
    return predictions_of(predictions.y_true, np.column_stack([1 - p, p]))


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("threshold", [0.5, 0.3])
@pytest.mark.parametrize("rounded", [False, True])
def test_two_class_metrics_are_scikit_learns(positive, threshold, rounded):
    predictions = synthetic_predictions(seed=3)
    predictions = coarse(predictions) if rounded else predictions.select("test")
    found = evaluate(predictions, positive=positive, threshold=threshold, bootstraps=0)["test"]
    scores = predictions.probabilities[:, positive]
    truth, taken = predictions.y_true == positive, scores >= threshold
    assert found["n"] == len(truth)
    assert found["threshold"] == threshold
    matrix = sk.confusion_matrix(truth, taken)
    assert found["confusion_matrix"] == (matrix if positive else matrix[::-1, ::-1]).tolist()
    expected = {name: oracle(truth, taken, scores) for name, oracle in ORACLES.items()}
    assert {name: found[name] for name in EVALUATED_METRICS} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("classes", "positive", "threshold"), [
    (("a", "b"), 0, 0.3), (("a", "b"), 1, 0.3), (THREE, 1, None),
])  # fmt: skip
def test_metrics_without_intervals_are_those_of_the_evaluation(classes, positive, threshold):
    part = synthetic_predictions(classes, seed=3).select("test")
    options = {} if threshold is None else {"threshold": threshold}
    found = evaluate(part, positive=positive, bootstraps=0, **options)["test"]
    assert metric_entries(part, positive, threshold) == {name: found[name] for name in EVALUATED_METRICS}


def test_three_class_metrics_are_scikit_learns_by_class_and_as_macro_means():
    predictions = synthetic_predictions(THREE, seed=3).select("test")
    found = evaluate(predictions, positive=1, bootstraps=0)["test"]
    truth, p = predictions.y_true, predictions.probabilities
    taken = p.argmax(axis=1)
    one_hot = np.eye(3, dtype=int)[truth]
    specificity = [sk.recall_score(truth != k, taken != k) for k in range(3)]
    by_class = {
        "recall": sk.recall_score(truth, taken, average=None),
        "precision": sk.precision_score(truth, taken, average=None),
        "specificity": np.array(specificity),
        "f1": sk.f1_score(truth, taken, average=None),
        "auc": sk.roc_auc_score(one_hot, p, average=None),
        "average_precision": sk.average_precision_score(one_hot, p, average=None),
    }
    for name, values in by_class.items():
        assert found[name]["per_class"] == pytest.approx(dict(zip(THREE, values, strict=True)), abs=1e-12), name
        assert found[name]["macro"] == pytest.approx(values.mean(), abs=1e-12), name
    assert found["auc"]["macro"] == pytest.approx(sk.roc_auc_score(truth, p, multi_class="ovr"), abs=1e-12)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(truth, taken), abs=1e-12)
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(truth, taken), abs=1e-12)
    assert found["confusion_matrix"] == sk.confusion_matrix(truth, taken).tolist()
    assert found["threshold"] is None


def test_the_published_confusion_matrix_gives_the_published_numbers():
    y_true = np.repeat([0, 0, 1, 1], [1248, 90, 63, 218])
    p = np.repeat([0.1, 0.9, 0.1, 0.9], [1248, 90, 63, 218])
    found = evaluate(predictions_of(y_true, np.column_stack([1 - p, p])), positive=1, bootstraps=0)["test"]
    assert found["confusion_matrix"] == [[1248, 90], [63, 218]]
    assert (round(found["accuracy"], 3), round(found["recall"], 3)) == (0.905, 0.776)
    assert found["intervals"]["recall"] == pytest.approx([0.7235, 0.8207], abs=5e-5)


def test_a_set_without_positives_has_undefined_numbers_and_no_invented_zeros():
    found = evaluate(predictions_of([0, 0, 0], [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]), positive=1)["test"]
    assert found["confusion_matrix"] == [[3, 0], [0, 0]]
    undefined = ("recall", "precision", "f1", "mcc", "auc", "average_precision")
    assert [found[name] for name in undefined] == [None] * 6
    assert [found["intervals"][name] for name in undefined] == [None] * 6
    assert (found["accuracy"], found["specificity"]) == (1.0, 1.0)


def test_a_constant_prediction_has_no_mcc_but_a_recall_of_zero():
    found = evaluate(predictions_of([0, 1, 1, 0], [[0.9, 0.1]] * 4), positive=1)["test"]
    assert (found["mcc"], found["precision"], found["recall"], found["auc"]) == (None, None, 0.0, 0.5)


def test_a_class_that_does_not_occur_keeps_its_row_and_stays_out_of_the_macro_mean():
    p = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]]
    found = evaluate(predictions_of([0, 1, 1, 1], p), positive=1)["test"]
    assert found["confusion_matrix"] == [[1, 0, 0], [1, 2, 0], [0, 0, 0]]
    assert found["recall"]["per_class"] == {"k0": 1.0, "k1": pytest.approx(2 / 3), "k2": None}
    assert found["recall"]["macro"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["auc"]["per_class"]["k2"] is None
    assert found["intervals"]["auc"]["per_class"]["k2"] is None
    assert found["intervals"]["recall"]["per_class"]["k2"] is None


@pytest.mark.parametrize("classes", [("0", "1"), THREE])
def test_every_number_has_an_interval_around_it_in_the_same_form(classes):
    found = evaluate(synthetic_predictions(classes), positive=1, bootstraps=300)["test"]
    assert set(found["intervals"]) == set(EVALUATED_METRICS)
    for name in EVALUATED_METRICS:
        value, interval = found[name], found["intervals"][name]
        if isinstance(value, dict):
            assert set(interval["per_class"]) == set(classes)
            pairs = [(value["macro"], interval["macro"])]
            pairs += [(value["per_class"][key], interval["per_class"][key]) for key in classes]
        else:
            pairs = [(value, interval)]
        for number, (low, high) in pairs:
            assert low <= number <= high, name
            assert low < high, name


def test_only_sets_with_cases_appear_and_the_result_is_json():
    predictions = synthetic_predictions()
    found = evaluate(predictions, positive=1, bootstraps=50)
    assert list(found) == ["train", "validation", "test"]
    assert list(evaluate(predictions.select("test"), positive=1, bootstraps=0)) == ["test"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def slow_t_interval(value, samples, num_groups, to_scale, from_scale, slope):
    """The interval of the bootstrap's standard error on a scale, written out."""
    error = np.std(samples, ddof=1) * np.sqrt(num_groups / (num_groups - 1)) * slope
    half = student.ppf(0.975, num_groups - 1) * error
    return [from_scale(to_scale(value) - half), from_scale(to_scale(value) + half)]


def num_bearing_groups(predictions):
    """The groups with cases of the class that fewer groups have."""
    return min(len(set(predictions.groups[predictions.y_true == label])) for label in (0, 1))


@pytest.mark.slow
def test_the_bootstrap_equals_a_slow_one_that_repeats_whole_groups():
    predictions = synthetic_predictions(num_cases=300, seed=5).select("train")
    found = evaluate(predictions, positive=1, bootstraps=40, seed=9)["train"]
    names = np.unique(predictions.groups)
    rng = np.random.default_rng(9)
    samples = {"average_precision": [], "f1": [], "mcc": []}
    for drawn in rng.integers(len(names), size=(40, len(names))):
        rows = np.concatenate([np.flatnonzero(predictions.groups == names[g]) for g in drawn])
        truth, p = predictions.y_true[rows], predictions.probabilities[rows, 1]
        samples["average_precision"].append(sk.average_precision_score(truth, p))
        samples["f1"].append(sk.f1_score(truth, p >= 0.5))
        samples["mcc"].append(sk.matthews_corrcoef(truth, p >= 0.5))
    assert num_bearing_groups(predictions) < len(names)
    for name, values in samples.items():
        value = found[name]
        scale = (np.arctanh, np.tanh, 1 / (1 - value**2)) if name == "mcc" else (logit, expit, 1 / (value - value**2))
        expected = slow_t_interval(value, values, num_bearing_groups(predictions), *scale)
        assert found["intervals"][name] == pytest.approx(expected, abs=1e-12), name


def test_the_interval_of_a_mean_over_classes_is_that_of_a_slow_bootstrap_with_all_groups():
    predictions = synthetic_predictions(THREE, num_cases=300, seed=5).select("train")
    found = evaluate(predictions, positive=1, bootstraps=30, seed=9)["train"]
    names, rng = np.unique(predictions.groups), np.random.default_rng(9)
    samples = {"recall": [], "auc": []}
    for drawn in rng.integers(len(names), size=(30, len(names))):
        rows = np.concatenate([np.flatnonzero(predictions.groups == names[g]) for g in drawn])
        truth, p = predictions.y_true[rows], predictions.probabilities[rows]
        samples["recall"].append(sk.balanced_accuracy_score(truth, p.argmax(axis=1)))
        samples["auc"].append(sk.roc_auc_score(truth, p, multi_class="ovr"))
    for name, values in samples.items():
        value = found[name]["macro"]
        expected = slow_t_interval(value, values, len(names), logit, expit, 1 / (value - value**2))
        assert found["intervals"][name]["macro"] == pytest.approx(expected, abs=1e-12), name


def test_the_intervals_of_proportions_and_auc_need_no_resamples():
    predictions = synthetic_predictions(num_cases=300).select("test")
    without, with_resamples = (evaluate(predictions, positive=1, bootstraps=number)["test"] for number in (0, 50))
    closed = ("accuracy", "recall", "precision", "specificity", "auc")
    for name in EVALUATED_METRICS:
        interval = without["intervals"][name]
        assert interval == (with_resamples["intervals"][name] if name in closed else None), name


def test_the_interval_of_a_proportion_is_that_of_the_cases_that_it_counts_by_group():
    predictions = synthetic_predictions(num_cases=300).select("test")
    found = evaluate(predictions, positive=1, bootstraps=0)["test"]["intervals"]
    taken, truth = predictions.probabilities[:, 1] >= 0.5, predictions.y_true == 1
    counted = {
        "accuracy": (taken == truth, np.ones_like(truth)),
        "recall": (taken, truth),
        "precision": (truth, taken),
        "specificity": (~taken, ~truth),
    }
    for name, (successes, trials) in counted.items():
        pairs = [
            [np.sum((successes & trials)[predictions.groups == group]), np.sum(trials[predictions.groups == group])]
            for group in np.unique(predictions.groups)
        ]
        assert found[name] == proportion_interval(*np.array(pairs).T), name


def test_the_number_of_groups_is_next_to_the_number_of_cases():
    found = evaluate(synthetic_predictions(), positive=1, bootstraps=0)
    assert {name: entry["groups"] for name, entry in found.items()} == {"train": 28, "validation": 4, "test": 8}


def test_a_single_group_has_no_interval():
    p = [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]]
    found = evaluate(predictions_of([0, 1, 0, 1], p, groups=["scan"] * 4), positive=1)["test"]["intervals"]
    assert found == dict.fromkeys(EVALUATED_METRICS)
    three = [[*pair, 0.0] for pair in p]
    found = evaluate(predictions_of([0, 1, 0, 1], three, groups=["scan"] * 4), positive=1)["test"]["intervals"]
    assert found["mcc"] is None
    assert found["auc"] == {"macro": None, "per_class": {"k0": None, "k1": None, "k2": None}}


@pytest.mark.parametrize("is_right", [True, False])
def test_five_cases_that_are_all_right_or_all_wrong_have_no_interval_of_no_width(is_right):
    y_true = np.array([0, 1, 1, 0, 1])
    p = np.where(y_true == is_right, 0.9, 0.1)
    found = evaluate(predictions_of(y_true, np.column_stack([1 - p, p])), positive=1)["test"]
    assert (found["mcc"], found["auc"]) == ((1.0, 1.0) if is_right else (-1.0, 0.0))
    intervals = found["intervals"]
    assert (intervals["mcc"], intervals["f1"]) == (None, None)
    assert [high - low > 0.3 for low, high in filter(None, intervals.values())] == [True] * (5 if is_right else 6)


def test_equal_seeds_give_equal_intervals_and_other_seeds_do_not():
    predictions = synthetic_predictions()
    first, again, other = (evaluate(predictions, positive=1, bootstraps=100, seed=seed) for seed in (1, 1, 2))
    assert first == again
    for name in ("f1", "mcc", "average_precision"):
        assert first["test"]["intervals"][name] != other["test"]["intervals"][name]


def test_the_confusion_matrix_of_no_case_is_zero():
    assert confusion_matrix(np.array([], dtype=int), np.array([], dtype=int), 2).tolist() == [[0, 0], [0, 0]]


def test_the_class_report_is_scikit_learns():
    predictions = synthetic_predictions(THREE).select("test")
    taken = predictions.probabilities.argmax(axis=1)
    expected = sk.classification_report(predictions.y_true, taken, target_names=THREE, output_dict=True)
    for entry in class_report(sk.confusion_matrix(predictions.y_true, taken).tolist(), THREE):
        row = expected[entry["class"]]
        assert entry["precision"] == pytest.approx(row["precision"])
        assert entry["recall"] == pytest.approx(row["recall"])
        assert entry["f1"] == pytest.approx(row["f1-score"])
        assert entry["support"] == row["support"]


def test_metrics_recomputed_from_predictions_are_the_same_and_keep_the_costs():
    predictions = synthetic_predictions()
    metrics = {"positive": "nodule", "classes": list(predictions.classes), "parameters": 99_948}
    metrics |= evaluate(predictions, positive=1, threshold=0.4, bootstraps=60)
    assert recompute_metrics(predictions, metrics, bootstraps=60) == metrics


def test_recomputing_with_a_positive_class_of_another_run_is_refused():
    with pytest.raises(ValueError, match=r'^positive class "tumour" is not one of non-nodule, nodule$'):
        recompute_metrics(synthetic_predictions(), {"positive": "tumour"})
