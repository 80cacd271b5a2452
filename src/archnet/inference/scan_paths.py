"""The scans that a command line names: files, DICOM folders, folders of scans, LUNA16's root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archnet.data.checks.findings import Finding
from archnet.data.checks.left_out import describe_left_out, find_left_out
from archnet.errors import DataError
from archnet.imaging import READERS
from archnet.imaging.scan_files import ScanTree, find_scans, series_to_read


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundScans:
    """Scans that were named.

    Attributes:
        paths: Each once, in the order in which they were named.
        findings: What was left out of folders.
        series: Of DICOM folders with several CT series the one to read.
    """

    paths: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()
    series: str | None = None


def find_named_scans(paths: Sequence[Path], series: str | None = None) -> FoundScans:
    """All scans among the paths and in the folders among them.

    Args:
        paths: Scans, DICOM folders, and folders of scans.
        series: Of DICOM folders with several CT series the one to read, by its uid, number or description.

    Raises:
        DataError: There is nothing there, a folder holds no scan, or no scan is a DICOM folder that `series` concerns.
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
    if series is not None and found and not any(series_to_read(path, series) for path in found):
        raise DataError(f'--series "{series}": no DICOM folder with this series was named. Leave it out, or name one.')
    return FoundScans(paths=tuple(found), findings=tuple(findings), series=series)
