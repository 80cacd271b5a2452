"""What an epoch goes through, and in which order; all from the seed and the epoch alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.network.augment import copies
from archnet.spec.experiment import Training

_ORDER_STREAM: Final = 1 << 32
"""Keeps the random numbers of the data order apart from those of the augmentation, which are keyed by the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Cases as a network sees them.

    Attributes:
        images: (all cases, height, width[, depth], channels) raw values; may be memory-mapped.
        rows: (N,) the cases of this set among all.
        labels: (N,) index of the class.
    """

    images: NDArray[Any]
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The images of some cases of this set, in memory."""
        return np.asarray(self.images[self.rows[rows]], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entries:
    """What an epoch goes through: training cases and their rotated copies.

    Attributes:
        rows: (M,) case of each entry.
        turns: (M,) fixed turn of each entry, as a share of 360 degrees.
        labels: (M,) class of each entry.
    """

    rows: NDArray[np.int64]
    turns: NDArray[np.float32]
    labels: NDArray[np.int64]


def epoch_order(entries: Entries, training: Training, epoch: int) -> NDArray[np.int64]:
    """The entries of one epoch in random order; with "oversample" the same number of each class.

    Args:
        entries: Of the training set.
        training: Its `seed` and `balance`.
        epoch: From 0; every epoch has its own order.
    """
    generator = np.random.Generator(np.random.Philox(key=np.array([training.seed, _ORDER_STREAM + epoch], np.uint64)))
    if training.balance != "oversample":
        return generator.permutation(len(entries.rows))
    present = np.unique(entries.labels)
    share = math.ceil(len(entries.rows) / len(present))
    drawn = [_repeated(np.flatnonzero(entries.labels == label), share, generator) for label in present]
    return generator.permutation(np.concatenate(drawn))


def _repeated(members: NDArray[np.int64], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """`count` members, each as often as any other or once more."""
    rounds = [generator.permutation(members) for _ in range(math.ceil(count / len(members)))]
    return np.concatenate(rounds)[:count]


def entries_of(examples: Examples, training: Training, positive: int) -> Entries:
    """The training cases and the copies that the augmentation adds."""
    rows, turns = copies(training.augmentation, examples.labels == positive)
    return Entries(rows=rows, turns=turns, labels=examples.labels[rows])


def case_weights(entries: Entries, training: Training) -> NDArray[np.float32]:
    """(M,) weight of each entry in the loss; with "weights" every class weighs the same in all, 1 on average."""
    if training.balance != "weights":
        return np.ones(len(entries.rows), np.float32)
    present, inverse, counts = np.unique(entries.labels, return_inverse=True, return_counts=True)
    return (len(entries.rows) / (len(present) * counts[inverse])).astype(np.float32)


def batches(order: NDArray[np.int64], batch_size: int) -> Iterator[NDArray[np.int64]]:
    """The order cut into batches; the last one may be smaller."""
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
