"""The leaderboard: order, costs and states, the choice of the best, and what the axes mattered."""

import csv
import json
import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from archnet.cli import app
from archnet.errors import DataError, RunError
from archnet.evaluation.integrity.manifest import record_run
from archnet.files.atomic import write_json
from archnet.sweep.report.choice_wording import cautions, headline
from archnet.sweep.report.status_table import sweep_table
from archnet.sweep.report.sweep_page import write_sweep_report
from archnet.sweep.results.leaderboard import read_leaderboard, write_leaderboard
from archnet.sweep.results.learning_curve import read_learning_curve
from archnet.sweep.results.trials import SWEEP_FILE, TrialRun
from archnet.sweep.run import run_sweep
from archnet.sweep.schedule import Job
from small_sweeps import DROP_OUT, WIDTH, make_schedule, small_sweep, write_run

HISTORIES = {0: [0.5, 0.7, 0.6], 1: [0.9], 2: [0.6, 0.8], 3: [0.99], 4: [0.8, 0.7]}


@pytest.fixture
def swept(tmp_path):
    """Five trials: three finished, one stopped, one failed at its height; and one that is still running."""
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4, 8, 16, 32, 64]}, limits={"max_parameters": 100_000})
    write_json(tmp_path / SWEEP_FILE, sweep.to_document())
    schedule = make_schedule(sweep, tmp_path)
    for number, values in HISTORIES.items():
        job = schedule.next_job()
        assert job == Job(number=number, run="net")
        schedule.mark_running(job)
        write_run(tmp_path, job, values, is_finished=number in (0, 2, 4))
        state = {1: "stopped", 3: "failed"}.get(number, "finished")
        schedule.finish_job(
            job, state, {1: "ended by ASHA after 1 epoch", 3: "its process was killed by SIGKILL"}.get(number)
        )
    schedule.mark_running(schedule.next_job())
    return sweep, tmp_path


def test_finished_trials_are_ranked_by_the_weights_they_keep_then_the_stopped_then_the_others(swept):
    board = read_leaderboard(*swept)
    assert [(row.trial.number, row.value) for row in board.rows] == [
        (2, 0.8), (4, 0.8), (0, 0.7), (1, 0.9), (3, 0.99), (5, None)]  # fmt: skip
    assert board.best.trial.number == 2
    states = ("finished", "stopped", "running", "waiting", "refused", "failed")
    assert [board.count(state) for state in states] == [3, 1, 1, 0, 0, 1]


def test_of_more_than_two_classes_the_table_the_csv_and_the_page_name_the_macro_mean(swept):
    sweep, folder = swept
    for path in folder.glob("trials/*/*/history.csv"):
        path.write_text(path.read_text().replace("validation_auc", "validation_macro_auc"))
    board = read_leaderboard(sweep, folder)
    write_leaderboard(board, folder / "leaderboard.csv")
    assert (folder / "leaderboard.csv").read_text().startswith("rank,trial,state,validation_macro_auc,spread,")
    assert [(row.trial.number, row.value) for row in board.rows[:2]] == [(2, 0.8), (4, 0.8)]
    console = Console(width=100, file=StringIO())
    console.print(sweep_table(board, is_running=False))
    assert console.file.getvalue().splitlines()[1].split()[:4] == ["trial", "macro", "AUC", "epochs"]
    assert (
        headline(board, folder)
        == "Trial 2, chosen among 3 trials, has a validation macro AUC (ROC) of 0.800: num_output 8."
    )


class RefusingRunner:
    def run(self, schedule):
        raise ValueError("the runs of the trials start")


def test_trials_that_an_earlier_version_ranked_by_one_of_three_classes_are_not_mixed_with_new_ones(swept):
    sweep, folder = swept
    for path in folder.glob("trials/*/*/metrics.json"):
        path.write_text(json.dumps({"classes": ["a", "b", "c"]}))
    with pytest.raises(RunError) as caught:
        run_sweep(sweep, folder, resume=True)
    assert str(caught.value) == (
        f"{folder}: an earlier version of archnet ranked its trials by the auc of one class. With more than two classes, "
        "trials are now ranked by the macro AUC. Run the sweep again with a different --out."
    )
    for path in folder.glob("trials/*/*/history.csv"):
        path.write_text(path.read_text().replace("validation_auc", "validation_macro_auc"))
    with pytest.raises(ValueError, match="the runs of the trials start"):
        run_sweep(sweep, folder, resume=True, runner=RefusingRunner())


