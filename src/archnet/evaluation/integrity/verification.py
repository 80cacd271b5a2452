"""The one door to the files of a finished run: what a command reads is held to the run's manifest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archnet.errors import DataError
from archnet.evaluation.integrity.digest import file_sha256
from archnet.evaluation.integrity.manifest import PAGES, FileRecord, Manifest, is_one_of, read_manifest

COMPARISON_FILES: Final = (
    "metrics.json",
    "predictions.csv",
    "split.csv",
    "experiment.json",
    "data.json",
)
"""What a comparison reads of each run."""

COMPARISON_PAGE_FILES: Final = ("network.json", "gallery.npz", "froc/")
"""What the page of a comparison shows of each run as well."""

REPORT_FILES: Final = (*COMPARISON_FILES, *COMPARISON_PAGE_FILES, "history.csv", "environment.json")
"""What a report is drawn from."""

EVALUATION_FILES: Final = ("experiment.json", "metrics.json", "network.json", "model.keras")
"""What is needed to predict a run's cases again."""

INFERENCE_FILES: Final = (
    "experiment.json",
    "metrics.json",
    "data.json",
    "training_scans.json",
    "network.json",
    "model.keras",
)
"""What is needed to predict new scans."""

LEADERBOARD_FILES: Final = ("experiment.json", "history.csv", "metrics.json")
"""What a leaderboard reads of each run."""

EXPORT_FILES: Final = (*REPORT_FILES, "training_scans.json", "model.keras")
"""What is needed to export a model with its card."""

SOURCES: Final = {
    "arch.json": "experiment.json",
    "network.json": "experiment.json",
    "predictions.csv": "model.keras and the data",
    "gallery.npz": "model.keras and the data",
    "metrics.json": "predictions.csv",
    "froc/": "predictions.csv and the data",
    "report.html": "the other files",
    "figures/": "the other files",
}
"""What files can be made again from without training; all others cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A file of a run that is not as the run left it.

    Attributes:
        path: The file.
        name: Its name in the manifest.
        record: What it must be.
        size: Its present size in bytes; null if it is missing.
        is_rewritten: Whether a command was writing it again.
    """

    path: Path
    name: str
    record: FileRecord
    size: int | None
    is_rewritten: bool

    def message(self, folder: Path) -> str:
        """What has happened to the file, and what to do.

        Args:
            folder: The run folder.
        """
        if self.is_rewritten:
            return (
                f"{self.path}: `archnet report` is writing this file, or was interrupted. Wait until it has ended, or "
                f"run it again: archnet report {folder}"
            )
        accept = f"archnet report --accept-edits {folder}"
        if self.size is None:
            return f"{self.path}: is missing, although the run was finished with it. {self._remedy(folder)}"
        return (
            f"{self.path}: changed since the run was finished ({self._sizes()}). {self._remedy(folder)} To accept a "
            f"change that you made: {accept}"
        )

    def _sizes(self) -> str:
        if self.size == self.record.size:
            return f"still {self.size:,} bytes, but a different SHA-256"
        return f"was {self.record.size:,} bytes, is {self.size:,}"

    def _remedy(self, folder: Path) -> str:
        source = source_of(self.name)
        if source is None:
            return "It cannot be made again without training: restore it from a copy, or run the experiment again."
        return f"To make it again from {source}: archnet report --repair {folder}."


def source_of(name: str) -> str | None:
    """What a file can be made again from without training; null if it cannot."""
    return next((source for key, source in SOURCES.items() if is_one_of(name, [key])), None)


def verify_run(folder: Path, names: Sequence[str], *, while_rewritten: bool = False) -> Manifest | None:
    """Check that files of a finished run are those that it left, before they are read.

    Nothing is written, and no lock is taken. Files that the manifest does not know are not checked.

    Args:
        folder: The run folder.
        names: The files that will be read; "/" at the end stands for all files of a folder.
        while_rewritten: Accept files that a command is writing again: each is whole, the old one or the new one.

    Returns:
        The manifest; null if the run has none, because an older archnet made it.

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
    """Check all files of a run but its pages, which `archnet report` draws from the others.

    Raises:
        DataError: A file is missing or has changed.
    """
    manifest = read_manifest(folder)
    names = [name for name in manifest.files if not is_one_of(name, PAGES)] if manifest else []
    return verify_run(folder, names)


def find_damage(folder: Path, manifest: Manifest, names: Sequence[str]) -> Iterator[Damage]:
    """The files that are missing or not those of the manifest.

    Args:
        folder: The run folder.
        manifest: Its manifest.
        names: The files to check; "/" at the end stands for all files of a folder.

    Raises:
        DataError: A file cannot be read.
    """
    for name, record in manifest.select(names).items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        if size != record.size or _read_sha256(path) != record.sha256:
            is_rewritten = is_one_of(name, manifest.rewriting)
            yield Damage(path=path, name=name, record=record, size=size, is_rewritten=is_rewritten)


def _read_sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}. Check its permissions.") from error
