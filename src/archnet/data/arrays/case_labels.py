"""Convert the labels of an .npz file (whole numbers, one-hot codes or text) to classes with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding
from archnet.errors import did_you_mean, pluralize

_MISSING_TEXT: Final = ("", "nan", "NaN", "<NA>", "NaT")
"""Texts that mean a missing label."""

_MAX_ROWS: Final = 3
"""Maximum number of rows in a message."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseLabels:
    """The class of each case.

    Attributes:
        indices: (N,) index into `classes`.
        classes: Names, in the order of the labels.
        findings: Notes on how the labels were read.
        soft: (N, classes) share of each class in the label of each case; None without soft labels.
    """

    indices: NDArray[np.int64]
    classes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    soft: NDArray[np.float32] | None = None


def read_labels(y: NDArray[Any], names: Sequence[str] | None, source: str = "classes") -> CaseLabels:
    """Read the class of each case.

    Args:
        y: (N,) or (N, 1) whole numbers or text, or (N, classes) with a single 1 in each row.
        names: Names of the classes in the order of their labels; None uses the labels themselves.
        source: Where the names come from, for messages.

    Raises:
        ValueError: A case has no label or several, or the names do not match the labels.
    """
    column, findings = _label_column(y)
    if names is not None:
        check_names(names, source)
    values, indices = np.unique(column, return_inverse=True)
    if len(values) < 2:
        raise ValueError(f"all labels in y are {values[0]}; classification needs at least two classes")
    if column.dtype.kind == "U":
        return _name_text(values.tolist(), indices, names, source, findings)
    return _name_numbers([int(value) for value in values], indices, names, source, findings)


def text_entries(array: NDArray[Any], key: str) -> NDArray[np.str_]:
    """Convert the entries of an array to text; bytes are decoded as UTF-8.

    Raises:
        ValueError: The array does not have exactly one axis, or its bytes are not UTF-8.
    """
    if array.ndim != 1:
        raise ValueError(
            f"{key} must contain one entry for each {'class' if key == 'classes' else 'case'}, got {array.shape}"
        )
    try:
        return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array.astype(np.str_)
    except UnicodeDecodeError as error:
        raise ValueError(f"{key} must contain numbers or text, got bytes that are not UTF-8") from error


def check_names(names: Sequence[str], source: str) -> None:
    """Check that class names are distinct.

    Raises:
        ValueError: A name is empty, or two names are equal apart from case and surrounding spaces.
    """
    spellings: dict[str, str] = {}
    for name in names:
        if not name.strip():
            raise ValueError(f"{source} contains an empty name; give each class a name")
        key = name.strip().casefold()
        if key in spellings:
            pair = f'"{name}" twice' if spellings[key] == name else f'"{spellings[key]}" and "{name}"'
            raise ValueError(f"{source} contains {pair}; give each class a different name")
        spellings[key] = name


def refuse_rows(is_wrong: NDArray[np.bool_], what: str, remedy: str) -> None:
    """Reject labels if any row is invalid, and list these rows.

    Raises:
        ValueError: A row is invalid.
    """
    rows = np.flatnonzero(is_wrong).tolist()
    if rows:
        others = ", ..." if len(rows) > _MAX_ROWS else ""
        listed = ", ".join(map(str, rows[:_MAX_ROWS])) + others
        raise ValueError(f"{what} in {pluralize(len(rows), 'row')} ({listed}; counted from 0); {remedy}")


def _label_column(y: NDArray[Any]) -> tuple[NDArray[Any], list[Finding]]:
    """Return (N,) labels as whole numbers or text, and notes on conversions."""
    if y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "iubf":
        return _decode_one_hot(y), [
            _note(f"y is {y.shape}: it is read as one-hot codes, with one column for each class.")
        ]
    column = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if column.ndim != 1:
        raise ValueError(f"y must contain one label for each case, got {y.shape}")
    if column.dtype.kind in "SU":
        return _read_text(text_entries(column, "y")), []
    if column.dtype.kind == "f":
        return _whole_numbers(column), []
    if column.dtype.kind not in "iub":
        raise ValueError(f"y must contain numbers or text, one label for each case, got {column.dtype}")
    return column.astype(np.int64) if column.dtype.kind == "b" else column, []


