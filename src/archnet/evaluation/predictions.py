"""Predictions of a network for each case, and `predictions.csv`, from which all results can be recomputed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import DataError, RunError, did_you_mean
from archnet.evaluation.integrity.case_list import check_case_list
from archnet.evaluation.prediction_columns import (
    PROBABILITY,
    REMEDY,
    SOFT,
    WEIGHT,
    NumberColumns,
    parse_header,
)
from archnet.files.atomic import atomic_write
from archnet.files.csv_rows import Table, excerpt, read_table, write_rows
from archnet.spec.experiment import SETS, Evaluation

DEFAULT_THRESHOLD: Final = Evaluation().threshold
"""Default probability from which a case is predicted as positive, for two classes."""

DEFAULT_BOOTSTRAPS: Final = Evaluation().bootstraps
"""Default number of resamples for intervals without a closed form."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """Labels and predicted probabilities, one row per case.

    Attributes:
        cases: Unique names, shape (N,).
        groups: The scan or patient of each case, shape (N,).
        sets: "train", "validation" or "test", shape (N,).
        y_true: Index into `classes`, shape (N,).
        probabilities: Shape (N, K); each row sums to 1.
        classes: The K class names.
        soft: Soft label of each case, shape (N, K); each row sums to 1. None for hard labels.
        weight: Positive training weight of each case, shape (N,); None if all cases count equally.
    """

    cases: NDArray[np.str_]
    groups: NDArray[np.str_]
    sets: NDArray[np.str_]
    y_true: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    classes: tuple[str, ...]
    soft: NDArray[np.float64] | None = None
    weight: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Reject columns of different lengths.

        Raises:
            ValueError: A column has a different length from `cases`, or the probabilities a shape other than (N, K).
        """
        num_cases = len(self.cases)
        columns = (self.groups, self.sets, self.y_true, *(() if self.weight is None else (self.weight,)))
        tables = (self.probabilities, *(() if self.soft is None else (self.soft,)))
        lengths = {len(column) for column in columns}
        if lengths != {num_cases} or {table.shape for table in tables} != {(num_cases, len(self.classes))}:
            raise ValueError(
                f"{num_cases} cases of {len(self.classes)} classes do not fit columns of {sorted(lengths)} rows "
                f"and probabilities of shape {self.probabilities.shape}"
            )

    @property
    def has_label(self) -> NDArray[np.bool_]:
        """(N,) whether a case counts as one of its class.

        Training cases whose soft label has no single largest share, such as undecided nodules, do not.
        """
        if self.soft is None:
            return np.ones(len(self.cases), np.bool_)
        largest = self.soft.max(axis=1, keepdims=True)
        has_label: NDArray[np.bool_] = (self.sets != "train") | ((self.soft == largest).sum(axis=1) == 1)
        return has_label

    def to_columns(self) -> dict[str, NDArray[Any]]:
        """The columns of `predictions.csv`, as `pandas.DataFrame` accepts them: one value per case, classes by name."""
        return {
            "case": self.cases,
            "group": self.groups,
            "set": self.sets,
            "y_true": np.array(self.classes)[self.y_true],
            **dict(self._number_columns()),
        }

    def _number_columns(self) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """The numeric columns by name: probabilities, then soft labels and weights if there are any."""
        for prefix, table in ((PROBABILITY, self.probabilities), (SOFT, self.soft)):
            if table is not None:
                yield from ((f"{prefix}{name}", table[:, label]) for label, name in enumerate(self.classes))
        if self.weight is not None:
            yield WEIGHT, self.weight

    def select(self, *names: str, is_labelled: bool = False) -> Predictions:
        """The rows of one or more sets, or only those that count as cases of their classes; see `has_label`."""
        return self.select_rows(np.isin(self.sets, names) & (self.has_label if is_labelled else True))

    def select_rows(self, rows: NDArray[np.bool_]) -> Predictions:
        """The rows that a mask of shape (N,) marks."""
        return Predictions(
            cases=self.cases[rows],
            groups=self.groups[rows],
            sets=self.sets[rows],
            y_true=self.y_true[rows],
            probabilities=self.probabilities[rows],
            classes=self.classes,
            soft=None if self.soft is None else self.soft[rows],
            weight=None if self.weight is None else self.weight[rows],
        )

    def predicted_classes(self, *, positive: int, threshold: float | None = None) -> NDArray[np.int64]:
        """The predicted class of each case, shape (N,).

        With two classes, the positive one if p >= threshold (None means `DEFAULT_THRESHOLD`); with more classes, the
        most probable one, the first in case of ties.
        """
        if len(self.classes) > 2:
            return np.asarray(np.argmax(self.probabilities, axis=1), dtype=np.int64)
        is_positive = self.probabilities[:, positive] >= (DEFAULT_THRESHOLD if threshold is None else threshold)
        return np.where(is_positive, positive, 1 - positive).astype(np.int64)


