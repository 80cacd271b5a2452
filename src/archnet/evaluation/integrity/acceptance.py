"""Accept changes that a user made to a finished run: the manifest records the files anew and notes each change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from archnet.errors import DataError
from archnet.evaluation.integrity.manifest import (
    PAGES,
    RUN_FILES,
    Edit,
    FileRecord,
    Manifest,
    read_manifest,
    record_file,
    record_run,
    write_manifest,
)
from archnet.evaluation.integrity.verification import LISTED_FILES, Damage, find_damage

_REQUIRED_FILES: Final = ("experiment.json", *LISTED_FILES, "model.keras")
"""Files whose absence cannot be accepted."""


def accept_edits(folder: Path, today: str, check: Callable[[Path], object]) -> list[str]:
    """Accept the changes of a finished run's files; a run without a manifest gets one.

    Pages are skipped, since they are drawn from the other files.

    Args:
        folder: The run folder.
        today: Day of the acceptance, as YYYY-MM-DD.
        check: Reads the files of a run folder; if it raises, nothing is accepted.

    Returns:
        The names of the changed and removed files that were accepted.

    Raises:
        DataError: The manifest is damaged, or a required file is missing.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        check(folder)
        record_run(folder, recorded=today)
        return []
    results = [name for name in RUN_FILES if name not in PAGES]
    damages = [damage for damage in find_damage(folder, manifest, results) if not damage.is_rewritten]
    missing = [one for one in damages if one.size is None and one.name in _REQUIRED_FILES]
    if missing:
        raise DataError("\n".join(damage.message(folder) for damage in missing))
    if damages:
        check(folder)
        write_manifest(folder, _accept(manifest, damages, today))
    return [damage.name for damage in damages]


def _accept(manifest: Manifest, damages: list[Damage], today: str) -> Manifest:
    edited = {one.name: _edited_record(one, today) for one in damages if one.size is not None}
    removed = {one.name: today for one in damages if one.size is None}
    files = {name: edited.get(name, record) for name, record in manifest.files.items() if name not in removed}
    return replace(manifest, files=files, removed={**manifest.removed, **removed})


def _edited_record(damage: Damage, today: str) -> FileRecord:
    """The new record; a file restored to its original content has no edits."""
    record, edits = record_file(damage.path), (*damage.record.edits, Edit(date=today, sha256=damage.record.sha256))
    return record if record.sha256 == edits[0].sha256 else replace(record, edits=edits)
