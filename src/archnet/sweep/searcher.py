"""The Ray Tune searcher: suggests runs and receives their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from archnet.spec.metrics import is_lower_better
from archnet.sweep.results.trials import STOPPED
from archnet.sweep.schedule import Job, TrialSchedule
from archnet.sweep.supervisor import INTERRUPTED, START_RESULT


class JobSearcher(Searcher):  # type: ignore[misc]
    """Suggests the jobs of a schedule.

    Attributes:
        schedule: The schedule of the sweep.
        job_config: Returns the config of the supervisor of a job.
        is_session_alive: Whether the node of this process and Ray's control service are alive.
        jobs: The jobs in progress, by Tune's trial id.
    """

    def __init__(
        self,
        schedule: TrialSchedule,
        job_config: Callable[[TrialSchedule, Job], dict[str, Any]],
        is_session_alive: Callable[[], bool],
    ) -> None:
        super().__init__(metric="value", mode="min" if is_lower_better(schedule.sweep.metric) else "max")
        self.schedule = schedule
        self.job_config = job_config
        self.is_session_alive = is_session_alive
        self.jobs: dict[str, Job] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The config of the next run; None if none is available yet, `FINISHED` if none is left."""
        job = self.schedule.next_job()
        if not isinstance(job, Job):
            return None if job == "wait" else Searcher.FINISHED
        self.jobs[trial_id] = job
        return self.job_config(self.schedule, job)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Mark a run as running at its first result, which comes before the first epoch."""
        if result["epoch"] == START_RESULT["epoch"]:
            self.schedule.mark_running(self.jobs[trial_id])

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Record the end of a run. Treat errors of Tune itself as lost machines; supervisors report all other failures.

        A session that has lost its own machine records nothing: the run is not at fault, and the next session
        resumes it.
        """
        job = self.jobs.pop(trial_id)
        if error or result is None:
            if not self.is_session_alive():
                return
            self.schedule.finish_job(job, None, "its worker died, see /tmp/ray/session_latest/logs")
        elif "ended" in result:
            state = None if result["ended"] == INTERRUPTED else result["ended"]
            self.schedule.finish_job(job, state, result.get("reason"))
        else:
            epochs = f"{result['epoch']} epoch" + "s" * (result["epoch"] != 1)
            self.schedule.finish_job(job, STOPPED, f"ended by ASHA after {epochs}")

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the folder of the sweep holds the whole state."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing; see `save`."""

    def __deepcopy__(self, memo: dict[int, Any]) -> JobSearcher:
        """Return this searcher: Tune copies its searcher, but there is only one schedule."""
        return self

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        """Pickle an empty object: Tune stores its searcher on disk, and nothing reads it."""
        return (object, ())
