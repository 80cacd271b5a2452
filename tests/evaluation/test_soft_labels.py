"""Soft labels and weights in predictions.csv, calibration and temperature scaling."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logit
from scipy.stats import t as student
from sklearn.calibration import calibration_curve

from archnet.errors import DataError
from archnet.evaluation.calibration import NUM_BINS, calibration, fit_temperature
from archnet.evaluation.metrics import evaluate
from archnet.evaluation.predictions import Predictions, read_predictions, write_predictions
from synthetic_runs import synthetic_predictions

HEADER = "case,group,set,y_true,p_a,p_b,soft_a,soft_b,weight\n"
ROW = "1,g,test,b,0.25,0.75,0.5,0.5,2\n"
REMEDY = "Restore the file, or run the experiment again."


def _softened(predictions, *, soft=True, weight=True, seed=3):
    """Predictions with soft labels, of which the true class has the largest share, and weights."""
    generator = np.random.default_rng(seed)
    num_cases, num_classes = predictions.probabilities.shape
    shares = generator.dirichlet([0.7] * num_classes, num_cases)
    shares[np.arange(num_cases), predictions.y_true] += 1
    shares = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
    weights = generator.uniform(0.1, 4, num_cases).astype(np.float32).astype(np.float64)
    return replace(predictions, soft=shares if soft else None, weight=weights if weight else None)


def test_training_cases_whose_shares_are_equal_count_for_no_class():
    predictions = _softened(synthetic_predictions(num_cases=60), weight=False)
    is_undecided = (predictions.sets == "train") & (np.arange(60) % 3 == 0)
    shares = np.where(is_undecided[:, None], 0.5, predictions.soft)
    undecided = replace(predictions, soft=shares)
    assert undecided.has_label.tolist() == (~is_undecided).tolist()
    matrix = evaluate(undecided, positive=1, bootstraps=0)["train"]["confusion_matrix"]
    kept = predictions.y_true[(predictions.sets == "train") & ~is_undecided]
    assert np.sum(matrix, axis=1).tolist() == np.bincount(kept).tolist()
    tied_test = replace(predictions, soft=np.where((predictions.sets == "test")[:, None], 0.5, predictions.soft))
    assert tied_test.has_label.all()


@pytest.mark.parametrize(("soft", "weight"), [(True, True), (True, False), (False, True), (False, False)])
def test_soft_labels_and_weights_read_back_to_identical_floats(tmp_path, soft, weight):
    predictions = _softened(synthetic_predictions(("a", "weight", "soft_x"), num_cases=60), soft=soft, weight=weight)
    path = write_predictions(tmp_path / "predictions.csv", predictions)
    columns = ["case", "group", "set", "y_true", "p_a", "p_weight", "p_soft_x"]
    columns += ["soft_a", "soft_weight", "soft_soft_x"] * soft + ["weight"] * weight
    assert path.read_text(encoding="utf-8").splitlines()[0] == ",".join(columns)
    back = read_predictions(path)
    np.testing.assert_array_equal(back.probabilities, predictions.probabilities)
    for name in ("soft", "weight"):
        np.testing.assert_equal(getattr(back, name), getattr(predictions, name))
        np.testing.assert_equal(getattr(back.select("test"), name) is None, getattr(predictions, name) is None)
    if soft:
        np.testing.assert_array_equal(back.select("test").soft, predictions.soft[predictions.sets == "test"])
    if weight:
        np.testing.assert_array_equal(back.select("test").weight, predictions.weight[predictions.sets == "test"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HEADER.replace("soft_b", "soft_c") + ROW,
            "line 1: the columns are case,group,set,y_true,p_a,p_b,soft_a,soft_c,weight; expected "
            "case,group,set,y_true and one p_<class> for each of two or more classes, optionally one soft_<class> for "
            "each, and weight.",
        ),
        (HEADER + ROW.replace("0.5,0.5", "0.5,x"), 'line 2: soft_b is "x", not a number from 0 to 1.'),
        (HEADER + ROW.replace("0.5,0.5", "1.5,-0.5"), 'line 2: soft_a is "1.5", not a number from 0 to 1.'),
        (HEADER + ROW.replace("0.5,0.5", "0.5,0.4"), "line 2: the soft labels sum to 0.9, not to 1."),
        (HEADER + ROW.replace(",2\n", ",0\n"), 'line 2: weight is "0", not a positive number.'),
        (HEADER + ROW.replace(",2\n", ",inf\n"), 'line 2: weight is "inf", not a positive number.'),
        (HEADER + ROW.replace(",2\n", ",\n"), 'line 2: weight is "", not a positive number.'),
    ],
)
def test_damaged_columns_are_refused_with_their_line(tmp_path, text, message):
    path = tmp_path / "predictions.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=f"^{re.escape(f'{path} {message} {REMEDY}')}$"):
        read_predictions(path)


def test_columns_of_other_lengths_are_refused():
    predictions = synthetic_predictions(num_cases=5)
    with pytest.raises(ValueError, match="do not fit columns"):
        replace(predictions, soft=np.full((5, 3), 1 / 3))
    with pytest.raises(ValueError, match="do not fit columns"):
        replace(predictions, weight=np.ones(4))


def test_probabilities_are_compared_with_soft_labels_in_every_bin():
    part = _softened(synthetic_predictions(num_cases=2000, seed=4)).select("train")
    found = calibration(part, 1, seed=0)
    p, share = part.probabilities[:, 1], part.soft[:, 1]
    assert list(found) == ["labels", "brier", "expected_calibration_error", "bins", "intervals"]
    assert found["labels"] == "soft"
    assert found["brier"] == pytest.approx(((p - share) ** 2).mean())
    edges = np.quantile(p, np.linspace(0, 1, NUM_BINS + 1))
    places = np.clip(np.searchsorted(edges, p) - 1, 0, NUM_BINS - 1)
    means = [share[places == k].mean() for k in range(NUM_BINS)]
    assert [entry["share"] for entry in found["bins"]] == pytest.approx(means)
    _, said = calibration_curve(part.y_true == 1, p, n_bins=NUM_BINS, strategy="quantile")
    assert [entry["probability"] for entry in found["bins"]] == pytest.approx(said.tolist())
    assert found["expected_calibration_error"] == pytest.approx(
        sum((places == k).sum() * abs(means[k] - p[places == k].mean()) for k in range(NUM_BINS)) / len(p)
    )


def test_the_interval_of_a_mean_soft_label_is_students_over_groups_on_the_logit_scale():
    part = _softened(synthetic_predictions(num_cases=900, seed=2)).select("train")
    entry = calibration(part, 1, seed=0)["bins"][7]
    p, share = part.probabilities[:, 1], part.soft[:, 1]
    edges = np.quantile(p, np.linspace(0, 1, NUM_BINS + 1))
    is_in = np.searchsorted(edges, p) - 1 == 7
    groups = np.unique(part.groups[is_in])
    sums = np.array([share[is_in & (part.groups == group)].sum() for group in groups])
    sizes = np.array([(is_in & (part.groups == group)).sum() for group in groups])
    mean, count = sums.sum() / sizes.sum(), len(groups)
    left_out = [(sums.sum() - one) / (sizes.sum() - size) for one, size in zip(sums, sizes, strict=True)]
    shifts = np.array(left_out) - mean
    error = np.sqrt((count - 1) / count * (shifts**2).sum())
    half = student.ppf(0.975, count - 1) * error / (mean * (1 - mean))
    assert entry["interval"] == pytest.approx([expit(logit(mean) - half), expit(logit(mean) + half)], rel=1e-6)


def test_with_more_than_two_classes_the_share_of_the_predicted_class_is_compared():
    part = _softened(synthetic_predictions(("a", "b", "c"), num_cases=1500, seed=4)).select("train")
    found = calibration(part, 1, seed=0)
    assert found["brier"] == pytest.approx(((part.probabilities - part.soft) ** 2).sum(axis=1).mean())
    rows, top = np.arange(len(part.cases)), part.probabilities.argmax(axis=1)
    total = sum(entry["n"] * entry["share"] for entry in found["bins"])
    assert total == pytest.approx(part.soft[rows, top].sum())


def test_weights_do_not_change_metrics():
    part = _softened(synthetic_predictions(num_cases=600, seed=4)).select("train")
    assert calibration(part, 1, seed=0) == calibration(replace(part, weight=None), 1, seed=0)


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize(("soft", "weight"), [(True, True), (True, False), (False, True)])
def test_the_temperature_minimizes_the_weighted_cross_entropy_of_the_soft_labels(classes, soft, weight):
    part = _softened(synthetic_predictions(classes, num_cases=900, seed=6), soft=soft, weight=weight).select("train")
    target = np.eye(len(classes))[part.y_true] if part.soft is None else part.soft
    logits = np.log(part.probabilities)

    def loss(log_temperature):
        losses = -(target * log_softmax(logits / np.exp(log_temperature), axis=1)).sum(axis=1)
        return np.average(losses, weights=part.weight)

    best = np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}).x)
    assert fit_temperature(part) == pytest.approx(best, rel=1e-5)
    assert fit_temperature(part) != pytest.approx(fit_temperature(replace(part, soft=None, weight=None)), rel=1e-3)


def test_metrics_are_those_of_the_hard_labels():
    predictions = synthetic_predictions(num_cases=300, seed=5)
    hard, soft = (evaluate(one, positive=1, bootstraps=20) for one in (predictions, _softened(predictions)))
    for name in hard:
        for entries in (hard, soft):
            entries[name].pop("calibration")
    assert hard == soft


def test_one_hot_soft_labels_give_the_brier_score_and_temperature_of_hard_ones():
    part = synthetic_predictions(num_cases=500, seed=8).select("train")
    one_hot: Predictions = replace(part, soft=np.eye(2)[part.y_true])
    hard, soft = (calibration(one, 1, seed=0) for one in (part, one_hot))
    assert soft["brier"] == hard["brier"]
    assert [entry["share"] for entry in soft["bins"]] == [entry["share"] for entry in hard["bins"]]
    assert fit_temperature(one_hot) == pytest.approx(fit_temperature(part), rel=1e-9)
