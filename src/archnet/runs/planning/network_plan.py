"""Plan the network of an experiment on its data, and check options before crops are extracted."""

from __future__ import annotations

from archnet.data.dataset import Dataset
from archnet.errors import RunError
from archnet.runs.planning.micro_batch import choose_micro_batch
from archnet.spec.arch import PlannedLayer
from archnet.spec.augmentations import NO_SYMMETRIES, NO_SYMMETRIES_REMEDY, shape_problem
from archnet.spec.experiment import Experiment
from archnet.spec.view import evaluated_views, input_shape


def plan_network(experiment: Experiment, dataset: Dataset) -> tuple[PlannedLayer, ...]:
    """Plan the network's layers on a data set.

    Raises:
        ArchnetError: The architecture does not fit the data.
    """
    return experiment.arch.plan(input_shape(experiment, dataset.shape), len(dataset.cases.classes))


def check_feasible(experiment: Experiment, plan: tuple[PlannedLayer, ...], dataset: Dataset) -> None:
    """Check that augmentation, its views and the memory limit fit data and network, before crops are extracted.

    Args:
        experiment: The experiment, with "auto" resolved.
        plan: Result of `plan_network`.
        dataset: The data.

    Raises:
        RunError: The augmentation or the memory limit is unsuitable, or there are no views to average over.
    """
    problem = shape_problem(experiment.training.augmentation, dataset.shape)
    if problem:
        raise RunError(f"training.augmentation: {problem}")
    if experiment.evaluation.tta and len(evaluated_views(experiment)) == 1:
        reason = experiment.auto_reasons.get("training.augmentation")
        chosen = f' It was chosen by "auto": {reason}.' if reason else ""
        raise RunError(f"evaluation.tta: {NO_SYMMETRIES}{chosen} {NO_SYMMETRIES_REMEDY}")
    if experiment.training.memory is not None:
        choose_micro_batch(experiment, plan)
