"""Find the scans in a folder, and the files that could be scans but are not read."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from archnet.errors import DataError
from archnet.imaging.dicom_folders import holds_series, is_series, read_series_uid
from archnet.imaging.readers import list_scan_files, read_frame, scan_suffix
from archnet.imaging.scan_names import (
    file_kind,
    find_masks,
    is_document,
    is_ignored,
    is_mask_folder,
    is_scan_file,
    may_be_dicom,
    scan_name,
)

_MAX_FOLDERS: Final = 100_000
_MAX_ENTRIES: Final = 1_000
"""Maximum number of files and folders next to the subsets that are searched."""
_UID: Final = re.compile(r"\d+(\.\d+){3,}")
_SUBSET: Final = re.compile("subset[0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTree:
    """The scans in a folder, and the files left out.

    Attributes:
        scans: Files, and folders that contain a DICOM series, sorted.
        left_out: Files and folders that could be scans but are not read, sorted, each with its kind: the file extension
            in lower case, or words such as "mask" and "broken link".
    """

    scans: tuple[Path, ...]
    left_out: Mapping[Path, str]


def find_scans(folder: Path, *, may_be_series: bool = True) -> ScanTree:
    """Search a folder and its subfolders for scans; each folder is visited once, however many links lead to it.

    In a folder with subsets, such as those of LUNA16 (subset0 to subset9), no other subfolders are searched. Hidden
    files, files created by file managers, documents, and the data files of scans are ignored.

    Args:
        folder: The folder.
        may_be_series: Whether DICOM slices directly in the folder, not in a subfolder, are a scan.

    Raises:
        DataError: The folder has more than 100,000 subfolders.
    """
    search = _Search(folder, may_be_series=may_be_series)
    search.run()
    data_files = _data_files(search.scans) if search.left_out else set()
    left_out = {path: kind for path, kind in sorted(search.left_out.items()) if _absolute(path) not in data_files}
    return ScanTree(scans=tuple(sorted(search.scans)), left_out=left_out)


def subset_number(scan: Path, root: Path) -> int | None:
    """Number of the nearest LUNA16 subset folder that contains a scan, below `root`; None if there is none.

    >>> subset_number(Path("LUNA16/subset3/subset3/1.2.mhd"), Path("LUNA16"))
    3
    """
    names = reversed(scan.relative_to(root).parts[:-1])
    return next((int(name[-1]) for name in names if _SUBSET.fullmatch(name)), None)


def series_to_read(scan: Path, series: str | None) -> str | None:
    """The series to read from a scan if the user's choice applies to it; otherwise None.

    A number or a description applies to every DICOM folder, a uid only to the folder that contains the series.

    Args:
        scan: A file or DICOM folder.
        series: The choice, a uid, number or description; None without a choice.
    """
    if series is None or not scan.is_dir() or (_UID.fullmatch(series) and not holds_series(scan, series)):
        return None
    return series


def scans_by_name(
    paths: Iterable[Path], remedy: str = "Name one of them.", series: str | None = None
) -> dict[str, Path]:
    """Map names to scans; DICOM folders are also listed by series uid.

    Args:
        paths: The scans.
        remedy: Remedy in the message about duplicate names.
        series: The series to read in DICOM folders that contain several.

    Raises:
        DataError: Two scans have the same name.
    """
    scans: dict[str, Path] = {}
    for path in paths:
        for name in {scan_name(path), _series_uid(path, series)} - {""}:
            if name in scans:
                raise DataError(f"{path}: the same scan is also at {scans[name]}. {remedy}")
            scans[name] = path
    return scans


def left_out_files(paths: Iterable[Path], place: str) -> dict[Path, str]:
    """List files outside the searched folders with their kinds, except documents.

    Args:
        place: Their location, such as "outside the class folders".
    """
    return {
        path: f"{file_kind(path)} {place}" if path.is_file() else "broken link"
        for path in paths
        if not is_document(path)
    }


def _series_uid(scan: Path, series: str | None) -> str:
    if not scan.is_dir():
        return ""
    chosen = series_to_read(scan, series)
    if chosen is not None:
        with suppress(DataError):  # the reader of the scan reports the problem
            return read_frame(scan, chosen).series_uid or ""
    return read_series_uid(scan) or ""


class _Search:
    """State of a search for scans."""

    def __init__(self, root: Path, *, may_be_series: bool) -> None:
        self.scans: list[Path] = []
        self.left_out: dict[Path, str] = {}
        self._root, self._may_be_series = root, may_be_series
        self._visited: set[tuple[int, int]] = set()
        self._folders, self._links = [root], deque[Path]()

    def run(self) -> None:
        above = {_identity(folder) for folder in self._root.resolve().parents}
        while self._folders or self._links:
            folder = self._folders.pop() if self._folders else self._links.popleft()  # links last: their targets win
            try:
                identity = _identity(folder)
                if identity in self._visited or identity in above:
                    is_above = identity in above
                    self.left_out[folder] = f"link to a folder {'above' if is_above else 'that is searched anyway'}"
                    continue
                self._visited.add(identity)
                self._check_size()
                self._search_folder(folder)
            except OSError:
                self.left_out[folder] = "folder that cannot be opened"

    def _check_size(self) -> None:
        if len(self._visited) > _MAX_FOLDERS:
            raise DataError(
                f"{self._root}: more than {_MAX_FOLDERS:,} folders found. Give a folder that contains only scans, and "
                "remove links that lead elsewhere."
            )

    def _search_folder(self, folder: Path) -> None:
        files, folders = self._list_entries(folder)
        may_be_series = folder != self._root or self._may_be_series
        if may_be_series and any(map(may_be_dicom, files)) and is_series(folder):
            self.scans.append(folder)
            self.left_out |= {path: f"{scan_suffix(path)} next to DICOM slices" for path in files if is_scan_file(path)}
        else:
            self._sort_files(files)
        for part in self._select_folders(folders):
            (self._links if part.is_symlink() else self._folders).append(part)

    def _list_entries(self, folder: Path) -> tuple[list[Path], list[Path]]:
        files, folders = [], []
        for path in sorted(path for path in folder.iterdir() if not is_ignored(path.name)):
            if path.is_dir():
                folders.append(path)
            elif path.is_file():
                files.append(path)
            else:
                self.left_out[path] = "broken link" if path.is_symlink() else "file that cannot be opened"
        return files, folders

    def _sort_files(self, files: Sequence[Path]) -> None:
        scans = [path for path in files if is_scan_file(path)]
        masks = find_masks(scans)
        self.scans += [path for path in scans if path not in masks]
        self.left_out |= dict.fromkeys(masks, "mask")
        self.left_out |= {path: file_kind(path) for path in files if not is_scan_file(path) and not is_document(path)}

    def _select_folders(self, folders: Sequence[Path]) -> list[Path]:
        """Select the subfolders to search; others with scans are recorded as left out."""
        masks = {path for path in folders if is_mask_folder(path.name)}
        self.left_out |= dict.fromkeys(masks, "folder of masks")
        others = [path for path in folders if path not in masks]
        subsets = [path for path in others if path.name.startswith("subset")]
        for path in others if subsets else ():
            if path not in subsets and _holds_scan_files(path):
                self.left_out[path] = "folder next to the subsets"
        return subsets or others


def _holds_scan_files(folder: Path) -> bool:
    return any(map(is_scan_file, islice(folder.rglob("*"), _MAX_ENTRIES)))


def _data_files(scans: Sequence[Path]) -> set[Path]:
    """The files that contain the voxels of scans, such as the .raw file of a .mhd."""
    files: set[Path] = set()
    for scan in scans:
        if not scan.is_dir():
            with suppress(DataError):  # the reader of the scan reports the problem
                files |= {_absolute(path) for path in list_scan_files(scan)}
    return files


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps ".."


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino
