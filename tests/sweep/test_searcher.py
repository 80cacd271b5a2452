"""What the searcher records when a run ends."""

import copy
import pickle
import signal
import sys
import threading
from types import SimpleNamespace

import pytest

pytest.importorskip("ray")

from archnet.sweep.results.trials import trial_folder
from archnet.sweep.schedule import Job
from archnet.sweep.searcher import JobSearcher
from small_sweeps import WIDTH, make_schedule, small_sweep, write_run

JOB = Job(number=0, run="net")
DIED = "its worker died, see /tmp/ray/session_latest/logs"


@pytest.mark.parametrize(
    ("is_session_alive", "result", "error", "record"),
    [
        (True, {"epoch": 2, "ended": "finished"}, False, (JOB, "finished", None)),
        (True, {"epoch": 2, "ended": "failed", "reason": "the loss is nan"}, False, (JOB, "failed", "the loss is nan")),
        (True, {"epoch": 2, "ended": "interrupted", "reason": "it was killed"}, False, (JOB, None, "it was killed")),
        (True, None, True, (JOB, None, DIED)),
        (False, None, True, None),
    ],
)
def test_a_lost_run_counts_unless_the_whole_session_is_lost(is_session_alive, result, error, record):
    records = []
    schedule = SimpleNamespace(
        sweep=SimpleNamespace(metric="auc"),
        next_job=lambda: JOB,
        finish_job=lambda *arguments: records.append(arguments),
    )
    searcher = JobSearcher(schedule, lambda schedule, job: {}, lambda: is_session_alive)
    searcher.suggest("a")
    searcher.on_trial_complete("a", result, error)
    assert records == ([] if record is None else [record])


def test_tune_copies_and_stores_the_searcher_without_its_schedule():
    schedule = SimpleNamespace(sweep=SimpleNamespace(metric="auc"), lock=threading.Lock())
    searcher = JobSearcher(schedule, lambda schedule, job: {}, lambda: True)
    assert copy.deepcopy(searcher) is searcher
    assert type(pickle.loads(pickle.dumps(searcher))) is object


@pytest.mark.parametrize(("metric", "mode"), [("auc", "max"), ("loss", "min")])
def test_the_searcher_proposes_jobs_until_none_is_left(metric, mode):
    jobs = iter([JOB, "wait", "done"])
    schedule = SimpleNamespace(
        sweep=SimpleNamespace(metric=metric), next_job=lambda: next(jobs), mark_running=running.append
    )
    running.clear()
    searcher = JobSearcher(schedule, lambda schedule, job: {"run": job.run}, lambda: True)
    assert (searcher.metric, searcher.mode) == ("value", mode)
    assert [searcher.suggest(name) for name in "abc"] == [{"run": "net"}, None, JobSearcher.FINISHED]
    for epoch in (0, 1):
        searcher.on_trial_result("a", {"epoch": epoch})
    assert running == [JOB]


@pytest.mark.parametrize(("metric", "sign"), [("auc", 1), ("loss", -1)])
def test_asha_compares_new_runs_with_the_ended_ones_of_an_earlier_command(tmp_path, metric, sign):
    from ray.tune.schedulers import TrialScheduler

    from archnet.sweep.asha import make_scheduler

    sweep = small_sweep(
        tmp_path,
        metric=metric,
        space={WIDTH: [2, 4, 8, 16, 32]},
        scheduler={"type": "asha", "grace_epochs": 2, "reduction": 2},
    )
    schedule = make_schedule(sweep, tmp_path / "out")
    courses = {0: [0.1, 0.8], 1: [0.9, 0.6], 2: [0.9, float("nan"), 0.9], 3: [0.9, 9.9]}
    for number, values in courses.items():
        job = schedule.next_job()
        assert job.number == number
        write_run(schedule.folder, job, [sign * value for value in values])
        history = trial_folder(schedule.folder, number) / "net/history.csv"
        history.write_text(history.read_text().replace("validation_auc", f"validation_{metric}"))
        if number != 3:  # the last one was interrupted
            schedule.finish_job(job, "stopped" if number else "finished", None)
    scheduler = make_scheduler(schedule)

    def decision(epoch, value):
        trial = SimpleNamespace(trial_id=f"new {epoch} {value}", last_result=None)
        scheduler.on_trial_add(None, trial)
        return scheduler.on_trial_result(None, trial, {"epoch": epoch, "value": sign * value})

    assert decision(1, 0.0) == TrialScheduler.CONTINUE  # before the first rung
    assert decision(2, 0.82) == TrialScheduler.CONTINUE
    assert decision(2, 0.7) == TrialScheduler.STOP


