"""Access to the files of a finished run: commands check what they read against the run's manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archnet.errors import DataError
from archnet.evaluation.integrity.digest import file_sha256
from archnet.evaluation.integrity.manifest import (
    MANIFEST_FILE,
    PAGES,
    RUN_FILES,
    FileRecord,
    Manifest,
    is_one_of,
    read_manifest,
)
from archnet.spec.outputs.output_file import OUTPUT_FILES

COMPARISON_FILES: Final = (
    "metrics.json",
    "predictions.csv",
    "split.csv",
    "cases.csv",
    "experiment.json",
    "data.json",
    "network.json",
)
"""Files that a comparison reads from each run."""

COMPARISON_PAGE_FILES: Final = ("gallery.npz", "heat_maps.npz", "froc/", "environment.json", "history.csv", "init.json")
"""Files that the page of a comparison also reads from each run."""

REPORT_FILES: Final = (*COMPARISON_FILES, *COMPARISON_PAGE_FILES, "changes.json", "members/")
"""Files that a report is drawn from."""

EVALUATION_FILES: Final = ("experiment.json", "metrics.json", "network.json", "model.keras")
"""Files that are needed to predict a run's cases again."""

INFERENCE_FILES: Final = (
    "experiment.json",
    "metrics.json",
    "data.json",
    "training_scans.json",
    "network.json",
    "model.keras",
)
"""Files that are needed to predict new scans."""

LEADERBOARD_FILES: Final = ("experiment.json", "history.csv", "metrics.json")
"""Files that a leaderboard reads from each run."""

EXPORT_FILES: Final = (*REPORT_FILES, "training_scans.json", "model.keras")
"""Files that are needed to export a model with its card."""

LISTED_FILES: Final = ("split.csv", "predictions.csv", "metrics.json")
"""Files that every manifest lists; it lists the other files of a run, except pages, if they exist."""

SOURCES: Final = {
    "arch.json": "experiment.json",
    "cases.csv": "the data",
    "network.json": "experiment.json",
    "predictions.csv": "model.keras and the data",
    "members/": "model.keras and the data",
    "gallery.npz": "model.keras and the data",
    "heat_maps.npz": "model.keras and gallery.npz",
    "metrics.json": "predictions.csv",
    "froc/": "predictions.csv and the data",
    "report.html": "the other files",
    "figures/": "the other files",
}
"""The sources of files that can be regenerated without training; other files cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A file of a run that is missing or has changed.

    Attributes:
        path: The file.
        name: Its name in the manifest.
        record: Its recorded state.
        size: Its current size in bytes; None if it is missing.
        is_rewritten: Whether its current state was written by an unfinished or interrupted command.
    """

    path: Path
    name: str
    record: FileRecord
    size: int | None
    is_rewritten: bool

    def message(self, folder: Path) -> str:
        """A message that describes the change and the remedy.

        Args:
            folder: The run folder.
        """
        if self.is_rewritten:
            return (
                f"{self.path}: `archnet report` is rewriting this file, or was interrupted. Wait for it to end, or run "
                f"it again: archnet report {folder}"
            )
        accept = f"archnet report --accept-edits {folder}"
        if self.size is None:
            return f"{self.path}: is missing, but is part of the finished run. {self._remedy(folder)}"
        if self._has_other_line_ends():
            return (
                f"{self.path}: only its line ends changed since the run finished, as git changes them with "
                "core.autocrlf. Check the run out again with core.autocrlf=false, or with the line `* -text` in "
                ".gitattributes."
            )
        return (
            f"{self.path}: changed since the run finished ({self._sizes()}). {self._remedy(folder)} To accept "
            f"your own change: {accept}"
        )

    def _has_other_line_ends(self) -> bool:
        if self.path.suffix not in (".json", ".csv"):
            return False
        content = self.path.read_bytes().replace(b"\r\n", b"\n")
        return hashlib.sha256(content).hexdigest() == self.record.sha256

    def _sizes(self) -> str:
        if self.size == self.record.size:
            return f"still {self.size:,} bytes, but with a different SHA-256"
        return f"was {self.record.size:,} bytes, is {self.size:,}"

    def _remedy(self, folder: Path) -> str:
        source = source_of(self.name)
        if source is None:
            return "It cannot be regenerated without training: restore it from a copy, or run the experiment again."
        return f"To regenerate it from {source}: archnet report --repair {folder}."


def source_of(name: str) -> str | None:
    """The source from which a file can be regenerated without training; None if it cannot."""
    return next((source for key, source in SOURCES.items() if is_one_of(name, [key])), None)


def verify_run(folder: Path, names: Sequence[str], *, while_rewritten: bool = False) -> Manifest | None:
    """Check that files of a finished run are unchanged, before they are read.

    Nothing is written, and no lock is taken. Files that archnet does not write are not checked.

    Args:
        folder: The run folder.
        names: The files that will be read; a trailing "/" means all files of a folder.
        while_rewritten: Accept files that a command is rewriting: each is complete, either old or new. Reject any other
            content.

    Returns:
        The manifest; None if the run has none, because an older archnet wrote it.

    Raises:
        DataError: A file is missing or has changed; one line for each.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return None
    damages = [one for one in find_damage(folder, manifest, names) if not (while_rewritten and one.is_rewritten)]
    if damages:
        raise DataError("\n".join(damage.message(folder) for damage in damages))
    return manifest


def verify_results(folder: Path) -> Manifest | None:
    """Check all files of a run except its pages, which `archnet report` draws from the others.

    Raises:
        DataError: A file is missing or has changed.
    """
    return verify_run(folder, [name for name in RUN_FILES if name not in PAGES])


def find_damage(folder: Path, manifest: Manifest, names: Sequence[str]) -> Iterator[Damage]:
    """The files that are missing or differ from the manifest.

    Args:
        folder: The run folder.
        manifest: Its manifest.
        names: The files to check; a trailing "/" means all files of a folder.

    Raises:
        DataError: A file cannot be read, or the manifest does not list it.
    """
    _check_completeness(folder, manifest, names)
    for name, record in manifest.select(names).items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        sha256 = None if size is None else _read_sha256(path)
        if sha256 != record.sha256:
            is_rewritten = manifest.announces(name, sha256)
            yield Damage(path=path, name=name, record=record, size=size, is_rewritten=is_rewritten)


def _check_completeness(folder: Path, manifest: Manifest, names: Sequence[str]) -> None:
    for name in RUN_FILES:
        if name in names and _is_expected(folder, name, manifest) and name not in manifest.files:
            path = folder / MANIFEST_FILE
            raise DataError(f"{path}: does not list {name}. {OUTPUT_FILES[path.name].remedy}")


def _is_expected(folder: Path, name: str, manifest: Manifest) -> bool:
    """Whether a manifest must list a file: not a page, a file whose removal was accepted, or one being written."""
    exempt = {*PAGES, *manifest.removed, *manifest.rewriting}
    return name in LISTED_FILES or (name not in exempt and (folder / name).is_file())


def _read_sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}. Check its permissions.") from error
