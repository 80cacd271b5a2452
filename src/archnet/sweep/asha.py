"""ASHA, which stops weak runs early: asynchronous successive halving (Li et al. 2020, arXiv:1810.05934)."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any, Final

from archnet.spec.metrics import is_lower_better
from archnet.sweep.results.learning_curve import read_learning_curve
from archnet.sweep.results.trials import FINISHED, STOPPED, trial_folder
from archnet.sweep.schedule import TrialSchedule

_MAX_EPOCHS: Final = 10**9
"""Epochs after which ASHA would end a run as complete; runs end by themselves."""


def make_scheduler(schedule: TrialSchedule) -> Any:
    """The ASHA scheduler with the results of earlier runs; None if the sweep stops no run early."""
    from ray.tune.schedulers import AsyncHyperBandScheduler

    asha, metric = schedule.sweep.scheduler, schedule.sweep.metric
    if asha is None:
        return None
    scheduler: Any = AsyncHyperBandScheduler(
        time_attr="epoch",
        metric="value",
        mode="min" if is_lower_better(metric) else "max",
        max_t=_MAX_EPOCHS,
        grace_period=asha.grace_epochs,
        reduction_factor=asha.reduction,
    )
    for trial in schedule.trials.values():
        for name, run in trial.runs.items():
            values = read_learning_curve(trial_folder(schedule.folder, trial.number) / name, metric).values
            _replay_results(scheduler, f"{trial.number}/{name}", values if run.state in (FINISHED, STOPPED) else ())
    return scheduler


def _replay_results(scheduler: Any, trial_id: str, values: Sequence[float]) -> None:
    """Report the epochs of an earlier run to a scheduler, which compares later runs with them."""
    from types import SimpleNamespace

    tune_trial = SimpleNamespace(trial_id=trial_id, last_result=None)
    scheduler.on_trial_add(None, tune_trial)
    for epoch, value in enumerate(values, start=1):
        if not isnan(value):
            scheduler.on_trial_result(None, tune_trial, {"epoch": epoch, "value": value})
