"""Find the scans given on the command line: files, DICOM folders, folders of scans, LUNA16's root."""

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
    """Scans given by the user.

    Attributes:
        paths: Unique paths, in the given order.
        findings: Skipped files in folders.
        series: The CT series to read in DICOM folders that contain several.
    """

    paths: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()
    series: str | None = None


def find_named_scans(paths: Sequence[Path], series: str | None = None) -> FoundScans:
    """Find all scans among the paths, and in those that are folders.

    Args:
        paths: Scans, DICOM folders, and folders of scans.
        series: The CT series to read in DICOM folders that contain several, by its uid, number or description.

    Raises:
        DataError: A path does not exist, a folder contains no scan, or `series` is in no DICOM folder.
    """
    found: dict[Path, None] = {}
    findings: list[Finding] = []
    for path in paths:
        tree = find_scans(path) if path.is_dir() else ScanTree(scans=(path,) if path.exists() else (), left_out={})
        if not tree.scans:
            left_out = f"Not used: {describe_left_out(tree.left_out, path)}. " if tree.left_out else ""
            raise DataError(
                f"{path}: {'contains no scans' if path.is_dir() else 'no such file'}. {left_out}Give a scan "
                f"({', '.join(READERS)}), a DICOM folder, or a folder of scans."
            )
        found.update(dict.fromkeys(tree.scans))
        findings += find_left_out(tree.left_out, path)
    if series is not None and found and not any(series_to_read(path, series) for path in found):
        raise DataError(
            f'--series "{series}": no given DICOM folder contains this series. Remove --series, or give such a folder.'
        )
    return FoundScans(paths=tuple(found), findings=tuple(findings), series=series)
