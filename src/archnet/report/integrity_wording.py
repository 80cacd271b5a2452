"""Sentences about changed, removed or unrecorded files of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from archnet.evaluation.integrity.manifest import MANIFEST_FILE, Manifest


def run_integrity_texts(manifest: Manifest | None) -> list[str]:
    """Notes on the files of a run; empty if none has changed.

    Args:
        manifest: The run's manifest; None if it has none.
    """
    if manifest is None:
        return [
            f"Integrity not recorded: the run has no {MANIFEST_FILE}, so later changes to its files cannot be detected."
        ]
    return list(_manifest_texts(manifest))


def comparison_integrity_texts(manifests: Mapping[Path, Manifest | None]) -> list[str]:
    """Notes on the files of compared runs.

    Args:
        manifests: The manifest of each run folder; None if it has none.
    """
    unrecorded = [folder.name for folder, manifest in manifests.items() if manifest is None]
    texts = [f"{folder.name}: {text}" for folder, one in manifests.items() if one for text in _manifest_texts(one)]
    if not unrecorded:
        return texts
    names = ", ".join(unrecorded)
    return [
        f"Integrity not recorded: no {MANIFEST_FILE} in {names}, so later changes to their files cannot be detected.",
        *texts,
    ]


def _manifest_texts(manifest: Manifest) -> Iterator[str]:
    if manifest.recorded:
        yield f"The files were recorded on {manifest.recorded}, after the run: earlier changes cannot be detected."
    for name, record in manifest.files.items():
        if record.edits:
            dates = " and ".join(dict.fromkeys(edit.date for edit in record.edits))
            yield f"{name} was edited after the run and accepted on {dates}."
    for name, date in manifest.removed.items():
        yield f"{name} was removed after the run; the removal was accepted on {date}."