def test_the_csv_has_a_line_for_each_trial(swept, tmp_path):
    write_leaderboard(read_leaderboard(*swept), tmp_path / "leaderboard.csv")
    rows = list(csv.DictReader((tmp_path / "leaderboard.csv").read_text().splitlines()))
    assert [(row["rank"], row["trial"], row["state"], row["validation_auc"]) for row in rows[:4]] == [
        ("1", "2", "finished", "0.8"), ("2", "4", "finished", "0.8"), ("3", "0", "finished", "0.7"), ("", "1", "stopped", "0.9")
    ]  # fmt: skip
    assert [row[WIDTH] for row in rows] == ["8", "32", "2", "4", "16", "64"]
    assert rows[4]["reason"] == "its process was killed by SIGKILL"


@pytest.mark.parametrize(("metric", "values"), [("loss", (0.5, 0.4)), ("auc", (0.0, 0.5))])
def test_a_loss_is_best_where_it_is_lowest(tmp_path, metric, values):
    sweep = small_sweep(tmp_path, metric=metric, space={WIDTH: [2, 4]})
    schedule = make_schedule(sweep, tmp_path)
    for value in values:
        job = schedule.next_job()
        write_run(tmp_path, job, [value])
        history = tmp_path / f"trials/{job.number:03d}/net/history.csv"
        history.write_text(history.read_text().replace("auc", metric))
        schedule.finish_job(job, "finished", None)
    assert read_leaderboard(sweep, tmp_path).best.trial.number == 1


def test_the_time_left_is_estimated_from_the_runs_that_ended(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4, 8, 16]})
    schedule = make_schedule(sweep, tmp_path)
    assert read_leaderboard(sweep, tmp_path).seconds_left() is None
    job = schedule.next_job()
    schedule.mark_running(job)
    schedule.clock = lambda: 15.0
    schedule.finish_job(job, "finished", None)
    schedule.mark_running(schedule.next_job())
    board = read_leaderboard(sweep, tmp_path)
    assert (board.count("waiting"), board.seconds_left()) == (2, 10 * (2 + 0.5))


def test_the_time_left_counts_the_folds_and_seeds_of_trials_to_come_and_shares_it_among_the_runs_at_once(tmp_path):
    sweep = small_sweep(tmp_path, folds=2, seeds=2)
    schedule = make_schedule(sweep, tmp_path)
    job = schedule.next_job()
    schedule.mark_running(job)
    schedule.clock = lambda: 15.0
    schedule.finish_job(job, "finished", None)
    assert read_leaderboard(sweep, tmp_path).seconds_left() == 10 * (3 + 2 * 4)
    for _ in range(2):
        schedule.mark_running(schedule.next_job())
    assert read_leaderboard(sweep, tmp_path).seconds_left() == 10 * (1 + 2 * 4 + 2 * 0.5) / 2


@pytest.mark.parametrize(("state", "best"), [("finished", 0), ("failed", None)])
def test_the_only_trial_of_a_sweep_without_a_search_space_is_the_best_once_it_has_finished(tmp_path, state, best):
    sweep = small_sweep(tmp_path, space={})
    schedule = make_schedule(sweep, tmp_path)
    job = schedule.next_job()
    write_run(tmp_path, job, [""], is_finished=state == "finished")  # the metric is undefined
    schedule.finish_job(job, state, None)
    assert read_leaderboard(sweep, tmp_path).to_document()["best"] == best


def test_fewer_trials_than_there_are_leave_nothing_to_wait_for(swept):
    sweep, folder = swept
    board = read_leaderboard(replace(sweep, search="random", trials=2), folder)
    assert board.count("waiting") == 0
    trials = [replace(row.trial, runs={"net": TrialRun(state="finished", seconds=7.0)}) for row in board.rows]
    ended = replace(board, rows=tuple(replace(row, trial=trial) for row, trial in zip(board.rows, trials, strict=True)))
    assert ended.seconds_left() == 0


def test_a_trial_that_ended_has_a_value_only_if_each_of_its_runs_has_one(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4]}, folds=3)
    schedule = make_schedule(sweep, tmp_path)
    for values in ([0.9, "", 0.9], [0.5, 0.6, 0.7]):
        for value in values:
            job = schedule.next_job()
            write_run(tmp_path, job, [value])
            schedule.finish_job(job, "finished", None)
            if job.run == "net-fold0":
                assert read_leaderboard(sweep, tmp_path).rows[-1].value == value
    board = read_leaderboard(sweep, tmp_path)
    assert [(row.trial.number, row.value) for row in board.rows] == [(1, pytest.approx(0.6)), (0, None)]
    assert [row.spread for row in board.rows] == [pytest.approx(0.1), None]


