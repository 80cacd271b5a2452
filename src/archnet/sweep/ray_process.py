"""A Ray session of a sweep in a process of its own: `python -m archnet.sweep.ray_process`.

Ray's library ends the process that uses it when Ray's servers end, and leaves its workers behind when that process is
killed. Therefore the sweep itself, which holds the lock of the folder, only starts this process, as the leader of a
system session to which all processes of a local Ray belong. The task is one line of JSON on standard input, which stays
open as long as the sweep runs: when it closes, this process kills its session. Events are lines of JSON on standard
output; everything else that is printed goes to stderr.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from archnet.errors import ArchnetError
from archnet.files.strict_json import Document
from archnet.network.optional_packages import skip_optional_packages
from archnet.spec.sweeps.document import parse_sweep
from archnet.sweep.feasibility import TrialPlanner
from archnet.sweep.results.trials import SWEEP_FILE
from archnet.sweep.schedule import TrialSchedule
from archnet.sweep.session_processes import end_with_input
from archnet.sweep.trial_process import open_result_stream
from archnet.sweep.tune import SessionLostError, TuneRunner

RAY_COMMAND: Final = (sys.executable, "-m", "archnet.sweep.ray_process")
"""The process of a Ray session."""

TRIAL, LOG, LOST, FAILED, BUG, DONE = "trial", "log", "lost", "failed", "bug", "done"
"""Events: a trial ended, archnet logs a message, Ray is lost, the user made an error, archnet has a bug, all runs
ended."""

Send = Callable[[str, Any], None]


def session_task(
    schedule: TrialSchedule, *, address: str | None, command: Sequence[str], num_cpus: int | None
) -> dict[str, Any]:
    """The task of running the remaining jobs of a schedule.

    Args:
        schedule: A schedule; the session makes its own from the folder.
        address, command, num_cpus: See `TuneRunner`.
    """
    options = {"address": address, "command": list(command), "num_cpus": num_cpus}
    sets = list(schedule.evaluated_sets)
    return {"sweep": schedule.sweep.to_document(), "folder": str(schedule.folder.resolve()), "sets": sets, **options}


def main() -> None:
    """Carry out the task and report how it ended."""
    skip_optional_packages()
    events, lock = open_result_stream(), threading.Lock()
    line = sys.stdin.readline()
    if not line:
        return
    threading.Thread(target=end_with_input, daemon=True).start()

    def send(kind: str, content: Any = None) -> None:
        with lock:
            events.write(json.dumps([kind, content]) + "\n")
            events.flush()

    try:
        _run_session(json.loads(line), send)
        send(DONE)
    except SessionLostError as error:
        send(LOST, str(error))
    except ArchnetError as error:
        send(FAILED, str(error))
    except Exception:
        send(BUG, traceback.format_exc())


def _run_session(task: Mapping[str, Any], send: Send) -> None:
    handler = _EventHandler(send)
    logging.getLogger("archnet").addHandler(handler)
    try:
        _run_schedule(task, send)
    finally:
        logging.getLogger("archnet").removeHandler(handler)


def _run_schedule(task: Mapping[str, Any], send: Send) -> None:
    folder = Path(task["folder"])
    sweep = parse_sweep(Document(value=task["sweep"], source=str(folder / SWEEP_FILE)))
    planner = TrialPlanner(sweep=sweep)
    schedule = TrialSchedule(
        sweep, folder, planner, lambda trial: send(TRIAL, trial.number), evaluated_sets=task["sets"]
    )
    TuneRunner(
        address=task["address"],
        command=task["command"],
        num_cpus=task["num_cpus"],
        on_lost=lambda reason: send(LOST, reason),
    ).run(schedule)


class _EventHandler(logging.Handler):
    """Sends archnet's messages to the process of the sweep."""

    def __init__(self, send: Send) -> None:
        super().__init__(logging.INFO)
        self.send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send a message."""
        self.send(LOG, [record.name, record.levelno, record.getMessage()])


if __name__ == "__main__":
    main()
