"""The "auto" values of an experiment, chosen from its training set."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from archnet.data.dataset import Cases, Dataset
from archnet.data.split import resolve_split
from archnet.runs.preparation.case_split import CaseSplit, split_cases
from archnet.spec.auto import AUTO_SPLIT, refresh_reasons, resolve_auto
from archnet.spec.auto_rules import TrainingSet
from archnet.spec.experiment import Experiment


def resolve_auto_from_data(experiment: Experiment, dataset: Dataset, split: CaseSplit | None = None) -> Experiment:
    """Choose the "auto" values of an experiment from its cases and its training set, before anything is cut.

    Values that a resolved document says were chosen automatically are kept; a warning is logged where the choice would
    differ now.

    Args:
        experiment: With one split or fold.
        dataset: The data.
        split: The experiment's split; null makes it if it is needed.

    Raises:
        DataError: The sets cannot be filled.
    """
    experiment = resolve_auto_split(experiment, dataset.cases)
    if not experiment.training.auto and not set(experiment.auto_reasons) - {AUTO_SPLIT}:
        return experiment
    cases = dataset.cases
    split = split or split_cases(cases, experiment)
    is_training = split.sets[split.rows] == "train"
    counts = np.bincount(cases.labels[split.rows[is_training]], minlength=len(cases.classes))
    known = TrainingSet(counts=tuple(counts.tolist()), shape=tuple(dataset.shape), positive=cases.positive)
    experiment_with_reasons = refresh_reasons(experiment, known)
    kept = experiment_with_reasons.auto_reasons
    _warn_of_outdated([key for key in experiment.auto_reasons if key not in kept])
    return resolve_auto(experiment_with_reasons, known)


def resolve_auto_split(experiment: Experiment, cases: Cases) -> Experiment:
    """Choose how the cases are split, where that is "auto"; renew the reason where it was.

    A value that was chosen automatically is kept; a warning is logged where the choice would differ now.
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
    """Log which values are kept though another would be chosen now."""
    if keys:
        logging.getLogger("archnet.auto").warning(
            'kept, although "auto" would now choose different values: %s. Set them to "auto" to choose again.',
            ", ".join(keys),
        )
