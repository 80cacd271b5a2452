"""Run a schedule in Ray sessions: if Ray is lost, end all its processes and resume in a new session."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

from archnet.errors import RunError, pluralize
from archnet.sweep.ray_process import BUG, DONE, FAILED, LOG, RAY_COMMAND, TRIAL, session_task
from archnet.sweep.results.trials import read_trial
from archnet.sweep.schedule import TrialSchedule
from archnet.sweep.session_processes import kill_session
from archnet.sweep.tune import COMMAND, require_ray

MAX_RESTARTS: Final = 3
"""Maximum number of consecutive restarts in which no trial ends."""

EXIT_SECONDS: Final = 5
"""Time that a process has to exit after its last event, so that its exit code is known."""

RAY_LOG: Final = "ray.txt"
"""File in the sweep folder with the output of Ray."""

log = logging.getLogger("archnet")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRunner:
    """Runs a schedule with Ray in another process, and starts Ray again if it is lost.

    Attributes:
        address: Address of a Ray cluster; None starts Ray on this machine.
        command: The command of the process of a run.
        num_cpus: Number of cores of this machine that Ray may use; None uses those that this process may use.
        ray_command: The command of the process of a session.
    """

    address: str | None = None
    command: Sequence[str] = field(default=COMMAND)
    num_cpus: int | None = None
    ray_command: Sequence[str] = field(default=RAY_COMMAND)

    def run(self, schedule: TrialSchedule) -> None:
        """Run all jobs of a schedule.

        Raises:
            RunError: Ray is not installed or is lost repeatedly, its cluster does not answer, or no machine has
                the resources of a run.
        """
        require_ray()
        num_losses = 0
        for number in count(1):
            session = _Session(schedule)
            loss = session.run(self.ray_command, self._task(schedule))
            if loss is None:
                return
            num_losses = 1 if session.num_trials else num_losses + 1
            if self.address or num_losses > MAX_RESTARTS:
                raise RunError(_loss_message(loss, num_losses, schedule.folder))
            log.warning("%s. No results are lost: restarting Ray (restart %d).", loss, number)

    def _task(self, schedule: TrialSchedule) -> dict[str, Any]:
        return session_task(schedule, address=self.address, command=self.command, num_cpus=self.num_cpus)


class _Session:
    """One Ray session.

    Attributes:
        schedule: The schedule of the sweep; the session makes its own copy from the folder.
        num_trials: Number of trials that have ended in this session.
    """

    def __init__(self, schedule: TrialSchedule) -> None:
        self.schedule = schedule
        self.num_trials = 0

    def run(self, command: Sequence[str], task: dict[str, Any]) -> str | None:
        """Run the session. Return None if it finished all jobs, otherwise why Ray was lost."""
        with _start_process(command, self.schedule.folder) as process:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("unreachable")
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(task) + "\n")
                process.stdin.flush()
            for line in process.stdout:
                kind, content = json.loads(line)
                if kind not in (TRIAL, LOG):
                    return self._end(kind, content)
                self._follow(kind, content)
            with suppress(subprocess.TimeoutExpired):
                process.wait(EXIT_SECONDS)
        return _exit_reason(process.returncode)

    def _follow(self, kind: str, content: Any) -> None:
        if kind == LOG:
            name, level, message = content
            logging.getLogger(name).log(level, "%s", message)
            return
        self.num_trials += 1
        self.schedule.on_trial_end(read_trial(self.schedule.folder, content))

    def _end(self, kind: str, content: Any) -> str | None:
        """The reason why Ray was lost; None if all jobs are finished.

        Raises:
            RunError: The sweep cannot run.
            RuntimeError: There is a bug in archnet.
        """
        if kind == FAILED:
            raise RunError(content)
        if kind == BUG:
            raise RuntimeError(content)
        return None if kind == DONE else str(content)


@contextmanager
def _start_process(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the process of a session; end all processes of the session when the block ends."""
    with (folder / RAY_LOG).open("ab") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    with process:
        try:
            yield process
        finally:
            kill_session(process.pid)
            process.kill()


def _exit_reason(code: int) -> str:
    """The reason why the process of a session exited without reporting an event."""
    ending = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return f"The Ray driver process {ending}"


def _loss_message(loss: str, num_losses: int, folder: Path) -> str:
    again = f" Ray was lost {pluralize(num_losses, 'time')} in a row." if num_losses > 1 else ""
    return (
        f"{loss}.{again} Ray's messages are in {folder / RAY_LOG}. Nothing is lost: run the same command with "
        "--resume to continue."
    )
