"""All runs of the page's folder, as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from archnet.listing.folder_rows import Listing, list_runs
from archnet.listing.listing_document import listing_document
from archnet.listing.run_row import KINDS, RunRow
from archnet.listing.selection import Selection, select_rows
from archnet.spec.metrics import metrics_shown_in
from archnet.spec.outputs.schema_parts import BOOLEAN, NUMBER, TEXT, list_of, map_of, nullable, one_of, record_of
from archnet.studio.requests.api_route import request_of
from archnet.studio.workspace.workspace import Workspace

REPORT_FILE: Final = "report.html"

RUNS_REQUEST: Final = request_of({}, {"set": one_of("validation", "test")})
STATE: Final = one_of("finished", "interrupted", "running", "failed")
RUN_ROW: Final = record_of(
    {
        "path": {**TEXT, "description": "Path of the folder, relative to the folder of the page."},
        "name": TEXT,
        "kind": one_of(*KINDS),
        "state": STATE,
        "detail": TEXT,
        "started": {**TEXT, "description": "ISO 8601, in UTC."},
        "experiment": TEXT,
        "arch": TEXT,
        "data": TEXT,
        "metrics": {
            **map_of(map_of(nullable(NUMBER))),
            "description": "Values by set, validation or test, and by metric.",
        },
        "tags": list_of(TEXT),
        "note": TEXT,
        "reference": TEXT,
        "differences": {**list_of({"type": "object"}), "description": "Settings that differ from the reference."},
        "has_report": BOOLEAN,
    }
)
RUNS: Final = record_of(
    {
        "set": one_of("validation", "test"),
        "metrics": list_of(record_of({"name": TEXT, "label": TEXT, "is_lower_better": BOOLEAN})),
        "runs": list_of(RUN_ROW),
        "problems": list_of(record_of({"name": TEXT, "problem": TEXT})),
    }
)


def runs_document(workspace: Workspace, request: Mapping[str, Any]) -> dict[str, Any]:
    """All runs under the folder of the page; see `RUNS`."""
    selection = select_rows(list_runs(workspace.folder, is_project=True), set_name=request.get("set"))
    document = listing_document(selection)
    return {
        "set": selection.set_name,
        "metrics": [
            {"name": metric.name, "label": metric.label, "is_lower_better": metric.is_lower_better}
            for metric in metrics_shown_in("runs_table")
        ],
        "runs": [
            row_document(row, entry, workspace)
            for row, entry in zip(selection.listing.rows, document["runs"], strict=True)
        ],
        "problems": document["problems"],
    }


def row_document(row: RunRow, entry: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """A row of the table; see `RUN_ROW`.

    Args:
        row: The row.
        entry: The row as `archnet runs --json` prints it.
        workspace: The folder of the page.
    """
    known = {key: entry[key] for key in RUN_ROW["properties"] if key in entry}
    return {
        **known,
        "path": workspace.name(row.folder),
        "arch": row.arch,
        "data": str((row.document.get("data") or {}).get("name", "")),
        "note": entry.get("note") or "",
        "has_report": (row.folder / REPORT_FILE).is_file(),
    }


def single_row(folder: Path, workspace: Workspace) -> tuple[RunRow, dict[str, Any]] | None:
    """The row of a run, a sweep or a 2D-3D comparison, and its document; None for another folder.

    A run whose data are being prepared has no folder yet, but a row in that of its experiment.
    """
    for listed in (folder, folder.parent):
        rows = list_runs(listed).rows if listed.is_dir() and listed.is_relative_to(workspace.folder) else ()
        own = next((row for row in rows if row.folder == folder), None)
        if own:
            listing = Listing(folder=listed, rows=(own,), problems=())
            (entry,) = listing_document(Selection(listing=listing, set_name="validation", metrics=()))["runs"]
            return own, row_document(own, entry, workspace)
    return None
