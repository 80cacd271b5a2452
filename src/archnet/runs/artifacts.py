"""What a run writes beside its model and metrics: split, history, gallery, environment, log."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Cases
from archnet.evaluation.predictions import Predictions
from archnet.files.atomic import atomic_write, write_text
from archnet.runs.preparation import PreparedData
from archnet.spec.experiment import SETS

NUM_SAMPLES: Final = 16
"""Training cases whose images a run folder keeps for its report."""

NUM_WRONG: Final = 32
"""Wrong cases that it keeps: twice those of a report, for a comparison to choose from."""


def split_text(cases: Cases, sets: NDArray[np.str_]) -> str:
    """split.csv: case, group, label and set of every case."""
    labels = np.asarray(cases.classes)[cases.labels]
    return _csv_text(["case", "group", "label", "set"], zip(cases.ids, cases.groups, labels, sets, strict=True))


def write_history(path: Path, history: Sequence[dict[str, float]]) -> None:
    """history.csv: one row an epoch."""
    write_text(path, _csv_text(list(history[0]), (row.values() for row in history)))


def _csv_text(header: Sequence[str], rows: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def write_gallery(
    path: Path,
    prepared: PreparedData,
    predictions: Predictions,
    predicted: NDArray[np.int64],
) -> None:
    """gallery.npz: images for the report, so that it can be drawn from the run folder alone.

    Holds `images` uint8 (M, height, width[, depth]), limits scaled to 0..255, `case` (M,) and `kind` (M,): "sample"
    (training cases, classes in turn) or "wrong" (the most confidently wrong of the test set, else of the validation
    set).

    Args:
        path: Of the file.
        prepared: The arrays of all cases.
        predictions: Of all cases.
        predicted: (N,) the class that each case is taken for.
    """
    samples = sample_rows(predictions, NUM_SAMPLES)
    misclassified = misclassified_rows(predictions, predicted, NUM_WRONG)
    rows = np.concatenate([samples, misclassified]).astype(np.int64)
    low, high = prepared.limits
    scaled = (np.asarray(prepared.values[prepared.rows[rows]], np.float32) - low) / (high - low)
    with atomic_write(path) as draft, draft.open("wb") as stream:
        np.savez_compressed(
            stream,
            images=(scaled.clip(0, 1) * 255).round().astype(np.uint8),
            case=predictions.cases[rows],
            kind=np.array(["sample"] * len(samples) + ["wrong"] * len(misclassified)),
        )


def sample_rows(predictions: Predictions, count: int) -> NDArray[np.int64]:
    """Rows of training cases for a montage: the classes in turn, each in the data's order."""
    members = [
        np.flatnonzero((predictions.sets == "train") & (predictions.y_true == label))
        for label in range(len(predictions.classes))
    ]
    interleaved_rows = [rows[place] for place in range(count) for rows in members if place < rows.size]
    return np.array(interleaved_rows[:count], np.int64)


def misclassified_rows(predictions: Predictions, predicted: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Rows of the most confidently wrong cases, worst first: of the test set, else of the validation set."""
    evaluated_set = next((name for name in reversed(SETS) if np.any(predictions.sets == name)), "test")
    rows = np.flatnonzero((predictions.sets == evaluated_set) & (predicted != predictions.y_true))
    true_class_probability = predictions.probabilities[rows, predictions.y_true[rows]]
    return rows[np.argsort(true_class_probability, kind="stable")][:count]


@contextmanager
def log_to_file(path: Path, *, is_resumed: bool = False) -> Iterator[logging.Logger]:
    """Lets archnet's log go to a file as well, while the block runs; a continued run's log goes on."""
    logger = logging.getLogger("archnet")
    handler = logging.FileHandler(path, mode="a" if is_resumed else "w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield logger
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
