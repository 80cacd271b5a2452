"""What an epoch goes through, and in which order; all from the seed and the epoch alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.network.augmentation.augment import copies, draw_uniforms
from archnet.network.training.dropout import draw_keys
from archnet.spec.experiment import Training

_ORDER_STREAM: Final = 1 << 32
"""Keeps the random numbers of the data order apart from those of the augmentation, which are keyed by the epoch."""

_SMALL_TYPES: Final = tuple(map(np.dtype, (np.uint8, np.int8, np.int16, np.float16, np.float32)))
"""What a graph takes as it is and turns into float32 itself."""


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

    def batch(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The images of some cases of this set, in memory; see `gathered`."""
        return gathered(self.images, self.rows[rows])


def gathered(images: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Some of many images, in memory: in their own type if that is small, so that less is moved, else float32."""
    return np.ascontiguousarray(images[rows], None if images.dtype in _SMALL_TYPES else np.float32)


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
    """The entries of one epoch in random order; where classes are balanced by drawing, rare ones more than once.

    Args:
        entries: Of the training set.
        training: Its `seed` and `balance`.
        epoch: From 0; every epoch has its own order.
    """
    generator = np.random.Generator(np.random.Philox(key=np.array([training.seed, _ORDER_STREAM + epoch], np.uint64)))
    present, counts = np.unique(entries.labels, return_counts=True)
    shares = drawn_shares(counts, training.balance)
    if shares is None:
        return generator.permutation(len(entries.rows))
    numbers = [math.ceil(share * len(entries.rows)) for share in shares]
    drawn = [
        _repeated(np.flatnonzero(entries.labels == label), number, generator)
        for label, number in zip(present, numbers, strict=True)
    ]
    return generator.permutation(np.concatenate(drawn))


def drawn_shares(counts: NDArray[np.int64], balance: str | float) -> NDArray[np.float64] | None:
    """Share of each class in an epoch, where classes are balanced by drawing; null where each case comes once.

    Args:
        counts: (classes,) cases of each class.
        balance: See `Training`; a number r lifts classes to 1/r of the largest, and leaves those that have more.
    """
    ratio = 1.0 if balance == "oversample" else balance
    if isinstance(ratio, str) or counts.max() <= ratio * counts.min():
        return None
    lifted = np.maximum(counts, counts.max() / ratio)
    return np.asarray(lifted / lifted.sum())


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One batch on its way to the network.

    Attributes:
        number: Within the epoch, from 1.
        rows: (N,) its cases among the training set's.
        parts: Its arrays, see `Trainer.step`; more than one where a batch does not fit into memory.
    """

    number: int
    rows: NDArray[np.int64]
    parts: list[dict[str, NDArray[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """The training set cut into steps, the same for the same seed.

    Attributes:
        examples: The training set.
        entries: Its cases and their rotated copies.
        training: The options.
        micro_batch: Cases that go through the network at once; null is the whole batch.
    """

    examples: Examples
    entries: Entries
    training: Training
    micro_batch: int | None = None

    @property
    def num_steps(self) -> int:
        """Of an epoch."""
        return math.ceil(len(epoch_order(self.entries, self.training, 0)) / self.training.batch_size)

    def of_epoch(self, epoch: int, num_done: int = 0) -> Iterator[Step]:
        """The steps of one epoch; the last one may be smaller.

        Args:
            epoch: From 0.
            num_done: Steps to leave out at the start.
        """
        seed, size = self.training.seed, self.training.batch_size
        order = epoch_order(self.entries, self.training, epoch)
        draws = {
            "labels": self.entries.labels[order].astype(np.int32),
            "weights": case_weights(self.entries, self.training)[order],
            "uniforms": draw_uniforms(self.training.augmentation, self.entries.turns[order], seed, epoch),
            "keys": draw_keys(len(order), seed, epoch),
        }
        for number in range(num_done + 1, math.ceil(len(order) / size) + 1):
            places = np.arange((number - 1) * size, min(number * size, len(order)))
            rows = self.entries.rows[order[places]]
            yield Step(number=number, rows=rows, parts=list(self._parts(rows, _rows_of(draws, places))))

    def _parts(self, rows: NDArray[np.int64], draws: dict[str, NDArray[Any]]) -> Iterator[dict[str, NDArray[Any]]]:
        draws = {**draws, "weights": draws["weights"] / np.float32(len(rows))}
        for chosen in batches(np.arange(len(rows)), self.micro_batch or len(rows)):
            yield {"images": self.examples.batch(rows[chosen]), **_rows_of(draws, chosen)}


def _rows_of(arrays: dict[str, NDArray[Any]], rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    return {name: array[rows] for name, array in arrays.items()}


def batches(order: NDArray[np.int64], batch_size: int) -> Iterator[NDArray[np.int64]]:
    """The order cut into batches; the last one may be smaller."""
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
