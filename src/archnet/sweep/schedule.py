"""What is to be done next in a sweep, and what is written down when something has ended; it knows nothing of Ray."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from archnet.errors import pluralize
from archnet.runs.folder import CHECKPOINT
from archnet.spec.sweeps.sweep import Sweep
from archnet.sweep.feasibility import TrialPlanner
from archnet.sweep.search import Observation, propose_values, uses_observations
from archnet.sweep.trials import (
    END_STATES,
    FAILED,
    FINISHED,
    REFUSED,
    RUNNING,
    STOPPED,
    WAITING,
    Trial,
    read_learning_curve,
    read_trials,
    trial_folder,
    write_trial,
)

MAX_LOST_RUNS: Final = 3
"""After so many lost machines a run is no longer tried: it may be what brings them down."""

NoJob = Literal["wait", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run that is to be made.

    Attributes:
        number: Of the trial.
        run: Name of the run folder.
    """

    number: int
    run: str


class TrialSchedule:
    """The trials of a sweep's folder, those that are there and those that are still to be proposed.

    Attributes:
        sweep: What is tried.
        folder: The sweep's; what it holds is gone on with.
        planner: Plans trials.
        on_trial_end: Is told of each trial that has ended.
        clock: Seconds since 1970.
        trials: Those that were proposed, by number.
        pending_jobs: Runs that may start.
        running_jobs: Runs that were given out.
        next_number: All trials before it were proposed.
    """

    def __init__(
        self,
        sweep: Sweep,
        folder: Path,
        planner: TrialPlanner,
        on_trial_end: Callable[[Trial], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.sweep = sweep
        self.folder = folder
        self.planner = planner
        self.on_trial_end = on_trial_end
        self.clock = clock
        self.trials = {trial.number: trial for trial in read_trials(folder)}
        self.pending_jobs = [job for trial in self.trials.values() for job in self._requeue_trial(trial)]
        self.running_jobs: set[Job] = set()
        self.next_number = 0

    def _requeue_trial(self, trial: Trial) -> list[Job]:
        """The runs of a trial that had not ended when the sweep was interrupted; run folders tell which have since."""
        for name, run in trial.runs.items():
            is_finished = (trial_folder(self.folder, trial.number) / name / "report.html").exists()
            run.state = FINISHED if is_finished else run.state if run.state in END_STATES - {FINISHED} else WAITING
        write_trial(self.folder, trial)
        return [Job(number=trial.number, run=name) for name, run in trial.runs.items() if run.state == WAITING]

    def has_work(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.pending_jobs) or len(self.trials) < self.sweep.num_trials

    def next_job(self) -> Job | NoJob:
        """The next run; "wait" if one may come later, "done" if none will."""
        if self.sweep.at_once and len(self.running_jobs) >= self.sweep.at_once:
            return "wait"
        while not self.pending_jobs:
            while self.next_number in self.trials:
                self.next_number += 1
            if self.next_number >= self.sweep.num_trials:
                return "wait" if self.running_jobs else "done"
            observed_trials = self._observed_trials(self.next_number)
            if not all(trial.state in END_STATES for trial in observed_trials):
                return "wait"
            self._propose(self.next_number, observed_trials)
        job = self.pending_jobs.pop(0)
        self.running_jobs.add(job)
        return job

    def mark_running(self, job: Job) -> None:
        """Writes down that a run which was given out has found its place on a machine, and begins."""
        self._set_state(job, RUNNING)

    def _observed_trials(self, number: int) -> list[Trial]:
        """The trials that one is drawn from: those before it, but for the last ones that may still run beside it.

        Which they are follows from the sweep alone and not from what happens to end first.
        """
        if not uses_observations(self.sweep, number):
            return []
        earlier = [self.trials[other] for other in range(number)]
        run_numbers = [trial.number for trial in earlier if trial.state != REFUSED]
        concurrent = set(run_numbers[max(len(run_numbers) - (self.sweep.at_once or 1) + 1, 0) :])
        return [trial for trial in earlier if trial.number not in concurrent]

    def _propose(self, number: int, observed_trials: Sequence[Trial]) -> None:
        observations, earlier_values = (
            [self._observation(trial) for trial in observed_trials],
            [trial.values for trial in self.trials.values()],
        )
        trial = self.planner.plan_trial(number, propose_values(self.sweep, number, observations, earlier_values))
        self.trials[number] = trial
        write_trial(self.folder, trial)
        if trial.state in END_STATES:
            self.on_trial_end(trial)
        self.pending_jobs += [Job(number=number, run=name) for name in trial.runs]

    def _observation(self, trial: Trial) -> Observation:
        values = [self.run_metric(trial, name) for name in trial.runs] if trial.state in (FINISHED, STOPPED) else []
        metrics = [value for value in values if value is not None]
        value = sum(metrics) / len(metrics) if metrics and len(metrics) == len(values) else None
        return Observation(values=trial.values, value=value)

    def run_metric(self, trial: Trial, run: str) -> float | None:
        """The metric of a run, as far as it has come."""
        return read_learning_curve(trial_folder(self.folder, trial.number) / run, self.sweep.metric).value

    def finish_job(self, job: Job, state: str | None, reason: str | None) -> None:
        """Writes down how a run has ended.

        Args:
            job: Of `next_job`.
            state: "finished", "failed" or "stopped"; null if the machine was lost that it ran on.
            reason: Why.
        """
        self.running_jobs.discard(job)
        if state is not None:
            self._end_run(job, state, reason)
            return
        run = self.trials[job.number].runs[job.run]
        run.lost += 1
        if run.lost >= MAX_LOST_RUNS:
            self._end_run(
                job, FAILED, f"lost {pluralize(run.lost, 'time')} with the machine or worker it ran on: {reason}"
            )
            return
        self.pending_jobs.insert(0, job)
        self._set_state(job, WAITING)

    def _end_run(self, job: Job, state: str, reason: str | None) -> None:
        self._set_state(job, state, reason)
        if state == STOPPED:
            shutil.rmtree(trial_folder(self.folder, job.number) / job.run / CHECKPOINT, ignore_errors=True)
        trial = self.trials[job.number]
        if trial.state in END_STATES:
            self.on_trial_end(trial)

    def _set_state(self, job: Job, state: str, reason: str | None = None) -> None:
        trial, now = self.trials[job.number], self.clock()
        run = trial.runs[job.run]
        run.state, run.reason = state, reason
        run.began = now if state == RUNNING else run.began
        run.seconds = now - run.began if state in END_STATES and run.began else None
        write_trial(self.folder, trial)
