"""Class folders with whole scans: `mosmed` (CT-0, CT-23; Morozov et al. 2020, arXiv:2005.06465) and `folder`.

A scan is a file, or a folder that contains one DICOM series. It may be in a subfolder for its case or patient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.data.attributes.patients import scan_groups
from archnet.data.checks.left_out import describe_left_out, find_left_out
from archnet.data.crops import WholeVolumes
from archnet.data.dataset import Cases, positive_class
from archnet.data.scan_dataset import ScanDataset, crop_size, require_root
from archnet.errors import DataError
from archnet.files.progress import Progress, no_progress
from archnet.imaging import READERS, scan_suffix
from archnet.imaging.scan_files import find_scans, left_out_files
from archnet.imaging.scan_names import is_ignored, is_mask_folder
from archnet.spec.experiment import Data
from archnet.spec.view import window_limits


class FolderDataset(ScanDataset):
    """Whole scans, resized; the class of a scan is its top-level folder below the root."""

    def __init__(self, root: Path, data: Data) -> None:
        paths, left_out = _find_scans_by_class(root)
        classes = tuple(sorted(paths))
        self._paths = [path for name in classes for path in paths[name]]
        ids = [_case_id(path, root) for path in self._paths]
        groups, findings = scan_groups(ids, self._paths, root)
        self.findings = (*find_left_out(left_out, root), *findings)
        self.cases = Cases(
            ids=np.array(ids),
            groups=np.array(groups),
            labels=np.repeat(np.arange(len(classes)), [len(paths[name]) for name in classes]),
            classes=classes,
            positive=positive_class(classes, data.positive),
        )
        self.shape = crop_size(data)
        self.limits = window_limits(data)
        self.series = data.series
        self.root = root
        self._source = f"{data.name} in {root}"

    def recipe(self, rows: NDArray[np.int64]) -> WholeVolumes:
        """Whole volumes in HU, clipped to the window and resized."""
        scans = [self._paths[row] for row in rows]
        recipe = WholeVolumes(self._source, self.cases.ids[rows], scans, self.shape, self.limits.hull)
        recipe.series = self.series
        return recipe


def open_folder(data: Data, progress: Progress = no_progress) -> FolderDataset:
    """Open the scans in class folders.

    Raises:
        DataError: The folder is missing, or does not contain at least two classes with scans.
    """
    return FolderDataset(require_root(data), data)


def _find_scans_by_class(root: Path) -> tuple[dict[str, list[Path]], dict[Path, str]]:
    """Find the scans of each class, and the unused files with their kinds."""
    folders, left_out = _class_folders(root)
    paths: dict[str, list[Path]] = {}
    for folder in folders:
        tree = find_scans(folder, may_be_series=False)
        _check_unique(tree.scans, root)
        if not tree.scans:
            raise DataError(
                f"{folder}: a class needs scans ({', '.join(READERS)}, DICOM folders), found none. "
                f"{_left_out_hint(tree.left_out, root)}Add scans, or remove the folder."
            )
        paths[folder.name] = list(tree.scans)
        left_out |= tree.left_out
    return paths, left_out


def _class_folders(root: Path) -> tuple[list[Path], dict[Path, str]]:
    """Find the class folders, and the other files; a folder of masks is not a class if there are two other folders."""
    entries = [path for path in sorted(root.iterdir()) if not is_ignored(path.name)]
    folders = [path for path in entries if path.is_dir()]
    left_out = left_out_files([path for path in entries if not path.is_dir()], "outside the class folders")
    classes = [path for path in folders if not is_mask_folder(path.name)]
    if len(classes) >= 2:
        return classes, left_out | {path: "folder of masks" for path in folders if path not in classes}
    if len(folders) < 2:
        found = f"only {folders[0].name}" if folders else "none"
        raise DataError(f"{root}: expected at least two class folders with scans, found {found}.")
    return folders, left_out


def _left_out_hint(left_out: Mapping[Path, str], root: Path) -> str:
    return f"Not used: {describe_left_out(left_out, root)}. " if left_out else ""


def _case_id(path: Path, root: Path) -> str:
    """Name of a case: the path below the root, without the file extension."""
    name = path.relative_to(root).as_posix()
    return name if path.is_dir() else name[: -len(scan_suffix(path))]


def _check_unique(paths: Sequence[Path], root: Path) -> None:
    ids = [_case_id(path, root) for path in paths]
    counts = Counter(ids)
    for case, path in zip(ids, paths, strict=True):
        if counts[case] > 1:
            raise DataError(f"{path}: the folder contains this scan in two formats. Remove one of them.")
