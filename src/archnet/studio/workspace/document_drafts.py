"""Unsaved texts, stored on disk so that nothing is lost if the browser, the server or the machine crashes.

A draft is a file in a folder of the user, since the folder of the page may be under version control. It is removed when
the page discards it; `archnet data info` lists drafts, and `archnet data prune --all` keeps them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from archnet.files.atomic import write_json
from archnet.files.json_file import DamagedJsonError, parse_json, read_json_bytes
from archnet.files.user_folders import DRAFT_SUFFIX, draft_folder
from archnet.spec.outputs.schema_parts import BOOLEAN, TEXT, list_of, nullable, record_of
from archnet.studio.requests.api_route import RequestRefusal, request_of
from archnet.studio.workspace.document_files import DIGEST, DOCUMENT_TEXT, PATH
from archnet.studio.workspace.workspace import Workspace

MAX_DRAFTS: Final = 500
_MAX_BYTES: Final = 32_000_000

DRAFT_PATH_REQUEST: Final = request_of({"path": PATH})
KEEP_REQUEST: Final = request_of(
    {
        "path": PATH,
        "text": DOCUMENT_TEXT,
        "base_digest": {**nullable(DIGEST), "description": "Digest of the file that was edited; null for a new file."},
    }
)
_HEAD: Final = {
    "path": TEXT,
    "base_digest": nullable(DIGEST),
    "saved": {**TEXT, "description": "ISO 8601, in UTC."},
}
DRAFT: Final = record_of({"draft": nullable(record_of({**_HEAD, "text": TEXT}))})
DRAFTS: Final = record_of({"drafts": list_of(record_of(_HEAD))})
KEPT: Final = record_of({"path": TEXT})
DISCARDED: Final = record_of({"was_there": BOOLEAN})


class DocumentDrafts:
    """The unsaved texts of a workspace.

    Args:
        workspace: The folder.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """All drafts of the folder, without their texts."""
        drafts = [
            {key: draft[key] for key in _HEAD}
            for file in _draft_files()
            if (draft := self._read(file)) and self._is_own(draft)
        ]
        return {"drafts": sorted(drafts, key=lambda draft: draft["path"])}

    def read(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The draft of a document; null if there is none."""
        draft = self._read(self._file(request["path"]))
        return {"draft": draft and {"path": draft["path"], **{key: draft[key] for key in (*_HEAD, "text")}}}

    def keep(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Write a draft, in place of an earlier one.

        Raises:
            RequestRefusal: There are too many drafts, or the disk is full.
        """
        file = self._file(request["path"])
        if not file.exists() and sum(1 for _ in _draft_files()) >= MAX_DRAFTS:
            raise RequestRefusal(422, f"There are {MAX_DRAFTS} unsaved texts already. Save or discard some.")
        content = {
            "folder": str(self._workspace.folder),
            "path": request["path"],
            "base_digest": request["base_digest"],
            "saved": datetime.now(UTC).isoformat(timespec="seconds"),
            "text": request["text"],
        }
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_json(file, content)
        except OSError as error:
            raise RequestRefusal(422, f"{file}: cannot be written: {error.strerror}. Save the document.") from None
        return {"path": request["path"]}

    def discard(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Remove a draft after its document was saved or the user has discarded it."""
        file = self._file(request["path"])
        was_there = file.is_file()
        file.unlink(missing_ok=True)
        return {"was_there": was_there}

    def _file(self, name: str) -> Path:
        """The file of a draft, named after the document."""
        path = self._workspace.document(name).path
        return _folder() / f"{hashlib.sha256(str(path).encode(errors='surrogateescape')).hexdigest()}{DRAFT_SUFFIX}"

    def _read(self, file: Path) -> dict[str, Any] | None:
        """The content of a draft; null if it is missing or not a draft."""
        try:
            draft = parse_json(read_json_bytes(file, _MAX_BYTES))
        except (OSError, DamagedJsonError):
            return None
        keys = ("folder", "path", "saved", "text")
        is_draft = isinstance(draft, dict) and all(isinstance(draft.get(key), str) for key in keys)
        return {"base_digest": None, **draft} if is_draft else None

    def _is_own(self, draft: Mapping[str, Any]) -> bool:
        return bool(draft["folder"] == str(self._workspace.folder))


def _draft_files() -> Iterator[Path]:
    yield from _folder().glob(f"*{DRAFT_SUFFIX}")


def _folder() -> Path:
    folder = draft_folder()
    if folder is None:
        raise RequestRefusal(422, "The home folder of this user is unknown, so unsaved texts cannot be stored.")
    return folder
