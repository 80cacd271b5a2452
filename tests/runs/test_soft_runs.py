"""Runs on soft labels and case weights: what each file of a run folder holds, and what the options do."""

import csv
import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

import archnet
from archnet.cli import app
from archnet.errors import DataError
from archnet.evaluation.calibration import calibration
from archnet.evaluation.predictions import read_predictions
from archnet.runs.baselines import run_baselines
from archnet.runs.preparation.coarse_models.baseline_models import FOREST
from archnet.runs.rereport import regenerate_reports
from finished_runs import NET_2D, experiment_on

pytestmark = pytest.mark.slow

NET = {**NET_2D, "layers": [*NET_2D["layers"][:-1], {"type": "T", "activation": "sigmoid"}]}


@pytest.fixture(scope="module")
def arrays():
    """60 squares of 20 patients; the brighter the middle, the more readers call it malignant."""
    generator = np.random.default_rng(0)
    share = (np.arange(60) * 7 % 60 + 0.5) / 60
    x = generator.integers(0, 60, (60, 10, 10), dtype=np.uint8)
    x[:, 2:8, 2:8] += (share * 160).astype(np.uint8)[:, np.newaxis, np.newaxis]
    return {
        "x": x,
        "soft": np.stack([1 - share, share], axis=1),
        "weight": generator.uniform(0.5, 2, 60),
        "group": np.repeat(np.arange(20), 3),
        "classes": ["benign", "malignant"],
    }


@pytest.fixture(scope="module")
def data(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("soft") / "readers.npz"
    np.savez(path, **arrays)
    return path


def _run(path, out, **training):
    (experiment,) = archnet.load_experiments(
        experiment_on(path, NET, training={"epochs": 2, **training}, evaluation={"bootstraps": 20})
    )
    (run,) = archnet.run_all([experiment], out=out)
    return run


@pytest.fixture(scope="module")
def soft_run(data, tmp_path_factory):
    return _run(data, tmp_path_factory.mktemp("runs") / "out")


def _table(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _messages(run):
    findings = json.loads((run.folder / "data.json").read_text())["findings"]
    return [finding["message"] for finding in findings if finding["check"] == "soft_labels"]


def test_predictions_hold_the_soft_labels_and_weights_of_their_cases(soft_run, arrays):
    rows = _table(soft_run.folder / "predictions.csv")
    assert list(rows[0]) == [
        "case", "group", "set", "y_true", "p_benign", "p_malignant", "soft_benign", "soft_malignant", "weight",
    ]  # fmt: skip
    assert len(rows) == 60
    for row in rows:
        case = int(row["case"])
        assert float(row["soft_malignant"]) == np.float32(arrays["soft"][case, 1])
        assert float(row["weight"]) == np.float32(arrays["weight"][case])
        assert row["y_true"] == ("malignant" if arrays["soft"][case, 1] > 0.5 else "benign")


def test_the_metrics_compare_with_the_soft_labels_and_follow_from_the_predictions(soft_run):
    metrics = soft_run.metrics["test"]
    part = read_predictions(soft_run.folder / "predictions.csv").select("test")
    expected = calibration(part, 1, seed=0)
    assert {key: metrics["calibration"][key] for key in expected} == expected
    assert metrics["calibration"]["labels"] == "soft"
    assert metrics["recall"] == pytest.approx((part.probabilities[part.y_true == 1, 1] >= 0.5).mean())
    before = (soft_run.folder / "metrics.json").read_text()
    regenerate_reports([soft_run.folder])
    assert (soft_run.folder / "metrics.json").read_text() == before


def test_the_page_states_what_probabilities_are_compared_with(soft_run):
    page = (soft_run.folder / "report.html").read_text(encoding="utf-8")
    assert (
        "Probabilities are compared with the soft labels: a dot shows their mean in a bin, and the Brier score is the mean "
        "squared difference from them. Every case counts once, regardless of its weight. The calibration slope and intercept "
        "below use the hard labels.\n"
    ) in page
    assert "perfectly calibrated model" not in page
    assert "mean soft label" in page
    assert "observed frequency" not in page


def test_the_methods_name_soft_labels_and_weights(soft_run):
    text = " ".join((soft_run.folder / "methods.txt").read_text(encoding="utf-8").split())
    assert "loss cross-entropy, soft labels, case weights, " in text


def test_the_record_of_the_data_summarizes_soft_labels_and_weights(soft_run, arrays):
    document = json.loads((soft_run.folder / "data.json").read_text())
    soft, weight = arrays["soft"], arrays["weight"]
    assert document["soft_labels"] == {
        "soft": 60,
        "mean_largest_share": pytest.approx(soft.max(axis=1).mean()),
        "mean_entropy_bits": pytest.approx(-(soft * np.log2(soft)).sum(axis=1).mean(), rel=1e-5),
    }
    assert document["case_weights"]["effective_cases"] == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    (message,) = _messages(soft_run)
    assert message.startswith("60 of 60 cases have soft labels; the mean largest share is 0.750, ")


def test_the_validation_loss_is_that_of_the_predictions(soft_run):
    part = read_predictions(soft_run.folder / "predictions.csv").select("validation")
    losses = -(part.soft * np.log(part.probabilities)).sum(axis=1)
    kept = min(float(row["validation_loss"]) for row in _table(soft_run.folder / "history.csv"))
    assert np.average(losses, weights=part.weight) == pytest.approx(kept, rel=1e-5)


def test_the_options_turn_soft_labels_and_weights_off(data, arrays, soft_run, tmp_path):
    hard_data = tmp_path / "hard.npz"
    labels = arrays["soft"].argmax(axis=1)
    np.savez(hard_data, **{key: arrays[key] for key in ("x", "group", "classes")}, y=labels)
    ignoring = _run(data, tmp_path / "ignoring", soft_labels=False, case_weights=False)
    hard = _run(hard_data, tmp_path / "hard")
    text = (ignoring.folder / "predictions.csv").read_text()
    assert text == (hard.folder / "predictions.csv").read_text()
    assert text != (soft_run.folder / "predictions.csv").read_text()
    digests = [json.loads((run.folder / "data.json").read_text())["digest"] for run in (ignoring, hard, soft_run)]
    assert digests[0] == digests[1] != digests[2]
    assert _messages(ignoring)[1:] == [
        "The soft labels of the data are not used: training.soft_labels is false.",
        "The weights of the data are not used: training.case_weights is false.",
    ]
    assert _messages(hard) == []
    assert "labels" not in hard.metrics["test"]["calibration"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "soft_labels",
            'training.soft_labels: the data have no soft labels. They come from the array "soft" of an npz file. Add '
            'them, or set training.soft_labels to "auto".',
        ),
        (
            "case_weights",
            'training.case_weights: the data have no weights. They come from the array "weight" of an npz file. Add '
            'them, or set training.case_weights to "auto".',
        ),
    ],
)
def test_data_without_required_soft_labels_or_weights_are_refused(finished_runs, tmp_path, option, message):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        _run(finished_runs / "cubes.npz", tmp_path / "out", **{option: True})
    assert not (tmp_path / "out/flat").exists()


