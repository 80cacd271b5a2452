"""Accept changes that a user made to a finished run: the manifest records the files anew and notes each change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from archnet.evaluation.integrity.manifest import (
    PAGES,
    RUN_FILES,
    Edit,
    FileRecord,
    Manifest,
    is_one_of,
    read_manifest,
    record_file,
    record_run,
    write_manifest,
)
from archnet.evaluation.integrity.verification import Damage, find_damage

REQUIRED_FILES: Final = ("experiment.json", "split.csv", "model.keras", "predictions.csv", "metrics.json")
"""Files whose absence cannot be accepted."""


def accept_edits(folder: Path, today: str) -> list[str]:
    """Accept the changes of a finished run's files; a run without a manifest gets one.

    Pages are skipped, since they are drawn from the other files.

    Args:
        folder: The run folder.
        today: Day of the acceptance, as YYYY-MM-DD.

    Returns:
        The names of the changed and removed files that were accepted.

    Raises:
        DataError: The manifest is damaged.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        record_run(folder, recorded=today)
        return []
    results = [name for name in RUN_FILES if name not in PAGES]
    damages = [damage for damage in find_damage(folder, manifest, results) if _is_acceptable(damage)]
    if damages:
        write_manifest(folder, _accept(manifest, damages, today))
    return [damage.name for damage in damages]


def _is_acceptable(damage: Damage) -> bool:
    return not damage.is_rewritten and (damage.size is not None or not is_one_of(damage.name, REQUIRED_FILES))


def _accept(manifest: Manifest, damages: list[Damage], today: str) -> Manifest:
    edited = {one.name: _edited_record(one, today) for one in damages if one.size is not None}
    removed = {one.name: today for one in damages if one.size is None}
    files = {name: edited.get(name, record) for name, record in manifest.files.items() if name not in removed}
    return replace(manifest, files=files, removed={**manifest.removed, **removed})


def _edited_record(damage: Damage, today: str) -> FileRecord:
    edit = Edit(date=today, sha256=damage.record.sha256)
    return replace(record_file(damage.path), edits=(*damage.record.edits, edit))