def test_the_runs_of_trials_that_ended_are_read_once(swept, monkeypatch):
    sweep, folder = swept
    known = {}
    first = read_leaderboard(sweep, folder, known)
    assert sorted(known) == [0, 1, 2, 3, 4]
    looked = []
    monkeypatch.setattr(
        "archnet.sweep.results.leaderboard.read_learning_curve",
        lambda place, metric: looked.append(place) or read_learning_curve(place, metric),
    )
    assert read_leaderboard(sweep, folder, known) == first
    assert looked == [folder / "trials/005/net"]
    path = folder / "trials/000/trial.json"
    path.write_text(path.read_text().replace('"finished"', '"waiting"'))
    assert {row.trial.number: row.trial.state for row in read_leaderboard(sweep, folder, known).rows}[0] == "waiting"


def test_status_tells_counts_the_best_and_each_reason_once(swept):
    result = CliRunner().invoke(app, ["sweep", "status", str(swept[1])], env={"COLUMNS": "120"})
    lines = [line.strip() for line in result.output.splitlines()]
    assert lines[0] == "small: 3 finished, 1 stopped, 1 interrupted, 1 failed"
    assert lines[1].split() == ["trial", "auc", "epochs", "parameters", "multiply-adds", "num_output", "state"]
    assert lines[2].split() == ["2", "0.800", "2", "1.83", "k", "12.1", "k", "8", "finished"]
    assert [line.split()[-1] for line in lines[2:-1]][-1] == "interrupted"
    assert lines[-1] == "trial 3 failed: its process was killed by SIGKILL"


def test_status_is_also_told_to_machines(swept):
    told = json.loads(CliRunner().invoke(app, ["sweep", "status", str(swept[1]), "--json"]).output)
    assert (told["best"], told["is_under_way"], told["trials"]) == (2, False, 6)
    assert told["rows"][0]["values"] == {WIDTH: 8}


def test_best_writes_the_winning_architecture_once(swept, tmp_path):
    out = tmp_path / "mine.json"
    runner = CliRunner()
    assert runner.invoke(app, ["sweep", "best", str(swept[1]), "--out", str(out)]).exit_code == 0
    document = json.loads(out.read_text())
    assert (document["name"], document["description"]) == ("mine", "Trial 2 of the sweep small.")
    assert document["layers"][0]["num_output"] == 8
    assert runner.invoke(app, ["check", str(out), "--input", "12x12"]).exit_code == 0
    again = runner.invoke(app, ["sweep", "best", str(swept[1]), "--out", str(out)])
    assert str(again.exception) == f"{out}: the file exists and is not overwritten. Choose a different name."


def test_a_sweep_without_a_best_trial_exits_with_1(swept, monkeypatch):
    sweep, folder = swept
    (folder / "small.json").write_text(json.dumps(sweep.to_document()))
    board = read_leaderboard(sweep, folder)
    failed = replace(board, rows=tuple(row for row in board.rows if row.trial.state == "failed"))
    codes = []
    for result in (board, failed):
        monkeypatch.setattr("archnet.sweep.run.run_sweep", lambda *_, result=result, **__: result)
        arguments = ["sweep", "run", str(folder / "small.json"), "--out", str(folder), "--json"]
        codes.append(CliRunner().invoke(app, arguments).exit_code)
    assert codes == [0, 1]


def test_there_is_no_best_before_a_trial_has_finished(tmp_path):
    write_json(tmp_path / SWEEP_FILE, small_sweep(tmp_path).to_document())
    result = CliRunner().invoke(app, ["sweep", "best", str(tmp_path)])
    assert str(result.exception) == f"{tmp_path}: no trial has finished yet, so there is no best trial."


@pytest.mark.parametrize(
    ("count", "said"), [(1, "1 trial finished, but validation auc is undefined in it"),
                        (2, "2 trials finished, but validation auc is undefined in all of them")],
)  # fmt: skip
def test_there_is_no_best_where_the_metric_is_undefined(count, said, tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4, 8]})
    write_json(tmp_path / SWEEP_FILE, sweep.to_document())
    schedule = make_schedule(sweep, tmp_path)
    for _ in range(count):
        job = schedule.next_job()
        write_run(tmp_path, job, ["", ""])
        schedule.finish_job(job, "finished", None)
    result = CliRunner().invoke(app, ["sweep", "best", str(tmp_path)])
    why = (
        f"{said}, so there is no best trial. Use a different metric, or a larger split.validation, so that its "
        "cases are of more than one class."
    )
    assert str(result.exception) == f"{tmp_path}: {why}"
    assert why in write_sweep_report(read_leaderboard(sweep, tmp_path), tmp_path, []).read_text()


