"""Estimate the duration of a run on this machine from a few training steps on noise of the size of its cases."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from archnet.data import open_dataset
from archnet.data.dataset import Dataset
from archnet.network.examples import Examples
from archnet.network.timing.steps import measure_seconds
from archnet.runs.benchmark.measure import TimedTraining
from archnet.runs.benchmark.workload import NOISE_HU, Workload, noise_images
from archnet.runs.planning.network_plan import plan_network
from archnet.runs.preparation import CaseSplit, make_splits, resolve_auto_from_data, resolve_auto_split
from archnet.spec.experiment import Experiment
from archnet.spec.view import InputLimits

FORWARD_SHARE: Final = 1 / 3
"""Duration of a forward pass as a share of a training step, whose backward pass has twice the multiply-adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTime:
    """The number of steps of a run, and their measured time.

    Attributes:
        epochs: Number of epochs of all networks of the run, without early stopping.
        steps_per_epoch: Number of training steps in an epoch.
        step_seconds: Measured time of a training step, averaged over a few.
        forward_steps_per_epoch: Number of validation batches, of the size of a training step.
        forward_steps: Number of batches of the predictions of all cases at the end.
    """

    epochs: int
    steps_per_epoch: int
    step_seconds: float
    forward_steps_per_epoch: float
    forward_steps: float

    @property
    def seconds(self) -> float:
        """Estimated time of training and prediction, without the start of the process."""
        forward_steps = self.epochs * self.forward_steps_per_epoch + self.forward_steps
        return self.step_seconds * (self.epochs * self.steps_per_epoch + FORWARD_SHARE * forward_steps)

    def to_document(self) -> dict[str, Any]:
        """One JSON-ready object."""
        return asdict(self) | {"seconds": self.seconds}


def measure_run(experiment: Experiment, num_steps: int) -> RunTime:
    """Time some training steps of an experiment, after a first one that builds the graph.

    The steps run on noise, so that no crops are extracted; their time does not depend on the voxels.

    Raises:
        ArchnetError: The data cannot be used, or the network does not fit them or the memory.
    """
    dataset = open_dataset(experiment.data)
    experiment = resolve_auto_split(experiment, dataset.cases)
    split = make_splits(dataset.cases, [experiment])[experiment.split]
    experiment = resolve_auto_from_data(experiment, dataset, split)
    timed_training = TimedTraining(_noise_workload(experiment, dataset, split))
    measure_seconds(timed_training.trainer, timed_training.iterate_steps(0, 1))
    seconds = measure_seconds(timed_training.trainer, timed_training.iterate_steps(1, num_steps))
    batch_size, sets = experiment.training.batch_size, split.sets[split.rows]
    return RunTime(
        epochs=experiment.training.epochs * experiment.training.members,
        steps_per_epoch=timed_training.steps.steps_per_epoch,
        step_seconds=seconds / num_steps,
        forward_steps_per_epoch=float(np.sum(sets == "validation")) / batch_size,
        forward_steps=experiment.training.members * len(sets) / batch_size,
    )


def _noise_workload(experiment: Experiment, dataset: Dataset, split: CaseSplit) -> Workload:
    """The experiment's training set with a batch of noise in place of its voxels."""
    plan = plan_network(experiment, dataset)
    labels = dataset.cases.labels[split.rows[split.sets[split.rows] == "train"]]
    images = noise_images(min(len(labels), experiment.training.batch_size), plan)
    return Workload(
        arch=experiment.arch,
        plan=plan,
        training=experiment.training,
        data=experiment.data.name,
        examples=Examples(images=images, rows=np.arange(len(labels)) % len(images), labels=labels),
        limits=InputLimits.of(*NOISE_HU),
        num_classes=len(dataset.cases.classes),
        positive=dataset.cases.positive,
    )