def test_without_asha_no_run_is_stopped_early(tmp_path):
    from archnet.sweep.asha import make_scheduler

    assert make_scheduler(make_schedule(small_sweep(tmp_path), tmp_path / "out")) is None


running = []


def supervised(tmp_path, program, history=""):
    """A supervisor of a process that runs a Python program."""
    from archnet.sweep.supervisor import Supervisor

    (tmp_path / "net").mkdir()
    if history:
        (tmp_path / "net/history.csv").write_text(history)
    supervisor = Supervisor.__new__(Supervisor)
    supervisor.setup(
        {
            "command": [sys.executable, "-S", "-c", program],
            "order": "the order",
            "environment": (1, 0, {}),
            "folder": str(tmp_path),
            "run": str(tmp_path / "net"),
            "errors": str(tmp_path / "net.txt"),
            "metric": "auc",
        }
    )
    return supervisor


def test_a_supervisor_reports_the_start_past_epochs_new_ones_and_the_end(tmp_path):
    program = (
        "import json, sys; order = input(); print(json.dumps({'epoch': 3, 'value': 0.75}), flush=True); "
        "word = input(); print(json.dumps({'epoch': 4, 'value': None}), flush=True); again = input(); "
        "print(json.dumps({'ended': 'finished', 'words': [order, word, again]}), flush=True)"
    )
    history = "epoch,seconds,validation_auc\n1,0.5,0.25\n2,0.5,nan\n"
    supervisor = supervised(tmp_path, program, history)
    assert [supervisor.step() for _ in range(6)] == [
        {"epoch": 0, "done": False},
        {"epoch": 1, "done": False, "value": 0.25},
        {"epoch": 2, "done": False},
        {"epoch": 3, "done": False, "value": 0.75},
        {"epoch": 4, "done": False},
        {"done": True, "ended": "finished", "words": ["the order", "continue", "continue"]},
    ]
    supervisor.cleanup()
    supervisor.process.stdout.close()
    assert supervisor.process.returncode == 0


def test_a_process_that_does_not_exit_with_its_input_is_killed(tmp_path, monkeypatch):
    from archnet.sweep import supervisor as module

    monkeypatch.setattr(module, "STOP_SECONDS", 0.01)
    supervisor = supervised(tmp_path, "import time; print('{}', flush=True); time.sleep(600)")
    supervisor.process.stdout.readline()
    supervisor.cleanup()
    supervisor.process.stdout.close()
    assert supervisor.process.returncode == -signal.SIGKILL


def test_a_killed_process_is_interrupted_and_another_end_is_a_failure(tmp_path):
    from archnet.sweep.supervisor import Supervisor

    supervisor = SimpleNamespace(errors=tmp_path / "net.txt", process=SimpleNamespace(wait=lambda: code))
    supervisor.errors.write_text("Segmentation fault, in so many words\n")
    results = {}
    for code in (3, -11, -9, -15):
        results[code] = tuple(Supervisor._exit_result(supervisor).values())
    assert results == {
        3: ("failed", "its process ended with code 3: Segmentation fault, in so many words"),
        -11: ("failed", "its process was killed by SIGSEGV"),
        -9: ("interrupted", "its process was killed by SIGKILL, for example because the system ran out of memory"),
        -15: ("interrupted", "its process was killed by SIGTERM"),
    }