def _decode_one_hot(y: NDArray[Any]) -> NDArray[np.int64]:
    if y.dtype.kind == "f":
        refuse_rows(np.isnan(y).any(axis=1), "y is NaN", "label these cases or leave them out")
    num_classes = np.count_nonzero(y == 1, axis=1)
    is_code = np.isin(y, (0, 1)).all(axis=1)
    refuse_rows(
        ~is_code | (num_classes != 1),
        f"y is {y.shape}, but does not contain exactly one 1 among zeros",
        "give one label for each case, or save shares of the classes as soft",
    )
    codes: NDArray[np.int64] = y.argmax(axis=1)
    return codes


def _read_text(column: NDArray[np.str_]) -> NDArray[Any]:
    """Read text labels; if all are whole numbers, convert them."""
    refuse_rows(
        np.isin(np.char.strip(column), _MISSING_TEXT), "y is empty or NaN", "label these cases or leave them out"
    )
    try:
        numbers = {text: float(text) for text in np.unique(column).tolist()}
    except ValueError:
        return column
    if all(text in (f"{number:.0f}", f"{number:.1f}") and number.is_integer() for text, number in numbers.items()):
        return np.array([int(numbers[text]) for text in column.tolist()])
    return column


def _whole_numbers(column: NDArray[Any]) -> NDArray[np.int64]:
    refuse_rows(np.isnan(column), "y is NaN", "label these cases or leave them out")
    is_whole = np.isfinite(column) & (column == np.floor(column))
    if not is_whole.all():
        first = column[np.argmin(is_whole)]
        refuse_rows(~is_whole, f"y is not a whole number (such as {first:g})", "give one number or name for each class")
    return column.astype(np.int64)


def _name_text(
    values: list[str], indices: NDArray[np.intp], names: Sequence[str] | None, source: str, findings: list[Finding]
) -> CaseLabels:
    """Name text labels, in the order of the given names, or else sorted."""
    check_names(values, "y")
    if names is None:
        return CaseLabels(indices=indices.astype(np.int64), classes=tuple(values), findings=tuple(findings))
    unknown = [value for value in values if value not in names]
    if unknown:
        hint = did_you_mean(unknown[0], names)
        raise ValueError(f'y contains "{unknown[0]}", which {source} does not name{hint and f" ({hint.strip()})"}')
    classes = tuple(name for name in names if name in values)
    order = np.array([classes.index(value) for value in values])
    notes = [*findings, *_note_unused([name for name in names if name not in values], source)]
    return CaseLabels(indices=order[indices], classes=classes, findings=tuple(notes))


def _name_numbers(
    values: list[int], indices: NDArray[np.intp], names: Sequence[str] | None, source: str, findings: list[Finding]
) -> CaseLabels:
    """Name numbered classes: labels from 0 are indices of the names; other labels get the names in ascending order."""
    indices = indices.astype(np.int64)
    if names is None:
        classes = tuple(map(str, values))
        note = _note(
            f"The classes have no names, only numbers ({', '.join(classes)}).",
            f"Name them with data.classes, such as {_example(len(classes))}, or with an array named classes in the "
            f"file.",
        )
        return CaseLabels(indices=indices, classes=classes, findings=(*findings, note))
    if values[0] >= 0 and values[-1] < len(names):
        unused = [name for place, name in enumerate(names) if place not in values]
        notes = [*findings, *_note_unused(unused, source)]
        return CaseLabels(indices=indices, classes=tuple(names[value] for value in values), findings=tuple(notes))
    if len(values) != len(names):
        raise ValueError(
            f"{source} contains {pluralize(len(names), 'name')}, y has {pluralize(len(values), 'label')} "
            f"({', '.join(map(str, values[:10]))}); give one name for each, in ascending order"
        )
    return CaseLabels(indices=indices, classes=tuple(names), findings=tuple(findings))


def _example(num_classes: int) -> str:
    names = ["benign", "malignant"] if num_classes == 2 else ["first", "second", "third"]
    listed = ", ".join(f'"{name}"' for name in names)
    return f"[{listed}]" if num_classes <= len(names) else f"[{listed}, ...]"


def _note_unused(names: Sequence[str], source: str) -> list[Finding]:
    listed = ", ".join(f'"{name}"' for name in names)
    return [_note(f"{source} names {listed}, but no case has this label.")] if names else []


def _note(message: str, remedy: str = "") -> Finding:
    return Finding(check="array_layout", severity="note", message=message, remedy=remedy)
