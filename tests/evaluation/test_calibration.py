from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, log_softmax, logit, softmax
from scipy.stats import t as student
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from archnet.evaluation import calibration as module
from archnet.evaluation.calibration import NUM_BINS, apply_temperature, calibration, fit_temperature
from archnet.evaluation.metrics import evaluate
from archnet.evaluation.uncertainty.proportions import proportion_interval
from synthetic_runs import predictions_of, synthetic_predictions

THREE = ("CT-0", "CT-1", "CT-23")


def sharpened(predictions, heat):
    """The predictions of a network that says everything `heat` times as surely."""
    logits = np.log(predictions.probabilities) * heat
    return predictions_of(predictions.y_true, np.exp(log_softmax(logits, axis=1)))


@pytest.mark.parametrize("positive", [0, 1])
def test_two_class_calibration_is_scikit_learns(positive):
    part = synthetic_predictions(num_cases=2000, seed=4).select("train")
    found = calibration(part, positive, seed=0)
    truth, scores = part.y_true == positive, part.probabilities[:, positive]
    assert found["brier"] == pytest.approx(sk.brier_score_loss(truth, scores), abs=1e-12)
    shares, said = calibration_curve(truth, scores, n_bins=NUM_BINS, strategy="quantile")
    assert [entry["share"] for entry in found["bins"]] == pytest.approx(shares.tolist())
    assert [entry["probability"] for entry in found["bins"]] == pytest.approx(said.tolist())
    counts = np.array([entry["n"] for entry in found["bins"]])
    assert counts.sum() == len(truth)
    assert found["expected_calibration_error"] == pytest.approx(np.sum(counts * np.abs(shares - said)) / counts.sum())


def test_with_more_classes_the_predicted_class_is_evaluated():
    part = synthetic_predictions(THREE, num_cases=2000, seed=4).select("train")
    found = calibration(part, 1, seed=0)
    assert found["brier"] == pytest.approx(sk.brier_score_loss(part.y_true, part.probabilities, scale_by_half=False))
    right, confidence = part.probabilities.argmax(axis=1) == part.y_true, part.probabilities.max(axis=1)
    shares, said = calibration_curve(right, confidence, n_bins=NUM_BINS, strategy="quantile")
    assert [entry["share"] for entry in found["bins"]] == pytest.approx(shares.tolist())
    assert [entry["probability"] for entry in found["bins"]] == pytest.approx(said.tolist())


def test_equal_probabilities_share_a_bin_and_empty_bins_are_left_out():
    p = np.repeat([0.0, 0.1, 0.7, 1.0], [40, 3, 4, 2])
    truth = np.arange(49) >= 44
    found = calibration(predictions_of(truth.astype(int), np.column_stack([1 - p, p])), 1, seed=0)
    bins = [(entry["n"], entry["probability"], entry["share"]) for entry in found["bins"]]
    assert bins == [(40, 0.0, 0.0), (3, pytest.approx(0.1), 0.0), (4, pytest.approx(0.7), 0.75), (2, 1.0, 1.0)]
    assert found["expected_calibration_error"] == pytest.approx((3 * 0.1 + 4 * 0.05) / 49)


def test_bins_have_the_interval_of_their_groups():
    part = synthetic_predictions(num_cases=400, seed=5).select("train")
    found, p = calibration(part, 1, seed=0)["bins"], part.probabilities[:, 1]
    ends = np.cumsum([entry["n"] for entry in found])
    order = np.argsort(p)
    assert len(found) == NUM_BINS
    for start, end, entry in zip([0, *ends], ends, found, strict=False):
        rows = order[start:end]
        groups = np.unique(part.groups[rows])
        hits = np.array([part.y_true[rows][part.groups[rows] == group].sum() for group in groups])
        sizes = np.array([np.sum(part.groups[rows] == group) for group in groups])
        assert entry["interval"] == proportion_interval(hits, sizes)


@pytest.mark.parametrize(("classes", "highest"), [(("0", "1"), 1), (THREE, 2)])
def test_the_interval_of_the_brier_score_is_that_of_the_jackknife_over_groups(classes, highest):
    part = synthetic_predictions(classes, num_cases=300, seed=5).select("train")
    found = calibration(part, 1, seed=9)
    errors = ((part.probabilities - np.eye(len(classes))[part.y_true]) ** 2).sum(axis=1) / (3 - highest)
    names = np.unique(part.groups)
    without = np.array([errors[part.groups != name].mean() for name in names])
    num_groups, mean = len(names), errors.mean()
    error = np.sqrt((num_groups - 1) / num_groups * np.sum((without - mean) ** 2))
    share = mean / highest
    half = student.ppf(0.975, num_groups - 1) * error / highest / (share * (1 - share))
    expected = [highest * expit(logit(share) + sign * half) for sign in (-1, 1)]
    assert found["brier"] == pytest.approx(mean)
    assert found["intervals"]["brier"] == pytest.approx(expected, abs=1e-12)


def test_a_brier_score_of_one_group_or_without_spread_has_no_interval():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    assert calibration(predictions_of([0, 1, 1], p, groups=["scan"] * 3), 1, seed=0)["intervals"] == {"brier": None}
    assert calibration(predictions_of([0, 1, 1], [[0.5, 0.5]] * 3), 1, seed=0)["intervals"] == {"brier": None}
    assert calibration(predictions_of([0, 1], [[1.0, 0.0], [0.0, 1.0]]), 1, seed=0)["intervals"] == {"brier": None}


