"""One run of a sweep in a process of its own: `python -m archnet.sweep.trial_process`.

The task is one line of JSON on standard input, which stays open as long as the supervisor waits for results: when it
closes, the process exits. Results are lines of JSON on standard output; everything else that is printed goes to stderr.
If a scheduler may stop the run, each further epoch starts when another line has arrived.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from archnet.errors import ArchnetError
from archnet.evaluation.run_folder import read_history
from archnet.files.locks import RUN_LOCK_SECONDS, break_foreign_locks, lock_folder
from archnet.files.strict_json import Document
from archnet.network.optional_packages import skip_optional_packages
from archnet.runs.artifacts import write_history
from archnet.runs.folders.experiment_folder import run_name
from archnet.spec.metrics import find_summary_column
from archnet.spec.resolve import parse_experiments

Send = Callable[[Mapping[str, Any]], None]


def main() -> None:
    """Carry out the task and report how it ended."""
    skip_optional_packages()
    results = open_result_stream()
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_read_input, daemon=True).start()

    def send(result: Mapping[str, Any]) -> None:
        results.write(json.dumps(result) + "\n")
        results.flush()

    try:
        TASKS[task["task"]](task, send)
        send({"ended": "finished"})
    except ArchnetError as error:
        send({"ended": "failed", "reason": str(error)})
    except Exception as error:
        traceback.print_exc()
        send({"ended": "failed", "reason": f"a bug in archnet: {type(error).__name__}: {error}"})


def open_result_stream() -> TextIO:
    """Reserve standard output for results; redirect other output to stderr."""
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return results


_ALLOWED_EPOCHS: Final = threading.Semaphore(0)
"""Counts the epochs that may start."""


def _read_input() -> None:
    """Count incoming lines, and exit the process when its input is closed."""
    for _ in sys.stdin:
        _ALLOWED_EPOCHS.release()
    os._exit(1)


def training_task(
    document: Mapping[str, Any],
    folder: Path,
    metric: str,
    evaluated_sets: Sequence[str],
    *,
    is_stoppable: bool,
    device: str | None,
) -> dict[str, Any]:
    """The task of training a run.

    Args:
        document: The resolved experiment.
        folder: The folder of the trial.
        metric: The validation metric to report after each epoch.
        evaluated_sets: The sets to evaluate the network on.
        is_stoppable: Whether each epoch waits for the supervisor's permission.
        device: The device to train on; see `run_all`.
    """
    options = {"metric": metric, "judged": list(evaluated_sets), "asks": is_stoppable, "device": device}
    return {"task": "run", "experiment": document, "folder": str(folder), **options}


def evaluation_task(run: Path) -> dict[str, Any]:
    """The task of evaluating a finished run on all its sets."""
    return {"task": "judge", "folder": str(run)}


def timing_task(document: Mapping[str, Any], num_steps: int) -> dict[str, Any]:
    """The task of measuring how long a run takes, from a few of its training steps; it writes nothing."""
    return {"task": "time", "experiment": document, "steps": num_steps}


def _train(task: Mapping[str, Any], send: Send) -> None:
    from archnet.runs.runner import run_single

    (experiment,) = parse_experiments(Document(value=task["experiment"], source="experiment.json"))
    folder = Path(task["folder"])
    name = run_name(experiment)
    with _lock_run(folder / name):
        callback = _ReportingCallback(folder / name / "history.csv", task["metric"], send, is_stoppable=task["asks"])
        run_single(
            experiment,
            folder,
            callback=callback,
            evaluated_sets=task["judged"],
            device=task["device"],
            other_runs=folder.parent.glob("*/*"),
        )


def _evaluate(task: Mapping[str, Any], send: Send) -> None:
    from archnet.runs.evaluation import evaluate_run

    with _lock_run(Path(task["folder"])):
        evaluate_run(Path(task["folder"]))


def _time(task: Mapping[str, Any], send: Send) -> None:
    from archnet.runs.benchmark.run_time import measure_run

    (experiment,) = parse_experiments(Document(value=task["experiment"], source="experiment.json"))
    send(measure_run(experiment, task["steps"]).to_document())


@contextmanager
def _lock_run(folder: Path) -> Iterator[None]:
    """Lock a run folder; wait for a process of the same sweep that was killed shortly before.

    Only the driver of the sweep starts processes, and an orphan exits soon. The lock of a machine that the cluster has
    lost remains and is broken after the same time.
    """
    with ExitStack() as held:
        with break_foreign_locks(after_s=RUN_LOCK_SECONDS):
            held.enter_context(lock_folder(folder, timeout_s=RUN_LOCK_SECONDS))
        yield


TASKS: Final[Mapping[str, Callable[[Mapping[str, Any], Send], None]]] = {
    "run": _train,
    "judge": _evaluate,
    "time": _time,
}


class _ReportingCallback:
    """A callback that writes history.csv and reports the metric after each epoch."""

    def __init__(self, history_path: Path, metric: str, send: Send, *, is_stoppable: bool) -> None:
        self.history_path = history_path
        self.metric = metric
        self.send = send
        self.is_stoppable = is_stoppable
        columns = read_history(history_path)
        self.rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Do nothing: only epochs are reported."""

    def on_epoch(self, row: dict[str, float]) -> None:
        """Write and report a row, which replaces an earlier row of the same epoch."""
        self.rows = [*(old_row for old_row in self.rows if _row_place(old_row) < _row_place(row)), row]
        write_history(self.history_path, self.rows)
        self.send({"epoch": int(row["epoch"]), "value": row.get(find_summary_column(row, "validation", self.metric))})
        if self.is_stoppable:
            _ALLOWED_EPOCHS.acquire()


def _row_place(row: Mapping[str, float]) -> tuple[float, float]:
    """The place of a row in history.csv: its member and its epoch."""
    return row.get("member", 1), row["epoch"]


if __name__ == "__main__":
    main()
