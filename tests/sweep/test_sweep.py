"""`archnet sweep` with real networks, from the file to the report."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from archnet.cli import app
from archnet.cli.sweep import sweep_app
from archnet.errors import RunError
from archnet.evaluation.run_folder import read_json
from archnet.sweep import run as sweep_run
from archnet.sweep.feasibility import TrialPlanner
from archnet.sweep.run import keep_trial_split, run_sweep
from archnet.sweep.schedule import TrialSchedule
from archnet.sweep.task_process import process_environment
from archnet.sweep.trial_process import TASKS
from small_sweeps import WIDTH, SerialRunner, small_sweep, sweep_document


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep of two trials that finish and one that diverges, with the output of the command."""
    folder = tmp_path_factory.mktemp("sweep")
    document = sweep_document(folder, space={"training.learning_rate": [0.01, 0.02, 1e9 + 0.5]})
    (folder / "small.json").write_text(json.dumps(document))
    command = ["sweep", str(folder / "small.json"), "--out", str(folder / "out"), "--json"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


@pytest.mark.slow
def test_trials_are_ordinary_runs_and_only_the_chosen_one_sees_the_test_set(swept):
    folder, told = swept
    states = Counter(told["states"]) - Counter()
    assert states == {"finished": 2, "failed": 1}
    (diverged,) = [row for row in told["rows"] if row["state"] == "failed"]
    assert "training has diverged" in diverged["reason"]
    metrics = {path.parts[-3]: read_json(path) for path in folder.glob("out/trials/*/net/metrics.json")}
    assert {number for number, one in metrics.items() if "test" in one} == {f"{told['best']:03d}"}
    assert all("validation" in one for one in metrics.values())
    assert len(metrics) == 2
    assert read_json(folder / "out/judged.json") == {"trials": [told["best"]]}
    run = folder / f"out/trials/{told['best']:03d}/net"
    assert {path.name for path in run.iterdir()} >= {
        "arch.json", "experiment.json", "history.csv", "model.keras", "predictions.csv", "report.html"
    }  # fmt: skip
    page = (folder / "out/sweep.html").read_text()
    assert f"The test set was evaluated once, for trial {told['best']}, after the selection." in page


@pytest.mark.long
def test_a_trial_is_the_ordinary_run_of_its_experiment_on_as_many_threads(swept, tmp_path):
    folder, told = swept
    trial = folder / f"out/trials/{told['best']:03d}/net"
    command = ["run", trial / "experiment.json", "--out", tmp_path / "alone"]
    subprocess.run(
        [sys.executable, "-c", "import archnet.cli; archnet.cli.main()", *command],
        env=process_environment(1, 0, {}),
        check=True,
        capture_output=True,
    )
    assert (trial / "predictions.csv").read_bytes() == (tmp_path / "alone/net/predictions.csv").read_bytes()
    sweep, ordinary = read_json(trial / "metrics.json"), read_json(tmp_path / "alone/net/metrics.json")
    assert all(sweep[name] == ordinary[name] for name in ("train", "validation", "test"))


def test_threads_and_gpus_are_those_that_a_run_was_given(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    without, shared = process_environment(0.5, 0, {}), process_environment(2.9, 0.5, {"ARCHNET_DATA": "/data"})
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "CUDA_VISIBLE_DEVICES")
    assert [without[name] for name in names] == ["1", "1", "1", "-1"]
    assert [shared[name] for name in names] == ["2", "2", "2", "3"]
    assert (shared["TF_FORCE_GPU_ALLOW_GROWTH"], shared["XLA_PYTHON_CLIENT_PREALLOCATE"]) == ("true", "false")
    assert shared["ARCHNET_DATA"] == "/data"


@pytest.fixture
def in_one_process(monkeypatch):
    """A sweep whose runs and evaluations are made in this process."""
    monkeypatch.setattr(sweep_run, "run_task", lambda task, *_: TASKS[task["task"]](task, lambda result: None))

    def sweep(folder, **keys):
        return run_sweep(small_sweep(folder, **keys), folder / "out", runner=SerialRunner())

    return sweep


@pytest.mark.slow
def test_folds_and_seeds_are_pooled(tmp_path, in_one_process):
    (row,) = in_one_process(tmp_path, space={}, folds=2, seeds=2).rows
    assert (row.trial.state, row.epochs) == ("finished", 16)
    (pooled,) = read_json(tmp_path / "out/trials/000/comparison.json")["runs"]
    assert (pooled["metrics"]["n"], pooled["seeds"], pooled["folds"]) == (120, [0, 1], [0, 1])
    page = (tmp_path / "out/sweep.html").read_text()
    assert "No selection took place: every run was evaluated on its test set once." in page
    assert f"SD {pooled['spread']['auc']:.3f}" in page


@pytest.mark.long
def test_a_choice_over_folds_is_made_on_validation_and_the_chosen_one_is_evaluated_on_every_fold(
    tmp_path, in_one_process
):
    board = in_one_process(tmp_path, space={WIDTH: [2, 4]}, folds=2)
    runs = {path.parent: read_json(path) for path in tmp_path.glob("out/trials/*/*/metrics.json")}
    assert len(runs) == 4
    best = tmp_path / f"out/trials/{board.best.trial.number:03d}"
    assert {run for run, metrics in runs.items() if "test" in metrics} == set(best.glob("net-fold?"))
    means = [
        sum(metrics["validation"]["auc"] for run, metrics in runs.items() if run.parent.name == f"{number:03d}") / 2
        for number in (0, 1)
    ]
    rows = sorted(board.rows, key=lambda row: row.trial.number)
    assert [row.value for row in rows] == pytest.approx(means)
    (pooled,) = read_json(best / "comparison.json")["runs"]
    assert (pooled["metrics"]["n"], pooled["folds"]) == (120, [0, 1])


@pytest.mark.slow
def test_no_trial_is_made_on_changed_data(tmp_path):
    def reverse_cases(_):
        with np.load(tmp_path / "cubes.npz") as arrays:
            np.savez(tmp_path / "cubes.npz", **{**arrays, "x": arrays["x"][::-1]})

    sweep = small_sweep(tmp_path, space={"training.learning_rate": [0.01, 0.02]})
    schedule = TrialSchedule(sweep, tmp_path / "out", TrialPlanner(sweep=sweep), reverse_cases)
    message = r"trials/000/net/data\.json: the data have changed since this run, so other runs cannot be compared"
    with pytest.raises(RunError, match=message):
        SerialRunner().run(schedule)
    assert not (tmp_path / "out/trials/001/net").exists()


def test_the_trials_of_an_earlier_version_keep_their_split(tmp_path):
    sweep = small_sweep(tmp_path)
    assert keep_trial_split(sweep, tmp_path) is sweep
    (experiment,) = sweep.experiments({WIDTH: 2})
    run = tmp_path / "trials/000/net"
    run.mkdir(parents=True)
    by_group = {**experiment.to_document(), "split": {"by": "group"}}
    (run / "experiment.json").write_text(json.dumps({**by_group, "picked": {"split.by": "group: because"}}))
    assert keep_trial_split(sweep, tmp_path) is sweep
    (run / "experiment.json").write_text(json.dumps(by_group))
    (kept,) = keep_trial_split(sweep, tmp_path).experiments({WIDTH: 4})
    assert (experiment.split.by, kept.split.by) == ("auto", "group")
    given = replace(sweep, base=replace(sweep.base, value={**sweep.base.value, "split": {"by": "candidate"}}))
    assert keep_trial_split(given, tmp_path) is given


def test_a_file_or_a_command_may_follow_the_word_sweep():
    runner = CliRunner()
    assert "Sweep: a file or a name" in runner.invoke(app, ["sweep", "run", "--help"]).output
    assert "contains no sweep" in str(runner.invoke(sweep_app, ["status", "nowhere"]).exception)
    assert "nowhere.json: no such file" in str(runner.invoke(sweep_app, ["nowhere.json", "--resume"]).exception)
    assert "nowhere.json: no such file" in str(runner.invoke(sweep_app, ["--resume", "nowhere.json"]).exception)
