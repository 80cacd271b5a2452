"""The "auto" values of an experiment, chosen from its training set."""

from __future__ import annotations

import logging

import numpy as np

from archnet.data.dataset import Dataset
from archnet.runs.preparation.case_split import CaseSplit, split_cases
from archnet.spec.auto import refresh_reasons, resolve_auto
from archnet.spec.auto_rules import TrainingSet
from archnet.spec.experiment import Experiment


def resolve_auto_from_data(experiment: Experiment, dataset: Dataset, split: CaseSplit | None = None) -> Experiment:
    """Choose the "auto" values of an experiment from its training set, before anything is cut.

    Values that a resolved document says were chosen automatically are kept; a warning is logged where the choice would
    differ now.

    Args:
        experiment: With one split or fold.
        dataset: The data.
        split: The experiment's split; null makes it if it is needed.

    Raises:
        DataError: The sets cannot be filled.
    """
    if not experiment.training.auto and not experiment.auto_reasons:
        return experiment
    cases = dataset.cases
    split = split or split_cases(cases, experiment)
    is_training = split.sets[split.rows] == "train"
    counts = np.bincount(cases.labels[split.rows[is_training]], minlength=len(cases.classes))
    known = TrainingSet(counts=tuple(counts.tolist()), shape=tuple(dataset.shape), positive=cases.positive)
    experiment_with_reasons = refresh_reasons(experiment, known)
    outdated = [key for key in experiment.auto_reasons if key not in experiment_with_reasons.auto_reasons]
    if outdated:
        logging.getLogger("archnet.auto").warning(
            'kept, although "auto" would now choose different values: %s. Set them to "auto" to choose again.',
            ", ".join(outdated),
        )
    return resolve_auto(experiment_with_reasons, known)
