"""`manifest.json`: the size and the SHA-256 of each file of a finished run, to detect changed files.

The manifest is the last file that a run writes. It does not list the log, the checkpoint, TensorBoard's files and
files that archnet did not write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from archnet.errors import DataError
from archnet.evaluation.integrity.digest import file_sha256
from archnet.files.atomic import announce_writes, write_json
from archnet.files.documents.json_text import json_text
from archnet.spec.outputs.output_file import OUTPUT_FILES, read_optional_output
from archnet.spec.outputs.run_schemas import MANIFEST_FORMAT

MANIFEST_FILE: Final = "manifest.json"

CHECKLIST_NAMES: Final = ("claim", "tripod-ai", "stard-ai")
"""The reporting checklists that `archnet report --checklist` fills."""

PAGES: Final = (
    "report.html",
    "figures/",
    "strata.csv",
    "methods.txt",
    "model_card.md",
    "tables/",
    *(f"checklist_{name}.{suffix}" for name in CHECKLIST_NAMES for suffix in ("html", "csv")),
)
"""Files that `archnet report` draws from the other files."""

RUN_FILES: Final = (
    "experiment.json",
    "arch.json",
    "changes.json",
    "data.json",
    "training_scans.json",
    "split.csv",
    "cases.csv",
    "environment.json",
    "init.json",
    "model.keras",
    "history.csv",
    "network.json",
    "predictions.csv",
    "members/",
    "gallery.npz",
    "heat_maps.npz",
    "metrics.json",
    "froc/",
    *PAGES,
)
"""The files of a run in the order in which they are written; a trailing "/" means all files of a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change that a user made to a file and accepted.

    Attributes:
        date: Day of the acceptance, as YYYY-MM-DD.
        sha256: Hash of the file before the change.
    """

    date: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """The recorded state of a file.

    Attributes:
        size: Number of bytes.
        sha256: Hash of its content.
        edits: Accepted changes, the first one first.
    """

    size: int
    sha256: str
    edits: tuple[Edit, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """The entry of manifest.json."""
        edited = [{"date": edit.date, "sha256": edit.sha256} for edit in self.edits]
        return {"size": self.size, "sha256": self.sha256, **({"edited": edited} if edited else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files of a finished run.

    Attributes:
        files: Record of each file, by its name relative to the run folder, with forward slashes.
        removed: Day on which the absence of a file was accepted, by name.
        recorded: Day on which the files were recorded, if that was not the end of the run; otherwise None.
        rewriting: Names of the files that a command is rewriting, or was rewriting when it was interrupted; of each,
            the hashes of what it was about to write.
    """

    files: Mapping[str, FileRecord]
    removed: Mapping[str, str] = field(default_factory=dict)
    recorded: str | None = None
    rewriting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def select(self, names: Sequence[str]) -> dict[str, FileRecord]:
        """The records of some files; a trailing "/" means all files of a folder."""
        return {name: record for name, record in self.files.items() if is_one_of(name, names)}

    def announces(self, name: str, sha256: str | None) -> bool:
        """Whether a command was about to write a file with this hash; pages are announced without their hashes."""
        is_page = is_one_of(name, PAGES) and is_one_of(name, [*self.rewriting])
        return is_page or sha256 in self.rewriting.get(name, ())

    def to_document(self) -> dict[str, Any]:
        """The content of manifest.json; `read_manifest` reads it back."""
        rewriting = {name: list(hashes) for name, hashes in self.rewriting.items()}
        rare = {"removed": dict(self.removed), "recorded": self.recorded, "rewriting": rewriting}
        files = {name: record.to_document() for name, record in self.files.items()}
        return {"format": MANIFEST_FORMAT, "files": files, **{key: value for key, value in rare.items() if value}}


