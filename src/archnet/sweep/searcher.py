"""The agenda as Ray Tune asks it: a searcher that gives out runs and hears how they ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from archnet.spec.metrics import is_lower_better
from archnet.sweep.schedule import Job, TrialSchedule
from archnet.sweep.supervisor import START_RESULT
from archnet.sweep.trials import STOPPED


class JobSearcher(Searcher):  # type: ignore[misc]
    """Gives out what is next on the agenda.

    Attributes:
        schedule: Of the sweep.
        job_config: What a run's supervisor needs to know.
        jobs: Runs that are under way, by Tune's name.
    """

    def __init__(self, schedule: TrialSchedule, job_config: Callable[[TrialSchedule, Job], dict[str, Any]]) -> None:
        super().__init__(metric="value", mode="min" if is_lower_better(schedule.sweep.metric) else "max")
        self.schedule = schedule
        self.job_config = job_config
        self.jobs: dict[str, Job] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next run's config; null if one may come later, `FINISHED` if none will."""
        job = self.schedule.next_job()
        if not isinstance(job, Job):
            return None if job == "wait" else Searcher.FINISHED
        self.jobs[trial_id] = job
        return self.job_config(self.schedule, job)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Hears of each epoch; the first that is told is that the run begins."""
        if result["epoch"] == START_RESULT["epoch"]:
            self.schedule.mark_running(self.jobs[trial_id])

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Writes down how a run ended; Tune's own errors are lost machines, for supervisors tell all others."""
        job = self.jobs.pop(trial_id)
        if error or result is None:
            self.schedule.finish_job(job, None, "its worker died, see /tmp/ray/session_latest/logs")
        elif "ended" in result:
            self.schedule.finish_job(job, result["ended"], result.get("reason"))
        else:
            epochs = f"{result['epoch']} epoch" + "s" * (result["epoch"] != 1)
            self.schedule.finish_job(job, STOPPED, f"ended by ASHA after {epochs}")

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the sweep's folder is all there is to know."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, as above."""

    def __deepcopy__(self, memo: dict[int, Any]) -> JobSearcher:
        """Tune copies its searcher, but there is one agenda."""
        return self

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        """Tune keeps its searcher on disk, where nobody looks for it: nothing."""
        return (object, ())
