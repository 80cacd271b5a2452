"""The scans that a command line names: files, DICOM folders, folders of scans, LUNA16's root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archnet.data.checks.findings import Finding
from archnet.data.checks.left_out import describe_left_out, find_left_out
from archnet.errors import DataError
from archnet.imaging import READERS
from archnet.imaging.scan_files import ScanTree, find_scans


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundScans:
    """Scans that were named.

    Attributes:
        paths: Each once, in the order in which they were named.
        findings: What was left out of folders.
    """

    paths: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()


def find_named_scans(paths: Sequence[Path]) -> FoundScans:
    """All scans among the paths and in the folders among them.

    Raises:
        DataError: There is nothing there, or a folder holds no scan.
    """
    found: dict[Path, None] = {}
    findings: list[Finding] = []
    for path in paths:
        tree = find_scans(path) if path.is_dir() else ScanTree(scans=(path,) if path.exists() else (), left_out={})
        if not tree.scans:
            left_out = f"Left out: {describe_left_out(tree.left_out, path)}. " if tree.left_out else ""
            raise DataError(
                f"{path}: {'no scans are here' if path.is_dir() else 'there is no such file'}. {left_out}Name a scan "
                f"({', '.join(READERS)}), a DICOM folder, or a folder of scans."
            )
        found.update(dict.fromkeys(tree.scans))
        findings += find_left_out(tree.left_out, path)
    return FoundScans(paths=tuple(found), findings=tuple(findings))
