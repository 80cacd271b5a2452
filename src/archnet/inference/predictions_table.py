"""Class probabilities of scans as a table for the terminal, one row for each scan."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.text import Text

from archnet.errors import pluralize
from archnet.inference.predict_files import ScanResult
from archnet.report.tables import FirstFittingTable, FittingTable, titled_table


def predictions_table(result: ScanResult) -> FirstFittingTable:
    """The probability of every class, or of the two most probable ones if there are too many classes for the width."""
    scans = list(result.by_scan)
    folder = _common_folder(scans)
    names = {scan: str(scan.relative_to(folder)) if folder else str(scan) for scan in scans}
    title = _title(result, folder)
    rows = {names[scan]: probabilities for scan, probabilities in result.by_scan.items()}
    return FirstFittingTable([_class_table(title, rows, result.classes), _top_table(title, rows)])


def _title(result: ScanResult, folder: Path | None) -> str:
    num_scans, num_runs = len(result.by_scan), len(result.runs)
    model = str(result.runs[0]) if num_runs == 1 else f"mean of {num_runs} runs"
    augmentation = ", with test-time augmentation" if result.tta else ""
    place = f" in {folder}" if folder else ""
    return f"Class probabilities of {pluralize(num_scans, 'scan')}{place}\n{model}{augmentation}"


def _common_folder(scans: Sequence[Path]) -> Path | None:
    """The folder that contains all scans; null if it is the working folder or there is none."""
    parents = [str(scan.parent) for scan in scans]
    if len({os.path.isabs(parent) for parent in parents}) != 1:  # noqa: PTH117 - no access to the disk
        return None
    try:
        folder = Path(os.path.commonpath(parents))
    except ValueError:  # different drives on Windows
        return None
    return None if folder in (Path(), Path(folder.anchor)) else folder


def _class_table(title: str, rows: Mapping[str, Mapping[str, float]], classes: Sequence[str]) -> FittingTable:
    table = titled_table(title)
    table.add_column("scan", overflow="fold")
    for name in classes:
        table.add_column(Text(name), justify="right")
    for scan, probabilities in rows.items():
        highest = max(probabilities.values())
        cells = (Text(_percent(value), style="bold" if value == highest else "") for value in probabilities.values())
        table.add_row(Text(scan), *cells)
    return table


def _top_table(title: str, rows: Mapping[str, Mapping[str, float]]) -> FittingTable:
    table = titled_table(title)
    table.add_column("scan", overflow="fold")
    table.add_column("most probable", overflow="fold")
    table.add_column("", justify="right")
    table.add_column("second", overflow="fold")
    table.add_column("", justify="right")
    table.caption, table.caption_justify = "--json prints the probabilities of all classes.", "left"
    for scan, probabilities in rows.items():
        ordered = sorted(probabilities.items(), key=lambda entry: -entry[1])
        (first, share), (second, second_share) = ordered[:2]
        table.add_row(
            Text(scan), Text(first, style="bold"), _percent(share), Text(second, style="dim"), _percent(second_share)
        )
    return table


def _percent(probability: float) -> str:
    """A probability with two decimals.

    >>> _percent(0.97312)
    '97.31%'
    """
    return f"{100 * probability:.2f}%"
