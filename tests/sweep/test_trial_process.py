"""The processes of a run and of a Ray session: what they report on their results stream, without a process."""

import io
import json
import logging
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from archnet.errors import RunError
from archnet.evaluation.run_folder import read_history
from archnet.files.locks import LOCK_FILE
from archnet.sweep import ray_process, trial_process
from archnet.sweep.trial_process import evaluation_task, timing_task, training_task
from archnet.sweep.tune import SessionLostError, TuneRunner
from small_sweeps import WIDTH, make_schedule, small_sweep


class Stream(io.StringIO):
    """A pipe, whose reader gets what was flushed."""

    received = ""

    def flush(self):
        self.received = self.getvalue()


@pytest.fixture
def reported(monkeypatch):
    """Carries out a task in this process, and returns the lines that it reports."""

    def run(module, task):
        results, started = Stream(), []
        thread = SimpleNamespace(start=lambda: started.append("thread"))
        monkeypatch.setattr(module, "threading", SimpleNamespace(Thread=lambda **_: thread, Lock=nullcontext))
        monkeypatch.setattr(module, "open_result_stream", lambda: results)
        monkeypatch.setattr(module, "skip_optional_packages", lambda: started.append("skip"))
        monkeypatch.setattr(sys, "stdin", io.StringIO("" if task is None else json.dumps(task) + "\nmore\n"))
        module.main()
        assert started == ["skip", "thread"][: 1 if task is None else 2]
        return [json.loads(line) for line in results.received.splitlines()]

    return run


def fail(error):
    def task(*_):
        raise error

    return task


@pytest.mark.parametrize(
    ("task", "results"),
    [
        (lambda task, send: send({"epoch": task["number"]}), [{"epoch": 7}, {"ended": "finished"}]),
        (fail(RunError("the loss is nan")), [{"ended": "failed", "reason": "the loss is nan"}]),
        (fail(KeyError("a")), [{"ended": "failed", "reason": "a bug in archnet: KeyError: 'a'"}]),
    ],
)
def test_the_end_of_a_task_is_reported_with_its_reason(reported, monkeypatch, capsys, task, results):
    monkeypatch.setitem(trial_process.TASKS, "judge", task)
    assert reported(trial_process, {"task": "judge", "number": 7}) == results
    assert ("Traceback" in capsys.readouterr().err) == ("a bug" in str(results))


@pytest.mark.parametrize(
    ("error", "kind", "content"),
    [
        (None, "done", None),
        (SessionLostError("Ray has stopped"), "lost", "Ray has stopped"),
        (RunError("no machine"), "failed", "no machine"),
    ],
)
def test_the_events_of_a_session_are_reported_in_order(reported, monkeypatch, tmp_path, error, kind, content):
    def run(runner, schedule):
        logging.getLogger("archnet.test").warning("%d%% of it", 50)
        if error:
            raise error

    monkeypatch.setattr(TuneRunner, "run", run)
    schedule = make_schedule(small_sweep(tmp_path), tmp_path / "out")
    task = ray_process.session_task(schedule, address=None, command=("run",), num_cpus=2)
    before = list(logging.getLogger("archnet").handlers)
    events = reported(ray_process, task)
    assert events == [["log", ["archnet.test", logging.WARNING, "50% of it"]], [kind, content]]
    assert logging.getLogger("archnet").handlers == before


def test_a_bug_of_a_session_is_reported_with_its_traceback_and_no_task_is_no_session(reported):
    ((kind, text),) = reported(ray_process, {"folder": "out"})
    assert kind == "bug"
    assert text.startswith("Traceback")
    assert "KeyError: 'sweep'" in text
    assert reported(ray_process, None) == []


