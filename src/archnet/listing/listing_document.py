"""A listing of runs as a JSON object."""

from __future__ import annotations

from typing import Any

from archnet.listing.run_row import RunRow
from archnet.listing.selection import Selection


def listing_document(selection: Selection) -> dict[str, Any]:
    """The rows with the results of both sets, and the folders that cannot be listed."""
    return {
        "folder": str(selection.listing.folder),
        "set": selection.set_name,
        "runs": [_row_document(row) for row in selection.listing.rows],
        "problems": [{"name": name, "problem": problem} for name, problem in selection.listing.problems],
    }


def _row_document(row: RunRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "folder": str(row.folder),
        "kind": row.kind,
        "state": row.state,
        "detail": row.detail,
        "started": row.started.isoformat(timespec="seconds"),
        "experiment": row.experiment,
        "metrics": {name: dict(values) for name, values in row.results.items()},
        "reference": row.reference,
        "differences": list(row.differences),
        **row.tags.to_document(),
    }
