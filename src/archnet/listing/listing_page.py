"""A listing of runs as a page whose table can be sorted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from archnet.errors import pluralize
from archnet.listing.run_row import FAILED, FINISHED, INTERRUPTED, RUNNING, RunRow
from archnet.listing.selection import Selection, natural_key
from archnet.report.html.page import write_page
from archnet.report.sentences.document_difference import difference_line
from archnet.report.wording import SET_NAMES

_PAGES: Final = {"sweep": "sweep.html"}
"""The name of the page of a row, unless it is report.html."""

_MAX_DIFFERENCES: Final = 12
"""Differences of a run that are listed."""


def write_listing_page(path: Path, selection: Selection) -> Path:
    """Write the page.

    Args:
        path: The HTML file; links to the reports of the runs are relative to it.
        selection: The rows.

    Returns:
        Path of the page.
    """
    rows = selection.listing.rows
    ranks = {row.name: k for k, row in enumerate(sorted(rows, key=lambda row: natural_key(row.name)))}
    name = SET_NAMES[selection.set_name]
    values = {
        "title": selection.listing.folder.resolve().name,
        "kicker": pluralize(len(rows), "run"),
        "headline": _headline(rows),
        "cautions": [],
        "caption": f"Results on the {name} set",
        "metrics": [metric.label for metric in selection.metrics],
        "rows": [_row_values(path, row, selection) | {"rank": ranks[row.name]} for row in rows],
        "problems": selection.listing.problems,
        "note": "The settings of each run are compared with those of the first run of the same architecture; seed and "
        "fold are in its name. Choose among runs by their results on the validation set: a choice on the test set "
        "makes its results optimistic.",
    }
    return write_page(path, "runs.html", values)


def _headline(rows: tuple[RunRow, ...]) -> str:
    """The number of runs in each state."""
    counts = {state: sum(row.state == state for row in rows) for state in (FINISHED, RUNNING, INTERRUPTED, FAILED)}
    texts = [f"{number} {state}" for state, number in counts.items() if number]
    return f"{', '.join(texts) or 'No runs'}."


def _row_values(path: Path, row: RunRow, selection: Selection) -> dict[str, Any]:
    lines = [difference_line(difference) for difference in row.differences[:_MAX_DIFFERENCES]]
    more = len(row.differences) - _MAX_DIFFERENCES
    report = row.folder / _PAGES.get(row.kind, "report.html")
    local = row.started.astimezone()
    return {
        "name": row.name,
        "link": quote(Path(os.path.relpath(report, path.parent)).as_posix()) if report.exists() else None,
        "date": f"{local:%Y-%m-%d}",
        "seconds": int(row.started.timestamp()),
        "state": row.state,
        "metrics": [row.value(metric.name, selection.set_name) for metric in selection.metrics],
        "detail": row.detail,
        "differences": [*lines, *([f"and {more} more"] if more > 0 else [])],
        "tags": row.tags.tags,
        "note": row.tags.note,
    }
