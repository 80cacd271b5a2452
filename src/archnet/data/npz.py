"""`npz:PATH`: arrays that are already cut. Our keys `x`, `y` (`group`, `split`), or those of MedMNIST."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Cases, Dataset, Progress, positive_class, silent
from archnet.errors import DataError
from archnet.imaging.volume import as_hu
from archnet.spec.experiment import Data

# MedMNIST (Yang et al. 2023, doi:10.1038/s41597-022-01721-8) says "val" where we say "validation".
_MEDMNIST_SETS = {"train": "train", "val": "validation", "test": "test"}
_SET_NAMES = {**_MEDMNIST_SETS, "validation": "validation"}

Arrays = dict[str, NDArray[Any]]


class NpzDataset(Dataset):
    """Cases of one .npz file."""

    def __init__(self, x: NDArray[Any], cases: Cases, limits: tuple[float, float]) -> None:
        self.cases = cases
        self.shape = x.shape[1:]
        self.limits = limits
        self._x = x

    def crops(self, rows: NDArray[np.int64], progress: Progress = silent) -> NDArray[Any]:
        """Rows of `x`, in its own data type."""
        return self._x[rows]


def open_npz(data: Data, progress: Progress = silent) -> NpzDataset:
    """The cases of an .npz file.

    Raises:
        DataError: The file is missing or damaged, or its arrays are not what a data set needs.
    """
    if data.root is None:
        raise DataError("data.root: an npz data set needs its file. Write --data npz:PATH.")
    path = Path(data.root)
    try:
        arrays = _load(path)
        return _dataset(arrays, data)
    except ValueError as error:
        raise DataError(f"{path}: {error}.") from error


def _dataset(arrays: Arrays, data: Data) -> NpzDataset:
    x = _images(arrays["x"], data.axes)
    num_cases = len(x)
    for key in ("y", "group", "split"):
        num_entries = len(arrays[key]) if key in arrays and arrays[key].ndim else 0
        if key in arrays and num_entries != num_cases:
            raise ValueError(f"x has {num_cases} cases, {key} has {num_entries}; give one entry for each case")
    classes, labels = _labels(arrays["y"])
    ids = np.arange(num_cases).astype(np.str_)
    cases = Cases(
        ids=ids,
        groups=_column(arrays, "group").astype(np.str_) if "group" in arrays else ids,
        labels=labels,
        classes=classes,
        own_sets=_own_sets(arrays),
        positive=positive_class(classes, data.positive),
    )
    return NpzDataset(x, cases, _limits(x, data))


def _load(path: Path) -> Arrays:
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                raise ValueError("this holds one array; an .npz file with the arrays x and y is needed")
            return _read(loaded)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file.") from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"not a readable .npz file ({error})") from error


def _read(file: np.lib.npyio.NpzFile) -> Arrays:
    keys = set(file.files)
    if {"x", "y"} <= keys:
        return {key: _array(file, key) for key in ("x", "y", "group", "split") if key in keys}
    sets = [name for name in _MEDMNIST_SETS if {f"{name}_images", f"{name}_labels"} <= keys]
    if not sets:
        found = ", ".join(sorted(keys)) or "nothing"
        raise ValueError(f"needs the arrays x and y, or train_images and train_labels as in MedMNIST; it holds {found}")
    images = [_array(file, f"{name}_images") for name in sets]
    if images[0].ndim == 4 and images[0].shape[-1] == 3:
        raise ValueError("the images are in colour; grey ones are needed")
    return {
        "x": np.concatenate(images),
        "y": np.concatenate([_array(file, f"{name}_labels") for name in sets]),
        "split": np.repeat(sets, [len(part) for part in images]),
    }


def _array(file: np.lib.npyio.NpzFile, key: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = file[key]
    except ValueError as error:
        raise ValueError(f"{key} cannot be read ({error}); save plain numbers, not Python objects") from error
    return array


def _images(x: NDArray[Any], axes: str) -> NDArray[Any]:
    """(N, height, width[, depth]) as uint8, int16 or float32."""
    if x.ndim not in (3, 4) or 0 in x.shape:
        raise ValueError(f"x must be (N, height, width) or (N, height, width, depth), got {x.shape}")
    if x.dtype == np.bool_:
        x = x.astype(np.float32)
    try:
        values: NDArray[Any] = x if x.dtype == np.uint8 else as_hu(x)
    except ValueError as error:
        raise ValueError(f"x: {error}") from error
    return values.transpose(0, 2, 3, 1) if axes == "zyx" and x.ndim == 4 else values


def _labels(y: NDArray[Any]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Class names in the order of their numbers, and the index of each case's class."""
    column = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if column.ndim != 1:
        raise ValueError(f"y must hold one label for each case, got {y.shape}")
    if column.dtype.kind not in "iub":
        raise ValueError(f"y must hold whole numbers, one for each class, got {column.dtype}")
    values, labels = np.unique(column.astype(np.int64), return_inverse=True)
    if len(values) < 2:
        raise ValueError(f"all labels in y are {values[0]}; classification needs at least two classes")
    return tuple(str(value) for value in values), labels


def _column(arrays: Arrays, key: str) -> NDArray[Any]:
    if arrays[key].ndim != 1:
        raise ValueError(f"{key} must hold one entry for each case, got {arrays[key].shape}")
    return arrays[key]


def _own_sets(arrays: Arrays) -> NDArray[np.str_] | None:
    if "split" not in arrays:
        return None
    names = _column(arrays, "split").astype(np.str_)
    unknown = sorted(set(names.tolist()) - set(_SET_NAMES))
    if unknown:
        raise ValueError(f'split must name "train", "validation" or "test", got "{unknown[0]}"')
    return np.array([_SET_NAMES[name] for name in names.tolist()])


def _limits(x: NDArray[Any], data: Data) -> tuple[float, float]:
    """The values that become 0 and 1: what `data.range` says, or what the numbers look like."""
    if data.range == "hu":
        return data.window_hu
    if data.range != "auto":
        return data.range
    if x.dtype == np.uint8:
        return 0.0, 255.0
    is_unit = x.dtype == np.float32 and x.min() >= 0 and x.max() <= 1
    return (0.0, 1.0) if is_unit else data.window_hu
