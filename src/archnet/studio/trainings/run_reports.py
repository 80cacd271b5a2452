"""Reports of runs, which open in a new tab."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from archnet.files.disk import format_bytes
from archnet.spec.outputs.schema_parts import TEXT, record_of
from archnet.studio.requests.api_route import RequestRefusal
from archnet.studio.requests.request_guard import Tickets
from archnet.studio.trainings.run_listing import REPORT_FILE
from archnet.studio.workspace.workspace import Workspace, read_regular_file

MAX_REPORT_BYTES: Final = 256_000_000

REPORT: Final = record_of({"address": {**TEXT, "description": "Path of a URL that works only once."}})


def issue_report(workspace: Workspace, tickets: Tickets, request: Mapping[str, Any]) -> dict[str, Any]:
    """Issue a one-time address for the report of a run.

    Raises:
        RequestRefusal: The folder has no report, or it is too large.
    """
    path = workspace.path(f"{request['path'].rstrip('/')}/{REPORT_FILE}")
    if not path.is_file():
        raise RequestRefusal(404, f"{request['path']}: has no {REPORT_FILE}. It is written when the run finishes.")
    size = path.stat().st_size
    if size > MAX_REPORT_BYTES:
        raise RequestRefusal(
            422,
            f"{request['path']}: its report is larger than {format_bytes(MAX_REPORT_BYTES)}. "
            f"Open {REPORT_FILE} in the run folder instead.",
        )
    return {"address": f"/report/{tickets.issue(path)}"}


def read_report(path: Path) -> bytes:
    """Read a report for which an address was issued.

    Raises:
        RequestRefusal: The file has been removed or replaced since.
    """
    return read_regular_file(path, f"{path.parent.name}/{path.name}", MAX_REPORT_BYTES)
