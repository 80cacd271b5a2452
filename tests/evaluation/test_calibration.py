import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from archnet.evaluation.calibration import NUM_BINS, apply_temperature, calibration, fit_temperature
from archnet.evaluation.metrics import evaluate
from synthetic_runs import predictions_of, synthetic_predictions

THREE = ("CT-0", "CT-1", "CT-23")


def sharpened(predictions, heat):
    """The predictions of a network that says everything `heat` times as surely."""
    logits = np.log(predictions.probabilities) * heat
    return predictions_of(predictions.y_true, np.exp(log_softmax(logits, axis=1)))


@pytest.mark.parametrize("positive", [0, 1])
def test_two_class_calibration_is_scikit_learns(positive):
    part = synthetic_predictions(num_cases=2000, seed=4).select("train")
    found = calibration(part, positive, bootstraps=0, seed=0)
    truth, scores = part.y_true == positive, part.probabilities[:, positive]
    assert found["brier"] == pytest.approx(sk.brier_score_loss(truth, scores), abs=1e-12)
    shares, said = calibration_curve(truth, scores, n_bins=NUM_BINS, strategy="uniform")
    assert [entry["share"] for entry in found["bins"]] == pytest.approx(shares.tolist())
    assert [entry["probability"] for entry in found["bins"]] == pytest.approx(said.tolist())
    counts = np.array([entry["n"] for entry in found["bins"]])
    assert counts.sum() == len(truth)
    assert found["expected_calibration_error"] == pytest.approx(np.sum(counts * np.abs(shares - said)) / counts.sum())
    assert found["intervals"] == {"brier": None}


def test_of_more_classes_the_class_taken_is_judged():
    part = synthetic_predictions(THREE, num_cases=2000, seed=4).select("train")
    found = calibration(part, 1, bootstraps=0, seed=0)
    assert found["brier"] == pytest.approx(sk.brier_score_loss(part.y_true, part.probabilities, scale_by_half=False))
    right, confidence = part.probabilities.argmax(axis=1) == part.y_true, part.probabilities.max(axis=1)
    shares, said = calibration_curve(right, confidence, n_bins=NUM_BINS, strategy="uniform")
    assert [entry["share"] for entry in found["bins"]] == pytest.approx(shares.tolist())
    assert [entry["probability"] for entry in found["bins"]] == pytest.approx(said.tolist())


def test_a_bin_holds_its_upper_end_and_the_first_also_zero():
    p = np.array([0.0, 1 / 15, 2 / 15, 1.0])
    found = calibration(predictions_of([0, 0, 1, 1], np.column_stack([1 - p, p])), 1, bootstraps=0, seed=0)
    assert [(entry["n"], entry["share"]) for entry in found["bins"]] == [(2, 0.0), (1, 1.0), (1, 1.0)]
    assert found["expected_calibration_error"] == pytest.approx((1 / 15 + 13 / 15) / 4)


def test_the_interval_of_the_brier_score_is_that_of_repeated_groups():
    part = synthetic_predictions(num_cases=300, seed=5).select("train")
    found = calibration(part, 1, bootstraps=40, seed=9)["intervals"]["brier"]
    names, errors = np.unique(part.groups), (part.probabilities[:, 1] - part.y_true) ** 2
    samples = [
        np.concatenate([errors[part.groups == names[group]] for group in draw]).mean()
        for draw in np.random.default_rng(9).integers(len(names), size=(40, len(names)))
    ]
    assert found == pytest.approx(np.percentile(samples, [2.5, 97.5]).tolist(), abs=1e-12)


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
def test_cases_told_without_an_error_or_all_wrong_have_no_temperature(y_true):
    assert fit_temperature(predictions_of(y_true, [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])) is None


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


def test_every_set_tells_its_calibration_before_and_after_the_temperature_of_the_validation_set():
    predictions = synthetic_predictions(num_cases=2000)
    found = evaluate(predictions, positive=1, bootstraps=50)
    heat = fit_temperature(predictions.select("validation"))
    for name, entry in found.items():
        part = predictions.select(name)
        after = entry["calibration"].pop("scaled")
        assert entry["calibration"] == calibration(part, 1, bootstraps=50, seed=0)
        assert after == {"temperature": heat, **calibration(apply_temperature(part, heat), 1, bootstraps=50, seed=0)}
