"""A confusion matrix for the terminal that fits the width, for any number of classes and length of names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from rich.text import Text

from archnet.evaluation.confusion import class_report
from archnet.report.tables import FirstFittingTable, FittingTable, titled_table
from archnet.report.wording import count, percent

NUM_CONFUSIONS: Final = 10
"""Maximum number of confusions listed if no matrix fits."""

_MAX_NAME_WIDTH: Final = 22

Matrix = Sequence[Sequence[int]]


def confusion_table(matrix: Matrix, classes: Sequence[str], set_name: str) -> FirstFittingTable:
    """A confusion matrix with the recall of each class; its title names its rows and columns.

    Columns are headed by the classes, or by their numbers if the names are too wide. If the counts are too wide, they
    are replaced by integer percentages of each row, whose diagonal is the recall. If these are also too wide, the most
    frequent confusions are listed.
    """
    title, meaning = f"Confusion matrix, {set_name} set", "Rows: true class. Columns: predicted class."
    counts = [[f"{number:,}" for number in row] for row in matrix]
    recalls = [percent(entry["recall"]) for entry in class_report(matrix, classes)]
    numbers = [str(k) for k in range(1, len(classes) + 1)]
    labels = [f"{number} {name}" for number, name in zip(numbers, classes, strict=True)]
    return FirstFittingTable(
        [
            _matrix_table(f"{title}\n{meaning}", counts, classes, classes, recalls),
            _matrix_table(f"{title}\n{meaning}", counts, labels, numbers, recalls),
            _matrix_table(f"{title}\n{meaning} Percent of each row.", _row_percentages(matrix), labels, numbers),
            _confusions_table(matrix, classes, set_name),
        ]
    )


def _matrix_table(
    title: str,
    cells: Sequence[Sequence[str]],
    labels: Sequence[str],
    header: Sequence[str],
    recalls: Sequence[str] | None = None,
) -> FittingTable:
    table = titled_table(title)
    if header is not labels:
        table.padding = (0, 1, 0, 0)
    table.add_column("true class", overflow="fold", max_width=_MAX_NAME_WIDTH)
    for name in header:
        table.add_column(Text(name), justify="right", no_wrap=True)
    if recalls:
        table.add_column("recall", justify="right", no_wrap=True)
    for k, row in enumerate(cells):
        texts = [Text(cell, style="bold green" if k == j else "") for j, cell in enumerate(row)]
        table.add_row(Text(labels[k], style="bold"), *texts, *(recalls[k : k + 1] if recalls else []))
    return table


def _row_percentages(matrix: Matrix) -> list[list[str]]:
    """Each cell's share of its row as an integer percentage; empty for a row without cases."""
    return [[f"{100 * number / sum(row):.0f}" if number else "" for number in row] for row in matrix]


def _confusions_table(matrix: Matrix, classes: Sequence[str], set_name: str) -> FittingTable:
    counts = np.asarray(matrix)
    totals = counts.sum(axis=1)
    wrong = counts - np.diag(np.diag(counts))
    table = titled_table(f"Most frequent confusions, {set_name} set")
    for label in ("truth", "predicted"):
        table.add_column(label, overflow="fold", max_width=_MAX_NAME_WIDTH)
    for label in ("cases", "of the class"):
        table.add_column(label, justify="right")
    for cell in np.argsort(-wrong, axis=None, kind="stable")[:NUM_CONFUSIONS]:
        k, j = np.unravel_index(cell, wrong.shape)
        if wrong[k, j]:
            table.add_row(Text(classes[k]), Text(classes[j]), count(wrong[k, j]), percent(wrong[k, j] / totals[k]))
    return table
