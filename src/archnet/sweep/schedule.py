"""Schedule of a sweep: select the next run and record the end of each run, independently of Ray."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from archnet.errors import pluralize
from archnet.evaluation.run_folder import CHECKPOINT
from archnet.spec.experiment import SETS
from archnet.spec.sweeps.sweep import Sweep
from archnet.sweep.feasibility import TrialPlanner
from archnet.sweep.results.learning_curve import read_learning_curve
from archnet.sweep.results.trials import (
    END_STATES,
    FAILED,
    FINISHED,
    REFUSED,
    RUNNING,
    STOPPED,
    WAITING,
    Trial,
    is_run_reported,
    read_trials,
    trial_folder,
    write_trial,
)
from archnet.sweep.search import Observation, propose_values, uses_observations

MAX_LOST_RUNS: Final = 3
"""Number of lost machines, workers or processes after which a run fails, because the run may be the cause."""

NoJob = Literal["wait", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of a trial to carry out.

    Attributes:
        number: The number of the trial.
        run: The name of the run folder.
    """

    number: int
    run: str


def searched_sets(sweep: Sweep) -> tuple[str, ...]:
    """The sets that the runs of a sweep are evaluated on, without the test set while no best trial is chosen.

    Only the chosen trial is evaluated on the test set, after all trials have ended.
    """
    return tuple(name for name in SETS if name != "test") if sweep.has_search_space else SETS


class TrialSchedule:
    """The existing trials of a sweep's folder and the trials that are still to be proposed.

    Attributes:
        sweep: The sweep.
        folder: The folder of the sweep; its trials are resumed.
        planner: Checks proposed trials before they start.
        on_trial_end: Called with each trial that has ended.
        clock: Returns the time in seconds since 1970.
        trials: The proposed trials, by number.
        pending_jobs: The jobs that may start.
        running_jobs: The jobs handed out that have not ended.
        next_number: The lowest number that may not have been proposed.
        evaluated_sets: The sets that each run is evaluated on when it is trained.
    """

    def __init__(
        self,
        sweep: Sweep,
        folder: Path,
        planner: TrialPlanner,
        on_trial_end: Callable[[Trial], None],
        clock: Callable[[], float] = time.time,
        evaluated_sets: Sequence[str] | None = None,
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
        self.evaluated_sets = tuple(evaluated_sets or searched_sets(sweep))

    def _requeue_trial(self, trial: Trial) -> list[Job]:
        """Requeue the runs of a trial that have not ended; a run may have finished after its sweep was interrupted."""
        for name, run in trial.runs.items():
            if is_run_reported(trial_folder(self.folder, trial.number) / name):
                run.state = FINISHED
            elif run.state not in (STOPPED, FAILED):
                run.state = WAITING
        write_trial(self.folder, trial)
        return [Job(number=trial.number, run=name) for name, run in trial.runs.items() if run.state == WAITING]

    def has_work(self) -> bool:
        """Whether a run is pending or a trial is still to be proposed."""
        return bool(self.pending_jobs) or len(self.trials) < self.sweep.num_trials

    def next_job(self) -> Job | NoJob:
        """Hand out the next job; "wait" if none is available yet, "done" if none is left."""
        if self.sweep.at_once and len(self.running_jobs) >= self.sweep.at_once:
            return "wait"
        while not self.pending_jobs:
            obstacle = self._propose_next_trial()
            if obstacle:
                return obstacle
        job = self.pending_jobs.pop(0)
        self.running_jobs.add(job)
        return job

    def _propose_next_trial(self) -> NoJob | None:
        """Propose the next trial; "done" if none is left, "wait" if it depends on runs in progress."""
        while self.next_number in self.trials:
            self.next_number += 1
        if self.next_number >= self.sweep.num_trials:
            return "wait" if self.running_jobs else "done"
        observed_trials = self._observed_trials(self.next_number)
        if not all(trial.state in END_STATES for trial in observed_trials):
            return "wait"
        self._propose(self.next_number, observed_trials)
        return None

    def mark_running(self, job: Job) -> None:
        """Record that a job has been placed on a machine and starts."""
        self._set_state(job, RUNNING)

    def _observed_trials(self, number: int) -> list[Trial]:
        """The observations for the proposal of a trial: all earlier trials except the last, which may still run.

        The choice depends on the sweep alone, not on which runs happen to end first.
        """
        if not uses_observations(self.sweep, number):
            return []
        earlier = [self.trials[other] for other in range(number)]
        run_numbers = [trial.number for trial in earlier if trial.state != REFUSED]
        concurrent = set(run_numbers[max(len(run_numbers) - (self.sweep.at_once or 1) + 1, 0) :])
        return [trial for trial in earlier if trial.number not in concurrent]

    def _propose(self, number: int, observed_trials: Sequence[Trial]) -> None:
        observations = [self._observation(trial) for trial in observed_trials]
        earlier_values = [trial.values for trial in self.trials.values()]
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
        """The metric of a run so far."""
        return read_learning_curve(trial_folder(self.folder, trial.number) / run, self.sweep.metric).value

    def finish_job(self, job: Job, state: str | None, reason: str | None) -> None:
        """Record the end of a job.

        Args:
            job: A job from `next_job`.
            state: "finished", "failed" or "stopped"; None if the run lost its machine, its worker or its process.
            reason: Why the run failed, was stopped or was lost.
        """
        self.running_jobs.discard(job)
        if state is not None:
            self._end_run(job, state, reason)
            return
        run = self.trials[job.number].runs[job.run]
        run.lost += 1
        if run.lost >= MAX_LOST_RUNS:
            losses = pluralize(run.lost, "time")
            self._end_run(job, FAILED, f"interrupted {losses}; the last time {reason}")
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
