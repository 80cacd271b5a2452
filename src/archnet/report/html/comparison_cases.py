"""Comparison cases: pictures of those that one architecture tells right and the other wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.comparison import Comparison, Paired
from archnet.evaluation.pooling import Pool
from archnet.report.figures.montage import Picture
from archnet.report.html.gallery import cards
from archnet.report.run_files import read_gallery

_ON_PAGE: Final = 32
_OF_ONE_KIND: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """One architecture's answers.

    Attributes:
        pool: Its runs.
        is_right: By the networks of all seeds, shape (N,).
        is_wrong: By the networks of all seeds, shape (N,).
        doubt: Mean probability of the true class, shape (N,).
        taken_for: By the first seed's network, shape (N,).
    """

    pool: Pool
    is_right: NDArray[np.bool_]
    is_wrong: NDArray[np.bool_]
    doubt: NDArray[np.float64]
    taken_for: NDArray[np.int64]


def differing_cases(comparison: Comparison) -> list[dict[str, Any]]:
    """For each pair of architectures the cases that only one tells right, the surest mistakes first.

    Only those are shown whose pictures the mistaken run keeps. With many pairs each gets fewer, the last ones none.
    """
    found: list[tuple[str, str, list[Picture]]] = []
    for pair in comparison.paired:
        room = _ON_PAGE - sum(len(shown) for _, _, shown in found)
        found += _of_pair(comparison, pair, min(_OF_ONE_KIND, room // 2))
    num_on_page = sum(len(shown) for _, _, shown in found)
    return [{"right": right, "wrong": wrong, "cards": cards(shown, num_on_page)} for right, wrong, shown in found]


def _of_pair(comparison: Comparison, pair: Paired, limit: int) -> list[tuple[str, str, list[Picture]]]:
    """Names of who is right and who is wrong, and the cases; first those that the reference gets wrong."""
    sides = {name: _side(comparison, name) for name in (pair.reference, pair.other)}
    orders = ((pair.other, pair.reference), (pair.reference, pair.other))
    shown = [(right, wrong, _pictures(sides[right], sides[wrong], limit)) for right, wrong in orders]
    return [entry for entry in shown if entry[2]]


def _side(comparison: Comparison, name: str) -> _Side:
    pool = next(pool for pool in comparison.pools if pool.name == name)
    threshold = comparison.row(name).metrics["threshold"]
    cut, k = 0.5 if threshold is None else threshold, comparison.classes.index(comparison.positive)
    truth = pool.trainings[0].y_true
    answers = np.stack([cases.predicted(positive=k, threshold=cut) for cases in pool.trainings])
    rows = np.arange(len(truth))
    return _Side(
        pool=pool,
        is_right=(answers == truth).all(axis=0),
        is_wrong=(answers != truth).all(axis=0),
        doubt=np.mean([cases.probabilities[rows, truth] for cases in pool.trainings], axis=0),
        taken_for=answers[0],
    )


def _pictures(right: _Side, wrong: _Side, limit: int) -> list[Picture]:
    kept = _kept_images(wrong.pool.folders)
    cases = wrong.pool.trainings[0]
    rows = np.flatnonzero(right.is_right & wrong.is_wrong)
    rows = rows[np.argsort(wrong.doubt[rows], kind="stable")]
    there = [row for row in rows.tolist() if str(cases.cases[row]) in kept]
    return [_picture(wrong, row, kept[str(cases.cases[row])]) for row in there[:limit]]


def _kept_images(folders: Sequence[Path]) -> dict[str, NDArray[np.uint8]]:
    """The wrong cases of runs' galleries, by name."""
    galleries = [gallery for folder in folders if (gallery := read_gallery(folder / "gallery.npz"))]
    return {
        str(gallery.cases[place]): gallery.images[place]
        for gallery in galleries
        for place in np.flatnonzero(gallery.kinds == "wrong").tolist()
    }


def _picture(wrong: _Side, row: int, image: NDArray[np.uint8]) -> Picture:
    cases, taken_for = wrong.pool.trainings[0], int(wrong.taken_for[row])
    return Picture(
        image=image,
        case=str(cases.cases[row]),
        truth=cases.classes[int(cases.y_true[row])],
        predicted=cases.classes[taken_for],
        confidence=float(np.mean([one.probabilities[row, taken_for] for one in wrong.pool.trainings])),
    )
