"""Pictures of cases that only one of two architectures classifies correctly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.paired_comparison import PairedComparison
from archnet.evaluation.comparison.pools import Pool
from archnet.evaluation.run_folder import read_optional_json
from archnet.report.figures.montage import Picture, shown_channel
from archnet.report.gallery_file import read_gallery
from archnet.report.html.gallery import cards

_MAX_CASES: Final = 16
_MAX_CASES_PER_KIND: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answers:
    """The predictions of one architecture.

    Attributes:
        pool: Its runs.
        is_correct: Whether the networks of all seeds are correct, shape (N,).
        is_incorrect: Whether the networks of all seeds are incorrect, shape (N,).
        true_class_probability: Mean probability of the true class, shape (N,).
        y_pred: Predictions of the first seed's network, shape (N,).
    """

    pool: Pool
    is_correct: NDArray[np.bool_]
    is_incorrect: NDArray[np.bool_]
    true_class_probability: NDArray[np.float64]
    y_pred: NDArray[np.int64]


def discordant_cases(comparison: Comparison) -> list[dict[str, Any]]:
    """Find cases that only one architecture of each pair classifies correctly, the most confident errors first.

    Only cases with a picture in the incorrect run are shown. With many pairs, each gets fewer, and the last ones none.
    """
    groups: list[tuple[str, str, list[Picture]]] = []
    for pair in comparison.pairs:
        num_left = _MAX_CASES - sum(len(pictures) for _, _, pictures in groups)
        groups += _discordant_pictures(comparison, pair, min(_MAX_CASES_PER_KIND, num_left // 2))
    num_on_page = sum(len(pictures) for _, _, pictures in groups)
    shown = {
        pool.name: shown_channel(read_optional_json(pool.folders[0] / "experiment.json")) for pool in comparison.pools
    }
    return [
        {"right": right, "wrong": wrong, "cards": cards(pictures, num_on_page), "shown": shown[wrong]}
        for right, wrong, pictures in groups
    ]


def _discordant_pictures(
    comparison: Comparison, pair: PairedComparison, limit: int
) -> list[tuple[str, str, list[Picture]]]:
    """Names of the correct and the incorrect network with the cases; errors of the reference come first."""
    sides = {name: _pool_answers(comparison, name) for name in (pair.reference, pair.other)}
    orders = ((pair.other, pair.reference), (pair.reference, pair.other))
    groups = [(right, wrong, _pictures(sides[right], sides[wrong], limit)) for right, wrong in orders]
    return [entry for entry in groups if entry[2]]


def _pool_answers(comparison: Comparison, name: str) -> _Answers:
    pool = next(pool for pool in comparison.pools if pool.name == name)
    threshold = comparison.row(name).metrics["threshold"]
    k = comparison.classes.index(comparison.positive)
    truth = pool.predictions_by_seed[0].y_true
    answers = np.stack([cases.predicted_classes(positive=k, threshold=threshold) for cases in pool.predictions_by_seed])
    rows = np.arange(len(truth))
    return _Answers(
        pool=pool,
        is_correct=(answers == truth).all(axis=0),
        is_incorrect=(answers != truth).all(axis=0),
        true_class_probability=np.mean(
            [cases.probabilities[rows, truth] for cases in pool.predictions_by_seed], axis=0
        ),
        y_pred=answers[0],
    )


def _pictures(right: _Answers, wrong: _Answers, limit: int) -> list[Picture]:
    images = _gallery_images(wrong.pool.folders)
    cases = wrong.pool.predictions_by_seed[0]
    rows = np.flatnonzero(right.is_correct & wrong.is_incorrect)
    rows = rows[np.argsort(wrong.true_class_probability[rows], kind="stable")]
    rows_with_image = [row for row in rows.tolist() if str(cases.cases[row]) in images]
    return [_picture(wrong, row, images[str(cases.cases[row])]) for row in rows_with_image[:limit]]


def _gallery_images(folders: Sequence[Path]) -> dict[str, NDArray[np.uint8]]:
    """The incorrectly classified cases of the runs' galleries, by name."""
    galleries = [gallery for folder in folders if (gallery := read_gallery(folder / "gallery.npz"))]
    return {
        str(gallery.cases[place]): gallery.picture(place)
        for gallery in galleries
        for place in np.flatnonzero(gallery.kinds == "wrong").tolist()
    }


def _picture(wrong: _Answers, row: int, image: NDArray[np.uint8]) -> Picture:
    cases, predicted_label = wrong.pool.predictions_by_seed[0], int(wrong.y_pred[row])
    return Picture(
        image=image,
        case=str(cases.cases[row]),
        truth=cases.classes[int(cases.y_true[row])],
        predicted_class=cases.classes[predicted_label],
        confidence=float(
            np.mean([predictions.probabilities[row, predicted_label] for predictions in wrong.pool.predictions_by_seed])
        ),
    )