def write_predictions(path: Path, predictions: Predictions) -> Path:
    """Write `predictions.csv` by atomic rename; the probabilities are read back exactly."""
    with atomic_write(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        columns = predictions.to_columns()
        write_rows(file, chain([columns], zip(*(column.tolist() for column in columns.values()), strict=True)))
    return path


def read_predictions(path: Path) -> Predictions:
    """Read `predictions.csv`.

    Raises:
        RunError: The file is missing.
        DataError: A column, name or number is invalid; the message names the line.
    """
    table = _read_table(path)
    header = parse_header(path, table.header)
    columns = list(zip(*table.rows, strict=True))
    places = [f"{path} line {line}" for line in table.lines]
    numbers = NumberColumns(places=places, columns=dict(zip(table.header, columns, strict=True)))
    _check_unique(places, columns[0])
    _check_known("set", places, columns[2], SETS)
    _check_known("y_true", places, columns[3], header.classes)
    index = {name: label for label, name in enumerate(header.classes)}
    return Predictions(
        cases=np.array(columns[0], dtype=np.str_),
        groups=np.array(columns[1], dtype=np.str_),
        sets=np.array(columns[2], dtype=np.str_),
        y_true=np.array([index[name] for name in columns[3]], dtype=np.int64),
        probabilities=numbers.shares(header.probabilities, "probabilities"),
        classes=header.classes,
        soft=numbers.shares(header.soft, "soft labels") if header.soft else None,
        weight=numbers.weights(WEIGHT) if header.has_weight else None,
    )


def read_run_predictions(folder: Path, sets: Collection[str]) -> Predictions:
    """Read the predictions of a run, and check that their cases are those of its split.

    Args:
        folder: The run folder.
        sets: Sets in which every case must have a prediction: those with metrics.

    Raises:
        RunError: predictions.csv is missing.
        DataError: A file is damaged, or the predictions and the split have different cases.
    """
    predictions = read_predictions(folder / "predictions.csv")
    check_case_list(folder, predictions.to_columns(), sets)
    return predictions


def _read_table(path: Path) -> Table:
    try:
        table = read_table(path, REMEDY)
    except FileNotFoundError:
        raise RunError(f"{path}: no such file. Finish the run, or name a different run folder.") from None
    if not table.rows:
        raise DataError(f"{path}: has no cases. {REMEDY}")
    return table


def _check_unique(places: list[str], cases: Sequence[str]) -> None:
    place_by_case: dict[str, str] = {}
    for place, case in zip(places, cases, strict=True):
        if case in place_by_case:
            first = place_by_case[case].rpartition(" ")[2]
            raise DataError(f'{place}: case "{case}" is already on line {first}. {REMEDY}')
        place_by_case[case] = place


def _check_known(column: str, places: list[str], names: Sequence[str], known: Sequence[str]) -> None:
    unknown = set(names) - set(known)
    if not unknown:
        return
    place, name = next((place, name) for place, name in zip(places, names, strict=True) if name in unknown)
    known_names = ", ".join(f'"{word}"' for word in known)
    raise DataError(
        f'{place}: {column} is "{excerpt([name])}"; expected one of {known_names}.{did_you_mean(name, known)} {REMEDY}'
    )
