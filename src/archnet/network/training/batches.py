"""Sampling order and batches of an epoch; both depend only on the seed and the epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.network.augmentation.augment import add_rotated_copies, draw_uniforms
from archnet.network.examples import UNLABELLED, Examples, split_batches
from archnet.network.random_numbers import Stream, epoch_generator
from archnet.network.training.dropout import draw_keys
from archnet.network.training.mixup import draw_mix, mix_labels
from archnet.spec.experiment import Training
from archnet.spec.sampling import oversampled_counts, samples_per_class, steps_per_epoch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EpochSamples:
    """The samples of an epoch: training cases and their rotated copies.

    Attributes:
        rows: (M,) case of each sample.
        turns: (M,) fixed rotation of each sample, as a share of 360 degrees.
        labels: (M,) class of each sample, or `UNLABELLED`.
        weights: (M,) weight of the case of each sample, float32; None where all cases count equally.
        soft: (M, classes) share of each class in the label of each sample, float32; None where the labels are hard.
    """

    rows: NDArray[np.int64]
    turns: NDArray[np.float32]
    labels: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None
    soft: NDArray[np.float32] | None = None

    @property
    def has_label(self) -> NDArray[np.bool_]:
        """(M,) whether a sample has a hard label, so that it counts as one of its class."""
        has_label: NDArray[np.bool_] = self.labels != UNLABELLED
        return has_label


def draw_epoch_order(samples: EpochSamples, training: Training, epoch: int) -> NDArray[np.int64]:
    """Draw the order of the samples of one epoch; with oversampling, samples of rare classes occur more than once.

    Samples that have only a soft label come once.

    Args:
        samples: The samples of the training set.
        training: Its `seed` and `balance`.
        epoch: Index of the epoch, from 0; every epoch has its own order.
    """
    generator = epoch_generator(Stream.ORDER, training.seed, epoch)
    present, counts = np.unique(samples.labels[samples.has_label], return_counts=True)
    num_draws = oversampled_counts(counts.tolist(), training.balance)
    if num_draws is None:
        return generator.permutation(len(samples.rows))
    members = [
        _repeat_evenly(np.flatnonzero(samples.labels == label), number, generator)
        for label, number in zip(present, num_draws, strict=True)
    ]
    return generator.permutation(np.concatenate([*members, np.flatnonzero(~samples.has_label)]))


def _repeat_evenly(members: NDArray[np.int64], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Repeat members up to a count; the numbers of repetitions differ by at most one."""
    rounds = [generator.permutation(members) for _ in range(math.ceil(count / len(members)))]
    return np.concatenate(rounds)[:count]


def epoch_samples(examples: Examples, training: Training, positive: int) -> EpochSamples:
    """Return the samples of an epoch: the training cases and the copies that augmentation adds."""
    rows, turns = add_rotated_copies(training.augmentation, examples.labels == positive)
    weights = None if examples.weights is None else examples.weights[rows]
    soft = None if examples.soft is None else examples.soft[rows]
    return EpochSamples(rows=rows, turns=turns, labels=examples.labels[rows], weights=weights, soft=soft)