@pytest.mark.parametrize(
    ("limits", "num_simulations"),
    [({}, 1000), ({"_CHUNK_DRAWS": 800}, 1000), ({"_MAX_DRAWS": 46200}, 231), ({"_MAX_DRAWS": 100}, 100)],
)
def test_the_error_if_calibrated_is_that_of_outcomes_drawn_one_model_after_another(
    monkeypatch, limits, num_simulations
):
    for name, value in limits.items():
        monkeypatch.setattr(module, name, value)
    p = np.random.default_rng(2).random(200).round(1)
    part = predictions_of(np.zeros(200, int), np.column_stack([1 - p, p]))
    edges = np.quantile(p, np.arange(1, NUM_BINS) / NUM_BINS)
    bins = np.array([np.sum(edges < one) for one in p])
    order, rng, errors = np.lexsort([np.arange(200), bins]), np.random.default_rng(7), []
    for _ in range(num_simulations):
        gaps = np.empty(200)
        gaps[order] = (rng.random(200) < p[order]) - p[order]
        errors.append(sum(abs(gaps[bins == k].sum()) for k in np.unique(bins)) / 200)
    expected = {"mean": np.mean(errors), "percentile_95": np.percentile(errors, 95)}
    assert calibration(part, 1, seed=7)["error_if_calibrated"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.long
def test_a_calibrated_models_error_is_that_of_drawn_outcomes():
    part = synthetic_predictions(num_cases=400, seed=4).select("train")
    found, rng = calibration(part, 1, seed=0)["error_if_calibrated"], np.random.default_rng(1)
    p = part.probabilities[:, 1]
    errors = []
    for _ in range(1000):
        truth = (rng.random(len(p)) < p).astype(int)
        errors.append(calibration(replace(part, y_true=truth), 1, seed=0)["expected_calibration_error"])
    assert found["mean"] == pytest.approx(np.mean(errors), rel=0.03)
    assert found["percentile_95"] == pytest.approx(np.percentile(errors, 95), rel=0.05)


def test_a_calibrated_models_error_follows_the_seed_and_falls_with_the_cases():
    small, large = (synthetic_predictions(num_cases=number) for number in (70, 1600))
    first, again, other = (calibration(small, 1, seed=seed)["error_if_calibrated"] for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert calibration(large, 1, seed=1)["error_if_calibrated"]["percentile_95"] < first["mean"]


@pytest.mark.parametrize("classes", [("0", "1"), THREE])
@pytest.mark.parametrize("heat", [0.4, 2.5])
def test_the_temperature_undoes_what_made_a_network_too_sure(classes, heat):
    predictions = synthetic_predictions(classes, num_cases=500)
    natural = fit_temperature(predictions)
    assert fit_temperature(sharpened(predictions, heat)) == pytest.approx(natural * heat, rel=1e-4)


@pytest.mark.parametrize("classes", [("0", "1"), THREE])
def test_no_temperature_on_a_fine_grid_is_better(classes):
    predictions = sharpened(synthetic_predictions(classes, num_cases=500), 2.0)
    logits = np.log(predictions.probabilities)
    grid = np.geomspace(0.5, 5, 151)
    losses = [sk.log_loss(predictions.y_true, np.exp(log_softmax(logits / heat, axis=1))) for heat in grid]
    assert fit_temperature(predictions) == pytest.approx(grid[np.argmin(losses)], rel=0.01)


@pytest.mark.parametrize("y_true", [[0, 1, 0], [1, 0, 1]])
@pytest.mark.parametrize("p", [[0.1, 0.8, 0.4], [0.0, 1.0, 0.0]])
def test_cases_all_classified_correctly_or_incorrectly_have_no_temperature(y_true, p):
    assert fit_temperature(predictions_of(y_true, np.column_stack([1 - np.array(p), p]))) is None


@pytest.mark.parametrize(("logit_of_all", "share", "is_found"), [(46, 3 / 4, True), (46, 2 / 3, False)])
@pytest.mark.parametrize("is_small", [False, True])
def test_temperatures_are_searched_from_1_50th_to_50(logit_of_all, share, is_found, is_small):
    """With one logit in all cases, the best temperature is its ratio to the logit of the share of correct cases."""
    temperature = logit_of_all / logit(share)  # 41.9 or 66.4
    said = logit(share) / temperature if is_small else logit_of_all
    y_true = np.arange(12) < 12 * share
    part = predictions_of(y_true.astype(int), np.tile([expit(-said), expit(said)], (12, 1)))
    found = fit_temperature(part)
    expected = 1 / temperature if is_small else temperature
    assert found == (pytest.approx(expected, rel=1e-6) if is_found else None)


def test_scaling_keeps_order_and_sums_and_bears_certainty():
    part = predictions_of([0, 1, 1], [[1.0, 0.0], [0.0, 1.0], [0.3, 0.7]])
    cooled = apply_temperature(part, 3.0).probabilities
    np.testing.assert_allclose(cooled.sum(axis=1), 1)
    assert np.all(np.diff(cooled[[0, 2, 1], 1]) > 0)


@pytest.mark.parametrize("classes", [("0", "1"), THREE])
def test_scaling_divides_the_logits_by_the_temperature(classes):
    part = synthetic_predictions(classes, num_cases=50)
    expected = softmax(np.log(part.probabilities) / 2.5, axis=1)
    np.testing.assert_allclose(apply_temperature(part, 2.5).probabilities, expected)


def test_every_set_reports_its_calibration_before_and_after_the_temperature_of_the_validation_set():
    predictions = synthetic_predictions(num_cases=2000)
    found = evaluate(predictions, positive=1, bootstraps=50)
    heat = fit_temperature(predictions.select("validation"))
    for name, entry in found.items():
        part = predictions.select(name)
        after = entry["calibration"].pop("scaled")
        assert entry["calibration"] == calibration(part, 1, seed=0)
        assert after == {"temperature": heat, **calibration(apply_temperature(part, heat), 1, seed=0)}
