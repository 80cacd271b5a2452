"""The documents of a folder that the page lists."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from archnet.files.documents.shipped_documents import shipped_documents
from archnet.files.strict_json import MAX_BYTES
from archnet.spec.outputs.schema_parts import BOOLEAN, TEXT, list_of, record_of
from archnet.studio.requests.api_route import RequestRefusal, request_of
from archnet.studio.workspace.document_files import DIGEST, FILE_KIND
from archnet.studio.workspace.document_kinds import document_kind
from archnet.studio.workspace.workspace import SHIPPED_PREFIX, SUFFIX, Workspace, is_run, read_regular_file

MAX_DEPTH: Final = 6
"""Maximum depth of folders that are searched."""

MAX_ENTRIES: Final = 20_000
"""Maximum number of files and folders that are searched."""

MAX_DOCUMENTS: Final = 1_000
"""Maximum number of documents that are listed."""

_SKIPPED_FOLDERS: Final = ("node_modules", "__pycache__", "site-packages")

LIST_REQUEST: Final = request_of({})
DOCUMENTS: Final = record_of(
    {
        "folder": {**TEXT, "description": "Absolute path of the folder."},
        "documents": list_of(
            record_of(
                {"path": TEXT, "kind": FILE_KIND, "digest": DIGEST, "is_shipped": BOOLEAN, "is_read_only": BOOLEAN}
            )
        ),
        "is_complete": {
            **BOOLEAN,
            "description": "False if the folder contains more files than the limits of the listing.",
        },
    }
)


@dataclass(frozen=True, slots=True)
class _Fingerprint:
    """A state of a file; its content has not changed while these values stay."""

    path: Path
    size: int
    modified_ns: int


@dataclass(slots=True)
class _Budget:
    """The number of files and folders that may still be searched."""

    num_left: int


def list_documents(workspace: Workspace) -> dict[str, Any]:
    """List the architectures, experiments and sweeps of a folder, and those that archnet ships.

    Hidden folders, folders of runs, links to folders, and JSON files of other kinds are left out.
    """
    budget = _Budget(MAX_ENTRIES)
    own = []
    for path in _json_files(workspace.folder, MAX_DEPTH, budget):
        entry = _entry(path, workspace.name(path), is_shipped=False)
        if entry and entry["kind"] != "other":
            own.append(entry)
        if len(own) > MAX_DOCUMENTS:
            break
    shipped = [
        entry
        for name, path in shipped_documents().items()
        if (entry := _entry(path.resolve(), f"{SHIPPED_PREFIX}{name}", is_shipped=True))
    ]
    return {
        "folder": str(workspace.folder),
        "documents": [*own[:MAX_DOCUMENTS], *shipped],
        "is_complete": budget.num_left > 0 and len(own) <= MAX_DOCUMENTS,
    }


def _json_files(folder: Path, depth: int, budget: _Budget) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            inner = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda one: one.name)
    except OSError:
        return
    budget.num_left -= len(inner)
    if budget.num_left <= 0:
        return
    yield from (Path(entry.path) for entry in inner if entry.name.endswith(SUFFIX) and _is_file(entry))
    for entry in inner if depth else ():
        if entry.is_dir(follow_symlinks=False) and entry.name not in _SKIPPED_FOLDERS:
            path = Path(entry.path)
            if not is_run(path):
                yield from _json_files(path, depth - 1, budget)


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a regular file; links are listed where `Workspace.document` accepts them."""
    return entry.is_file(follow_symlinks=False)


def _entry(path: Path, name: str, *, is_shipped: bool) -> dict[str, Any] | None:
    try:
        status = path.stat()
        if status.st_size > MAX_BYTES:
            return None
        kind, digest = _kind_and_digest(_Fingerprint(path, status.st_size, status.st_mtime_ns))
    except (OSError, RequestRefusal):
        return None
    return {"path": name, "kind": kind, "digest": digest, "is_shipped": is_shipped, "is_read_only": is_shipped}


@lru_cache(maxsize=4 * MAX_DOCUMENTS)
def _kind_and_digest(fingerprint: _Fingerprint) -> tuple[str, str]:
    content = read_regular_file(fingerprint.path, fingerprint.path.name)
    return document_kind(content), hashlib.sha256(content).hexdigest()
