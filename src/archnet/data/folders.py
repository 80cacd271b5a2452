"""Class folders of whole scans: `mosmed` (CT-0, CT-23; Morozov et al. 2020, arXiv:2005.06465) and `folder`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Cases, Dataset, Progress, positive_class, silent
from archnet.data.places import existing_root
from archnet.errors import DataError
from archnet.imaging import READERS, read_volume, scan_suffix, turned_and_resized
from archnet.spec.experiment import Data

_DEFAULT_SIZE = (128, 128, 64)


class FolderDataset(Dataset):
    """Whole scans, resized; the folder that a scan lies in is its class."""

    def __init__(self, root: Path, data: Data) -> None:
        paths = _scans_by_class(root)
        classes = tuple(sorted(paths))
        self._paths = [path for name in classes for path in paths[name]]
        ids = np.array([f"{path.parent.name}/{_stem(path)}" for path in self._paths])
        self.cases = Cases(
            ids=ids,
            groups=ids,
            labels=np.repeat(np.arange(len(classes)), [len(paths[name]) for name in classes]),
            classes=classes,
            positive=positive_class(classes, data.positive),
        )
        height, width, depth = data.crop_size or _DEFAULT_SIZE
        self.shape: tuple[int, int, int] = (height, width, depth)
        self.limits = data.window_hu

    def crops(self, rows: NDArray[np.int64], progress: Progress = silent) -> NDArray[np.float32]:
        """Whole volumes in HU, clipped to the window and resized, (len(rows), height, width, depth)."""
        crops = np.empty((len(rows), *self.shape), dtype=np.float32)
        for number, row in enumerate(progress(rows.tolist(), "Reading scans", len(rows))):
            crops[number] = turned_and_resized(read_volume(self._paths[row]), self.shape, self.limits)
        return crops


def open_folder(data: Data, progress: Progress = silent) -> FolderDataset:
    """The scans of class folders.

    Raises:
        DataError: The folder is missing, or does not hold at least two classes of at least two scans.
    """
    return FolderDataset(existing_root(data, "one folder for each class (CT-0, CT-23) with scans inside"), data)


def _scans_by_class(root: Path) -> dict[str, list[Path]]:
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    paths = {folder.name: _scans(folder) for folder in folders}
    if len(paths) < 2:
        found = f"only {folders[0].name}" if folders else "none"
        raise DataError(f"{root}: at least two class folders with scans are needed, there is {found}.")
    for name, scans in paths.items():
        if len(scans) < 2:
            raise DataError(
                f"{root / name}: a class needs at least two scans ({', '.join(READERS)}), there "
                f"{'is one' if scans else 'are none'}. Add scans, or move the folder away."
            )
    return paths


def _scans(folder: Path) -> list[Path]:
    scans = [path for path in sorted(folder.iterdir()) if path.is_file() and scan_suffix(path) in READERS]
    stems = [_stem(path) for path in scans]
    for path, stem in zip(scans, stems, strict=True):
        if stems.count(stem) > 1:
            raise DataError(f"{path}: the folder holds this scan in two formats. Remove one of them.")
    return scans


def _stem(path: Path) -> str:
    return path.name[: -len(scan_suffix(path))]
