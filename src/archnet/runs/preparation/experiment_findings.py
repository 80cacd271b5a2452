"""Findings about an experiment on its data: crops of a different size, unused symmetries."""

from __future__ import annotations

import json
from collections.abc import Iterator

from archnet.data.checks.findings import Finding
from archnet.spec.augmentations import Flip, RightAngles
from archnet.spec.auto import is_measured
from archnet.spec.auto_rules import AUTO_RULES, Symmetry, TrainingSet
from archnet.spec.experiment import Experiment
from archnet.spec.view import describe_other_size

_AUGMENTATION = "training.augmentation"


def find_in_experiment(experiment: Experiment, shape: tuple[int, ...]) -> tuple[Finding, ...]:
    """Check an experiment against its data.

    Args:
        experiment: The experiment, with "auto" resolved.
        shape: Shape of a case, (height, width[, depth]).
    """
    return (*_find_other_size(experiment), *_find_unused_symmetries(experiment, shape))


def _find_other_size(experiment: Experiment) -> Iterator[Finding]:
    difference = describe_other_size(experiment)
    if difference:
        message, remedy = difference
        yield Finding(check="input_shape", severity="warning", message=message, remedy=remedy)


def _find_unused_symmetries(experiment: Experiment, shape: tuple[int, ...]) -> Iterator[Finding]:
    """The flips and rotations that are not used because the cases contradict or do not support them."""
    reason = experiment.auto_reasons.get(_AUGMENTATION)
    if reason is None or not is_measured(experiment, _AUGMENTATION):
        return
    used = experiment.training.augmentation
    full = TrainingSet(counts=(1, 1), shape=shape, symmetry=Symmetry(reason=""))
    possible, _ = AUTO_RULES["augmentation"](experiment, full)
    left_out = [entry for entry in possible if isinstance(entry, Flip | RightAngles) and entry not in used]
    if left_out:
        value = json.dumps([entry.to_document() for entry in possible])
        yield Finding(
            check="symmetry",
            severity="warning",
            message=f"Augmentation is {reason}.",
            remedy=f"To use flips and rotations anyway, set training.augmentation={value}.",
        )
