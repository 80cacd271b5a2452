"""The Trainable of Ray Tune: it starts the process of a run on some machine and reports its results."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from math import isnan
from pathlib import Path
from typing import Any, Final

from ray import tune

from archnet.sweep.results.learning_curve import read_learning_curve
from archnet.sweep.results.trials import FAILED
from archnet.sweep.task_process import exit_reason, process_environment

START_RESULT: Final[Mapping[str, Any]] = {"epoch": 0, "done": False}
"""The first result: the run has been placed on a machine."""

INTERRUPTED: Final = "interrupted"
"""The end state of a run that was killed externally."""

STOP_SECONDS: Final = 10
"""Grace period for a process to exit before it is killed."""


class Supervisor(tune.Trainable):  # type: ignore[misc]
    """Reports each epoch of one run and its end state."""

    def setup(self, config: dict[str, Any]) -> None:
        """Start the process.

        Args:
            config: What `TuneRunner.job_config` returns: the `command`, its `order` as one line of JSON, the arguments
                of `process_environment` as `environment`, the trial's `folder`, the folder of the `run`, the file for
                `errors`, and the `metric`.
        """
        past_values = read_learning_curve(Path(config["run"]), config["metric"]).values
        self.past_results = [START_RESULT, *(_result(index + 1, value) for index, value in enumerate(past_values))]
        self.is_epoch_reported = False
        self.errors = Path(config["errors"])
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                config["command"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=process_environment(*config["environment"]),
                cwd=config["folder"],
            )
        self._send(config["order"])

    def _send(self, line: str) -> None:
        with suppress(BrokenPipeError):
            if self.process.stdin:
                self.process.stdin.write(line + "\n")
                self.process.stdin.flush()

    def step(self) -> dict[str, Any]:
        """The next result: the start, the epochs before an interruption, each new epoch, and the end."""
        if self.past_results:
            return dict(self.past_results.pop(0))
        if self.is_epoch_reported:
            self._send("continue")
        line = self.process.stdout.readline() if self.process.stdout else ""
        answer: dict[str, Any] = json.loads(line) if line else self._exit_result()
        if "ended" in answer:
            return {"done": True, **answer}
        self.is_epoch_reported = True
        return _result(answer["epoch"], answer["value"])

    def _exit_result(self) -> dict[str, Any]:
        """The end state of a process that reported none; a killed process may be repeated."""
        code = self.process.wait()
        is_killed = code < 0 and signal.Signals(-code).name in ("SIGKILL", "SIGTERM")
        reason = exit_reason(code, self.errors.read_text(encoding="utf-8", errors="replace"))
        return {"ended": INTERRUPTED if is_killed else FAILED, "reason": reason}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Reuse this actor for another run, in a new process."""
        self.cleanup()
        self.setup(new_config)
        return True

    def cleanup(self) -> None:
        """Stop the process if it is running; it exits when its input closes."""
        with suppress(BrokenPipeError):
            if self.process.stdin:
                self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _result(epoch: int, value: float | None) -> dict[str, Any]:
    """An epoch as a Tune result; without a value if the metric is undefined."""
    is_known = value is not None and not isnan(value)
    return {"epoch": epoch, "done": False, **({"value": value} if is_known else {})}
