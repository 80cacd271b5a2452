"""Read and write documents byte for byte: no reformatting, no other newlines, no overwritten changes."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from threading import Lock
from typing import Any, Final

from archnet.files.atomic import atomic_write
from archnet.files.documents.json_text import shorten_path
from archnet.files.strict_json import MAX_BYTES
from archnet.spec.outputs.schema_parts import BOOLEAN, TEXT, Schema, nullable, one_of, record_of
from archnet.studio.requests.api_route import RequestRefusal, request_of
from archnet.studio.workspace.document_kinds import document_kind
from archnet.studio.workspace.workspace import DocumentFile, Workspace, read_regular_file

PATH: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 1000}
DIGEST: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
DOCUMENT_TEXT: Final[Schema] = {"type": "string", "maxLength": MAX_BYTES}

FILE_KIND: Final[Schema] = one_of("arch", "experiment", "sweep", "other")

READ_REQUEST: Final = request_of({"path": PATH})
WRITE_REQUEST: Final = request_of(
    {
        "path": PATH,
        "text": {**DOCUMENT_TEXT, "description": "The whole text, with the newlines that the file is to have."},
        "expected_digest": {
            **nullable(DIGEST),
            "description": "Digest of the file that was edited; null for a new file.",
        },
    },
    {"has_byte_order_mark": {**BOOLEAN, "default": False}},
)

CONTENT: Final = record_of(
    {
        "path": TEXT,
        "text": {**TEXT, "description": "The text without a byte order mark, with the newlines of the file."},
        "digest": DIGEST,
        "kind": FILE_KIND,
        "newline": {
            **one_of("\n", "\r\n"),
            "description": 'How new lines should end. "\\r\\n" only if all lines of the file end so.',
        },
        "has_byte_order_mark": BOOLEAN,
        "is_shipped": BOOLEAN,
        "is_read_only": BOOLEAN,
    }
)
WRITTEN: Final = record_of({"path": TEXT, "digest": DIGEST})

_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentContent:
    """A document as the page receives it; see `CONTENT`."""

    path: str
    text: str
    digest: str
    kind: str
    newline: str
    has_byte_order_mark: bool
    is_shipped: bool
    is_read_only: bool


class DocumentFiles:
    """Reads and writes the documents of a workspace.

    Args:
        workspace: The folder.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @cached_property
    def _lock(self) -> Lock:
        """Held from the comparison of a file with what was edited until it is replaced."""
        return Lock()

    def read(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Read a document.

        Raises:
            RequestRefusal: The file is not in the folder, missing, too large or not UTF-8.
        """
        file = self._workspace.document(request["path"])
        return asdict(_read_content(file, request["path"]))

    def write(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Write a document as it was typed, unless the file has changed since it was read.

        Raises:
            RequestRefusal: The file is read-only or not in the folder, or has changed: the details contain its content.
        """
        name = request["path"]
        file = self._workspace.document(name)
        if file.is_read_only:
            what = "comes with archnet" if file.is_shipped else "belongs to a run"
            raise RequestRefusal(403, f"{name}: {what} and cannot be changed. Save it under a different name.")
        content = ((_MARK if request.get("has_byte_order_mark") else "") + request["text"]).encode()
        if len(content) > MAX_BYTES:
            raise RequestRefusal(422, f"{name}: larger than {MAX_BYTES // 1_000_000} MB, the limit for documents.")
        with self._lock:
            if not _is_written(file, content):
                _check_unchanged(file, name, request["expected_digest"])
                _replace(file, content, name)
        return {"path": name, "digest": _digest(content)}


def _read_content(file: DocumentFile, name: str) -> DocumentContent:
    content = read_regular_file(file.path, shorten_path(name))
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise RequestRefusal(
            422,
            f"{shorten_path(name)}:{line}: not UTF-8 text (byte {error.start} is 0x{content[error.start]:02x}). "
            "Save the file as UTF-8.",
        ) from None
    return DocumentContent(
        path=name,
        text=text.removeprefix(_MARK),
        digest=_digest(content),
        kind=document_kind(content),
        newline=_newline(text),
        has_byte_order_mark=text.startswith(_MARK),
        is_shipped=file.is_shipped,
        is_read_only=file.is_read_only,
    )


def _is_written(file: DocumentFile, content: bytes) -> bool:
    """Whether a file has the content already, as after a save whose answer was lost."""
    try:
        return read_regular_file(file.path, file.path.name) == content
    except RequestRefusal:
        return False


def _check_unchanged(file: DocumentFile, name: str, expected_digest: str | None) -> None:
    try:
        current = _read_content(file, name)
    except RequestRefusal as refusal:
        if refusal.status != 404:
            raise
        if expected_digest is None:
            return
        raise RequestRefusal(
            409, f"{name}: the file has been removed since it was read. Save it as a new file, or close it."
        ) from None
    if expected_digest is None:
        raise RequestRefusal(
            409, f"{name}: the file already exists. Use a different name.", {"current": asdict(current)}
        )
    if current.digest != expected_digest:
        raise RequestRefusal(
            409,
            f"{name}: the file has changed on disk since it was read. Compare the two texts, and save again.",
            {"current": asdict(current)},
        )


def _replace(file: DocumentFile, content: bytes, name: str) -> None:
    """Replace the file atomically; its permissions stay."""
    try:
        mode = stat.S_IMODE(file.path.stat().st_mode) if file.path.exists() else None
        if mode is not None and not mode & 0o222:
            remedy = "Make it writable, or save it under a different name."
            raise RequestRefusal(422, f"{shorten_path(name)}: is write-protected. {remedy}")
        with atomic_write(file.path) as draft:
            draft.write_bytes(content)
            if mode is not None:
                draft.chmod(mode)
    except OSError as error:
        raise RequestRefusal(422, f"{shorten_path(name)}: cannot be written: {error.strerror}.") from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _newline(text: str) -> str:
    r"""The line ending of new lines.

    >>> _newline("{\r\n}\r\n"), _newline("{\r\n}\n"), _newline("{}")
    ('\r\n', '\n', '\n')
    """
    pairs = text.count("\r\n")
    return "\r\n" if pairs and pairs == text.count("\n") == text.count("\r") else "\n"
