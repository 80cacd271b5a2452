"""Check predictions against `split.csv`, which lists every case of a run, to detect truncated or mixed-up files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from archnet.errors import DataError
from archnet.files.csv_rows import read_rows

_REMEDY = "Restore both files, or run the experiment again."


def check_case_list(folder: Path, columns: Mapping[str, NDArray[Any]], sets: Collection[str]) -> None:
    """Check that predictions have the cases of split.csv, with the same sets, labels and groups.

    Args:
        folder: The run folder; without split.csv nothing is checked.
        columns: The columns case, group, set and y_true of predictions.csv.
        sets: Sets in which every case must have a prediction.

    Raises:
        DataError: The cases differ.
    """
    path, predicted_path = folder / "split.csv", folder / "predictions.csv"
    if not path.exists():
        return
    split_rows = [tuple(row) for _, row in read_rows(path, ("case", "group", "label", "set"))]
    predicted_rows = _predicted_rows(columns)
    if predicted_rows == split_rows:
        return
    split, predicted = ({case: row for case, *row in rows} for rows in (split_rows, predicted_rows))
    missing = [case for case, (_, _, name) in split.items() if name in sets and case not in predicted]
    if missing:
        num_expected = sum(name in sets for _, _, name in split.values())
        raise DataError(
            f'{predicted_path}: has {len(predicted):,} cases, but split.csv lists {num_expected:,}; "{missing[0]}" is '
            f"missing. {_REMEDY}"
        )
    for case, row in predicted.items():
        if split.get(case) != row:
            raise DataError(f'{predicted_path}: case "{case}" {_difference(row, split.get(case))}. {_REMEDY}')


def _predicted_rows(columns: Mapping[str, NDArray[Any]]) -> list[tuple[str, ...]]:
    """Case, group, label and set of each case, stripped of surrounding spaces, as `read_rows` reads split.csv."""
    cells = [map(str.strip, columns[name].tolist()) for name in ("case", "group", "y_true", "set")]
    return list(zip(*cells, strict=True))


def _difference(row: Sequence[str], split_row: Sequence[str] | None) -> str:
    if split_row is None:
        return "is not in split.csv"
    names = ("group", "label", "set")
    name, here, there = next(one for one in zip(names, row, split_row, strict=True) if one[1] != one[2])
    return f'has {name} "{here}", but "{there}" in split.csv'
