"""The epoch whose weights a training keeps, and the end of the training, from history.csv and experiment.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archnet.spec.metrics import METRICS, find_summary_column, history_column, is_lower_better

History = Mapping[str, Sequence[float]]
"""The columns of history.csv, one value for each epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEnd:
    """The end of a training.

    Attributes:
        kept_epoch: The epoch whose weights are kept, from 1.
        num_epochs: Number of trained epochs.
        max_epochs: Maximum number of epochs of the experiment; None if unknown.
        best_metric: The validation metric by which the epoch was chosen; None if the last weights are kept.
        best_value: Its value; None if the last weights are kept.
        stopping_metric: The validation metric whose lack of improvement ended the training before `max_epochs`; None
            if it was not ended early.
        patience: Number of epochs without improvement before the end; None if it was not ended early.
        is_averaged: Whether the weights are averages over the training steps.
        is_macro: Whether metrics of each class are means over more than two classes.
        member: Number of the network among the members of an ensemble, from 1; None for a single network.
    """

    kept_epoch: int
    num_epochs: int
    max_epochs: int | None = None
    best_metric: str | None = None
    best_value: float | None = None
    stopping_metric: str | None = None
    patience: int | None = None
    is_averaged: bool = False
    is_macro: bool = False
    member: int | None = None

    def label(self, metric: str) -> str:
        """The label of a validation metric."""
        return METRICS[metric].macro_label if self.is_macro else METRICS[metric].label


def split_members(history: History) -> dict[int, History]:
    """The history of each member of an ensemble by its number, from 1; that of a single network is number 1.

    >>> split_members({"member": [1, 1, 2], "epoch": [1, 2, 1], "seconds": [5.0, 4.0, 4.5]})
    {1: {'epoch': [1, 2], 'seconds': [5.0, 4.0]}, 2: {'epoch': [1], 'seconds': [4.5]}}
    >>> split_members({"epoch": [1]}), split_members({})
    ({1: {'epoch': [1]}}, {})
    """
    if "member" not in history:
        return {1: history} if history else {}
    members = history["member"]
    rows = {int(number): [row for row, one in enumerate(members) if one == number] for number in members}
    return {
        number: {name: [values[row] for row in own] for name, values in history.items() if name != "member"}
        for number, own in rows.items()
    }


def training_ends(history: History, experiment: Mapping[str, Any] | None) -> list[TrainingEnd]:
    """Determine the kept epoch and the end of the training of each network of a run.

    Args:
        history: History of the run; empty for a run without a network.
        experiment: `experiment.json`; None if the run has none.
    """
    is_ensemble = "member" in history
    ends = {number: training_end(own, experiment) for number, own in split_members(history).items()}
    return [replace(end, member=number if is_ensemble else None) for number, end in ends.items() if end is not None]


def training_end(history: History, experiment: Mapping[str, Any] | None) -> TrainingEnd | None:
    """Determine the kept epoch and the end of the training of one network.

    Args:
        history: History of the network; empty for a run without one.
        experiment: `experiment.json`; None if the run has none.

    Returns:
        The end of the training; None without epochs.
    """
    num_epochs = len(history.get("epoch", ()))
    if not num_epochs:
        return None
    training = (experiment or {}).get("training") or {}
    metric = training.get("best_metric")
    index = best_epoch_index(history, metric)
    value = _validation_values(history, metric)[index] if _has_best(history, metric) else None
    max_epochs, stopping = training.get("epochs"), training.get("early_stopping") or {}
    is_early = isinstance(max_epochs, int) and num_epochs < max_epochs and "metric" in stopping
    return TrainingEnd(
        kept_epoch=index + 1,
        num_epochs=num_epochs,
        max_epochs=max_epochs if isinstance(max_epochs, int) else None,
        best_metric=None if value is None else metric,
        best_value=value,
        stopping_metric=stopping["metric"] if is_early else None,
        patience=stopping.get("patience") if is_early else None,
        is_averaged=isinstance(training.get("ema"), int | float) and bool(training["ema"]),
        is_macro=history_column("validation", METRICS["recall"].macro_name) in history,
    )


def best_epoch_index(history: History, best_metric: str | None) -> int:
    """Index of the epoch whose weights training keeps: the first one with the best value, otherwise the last one."""
    best, best_index = None, len(history["seconds"]) - 1
    for index, value in enumerate(_validation_values(history, best_metric)):
        if best_metric and is_better(best_metric, value, best):
            best, best_index = value, index
    return best_index


def is_better(metric: str, value: float, best: float | None) -> bool:
    """Whether a validation value beats the best so far; NaN never does."""
    if math.isnan(value):
        return False
    return best is None or (value < best if is_lower_better(metric) else value > best)


def _has_best(history: History, metric: str | None) -> bool:
    return any(not math.isnan(value) for value in _validation_values(history, metric))


def _validation_values(history: History, metric: str | None) -> Sequence[float]:
    return history.get(find_summary_column(history, "validation", metric), ()) if metric else ()