def test_baselines_learn_hard_labels_with_the_weights_and_keep_both(data, arrays, tmp_path, monkeypatch):
    monkeypatch.setitem(FOREST, "n_estimators", 10)
    probabilities = []
    for name, options in (("weighted", {}), ("plain", {"case_weights": False, "soft_labels": False})):
        experiments = archnet.load_experiments(
            experiment_on(data, NET, training=options, evaluation={"bootstraps": 20})
        )
        runs = run_baselines(experiments, out=tmp_path / name)
        probabilities.append([read_predictions(run.folder / "predictions.csv") for run in runs])
        document = json.loads((runs[0].folder / "experiment.json").read_text())
        assert document["training"] == {"seed": 0, **options}
    for weighted, plain in zip(*probabilities, strict=True):
        assert not np.allclose(weighted.probabilities, plain.probabilities)
        np.testing.assert_array_equal(weighted.y_true, plain.y_true)
        assert weighted.soft[:, 1].tolist() == [np.float32(arrays["soft"][int(case), 1]) for case in weighted.cases]
        assert plain.soft is plain.weight is None


def test_data_info_prints_soft_labels_and_weights(data):
    result = CliRunner().invoke(app, ["data", "info", f"npz:{data}"], env={"COLUMNS": "160"})
    lines = [re.sub(r"\s+", " ", line).strip() for line in result.output.splitlines()]
    assert "soft_labels 60 of 60 cases, mean largest share 0.750, mean entropy 0.722 bits" in lines
    assert "case_weights 0.506 to 1.99, effective number of cases 53.6 of 60" in lines


def test_loaded_data_have_soft_labels_and_weights(data, arrays):
    loaded = archnet.load_data({"name": "npz", "root": str(data)})
    rows = loaded.ids.astype(int)
    np.testing.assert_array_equal(loaded.soft, arrays["soft"][rows].astype(np.float32))
    np.testing.assert_array_equal(loaded.weight, arrays["weight"][rows].astype(np.float32))
