"""Workloads of `archnet bench`: a network, cases and training options, on real data or on noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data import open_dataset
from archnet.files.progress import Progress, no_progress
from archnet.network.examples import Examples
from archnet.runs.planning.label_options import check_label_options, select_labels
from archnet.runs.planning.network_plan import plan_network
from archnet.runs.preparation import make_splits, prepare, resolve_auto_from_data, resolve_auto_split
from archnet.runs.training import set_examples
from archnet.spec.arch import Arch, PlannedLayer
from archnet.spec.augmentations import shape_problem
from archnet.spec.experiment import Experiment, Training
from archnet.spec.layers import Shape
from archnet.spec.layers.planned_layer import plan_input_shape
from archnet.spec.view import InputLimits

NOISE_HU: Final = (-1000, 400)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workload:
    """A network, cases and training options.

    Attributes:
        arch: The architecture.
        plan: The plan of its layers for these cases.
        training: The training options.
        data: Display name of the data.
        examples: The training cases.
        limits: Raw values that are scaled to 0 and 1.
        num_classes: Number of classes.
        positive: Index of the class that an augmentation may oversample.
    """

    arch: Arch
    plan: tuple[PlannedLayer, ...]
    training: Training
    data: str
    examples: Examples
    limits: InputLimits
    num_classes: int
    positive: int = 1


def load_data_workload(experiment: Experiment, progress: Progress = no_progress) -> Workload:
    """The workload of an experiment: its network on its training set.

    Raises:
        ArchnetError: The data cannot be used, or the network does not fit them.
    """
    dataset = open_dataset(experiment.data, progress)
    check_label_options(experiment, dataset.cases)
    experiment = resolve_auto_split(experiment, dataset.cases)
    splits = make_splits(dataset.cases, [experiment])
    experiment = resolve_auto_from_data(experiment, dataset, splits[experiment.split])
    plan = plan_network(experiment, dataset)
    prepared = select_labels(prepare(dataset, [experiment], progress, splits=splits)[0], experiment)
    examples = set_examples(prepared, experiment)["train"]
    return Workload(
        arch=experiment.arch,
        plan=plan,
        training=experiment.training,
        data=experiment.data.name,
        examples=examples,
        limits=prepared.limits,
        num_classes=len(prepared.cases.classes),
        positive=prepared.cases.positive,
    )


def noise_images(num_images: int, plan: Sequence[PlannedLayer]) -> NDArray[np.int16]:
    """Reproducible random HU of the size of a network's input: (N, height, width[, depth], channels)."""
    return np.random.default_rng(0).integers(*NOISE_HU, (num_images, *plan_input_shape(plan)), np.int16)


def make_noise_workload(
    arch: Arch, training: Training, shape: Shape | None = None, num_classes: int = 2, num_batches: int = 4
) -> Workload:
    """A workload on random HU.

    Args:
        arch: The architecture.
        training: The training options; an "auto" augmentation is reduced to the steps that fit the shape.
        shape: (height, width[, depth]); None means the default shape of the architecture.
        num_classes: Number of classes.
        num_batches: Number of full batches.

    Raises:
        DocumentError: The network does not fit the shape.
    """
    plan = arch.plan(shape, num_classes)
    if "augmentation" in training.auto:
        size = plan_input_shape(plan)[: arch.rank]
        entries = tuple(entry for entry in training.augmentation if shape_problem([entry], size) is None)
        training = replace(training, augmentation=entries)
    num_cases = num_batches * training.batch_size
    rows = np.arange(num_cases)
    examples = Examples(images=noise_images(num_cases, plan), rows=rows, labels=rows % num_classes)
    return Workload(
        arch=arch,
        plan=plan,
        training=training,
        data="noise",
        examples=examples,
        limits=InputLimits.of(*NOISE_HU),
        num_classes=num_classes,
    )
