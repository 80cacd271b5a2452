"""Predictions: what a network said about each case, and `predictions.csv`, from which every result is recomputed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import DataError, RunError, did_you_mean
from archnet.evaluation.integrity.case_list import check_case_list
from archnet.files.atomic import atomic_write
from archnet.files.csv_rows import Table, excerpt, parse_number, read_table, write_rows
from archnet.spec.experiment import SETS, Evaluation

DEFAULT_THRESHOLD: Final = Evaluation().threshold
"""Probability from which a case is predicted as positive where nothing names another; of two classes."""

_FIXED_COLUMNS = ("case", "group", "set", "y_true")
_REMEDY = "Restore the file, or run the experiment again."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """One row a case: the truth, and the probability of each class.

    Attributes:
        cases: Unique names, shape (N,).
        groups: The scan or patient of each case, shape (N,).
        sets: "train", "validation" or "test", shape (N,).
        y_true: Index into `classes`, shape (N,).
        probabilities: Shape (N, K); each row sums to 1.
        classes: The K class names.
    """

    cases: NDArray[np.str_]
    groups: NDArray[np.str_]
    sets: NDArray[np.str_]
    y_true: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse columns of different lengths.

        Raises:
            ValueError: A column has another length than `cases`, or the probabilities another shape than (N, K).
        """
        num_cases = len(self.cases)
        lengths = {len(self.groups), len(self.sets), len(self.y_true)}
        if lengths != {num_cases} or self.probabilities.shape != (num_cases, len(self.classes)):
            raise ValueError(
                f"{num_cases} cases of {len(self.classes)} classes do not fit columns of {sorted(lengths)} rows "
                f"and probabilities of shape {self.probabilities.shape}"
            )

    def to_columns(self) -> dict[str, NDArray[Any]]:
        """The columns of `predictions.csv`, as `pandas.DataFrame` accepts them: one value per case, classes by name."""
        return {
            "case": self.cases,
            "group": self.groups,
            "set": self.sets,
            "y_true": np.array(self.classes)[self.y_true],
            **{f"p_{name}": self.probabilities[:, label] for label, name in enumerate(self.classes)},
        }

    def select(self, name: str) -> Predictions:
        """The rows of one set."""
        rows = self.sets == name
        return Predictions(
            cases=self.cases[rows],
            groups=self.groups[rows],
            sets=self.sets[rows],
            y_true=self.y_true[rows],
            probabilities=self.probabilities[rows],
            classes=self.classes,
        )

    def predicted_classes(self, *, positive: int, threshold: float | None = None) -> NDArray[np.int64]:
        """The predicted class of each case, shape (N,).

        Of two classes the positive one from `threshold` on (p >= threshold; None stands for `DEFAULT_THRESHOLD`); of
        more classes the most probable one, the first of equals.
        """
        if len(self.classes) > 2:
            return np.asarray(np.argmax(self.probabilities, axis=1), dtype=np.int64)
        is_positive = self.probabilities[:, positive] >= (DEFAULT_THRESHOLD if threshold is None else threshold)
        return np.where(is_positive, positive, 1 - positive).astype(np.int64)


