"""The agenda as Ray Tune asks it: a searcher that gives out runs and hears how they ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from archnet.sweep.schedule import Agenda, Job
from archnet.sweep.supervisor import BEGUN
from archnet.sweep.trials import STOPPED


class Queue(Searcher):  # type: ignore[misc]
    """Gives out what is next on the agenda.

    Attributes:
        agenda: Of the sweep.
        config_of: What a run's supervisor needs to know.
        jobs: Runs that are under way, by Tune's name.
    """

    def __init__(self, agenda: Agenda, config_of: Callable[[Agenda, Job], dict[str, Any]]) -> None:
        super().__init__(metric="value", mode="min" if agenda.sweep.metric == "loss" else "max")
        self.agenda = agenda
        self.config_of = config_of
        self.jobs: dict[str, Job] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next run's config; null if one may come later, `FINISHED` if none will."""
        job = self.agenda.next()
        if not isinstance(job, Job):
            return None if job == "wait" else Searcher.FINISHED
        self.jobs[trial_id] = job
        return self.config_of(self.agenda, job)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Hears of each epoch; the first that is told is that the run begins."""
        if result["epoch"] == BEGUN["epoch"]:
            self.agenda.start(self.jobs[trial_id])

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Writes down how a run ended; Tune's own errors are lost machines, for supervisors tell all others."""
        job = self.jobs.pop(trial_id)
        if error or result is None:
            self.agenda.end(job, None, "its worker died, see /tmp/ray/session_latest/logs")
        elif "ended" in result:
            self.agenda.end(job, result["ended"], result.get("reason"))
        else:
            epochs = f"{result['epoch']} epoch" + "s" * (result["epoch"] != 1)
            self.agenda.end(job, STOPPED, f"ended by ASHA after {epochs}")

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the sweep's folder is all there is to know."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, as above."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Queue:
        """Tune copies its searcher, but there is one agenda."""
        return self

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        """Tune keeps its searcher on disk, where nobody looks for it: nothing."""
        return (object, ())
