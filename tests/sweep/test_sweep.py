"""`archnet sweep` with real networks, from the file to the report."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from typer.testing import CliRunner

from archnet.cli import app
from archnet.cli.sweep import sweep_app
from archnet.evaluation.run_folder import read_json
from archnet.sweep.supervisor import process_environment
from small_sweeps import WIDTH, sweep_document

pytestmark = pytest.mark.slow


def swept(tmp_path, *options, **keys):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(sweep_document(tmp_path, **keys)))
    result = CliRunner().invoke(
        app, ["sweep", str(path), "--out", str(tmp_path / "out"), *options], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


def test_trials_are_ordinary_runs_and_only_the_chosen_one_sees_the_test_set(tmp_path):
    told = json.loads(swept(tmp_path, "--json", space={WIDTH: [2, 4], "training.learning_rate": [0.01, 1e9 + 0.5]}))
    states = Counter(told["states"]) - Counter()
    assert states["finished"] + states["failed"] == 4
    assert states["failed"] == 2
    diverged = [row["reason"] for row in told["rows"] if row["state"] == "failed"]
    assert all("training has diverged" in reason for reason in diverged)
    metrics = {path.parts[-3]: read_json(path) for path in tmp_path.glob("out/trials/*/net/metrics.json")}
    assert {number for number, one in metrics.items() if "test" in one} == {f"{told['best']:03d}"}
    assert all("validation" in one for one in metrics.values())
    assert read_json(tmp_path / "out/judged.json") == {"trials": [told["best"]]}
    run = tmp_path / f"out/trials/{told['best']:03d}/net"
    assert {path.name for path in run.iterdir()} >= {
        "arch.json", "experiment.json", "history.csv", "model.keras", "predictions.csv", "report.html"
    }  # fmt: skip
    page = (tmp_path / "out/sweep.html").read_text()
    assert f"The test set was looked at once, for trial {told['best']}, after it had been chosen." in page


def test_a_trial_is_the_ordinary_run_of_its_experiment_on_as_many_threads(tmp_path):
    swept(tmp_path, space={WIDTH: [4]})
    trial, alone = tmp_path / "out/trials/000/net", tmp_path / "alone"
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import archnet.cli; archnet.cli.main()",
            "run",
            trial / "experiment.json",
            "--out",
            alone,
        ],
        env=process_environment(1, 0, {}),
        check=True,
        capture_output=True,
    )
    assert (trial / "predictions.csv").read_bytes() == (alone / "net/predictions.csv").read_bytes()
    sweep, ordinary = read_json(trial / "metrics.json"), read_json(alone / "net/metrics.json")
    assert all(sweep[name] == ordinary[name] for name in ("train", "validation", "test"))


def test_threads_and_gpus_are_those_that_a_run_was_given(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    without, shared = process_environment(0.5, 0, {}), process_environment(2.9, 0.5, {"ARCHNET_DATA": "/data"})
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "CUDA_VISIBLE_DEVICES")
    assert [without[name] for name in names] == ["1", "1", "1", "-1"]
    assert [shared[name] for name in names] == ["2", "2", "2", "3"]
    assert (shared["TF_FORCE_GPU_ALLOW_GROWTH"], shared["ARCHNET_DATA"]) == ("true", "/data")


def test_folds_and_seeds_are_pooled(tmp_path):
    told = json.loads(swept(tmp_path, "--json", space={}, folds=2, seeds=2))
    (row,) = told["rows"]
    assert (row["state"], row["epochs"]) == ("finished", 16)
    (pooled,) = read_json(tmp_path / "out/trials/000/comparison.json")["runs"]
    assert (pooled["metrics"]["n"], pooled["seeds"], pooled["folds"]) == (120, [0, 1], [0, 1])
    page = (tmp_path / "out/sweep.html").read_text()
    assert "No selection took place: every run was evaluated on its test set once." in page
    assert f"SD {pooled['spread']['auc']:.3f}" in page


def test_a_choice_over_folds_is_made_on_validation_and_the_chosen_one_is_judged_on_every_fold(tmp_path):
    told = json.loads(swept(tmp_path, "--json", space={WIDTH: [2, 4]}, folds=2))
    runs = {path.parent: read_json(path) for path in tmp_path.glob("out/trials/*/*/metrics.json")}
    assert len(runs) == 4
    best = tmp_path / f"out/trials/{told['best']:03d}"
    assert {run for run, metrics in runs.items() if "test" in metrics} == set(best.glob("net-fold?"))
    means = [
        sum(metrics["validation"]["auc"] for run, metrics in runs.items() if run.parent.name == f"{number:03d}") / 2
        for number in (0, 1)
    ]
    assert [row["value"] for row in sorted(told["rows"], key=lambda row: row["trial"])] == pytest.approx(means)
    (pooled,) = read_json(best / "comparison.json")["runs"]
    assert (pooled["metrics"]["n"], pooled["folds"]) == (120, [0, 1])


def test_a_file_or_a_command_may_follow_the_word_sweep():
    runner = CliRunner()
    assert "The sweep file." in runner.invoke(app, ["sweep", "run", "--help"]).output
    assert "holds no sweep" in str(runner.invoke(sweep_app, ["status", "nowhere"]).exception)
    assert "nowhere.json: no such file" in str(runner.invoke(sweep_app, ["nowhere.json", "--resume"]).exception)
    assert "nowhere.json: no such file" in str(runner.invoke(sweep_app, ["--resume", "nowhere.json"]).exception)