def test_a_run_reports_its_metric_after_each_epoch_and_replaces_repeated_epochs(monkeypatch, tmp_path):
    sweep = small_sweep(tmp_path)
    (experiment,) = sweep.experiments({WIDTH: 4})
    trial, calls, waits = tmp_path / "out/trials/001", [], []
    (trial / "net").mkdir(parents=True)
    (trial / "net/history.csv").write_text("epoch,seconds,validation_auc\n1,0.5,0.25\n2,0.5,0.5\n")

    def run_single(experiment, folder, *, callback, **options):
        assert (folder / "net" / LOCK_FILE).exists()
        calls.append((experiment, folder, options | {"other_runs": sorted(options["other_runs"])}))
        callback.on_step(2, 1, 9, {"loss": 0.5})
        for epoch, value in ((2, 0.625), (3, 0.75)):
            callback.on_epoch({"epoch": epoch, "seconds": 1.5, "validation_auc": value})
        callback.on_epoch({"epoch": 4, "seconds": 1.5, "train_loss": 0.5})

    monkeypatch.setitem(sys.modules, "archnet.runs.runner", SimpleNamespace(run_single=run_single))
    monkeypatch.setattr(trial_process, "_ALLOWED_EPOCHS", SimpleNamespace(acquire=lambda: waits.append(True)))
    for is_stoppable in (False, True):
        sent = []
        task = training_task(
            experiment.to_document(), trial, "auc", ["validation"], is_stoppable=is_stoppable, device="gpu"
        )
        trial_process.TASKS[task["task"]](json.loads(json.dumps(task)), sent.append)
        assert sent == [{"epoch": 2, "value": 0.625}, {"epoch": 3, "value": 0.75}, {"epoch": 4, "value": None}]
        assert len(waits) == (3 if is_stoppable else 0)
    assert not (trial / "net" / LOCK_FILE).exists()
    options = {"evaluated_sets": ["validation"], "device": "gpu", "other_runs": [trial / "net"]}
    assert calls == [(experiment, trial, options)] * 2
    assert read_history(trial / "net/history.csv")["validation_auc"][:3] == [0.25, 0.625, 0.75]


def test_rows_of_members_are_ordered_by_member_and_epoch(monkeypatch, tmp_path):
    (experiment,) = small_sweep(tmp_path).experiments({WIDTH: 4})

    def run_single(experiment, folder, *, callback, **_):
        for member, epoch in ((1, 1), (1, 2), (2, 1), (2, 2), (2, 1)):
            callback.on_epoch({"member": member, "epoch": epoch, "seconds": 1.5, "validation_auc": 0.5})

    monkeypatch.setitem(sys.modules, "archnet.runs.runner", SimpleNamespace(run_single=run_single))
    (tmp_path / "net").mkdir()
    task = training_task(experiment.to_document(), tmp_path, "auc", [], is_stoppable=False, device=None)
    trial_process.TASKS["run"](task, lambda result: None)
    history = read_history(tmp_path / "net/history.csv")
    assert (history["member"], history["epoch"]) == ([1, 1, 2], [1, 2, 1])


def test_the_other_tasks_evaluate_a_folder_or_measure_an_experiment(monkeypatch, tmp_path):
    (experiment,) = small_sweep(tmp_path).experiments({WIDTH: 4})
    evaluated, sent = [], []

    def evaluate(folder):
        assert (folder / LOCK_FILE).exists()
        evaluated.append(folder)

    time = SimpleNamespace(to_document=lambda: {"seconds": 3.0})
    monkeypatch.setitem(sys.modules, "archnet.runs.evaluation", SimpleNamespace(evaluate_run=evaluate))
    measure = SimpleNamespace(measure_run=lambda one, steps: time if (one, steps) == (experiment, 5) else None)
    monkeypatch.setitem(sys.modules, "archnet.runs.benchmark.run_time", measure)
    (tmp_path / "net").mkdir()
    for task in (evaluation_task(tmp_path / "net"), timing_task(experiment.to_document(), 5)):
        trial_process.TASKS[task["task"]](json.loads(json.dumps(task)), sent.append)
    assert (evaluated, sent) == ([tmp_path / "net"], [{"seconds": 3.0}])
