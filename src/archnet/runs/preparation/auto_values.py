"""Choose the "auto" values of an experiment from its training set."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from typing import Final

import numpy as np

from archnet.data.dataset import Cases, Dataset
from archnet.data.split import resolve_split
from archnet.runs.preparation.case_split import CaseSplit, split_cases
from archnet.runs.preparation.symmetry import find_symmetry
from archnet.spec.auto import AUTO_SPLIT, is_measured, refresh_reasons, resolve_auto
from archnet.spec.auto_rules import TrainingSet
from archnet.spec.experiment import Experiment

_AUGMENTATION: Final = "training.augmentation"


def resolve_auto_from_data(experiment: Experiment, dataset: Dataset, split: CaseSplit | None = None) -> Experiment:
    """Choose the "auto" values of an experiment from its cases and its training set, before crops are extracted.

    Automatically chosen values of a resolved document are kept; a warning is logged if the choice would now differ.

    Args:
        experiment: The experiment, with one split or fold.
        dataset: The data.
        split: The experiment's split; None computes it if needed.

    Raises:
        DataError: The sets cannot be filled.
    """
    experiment = resolve_auto_split(experiment, dataset.cases)
    if not experiment.training.auto and not set(experiment.auto_reasons) - {AUTO_SPLIT}:
        return experiment
    cases = dataset.cases
    split = split or split_cases(cases, experiment)
    training_cases = cases.select(split.rows[split.sets[split.rows] == "train"])
    known = TrainingSet(
        counts=tuple(training_cases.count_classes().tolist()),
        num_unlabelled=int(np.count_nonzero(~training_cases.has_label)),
        shape=tuple(dataset.shape),
        positive=cases.positive,
    )
    if "augmentation" in experiment.training.auto and is_measured(experiment, _AUGMENTATION):
        known = replace(known, symmetry=find_symmetry(dataset, split))
    experiment_with_reasons = refresh_reasons(experiment, known)
    kept = experiment_with_reasons.auto_reasons
    _warn_of_outdated([key for key in experiment.auto_reasons if key not in kept])
    return resolve_auto(experiment_with_reasons, known)


def resolve_auto_split(experiment: Experiment, cases: Cases) -> Experiment:
    """Choose the split method if it is "auto"; update the reason if it was.

    An automatically chosen value is kept; a warning is logged if the choice would now differ.
    """
    split = experiment.split
    reasons = {key: reason for key, reason in experiment.auto_reasons.items() if key != AUTO_SPLIT}
    if split.by != "auto" and AUTO_SPLIT not in experiment.auto_reasons:
        return experiment
    chosen, reason = resolve_split(cases, replace(split, by="auto"))
    if split.by not in ("auto", chosen.by):
        _warn_of_outdated([AUTO_SPLIT])
        return replace(experiment, auto_reasons=reasons)
    return replace(experiment, split=chosen, auto_reasons={AUTO_SPLIT: f"{chosen.by}: {reason}", **reasons})


def _warn_of_outdated(keys: Collection[str]) -> None:
    """Log values that are kept although the choice would now differ."""
    if keys:
        logging.getLogger("archnet.auto").warning(
            'kept, although "auto" would now choose different values: %s. Set them to "auto" to choose again.',
            ", ".join(keys),
        )


def resolve_measured_values(experiment: Experiment, dataset: Dataset) -> Experiment:
    """Choose only the "auto" values that depend on the voxels, so that other processes need not measure them again.

    Raises:
        DataError: The sets cannot be filled.
    """
    if "augmentation" not in experiment.training.auto or not is_measured(experiment, _AUGMENTATION):
        return experiment
    resolved = resolve_auto_from_data(experiment, dataset)
    others = tuple(name for name in experiment.training.auto if name != "augmentation")
    training = replace(experiment.training, augmentation=resolved.training.augmentation, auto=others)
    reasons = {**experiment.auto_reasons, _AUGMENTATION: resolved.auto_reasons[_AUGMENTATION]}
    return replace(experiment, training=training, auto_reasons=reasons)