def sample_weights(samples: EpochSamples, training: Training) -> NDArray[np.float32]:
    """(M,) weight of each sample in the loss, 1 on average: the product of the weights of its case and its class.

    With `balance` "weights", all classes have the same total weight, and a sample that has only a soft label has the
    mean of their factors by its shares.
    """
    num_samples = len(samples.rows)
    weights = np.ones(num_samples) if samples.weights is None else samples.weights.astype(np.float64)
    if training.balance != "weights":
        return (weights * (num_samples / weights.sum())).astype(np.float32)
    has_label = samples.has_label
    present, inverse = np.unique(samples.labels[has_label], return_inverse=True)
    class_factors = num_samples / (len(present) * np.bincount(inverse, weights[has_label]))
    factors = np.empty(num_samples)
    factors[has_label] = class_factors[inverse]
    if has_label.all():
        return (weights * factors).astype(np.float32)
    if samples.soft is None:
        raise ValueError("samples without a hard label need a soft one")
    factors[~has_label] = samples.soft[~has_label][:, present] @ class_factors
    weights = weights * factors
    return (weights * (num_samples / weights.sum())).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """One batch of an epoch.

    Attributes:
        number: Number of the batch within the epoch, from 1.
        rows: (N,) rows of its cases in the training set.
        micro_batches: Its arrays, see `Trainer.train_step`; more than one if a batch does not fit into memory.
    """

    number: int
    rows: NDArray[np.int64]
    micro_batches: list[dict[str, NDArray[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingBatches:
    """The training set in batches, which are determined by the seed.

    Attributes:
        examples: The training set.
        samples: Its cases and their rotated copies.
        training: The options.
        num_classes: Number of classes of the data.
        micro_batch: Number of cases per micro-batch; None is the whole batch.
    """

    examples: Examples
    samples: EpochSamples
    training: Training
    num_classes: int
    micro_batch: int | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch."""
        has_label = self.samples.has_label
        counts = np.bincount(self.samples.labels[has_label]).tolist()
        num_samples = sum(samples_per_class(counts, self.training.balance)) + int(np.count_nonzero(~has_label))
        return steps_per_epoch(num_samples, self.training.batch_size)

    def epoch_batches(self, epoch: int, num_skipped: int = 0) -> Iterator[Batch]:
        """Iterate over the batches of one epoch; the last one may be smaller.

        Args:
            epoch: Index of the epoch, from 0.
            num_skipped: Number of batches to skip at the start.
        """
        seed, size = self.training.seed, self.training.batch_size
        order = draw_epoch_order(self.samples, self.training, epoch)
        arrays: dict[str, NDArray[Any]] = {
            "labels": self.samples.labels[order].astype(np.int32),
            "weights": sample_weights(self.samples, self.training)[order],
            "uniforms": draw_uniforms(self.training.augmentation, self.samples.turns[order], seed, epoch),
            "keys": draw_keys(len(order), seed, epoch),
        }
        arrays |= {} if self.samples.soft is None else {"soft": self.samples.soft[order]}
        rows = {"images": self.samples.rows[order]}
        if self.training.mixup:
            mix = draw_mix(self.samples.labels[order], self.training.mixup, seed, epoch)
            rows["partners"] = rows["images"][mix.partners]
            arrays |= mix_labels(mix, arrays["weights"], self._soft_labels()[order]) | {"shares": mix.shares}
        for number in range(num_skipped + 1, steps_per_epoch(len(order), size) + 1):
            positions = np.arange((number - 1) * size, min(number * size, len(order)))
            batch_rows = _take_rows(rows, positions)
            micro_batches = list(self._micro_batches(batch_rows, _take_rows(arrays, positions)))
            yield Batch(number=number, rows=batch_rows["images"], micro_batches=micro_batches)

    def _soft_labels(self) -> NDArray[np.float32]:
        """(M, classes) share of each class in the label of each sample: a single 1 for a hard label."""
        soft = self.samples.soft
        if soft is not None:
            return soft
        one_hot: NDArray[np.float32] = np.eye(self.num_classes, dtype=np.float32)[self.samples.labels]
        return one_hot

    def _micro_batches(
        self, rows: dict[str, NDArray[np.int64]], arrays: dict[str, NDArray[Any]]
    ) -> Iterator[dict[str, NDArray[Any]]]:
        num_cases = len(rows["images"])
        arrays = {**arrays, "weights": arrays["weights"] / np.float32(num_cases)}
        for positions in split_batches(np.arange(num_cases), self.micro_batch or num_cases):
            images = {name: self.examples.batch(part) for name, part in _take_rows(rows, positions).items()}
            yield images | _take_rows(arrays, positions)


def _take_rows(arrays: dict[str, NDArray[Any]], rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    return {name: array[rows] for name, array in arrays.items()}