def is_one_of(name: str, names: Sequence[str]) -> bool:
    """Whether names include a file, by itself or with its folder.

    >>> is_one_of("figures/roc.svg", ["figures/"]), is_one_of("metrics.json", ["figures/"])
    (True, False)
    """
    return any(name == one or (one.endswith("/") and name.startswith(one)) for one in names)


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a run; None if an older archnet without manifests wrote the run.

    Raises:
        DataError: The file is damaged, or has the format of a different version of archnet.
    """
    path = folder / MANIFEST_FILE
    document = read_optional_output(path)
    if document is None:
        return None
    foreign = next(
        (name for part in ("files", "removed") for name in document.get(part, {}) if not is_inside(name)), None
    )
    if foreign is not None:
        raise DataError(
            f"{path}: {json_text(foreign)} is not a file inside the run folder. {OUTPUT_FILES[path.name].remedy}"
        )
    return Manifest(
        files={name: _parse_record(entry) for name, entry in document["files"].items()},
        removed=document.get("removed", {}),
        recorded=document.get("recorded"),
        rewriting={name: tuple(hashes) for name, hashes in document.get("rewriting", {}).items()},
    )


def _parse_record(entry: Mapping[str, Any]) -> FileRecord:
    edits = tuple(Edit(date=edit["date"], sha256=edit["sha256"]) for edit in entry.get("edited", []))
    return FileRecord(size=entry["size"], sha256=entry["sha256"], edits=edits)


def is_inside(name: str) -> bool:
    """Whether a name denotes a file inside a folder.

    >>> is_inside("froc/curve.json"), is_inside("../metrics.json"), is_inside("/etc/passwd")
    (True, False, False)
    """
    return not any(part in ("", ".", "..") for part in name.split("/")) and not re.search(r"[\\:\x00]", name)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest.json atomically."""
    write_json(folder / MANIFEST_FILE, manifest.to_document())


def record_run(folder: Path, recorded: str | None = None) -> Manifest:
    """Record all files of a finished run, and write its manifest.

    Args:
        folder: The run folder.
        recorded: The day, if the run was finished before.
    """
    manifest = Manifest(files=dict(_record_files(folder, RUN_FILES)), recorded=recorded)
    write_manifest(folder, manifest)
    return manifest


@contextmanager
def rewrite_files(
    folder: Path, names: Sequence[str], *, kept_edits: Sequence[str] = ("metrics.json",)
) -> Iterator[None]:
    """Let the block rewrite files of a finished run with `atomic_write`, and update their records when it ends.

    Until then, the manifest also holds the hash of each new file before it replaces the old one, so that after an
    interruption a rewritten file can be distinguished from one that a user edited. Without a manifest, nothing is
    recorded.

    Args:
        folder: The run folder.
        names: The files; a trailing "/" means all files of a folder.
        kept_edits: Files that keep their accepted edits: the costs in metrics.json, for instance, are not recomputed.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        yield
        return
    rewriting = {**dict.fromkeys(names, ()), **manifest.rewriting}

    def announce(path: Path, draft: Path) -> None:
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else ""
        if is_one_of(name, names) and not is_one_of(name, PAGES):
            rewriting[name] = (*rewriting.get(name, ()), file_sha256(draft))
            write_manifest(folder, replace(manifest, rewriting=rewriting))

    write_manifest(folder, replace(manifest, rewriting=rewriting))
    with announce_writes(announce):
        yield
    write_manifest(folder, _renew_records(folder, replace(manifest, rewriting=rewriting), kept_edits))


def _renew_records(folder: Path, manifest: Manifest, kept_edits: Sequence[str]) -> Manifest:
    """A manifest with new records of the rewritten files; `kept_edits` keep their accepted edits.

    A file that the command did not write keeps its record, even if it has changed.
    """
    pages = [name for name in PAGES if name in manifest.rewriting]
    names = [*(name for name in manifest.rewriting if (folder / name).is_file()), *pages]
    renewed = {name: record for name, record in _record_files(folder, names) if manifest.announces(name, record.sha256)}
    kept = {name: record for name, record in manifest.files.items() if not is_one_of(name, pages)}
    for name in kept_edits:
        if name in renewed and name in manifest.files:
            renewed[name] = replace(renewed[name], edits=manifest.files[name].edits)
    removed = {name: date for name, date in manifest.removed.items() if name not in renewed}
    return replace(manifest, files={**kept, **renewed}, removed=removed, rewriting={})


def _record_files(folder: Path, names: Sequence[str]) -> Iterator[tuple[str, FileRecord]]:
    for path in _find_files(folder, names):
        yield path.relative_to(folder).as_posix(), record_file(path)


def _find_files(folder: Path, names: Sequence[str]) -> Iterable[Path]:
    for name in names:
        paths = sorted((folder / name).glob("*")) if name.endswith("/") else [folder / name]
        yield from (path for path in paths if path.is_file() and not path.name.startswith("."))


def record_file(path: Path) -> FileRecord:
    """The record of the current state of a file."""
    return FileRecord(size=path.stat().st_size, sha256=file_sha256(path))
