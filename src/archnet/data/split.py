"""Training, validation and test sets, and the negatives that stay in each."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import SETS, Cases
from archnet.errors import DataError
from archnet.spec.experiment import Data, Split

_NUM_DRAWS = 200


def make_split(cases: Cases, split: Split) -> NDArray[np.str_]:
    """The set of every case: "train", "validation" or "test".

    Raises:
        DataError: The sets cannot be filled, or the data bring no sets of their own.
    """
    if split.by == "own":
        return _own_sets(cases)
    if split.test + split.validation >= 1:
        raise DataError(
            f"split.test {split.test} and split.validation {split.validation} leave nothing to train on; "
            "together they must stay below 1."
        )
    units = cases.ids if split.by == "candidate" else cases.groups
    names, unit_of_case = np.unique(units, return_inverse=True)
    counts = np.zeros((len(names), len(cases.classes)), dtype=np.int64)
    np.add.at(counts, (unit_of_case, cases.labels), 1)
    draw = _stratified_draw if split.by == "candidate" else _closest_draw
    sets = draw(counts, _shares(split), np.random.default_rng(split.seed))
    _refuse_empty(sets, split)
    return np.array(SETS)[sets][unit_of_case]


def keep_rows(
    cases: Cases, sets: NDArray[np.str_], data: Data, split: Split, keep_all: Collection[str] = ()
) -> NDArray[np.int64]:
    """The rows that are used: every positive, and for each of them some negatives of the same set.

    Each set draws with a seed of its own, and a smaller ratio keeps a part of what a larger one keeps, so no other
    set and no split changes with the ratio.

    Args:
        sets: The set of every case.
        keep_all: Sets that keep all their negatives.

    Returns:
        Row numbers, ascending.
    """
    if data.negatives_per_positive == "all":
        return np.arange(len(cases.labels))
    is_positive = cases.labels == cases.positive
    kept = [np.flatnonzero(is_positive)]
    for number, name in enumerate(SETS):
        negatives = np.flatnonzero((sets == name) & ~is_positive)
        wanted = round(data.negatives_per_positive * np.count_nonzero((sets == name) & is_positive))
        shuffled = np.random.default_rng([split.seed, number]).permutation(negatives)
        kept.append(negatives if name in keep_all else shuffled[:wanted])
    return np.sort(np.concatenate(kept))


def _shares(split: Split) -> tuple[float, float, float]:
    """In the order of `SETS`."""
    return 1 - split.validation - split.test, split.validation, split.test


def _closest_draw(
    counts: NDArray[np.int64], shares: tuple[float, float, float], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Of many random divisions of groups the one whose share of each class in each set comes closest to the wanted.

    Args:
        counts: Cases as (group, class).

    Returns:
        The set number of each group.
    """
    totals = np.maximum(counts.sum(axis=0), 1)
    draws = (_random_draw(counts.sum(axis=1), shares, rng) for _ in range(_NUM_DRAWS))
    return min(draws, key=lambda sets: _distance(counts, totals, sets, shares))


def _random_draw(
    sizes: NDArray[np.int64], shares: tuple[float, float, float], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Groups in random order, dealt to test, validation and training until each has its share of the cases.

    A set that is wanted gets at least one group, however few there are.
    """
    order = rng.permutation(len(sizes))
    middle = (np.cumsum(sizes[order]) - sizes[order] / 2) / sizes.sum()
    _, validation, test = shares
    num_test = max(int(np.count_nonzero(middle < test)), int(test > 0))
    num_held_out = max(int(np.count_nonzero(middle < test + validation)), num_test + int(validation > 0))
    sets = np.zeros(len(sizes), dtype=np.int64)
    sets[order[:num_held_out]] = 1
    sets[order[:num_test]] = 2
    return sets


def _distance(
    counts: NDArray[np.int64], totals: NDArray[np.int64], sets: NDArray[np.int64], shares: tuple[float, float, float]
) -> tuple[int, float]:
    """How many wanted sets stay empty or without a class, then the largest deviation from a wanted share."""
    found = np.stack([counts[sets == number].sum(axis=0) for number in range(3)])
    wanted = np.array(shares)[:, None]
    return int(np.sum((found == 0) & (wanted > 0))), float(np.abs(found / totals - wanted).max())


def _stratified_draw(
    counts: NDArray[np.int64], shares: tuple[float, float, float], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Cases one by one, each class divided by itself."""
    labels = counts.argmax(axis=1)
    sets = np.empty(len(labels), dtype=np.int64)
    for label in range(counts.shape[1]):
        rows = np.flatnonzero(labels == label)
        sets[rows] = _random_draw(np.ones(len(rows), dtype=np.int64), shares, rng) if len(rows) else 0
    return sets


def _refuse_empty(sets: NDArray[np.int64], split: Split) -> None:
    for number, share in enumerate(_shares(split)):
        if share > 0 and not np.any(sets == number):
            unit = "cases" if split.by == "candidate" else "groups"
            remedy = "Set its share to 0 or add scans." if number else "Lower the others' shares or add scans."
            raise DataError(
                f"split: {len(sets)} {unit} are too few for training, validation ({split.validation}) and test "
                f"({split.test}) sets; the {SETS[number]} set would be empty. {remedy}"
            )


def _own_sets(cases: Cases) -> NDArray[np.str_]:
    if cases.own_sets is None:
        raise DataError('split.by "own": the data bring no sets of their own. Use "group" or "candidate".')
    return cases.own_sets
