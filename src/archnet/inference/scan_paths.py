"""The scans that a command line names: files, DICOM folders, folders of scans, LUNA16's root."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from archnet.errors import DataError
from archnet.imaging import READERS, scan_suffix
from archnet.imaging.dicom_folders import is_series, read_series_uid


def scan_paths(paths: Sequence[Path]) -> list[Path]:
    """All scans among the paths and in the folders among them, each once, in order.

    A folder with subset folders is LUNA16's: it and its subsets are searched. Any other is searched recursively.

    Raises:
        DataError: There is nothing there, or a folder holds no scan.
    """
    found: dict[Path, None] = {}
    for path in paths:
        scans = list(_iterate_scans(path)) if path.exists() else []
        if not scans:
            raise DataError(
                f"{path}: {'no scans are here' if path.is_dir() else 'there is no such file'}. Name a scan "
                f"({', '.join(READERS)}), a DICOM folder, or a folder of scans."
            )
        found.update(dict.fromkeys(scans))
    return list(found)


def scan_name(path: Path) -> str:
    """A scan's name: of a file without its ending, which is LUNA16's series uid; of a DICOM folder as it is."""
    return path.name if path.is_dir() else path.name[: -len(scan_suffix(path)) or None]


def scans_by_name(paths: Sequence[Path]) -> dict[str, Path]:
    """Scans by their names, DICOM folders by their series uid as well.

    Raises:
        DataError: Two have the same name.
    """
    scans: dict[str, Path] = {}
    for path in paths:
        for name in {scan_name(path), read_series_uid(path) or ""} - {""} if path.is_dir() else {scan_name(path)}:
            if name in scans:
                raise DataError(f"{path}: the same scan also lies at {scans[name]}. Name one of them.")
            scans[name] = path
    return scans


def _iterate_scans(path: Path) -> Iterator[Path]:
    if not path.is_dir() or is_series(path):
        yield path
        return
    subsets = sorted(folder for folder in path.glob("subset*") if folder.is_dir())
    entries = sorted(part for part in path.iterdir() if not part.name.startswith("."))
    for part in entries:
        if part.is_file() and scan_suffix(part) in READERS:
            yield part
    for folder in subsets or [part for part in entries if part.is_dir()]:
        yield from _iterate_scans(folder)