def test_a_folder_without_a_sweep_is_refused(tmp_path):
    result = CliRunner().invoke(app, ["sweep", "status", str(tmp_path)])
    assert str(result.exception) == (f"{tmp_path}: contains no sweep. Name the folder of a sweep, such as runs/NAME.")


def test_the_report_says_what_was_chosen_and_what_failed(swept):
    sweep, folder = swept
    page = write_sweep_report(read_leaderboard(sweep, folder), folder, []).read_text()
    assert "Trial 2, chosen among 3 trials, has a validation AUC (ROC) of 0.800: num_output 8." in page
    assert "The best of 3 trials was selected by validation AUC (ROC), which is therefore optimistic." in page
    assert "its process was killed by SIGKILL" in page
    assert "Pareto-optimal at their multiply-adds: trial 0 0.700; trial 2 0.800." in page
    assert page.count('class="drawing wide"') == page.count('class="drawing narrow"') == 3


def test_the_report_draws_the_importance_of_each_hyperparameter(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4], DROP_OUT: [0, 10]})
    schedule = make_schedule(sweep, tmp_path)
    for value in (0.5, 0.51, 0.7, 0.72):
        job = schedule.next_job()
        write_run(tmp_path, job, [value])
        schedule.finish_job(job, "finished", None)
    page = write_sweep_report(read_leaderboard(sweep, tmp_path), tmp_path, []).read_text()
    assert "Importance of each hyperparameter: num_output " in page


def test_two_runs_have_a_spread_and_one_has_none(tmp_path):
    for folds, spread in ((2, 0.1 * 2**0.5), (None, None)):
        folder = tmp_path / str(folds)
        folder.mkdir()
        schedule = make_schedule(small_sweep(folder, space={WIDTH: [2]}, folds=folds), folder)
        for value in [0.5, 0.7][: folds or 1]:
            job = schedule.next_job()
            write_run(folder, job, [value])
            schedule.finish_job(job, "finished", None)
        (row,) = read_leaderboard(schedule.sweep, folder).rows
        assert row.spread == (spread and pytest.approx(spread))


def test_a_changed_history_of_a_finished_trial_is_refused(swept, tmp_path):
    run = tmp_path / "trials/002/net"
    record_run(run)
    assert read_leaderboard(*swept).best.trial.number == 2
    (run / "history.csv").write_text("epoch,seconds,validation_auc\n1,0.5,0.6\n2,0.5,0.9\n")
    with pytest.raises(DataError, match=f"^{re.escape(str(run / 'history.csv'))}: changed since the run finished"):
        read_leaderboard(*swept)


def test_a_trial_without_the_value_of_a_hyperparameter_is_refused(swept):
    sweep, folder = swept
    path = folder / "trials/001/trial.json"
    write_json(path, {**json.loads(path.read_text()), "values": {}})
    message = f'{path}: has no value for "{WIDTH}". Remove its folder and run the sweep again with --resume.'
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_leaderboard(sweep, folder)


def test_a_trial_with_a_value_outside_of_the_search_space_is_refused(swept):
    sweep, folder = swept
    path = folder / "trials/001/trial.json"
    write_json(path, {**json.loads(path.read_text()), "values": {WIDTH: True}})
    message = (
        f'{path}: "{WIDTH}" is true, which is not in the search space of sweep.json. '
        "Remove its folder and run the sweep again with --resume."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_leaderboard(sweep, folder)


def test_collapsed_trials_are_named_before_everything_else(swept):
    sweep, folder = swept
    for number in (2, 4):
        path = folder / f"trials/{number:03d}/net/metrics.json"
        collapsed = {"reason": "one_class", "class": "nodule"}
        write_json(path, json.loads(path.read_text(encoding="utf-8")) | {"collapsed": collapsed})
        record_run(path.parent)
    texts = cautions(read_leaderboard(sweep, folder), [])
    assert texts[:2] == [
        "The best trial: Every case is predicted as “nodule”: no better than always saying “nodule”.",
        "Trial 4: every case is predicted as one class, or the training diverged, in at least one run.",
    ]