def write_predictions(path: Path, predictions: Predictions) -> Path:
    """Write `predictions.csv` by atomic rename; the probabilities read back to the very same floats."""
    with atomic_write(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        header = [*_FIXED_COLUMNS, *(f"p_{name}" for name in predictions.classes)]
        names = [predictions.classes[label] for label in predictions.y_true.tolist()]
        columns = (predictions.cases.tolist(), predictions.groups.tolist(), predictions.sets.tolist(), names)
        probabilities = predictions.probabilities.tolist()
        rows = ([*row, *p] for *row, p in zip(*columns, probabilities, strict=True))
        write_rows(file, chain([header], rows))
    return path


def read_predictions(path: Path) -> Predictions:
    """Read `predictions.csv`.

    Raises:
        RunError: The file is missing.
        DataError: A column, name or number isn't what `write_predictions` writes; the text names the line.
    """
    table = _read_table(path)
    classes = _parse_classes(path, table.header)
    columns = list(zip(*table.rows, strict=True))
    places = [f"{path} line {line}" for line in table.lines]
    _check_unique(places, columns[0])
    _check_known("set", places, columns[2], SETS)
    _check_known("y_true", places, columns[3], classes)
    index = {name: label for label, name in enumerate(classes)}
    return Predictions(
        cases=np.array(columns[0], dtype=np.str_),
        groups=np.array(columns[1], dtype=np.str_),
        sets=np.array(columns[2], dtype=np.str_),
        y_true=np.array([index[name] for name in columns[3]], dtype=np.int64),
        probabilities=_parse_probabilities(places, table.header[4:], columns[4:]),
        classes=classes,
    )


def read_run_predictions(folder: Path, sets: Collection[str]) -> Predictions:
    """Read the predictions of a run, and check that their cases are those of its split.

    Args:
        folder: The run folder.
        sets: Sets of which every case must be predicted: those that have metrics.

    Raises:
        RunError: predictions.csv is missing.
        DataError: A file is damaged, or the predictions and the split have different cases.
    """
    predictions = read_predictions(folder / "predictions.csv")
    check_case_list(folder, predictions.to_columns(), sets)
    return predictions


def _read_table(path: Path) -> Table:
    try:
        table = read_table(path, _REMEDY)
    except FileNotFoundError:
        raise RunError(f"{path}: no such file. Finish the run, or name a different run folder.") from None
    if not table.rows:
        raise DataError(f"{path}: has no cases. {_REMEDY}")
    return table


def _parse_classes(path: Path, header: list[str]) -> tuple[str, ...]:
    """The class names that the header's p_ columns carry."""
    names = tuple(name.removeprefix("p_") for name in header[4:] if name.startswith("p_"))
    is_well_formed = tuple(header[:4]) == _FIXED_COLUMNS and len(names) == len(header) - 4
    if not is_well_formed or len(names) < 2 or len(set(names)) < len(names):
        raise DataError(
            f"{path} line 1: the columns are {','.join(header)}; expected case,group,set,y_true and one p_<class> "
            f"for each of two or more classes. {_REMEDY}"
        )
    return names


def _check_unique(places: list[str], cases: Sequence[str]) -> None:
    place_by_case: dict[str, str] = {}
    for place, case in zip(places, cases, strict=True):
        if case in place_by_case:
            first = place_by_case[case].rpartition(" ")[2]
            raise DataError(f'{place}: case "{case}" stands on line {first} already. {_REMEDY}')
        place_by_case[case] = place


def _check_known(column: str, places: list[str], names: Sequence[str], known: Sequence[str]) -> None:
    unknown = set(names) - set(known)
    if not unknown:
        return
    place, name = next((place, name) for place, name in zip(places, names, strict=True) if name in unknown)
    known_names = ", ".join(f'"{word}"' for word in known)
    raise DataError(
        f'{place}: {column} is "{excerpt([name])}"; expected one of {known_names}.{did_you_mean(name, known)} {_REMEDY}'
    )


def _parse_probabilities(places: list[str], header: list[str], columns: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """The probability columns as an (N, K) array; each row must sum to 1 within what float16 training can miss."""
    try:
        table = np.array([list(map(parse_number, column)) for column in columns], dtype=np.float64).T
    except ValueError:
        raise _bad_number(places, header, columns, _is_not_a_number) from None
    if not np.all((table >= 0) & (table <= 1)):
        raise _bad_number(places, header, columns, _is_outside)
    wrong = np.abs(table.sum(axis=1) - 1) > 0.01
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{places[row]}: the probabilities sum to {table[row].sum():.4g}, not to 1. {_REMEDY}")
    return np.ascontiguousarray(table)


def _bad_number(
    places: list[str], header: list[str], columns: Sequence[Sequence[str]], is_bad: Callable[[str], bool]
) -> DataError:
    """The error for the first field that `is_bad`."""
    place, name, field = next(
        (place, name, field)
        for place, row in zip(places, zip(*columns, strict=True), strict=True)
        for name, field in zip(header, row, strict=True)
        if is_bad(field)
    )
    return DataError(f'{place}: {name} is "{excerpt([field])}", not a number from 0 to 1. {_REMEDY}')


def _is_not_a_number(field: str) -> bool:
    try:
        parse_number(field)
    except ValueError:
        return True
    return False


def _is_outside(field: str) -> bool:
    return not 0 <= float(field) <= 1
