"""The options `training.soft_labels` and `training.case_weights`: use or ignore those of the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from archnet.data.checks.findings import Finding
from archnet.data.dataset import Cases
from archnet.errors import DataError
from archnet.runs.preparation import PreparedData
from archnet.spec.experiment import Data, Experiment, Training

_COLUMNS: Final = {"soft_labels": ("soft", "soft labels"), "case_weights": ("weight", "weights")}
"""The field of `Cases` and its name in messages, by training option."""


def check_label_options(experiment: Experiment, cases: Cases) -> None:
    """Check that the data have the soft labels and weights that an experiment requires.

    Raises:
        DataError: They lack them.
    """
    for option, (column, noun) in _COLUMNS.items():
        if getattr(experiment.training, option) is True and getattr(cases, column) is None:
            raise DataError(
                f"training.{option}: the data have no {noun}. They come from {_source_text(option, experiment.data)}. "
                f'Add them, or set training.{option} to "auto".'
            )


def _source_text(option: str, data: Data) -> str:
    if data.task == "malignancy":
        return {"soft_labels": "data.undecided=soft", "case_weights": "data.label_weights=agreement"}[option]
    return f'the array "{_COLUMNS[option][0]}" of an npz file' if data.name == "npz" else "an npz file"


def select_labels(prepared: PreparedData, experiment: Experiment) -> PreparedData:
    """Remove soft labels and weights that an experiment ignores from the data, and add a note."""
    training, cases = experiment.training, prepared.cases
    soft = None if training.soft_labels is False else cases.soft
    weight = None if training.case_weights is False else cases.weight
    findings = (*prepared.findings, *_note_ignored(training, cases))
    return replace(prepared, cases=replace(cases, soft=soft, weight=weight), findings=findings)


def _note_ignored(training: Training, cases: Cases) -> Iterator[Finding]:
    for option, (column, noun) in _COLUMNS.items():
        if getattr(training, option) is False and getattr(cases, column) is not None:
            message = f"The {noun} of the data are not used: training.{option} is false."
            yield Finding(check="soft_labels", severity="note", message=message)
