"""What is to be done next in a sweep, and what is written down when something has ended; it knows nothing of Ray."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from archnet.errors import counted
from archnet.runs.folder import CHECKPOINT
from archnet.spec.sweeps.sweep import Sweep
from archnet.sweep.feasibility import Checks
from archnet.sweep.search import Told, is_drawn_from_others, proposed
from archnet.sweep.trials import (
    ENDED,
    FAILED,
    FINISHED,
    REFUSED,
    RUNNING,
    STOPPED,
    WAITING,
    Trial,
    course_of,
    read_trials,
    trial_folder,
    write_trial,
)

MAX_LOST: Final = 3
"""After so many lost machines a run is no longer tried: it may be what brings them down."""

Next = Literal["wait", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run that is to be made.

    Attributes:
        number: Of the trial.
        run: Name of the run folder.
    """

    number: int
    run: str


class Agenda:
    """The trials of a sweep's folder, those that are there and those that are still to be proposed.

    Attributes:
        sweep: What is tried.
        folder: The sweep's; what it holds is gone on with.
        checks: Plans trials.
        on_end: Is told of each trial that has ended.
        clock: Seconds since 1970.
        trials: Those that were proposed, by number.
        waiting: Runs that may start.
        running: Runs that were given out.
        proposing: All trials before it were proposed.
    """

    def __init__(
        self,
        sweep: Sweep,
        folder: Path,
        checks: Checks,
        on_end: Callable[[Trial], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.sweep = sweep
        self.folder = folder
        self.checks = checks
        self.on_end = on_end
        self.clock = clock
        self.trials = {trial.number: trial for trial in read_trials(folder)}
        self.waiting = [job for trial in self.trials.values() for job in self._left(trial)]
        self.running: set[Job] = set()
        self.proposing = 0

    def _left(self, trial: Trial) -> list[Job]:
        """The runs of a trial that had not ended when the sweep was interrupted; run folders tell which have since."""
        for name, run in trial.runs.items():
            is_there = (trial_folder(self.folder, trial.number) / name / "report.html").exists()
            run.state = FINISHED if is_there else run.state if run.state in ENDED - {FINISHED} else WAITING
        write_trial(self.folder, trial)
        return [Job(number=trial.number, run=name) for name, run in trial.runs.items() if run.state == WAITING]

    def is_left(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.waiting) or len(self.trials) < self.sweep.num_trials

    def next(self) -> Job | Next:
        """The next run; "wait" if one may come later, "done" if none will."""
        if self.sweep.at_once and len(self.running) >= self.sweep.at_once:
            return "wait"
        while not self.waiting:
            while self.proposing in self.trials:
                self.proposing += 1
            if self.proposing >= self.sweep.num_trials:
                return "wait" if self.running else "done"
            basis = self._basis(self.proposing)
            if not all(trial.state in ENDED for trial in basis):
                return "wait"
            self._propose(self.proposing, basis)
        job = self.waiting.pop(0)
        self.running.add(job)
        return job

    def start(self, job: Job) -> None:
        """Writes down that a run which was given out has found its place on a machine, and begins."""
        self._set(job, RUNNING)

    def _basis(self, number: int) -> list[Trial]:
        """The trials that one is drawn from: those before it, but for the last ones that may still run beside it.

        Which they are follows from the sweep alone and not from what happens to end first.
        """
        if not is_drawn_from_others(self.sweep, number):
            return []
        earlier = [self.trials[other] for other in range(number)]
        started = [trial.number for trial in earlier if trial.state != REFUSED]
        beside = set(started[max(len(started) - (self.sweep.at_once or 1) + 1, 0) :])
        return [trial for trial in earlier if trial.number not in beside]

    def _propose(self, number: int, basis: Sequence[Trial]) -> None:
        told, known = [self._told(trial) for trial in basis], [trial.values for trial in self.trials.values()]
        trial = self.checks.trial(number, proposed(self.sweep, number, told, known))
        self.trials[number] = trial
        write_trial(self.folder, trial)
        if trial.state in ENDED:
            self.on_end(trial)
        self.waiting += [Job(number=number, run=name) for name in trial.runs]

    def _told(self, trial: Trial) -> Told:
        values = [self.course_value(trial, name) for name in trial.runs] if trial.state in (FINISHED, STOPPED) else []
        known = [value for value in values if value is not None]
        value = sum(known) / len(known) if known and len(known) == len(values) else None
        return Told(values=trial.values, value=value)

    def course_value(self, trial: Trial, run: str) -> float | None:
        """The metric of a run, as far as it has come."""
        return course_of(trial_folder(self.folder, trial.number) / run, self.sweep.metric).value

    def end(self, job: Job, ended: str | None, reason: str | None) -> None:
        """Writes down how a run has ended.

        Args:
            job: Of `next`.
            ended: "finished", "failed" or "stopped"; null if the machine was lost that it ran on.
            reason: Why.
        """
        self.running.discard(job)
        if ended is not None:
            self._close(job, ended, reason)
            return
        run = self.trials[job.number].runs[job.run]
        run.lost += 1
        if run.lost >= MAX_LOST:
            self._close(job, FAILED, f"lost {counted(run.lost, 'time')} with the machine or worker it ran on: {reason}")
            return
        self.waiting.insert(0, job)
        self._set(job, WAITING)

    def _close(self, job: Job, state: str, reason: str | None) -> None:
        self._set(job, state, reason)
        if state == STOPPED:
            shutil.rmtree(trial_folder(self.folder, job.number) / job.run / CHECKPOINT, ignore_errors=True)
        trial = self.trials[job.number]
        if trial.state in ENDED:
            self.on_end(trial)

    def _set(self, job: Job, state: str, reason: str | None = None) -> None:
        trial, now = self.trials[job.number], self.clock()
        run = trial.runs[job.run]
        run.state, run.reason = state, reason
        run.began = now if state == RUNNING else run.began
        run.seconds = now - run.began if state in ENDED and run.began else None
        write_trial(self.folder, trial)
