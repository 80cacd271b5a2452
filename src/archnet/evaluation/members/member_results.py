"""The predictions of each member of an ensemble in the folder `members`, and its results for `metrics.json`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np

from archnet.evaluation.metrics import metric_entries
from archnet.evaluation.predictions import Predictions, read_predictions, write_predictions

MEMBERS_FOLDER: Final = "members"
"""Folder of a run's predictions by each member alone; the members are numbered from 1."""

MEMBER_SETS: Final = ("validation", "test")
"""The sets for which the predictions of each member are kept."""


def average_predictions(members: Sequence[Predictions]) -> Predictions:
    """Average the probabilities of the members; a single one is returned unchanged."""
    first, *others = members
    if not others:
        return first
    return replace(first, probabilities=np.mean([member.probabilities for member in members], axis=0))


def write_member_predictions(folder: Path, members: Sequence[Predictions]) -> None:
    """Write the validation and test predictions of each member; replace those of an earlier evaluation.

    Args:
        folder: The run folder.
        members: Predictions of all cases by each member; a single network writes nothing.
    """
    shutil.rmtree(folder / MEMBERS_FOLDER, ignore_errors=True)
    parts = [member.select(*MEMBER_SETS) for member in members] if len(members) > 1 else []
    for number, part in enumerate(parts, start=1):
        if len(part.cases):
            write_predictions(_path(folder, number), part)


def read_member_predictions(folder: Path) -> list[Predictions]:
    """Read the predictions of each member of a run; empty for a single network.

    Raises:
        DataError: A file is damaged.
    """
    paths = takewhile(Path.is_file, (_path(folder, number) for number in count(1)))
    return [read_predictions(path) for path in paths]


def _path(folder: Path, number: int) -> Path:
    return folder / MEMBERS_FOLDER / f"member{number}.csv"


def members_entry(folder: Path, metrics: Mapping[str, Any], experiment: Mapping[str, Any]) -> dict[str, Any]:
    """The entry "members" of `metrics.json`: the seed of each member, and its metrics by set; empty without members.

    Args:
        folder: The run folder, with the predictions of the members.
        metrics: The run's metrics, which name the positive class and the thresholds.
        experiment: The content of experiment.json.

    Raises:
        DataError: A file is damaged.
    """
    members = read_member_predictions(folder)
    if not members:
        return {}
    first_seed = experiment["training"]["seed"] * len(members)
    return {"members": [{"seed": first_seed + index, **_results(one, metrics)} for index, one in enumerate(members)]}


def _results(member: Predictions, metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    positive = member.classes.index(metrics["positive"])
    return {
        name: metric_entries(part, positive, metrics[name]["threshold"])
        for name in MEMBER_SETS
        if name in metrics and len((part := member.select(name, is_labelled=True)).cases)
    }
