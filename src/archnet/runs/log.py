"""The log of a run: log.txt in its folder, with a line for each epoch."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archnet.data.checks.findings import Finding, sort_findings
from archnet.errors import pluralize
from archnet.evaluation.kept_epoch import training_ends
from archnet.files.training_position import RunStart
from archnet.interruption import is_interrupted
from archnet.report.sentences.training_sentence import training_sentences
from archnet.runs.preparation import PreparedData
from archnet.spec.auto import describe_auto
from archnet.spec.datasets import command_arguments
from archnet.spec.experiment import Data, Experiment

if TYPE_CHECKING:
    from archnet.network.training.loop import Callback

log: Final = logging.getLogger("archnet")
device_log: Final = logging.getLogger("archnet.device")
auto_log: Final = logging.getLogger("archnet.auto")

MAX_SHOWN: Final = 5
"""Maximum number of findings logged as warnings on the console; the others are in log.txt and in the report."""


@contextmanager
def log_to_file(path: Path, *, is_resumed: bool = False) -> Iterator[None]:
    """Also write archnet's log to a file while the block runs; append to the log of a resumed run.

    If the block fails, the last line of the file states why.
    """
    handler = logging.FileHandler(path, mode="a" if is_resumed else "w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        handler.emit(_failure_record(error))
        raise
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        handler.close()


def _failure_record(error: BaseException) -> logging.LogRecord:
    """The line of a log.txt about the end of a run, which `archnet runs` reads.

    An interruption while a compiled module is imported arrives as an ImportError.
    """
    reason = " ".join(str(error).split()) or type(error).__name__
    text = "interrupted" if isinstance(error, KeyboardInterrupt) or is_interrupted() else f"failed: {reason}"
    return log.makeRecord(log.name, logging.ERROR, "", 0, "%s", (text,), None)


def log_experiment(experiment: Experiment, prepared: PreparedData) -> None:
    """Log the values chosen automatically, and warn about the experiment and its data."""
    for line in describe_auto(experiment):
        auto_log.info(line)
    for warning in experiment.warnings():
        log.warning(warning)
    log_findings(prepared.findings, experiment.data)


def log_findings(findings: Sequence[Finding], data: Data) -> None:
    """Log the findings of the data checks: the first errors and warnings as warnings, the rest only for log.txt.

    Args:
        findings: The findings; errors among them are allowed.
        data: Name of the data, for the command that shows all findings.
    """
    ordered = sort_findings(findings)
    num_serious = sum(finding.severity != "note" for finding in ordered)
    for place, finding in enumerate(ordered):
        is_shown = place < min(num_serious, MAX_SHOWN)
        allowed = f"{finding.check} is allowed: " if finding.severity == "error" else ""
        level = logging.WARNING if is_shown else logging.INFO
        log.log(level, "%s%s", allowed, finding.text, extra=_shown_once(finding))
    if num_serious > MAX_SHOWN:
        more, command = num_serious - MAX_SHOWN, command_arguments(data.name, data.root)
        log.warning("and %s about the data. Show them: archnet data check %s", pluralize(more, "more warning"), command)


def _shown_once(finding: Finding) -> dict[str, str]:
    """The key under which a console shows a finding once: folds test the same symmetries, with other figures."""
    return {"shown_once": f"{finding.check} {finding.remedy}"} if finding.check == "symmetry" else {}


def log_training_end(history: Sequence[Mapping[str, float]], experiment: Experiment) -> None:
    """Log which epoch's weights are kept, and why training ended early.

    Args:
        history: The rows of history.csv.
        experiment: The run's experiment.
    """
    columns = {key: [row.get(key, math.nan) for row in history] for key in history[0]}
    for line in training_sentences(training_ends(columns, experiment.to_document())):
        log.info(line)


class LoggingCallback:
    """A callback that logs each epoch."""

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Do nothing: only epochs are logged."""

    def on_epoch(self, row: dict[str, float]) -> None:
        """Log the epoch."""
        log.info(" ".join(f"{key}={value:.6g}" for key, value in row.items()))


def announce_run(callback: Callback | None, start: RunStart) -> None:
    """Call the optional method `on_run` of a callback."""
    on_run = getattr(callback, "on_run", None)
    if on_run is not None:
        on_run(start)


def announce_member(callback: Callback | None, number: int) -> None:
    """Call the optional method `on_member` of a callback with the number of a member, from 1."""
    on_member = getattr(callback, "on_member", None)
    if on_member is not None:
        on_member(number)


class MemberCallback:
    """A callback that adds the number of a member to the epochs that it passes on."""

    def __init__(self, callback: Callback, number: int) -> None:
        self.callback = callback
        self.number = number

    def on_member(self, number: int) -> None:
        """Call `on_member` of the callback, if it has it."""
        announce_member(self.callback, number)

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Pass a step on."""
        self.callback.on_step(epoch, step, num_steps, logs)

    def on_epoch(self, row: dict[str, float]) -> None:
        """Pass an epoch on, with its member."""
        self.callback.on_epoch({"member": self.number, **row})


class CallbackList:
    """Several callbacks, called in order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = callbacks

    def on_run(self, start: RunStart) -> None:
        """Call `on_run` of each callback that has it."""
        for callback in self.callbacks:
            announce_run(callback, start)

    def on_member(self, number: int) -> None:
        """Call `on_member` of each callback that has it."""
        for callback in self.callbacks:
            announce_member(callback, number)

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Call `on_step` of each callback."""
        for callback in self.callbacks:
            callback.on_step(epoch, step, num_steps, logs)

    def on_epoch(self, row: dict[str, float]) -> None:
        """Call `on_epoch` of each callback."""
        for callback in self.callbacks:
            callback.on_epoch(row)
