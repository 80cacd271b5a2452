"""The humble baseline: what it sees, that it is scikit-learn's, and that it stands in comparisons like a network."""

import json
import re
from collections import Counter

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

import archnet
import archnet.evaluation.comparison.comparison as comparison_module
from archnet.cli import app
from archnet.data.dataset import Cases
from archnet.errors import RunError
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.predictions import read_predictions
from archnet.runs.baselines import GRID, block_means, run_baselines
from archnet.runs.preparation import PreparedData
from archnet.runs.preparation.coarse_models.baseline_models import BASELINES, FOREST, fit_baseline, num_parameters
from archnet.spec.view import InputLimits
from plain_training import PLAIN

COMMAND = CliRunner()
NET = {
    "name": "flat",
    "layers": [
        {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu"},
        {"type": "GAP"},
        {"type": "T"},
    ],
}
FILES = {
    "experiment.json", "split.csv", "training_scans.json", "predictions.csv", "metrics.json", "report.html", "gallery.npz",
    "methods.txt", "model_card.md", "tables", "environment.json", "figures", "data.json", "manifest.json",
}  # fmt: skip


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setitem(FOREST, "n_estimators", 10)


@pytest.fixture
def no_pictures(monkeypatch):
    monkeypatch.setattr("archnet.runs.evaluation.write_report", lambda run: None)


@pytest.fixture
def cubes(tmp_path):
    """90 cubes of 18x18x4 from 30 scans; each class is brighter in a place of its own."""
    return written(tmp_path / "cubes.npz", num_classes=2)


def written(path, num_classes):
    generator = np.random.default_rng(0)
    y = np.arange(90) % num_classes
    x = generator.integers(0, 120, (90, 18, 18, 4), dtype=np.uint8)
    for label in range(num_classes):
        x[y == label, 5 * label : 5 * label + 5] += 60
    np.savez(path, x=x[..., np.newaxis], y=y, group=np.repeat(np.arange(30), 3))
    return path


def experiments(path, seeds=(0,), **keys):
    document = {"archs": [NET], "data": {"name": "npz", "root": str(path)}, "evaluation": {"bootstraps": 20}, **keys}
    training = {**PLAIN, "epochs": 1, "batch_size": 32}
    return [
        one for seed in seeds for one in archnet.load_experiments({**document, "training": {**training, "seed": seed}})
    ]


def prepared_of(values, limits):
    count = len(values)
    cases = Cases(
        ids=np.arange(count).astype(str),
        groups=np.arange(count).astype(str),
        labels=np.zeros(count, np.int64),
        classes=("0", "1"),
        positive=1,
    )
    return PreparedData(
        cases=cases,
        sets=np.full(count, "train"),
        values=values,
        rows=np.arange(count)[::-1].copy(),
        limits=limits,
    )


def test_what_a_baseline_sees_are_the_means_of_blocks_of_clipped_and_scaled_voxels():
    values = np.random.default_rng(0).integers(-2000, 1500, (3, 50, 20, 10)).astype(np.int16)
    seen = block_means(prepared_of(values, InputLimits.of(-1000, 400)), (16, 7, 8)).reshape(3, 16, 7, 8)
    scaled = ((values.astype(float) + 1000) / 1400).clip(0, 1)[::-1]  # `rows` turns the cases around
    for i, j, k in [(0, 0, 0), (3, 6, 1), (15, 6, 7), (8, 2, 4)]:
        block = scaled[:, i * 50 // 16 : (i + 1) * 50 // 16, j * 20 // 7 : (j + 1) * 20 // 7]
        expected = block[..., k * 10 // 8 : (k + 1) * 10 // 8].mean(axis=(1, 2, 3))
        np.testing.assert_allclose(seen[:, i, j, k], expected, atol=1e-6)


def test_small_cases_and_slices_stay_unchanged():
    values = np.random.default_rng(0).integers(0, 256, (600, 12, 9)).astype(np.uint8)
    seen = block_means(prepared_of(values, InputLimits.of(0, 255)), GRID)
    np.testing.assert_allclose(seen, values[::-1].reshape(600, -1) / 255, atol=1e-6)


@pytest.mark.parametrize("shape", [(20, 9), (20, 9, 10)], ids=["2D", "3D"])
@pytest.mark.parametrize(
    "limits",
    [
        InputLimits(windows=(((-1000, 400), *((0, 20),) * 9),)),
        InputLimits(windows=(((-1350, 150),), ((-160, 240),))),
        InputLimits(windows=(((-1350, 150), (-160, 240)), ((-1000, 400), (-450, 1050)))),
    ],
    ids=["channels", "windows", "both"],
)
def test_a_baseline_sees_every_channel_of_the_network_by_itself(shape, limits):
    channel_axis = (limits.num_data_channels,) if limits.num_data_channels > 1 else ()
    values = np.random.default_rng(0).integers(-1500, 1500, (3, *shape, *channel_axis)).astype(np.int16)
    seen = block_means(prepared_of(values, limits), GRID).reshape(3, -1, len(limits.channels))
    for place, (low, high) in enumerate(limits.channels):
        channel = values[..., place % limits.num_data_channels] if channel_axis else values
        alone = block_means(prepared_of(channel, InputLimits.of(low, high)), GRID)
        np.testing.assert_allclose(seen[..., place], alone, atol=1e-6)


def test_the_models_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    labels = np.arange(80) % 3 % 2
    voxels = (generator.random((80, 30)) + 0.3 * labels[:, np.newaxis]).astype(np.float32)
    scaler = StandardScaler().fit(voxels)
    logistic = LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000)
    expected = logistic.fit(scaler.transform(voxels), labels).predict_proba(scaler.transform(voxels))
    ours = fit_baseline("logistic_regression", voxels, labels, seed=5)
    np.testing.assert_allclose(ours.predict_proba(voxels), expected, rtol=1e-6)
    assert num_parameters(ours) == 31
    forest = RandomForestClassifier(10, min_samples_leaf=5, class_weight="balanced", random_state=5)
    expected = forest.fit(voxels, labels).predict_proba(voxels)
    ours = fit_baseline("random_forest", voxels, labels, seed=5)
    np.testing.assert_allclose(ours.predict_proba(voxels), expected, rtol=1e-12)
    assert num_parameters(ours) == sum(tree.tree_.node_count for tree in forest.estimators_)


@pytest.mark.slow
def test_a_baseline_leaves_a_run_folder_without_a_model(cubes, tmp_path):
    forest, logistic = run_baselines(experiments(cubes), out=tmp_path / "out")
    assert [run.folder.name for run in (forest, logistic)] == list(BASELINES)
    for run in (forest, logistic):
        assert {path.name for path in run.folder.iterdir()} == FILES
        assert run.metrics["test"]["auc"] == 1
        assert run.metrics["macs"] is None
        assert run.metrics["train_seconds"] > 0
    assert logistic.metrics["parameters"] == 16 * 16 * 4 + 1
    document = json.loads((logistic.folder / "experiment.json").read_text())
    assert document["arch"] == {
        "name": "logistic_regression",
        "baseline": {"grid": [16, 16, 8], "C": 0.01, "class_weight": "balanced", "max_iter": 2000},
    }
    assert document["training"] == {"seed": 0}


@pytest.fixture
def count_calls(monkeypatch):
    """Counts the calls of functions of the comparison."""
    counts = Counter()

    def count(name):
        function = getattr(comparison_module, name)
        monkeypatch.setattr(comparison_module, name, lambda *values: (counts.update([name]), function(*values))[1])
        return counts

    return count


@pytest.mark.slow
def test_a_command_compares_a_network_with_both_baselines_on_the_same_cases_once(cubes, tmp_path, count_calls):
    for name in ("paired_comparisons", "verdict"):
        counts = count_calls(name)
    (tmp_path / "flat.json").write_text(json.dumps(NET))
    command = ["run", str(tmp_path / "flat.json"), "--data", f"npz:{cubes}", "--out", str(tmp_path / "out")]
    told = COMMAND.invoke(
        app, [*command, "--set", "training.epochs=1", "--set", "evaluation.bootstraps=20", "--baseline"]
    )
    assert told.exit_code == 0, told.output
    assert "random_forest against flat" in told.output
    assert counts == {"paired_comparisons": 1, "verdict": 1}
    comparison = compare([tmp_path / "out"])
    assert {row.run for row in comparison.rows} == {"flat", "random_forest", "logistic_regression"}
    assert [pair.reference for pair in comparison.pairs] == ["flat", "flat"]
    assert [pair.document for pair in comparison.pairs] == [(), ()]
    written = json.loads((tmp_path / "out/comparison.json").read_text())
    assert len(written["runs"]) == 3
    splits = {(tmp_path / "out" / row.run / "split.csv").read_text() for row in comparison.rows}
    assert len(splits) == 1
    before = (tmp_path / "out/random_forest/metrics.json").stat().st_mtime_ns
    told = COMMAND.invoke(
        app, [*command, "--set", "training.epochs=1", "--set", "evaluation.bootstraps=20", "--baseline", "--resume"]
    )
    assert told.exit_code == 0, told.output
    assert (tmp_path / "out/random_forest/metrics.json").stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_the_same_seed_gives_the_same_forest_bit_for_bit(cubes, tmp_path):
    texts = []
    for out in ("one", "two"):
        forest, _ = run_baselines(experiments(cubes), out=tmp_path / out)
        texts.append((forest.folder / "predictions.csv").read_bytes())
    assert texts[0] == texts[1]


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_every_seed_and_fold_has_its_baselines_and_they_are_pooled(cubes, tmp_path):
    runs = run_baselines(experiments(cubes, (0, 1), split={"folds": 2, "test": None}), out=tmp_path / "out")
    names = [f"{name}-fold{fold}{seed}" for seed in ("", "-seed1") for fold in (0, 1) for name in BASELINES]
    assert [run.folder.name for run in runs] == names
    rows = {row.run: row for row in compare([tmp_path / "out"]).rows}
    assert rows["random_forest"].seeds == (0, 1)
    assert rows["random_forest"].folds == (0, 1)
    assert rows["random_forest"].metrics["n"] == 90


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_more_than_two_classes_keep_their_order(tmp_path):
    path = written(tmp_path / "cubes.npz", num_classes=3)
    for run in run_baselines(experiments(path), out=tmp_path / "out"):
        assert run.metrics["test"]["accuracy"] == 1
        predictions = read_predictions(run.folder / "predictions.csv")
        assert predictions.probabilities.shape == (90, 3)


@pytest.mark.usefixtures("no_pictures")
def test_a_folder_of_another_experiment_is_refused(cubes, tmp_path):
    run_baselines(experiments(cubes), out=tmp_path / "out")
    message = (
        f"{tmp_path / 'out'}: contains a different experiment: split.seed 42 -> 7. Choose a different folder with --out, "
        "or replace its runs with --overwrite."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        run_baselines(experiments(cubes, (1,), split={"seed": 7}), out=tmp_path / "out")
