"""`npz:PATH`: arrays that are already cut. Our keys `x`, `y` (`group`, `split`), or those of MedMNIST."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from archnet.data.dataset import Cases, Crops, Dataset, positive_class
from archnet.errors import DataError
from archnet.files.disk import format_bytes
from archnet.files.progress import Progress, no_progress
from archnet.imaging.volume import convert_to_hu
from archnet.spec.experiment import Data

# MedMNIST (Yang et al. 2023, doi:10.1038/s41597-022-01721-8) says "val" where we say "validation".
_MEDMNIST_SETS = {"train": "train", "val": "validation", "test": "test"}
_SET_NAMES = {**_MEDMNIST_SETS, "validation": "validation"}

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_NO_HEADER = (ValueError, KeyError, TypeError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError)
_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, UnicodeDecodeError, RuntimeError)
# Compressed CT becomes two or three times as large; a few images of nothing but air may grow more.
_MAX_GROWTH = 100
_HARMLESS_BYTES = 1_000_000_000

Arrays = dict[str, NDArray[Any]]


class NpzDataset(Dataset):
    """Cases of one .npz file."""

    def __init__(self, x: NDArray[Any], cases: Cases, limits: tuple[float, float]) -> None:
        self.cases = cases
        self.shape = x.shape[1:]
        self.limits = limits
        self._x = x

    def crops(self, rows: NDArray[np.int64], progress: Progress = no_progress) -> Crops:
        """Rows of `x`, in its own data type."""
        return Crops(values=self._x[rows], is_there=np.ones(len(rows), bool))

    def crop(self, row: int) -> NDArray[Any]:
        return np.asarray(self._x[row])


def open_npz(data: Data, progress: Progress = no_progress) -> NpzDataset:
    """The cases of an .npz file.

    Raises:
        DataError: The file is missing or damaged, or its arrays are not what a data set needs.
    """
    if data.root is None:
        raise DataError("data.root: an npz data set needs its file. Write --data npz:PATH.")
    path = Path(data.root)
    try:
        arrays = _load(path)
        return _build_dataset(arrays, data)
    except ValueError as error:
        raise DataError(f"{path}: {error}.") from error
    except MemoryError as error:
        raise DataError(f"{path}: its arrays do not fit into this machine's memory ({error}).") from error


def _build_dataset(arrays: Arrays, data: Data) -> NpzDataset:
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
        groups=_names(arrays, "group") if "group" in arrays else ids,
        labels=labels,
        classes=classes,
        own_sets=_own_sets(arrays),
        positive=positive_class(classes, data.positive),
    )
    return NpzDataset(x, cases, _limits(x, data))


def _load(path: Path) -> Arrays:
    try:
        with path.open("rb") as file:
            if file.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX:
                raise ValueError("this holds one array; an .npz file with the arrays x and y is needed")
        with zipfile.ZipFile(path) as archive:
            return _read_arrays(archive)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file.") from error
    except _UNREADABLE as error:
        reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
        raise ValueError(f"not a readable .npz file ({reason}); save it again with numpy.savez") from error


def _read_arrays(archive: zipfile.ZipFile) -> Arrays:
    keys = {name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")}
    if {"x", "y"} <= keys:
        return _load_arrays(archive, [key for key in ("x", "y", "group", "split") if key in keys])
    sets = [name for name in _MEDMNIST_SETS if {f"{name}_images", f"{name}_labels"} <= keys]
    if not sets:
        found = ", ".join(sorted(keys)) or "nothing"
        raise ValueError(f"needs the arrays x and y, or train_images and train_labels as in MedMNIST; it holds {found}")
    arrays = _load_arrays(archive, [f"{name}_{kind}" for name in sets for kind in ("images", "labels")])
    return _merge_medmnist(
        sets, [arrays[f"{name}_images"] for name in sets], [arrays[f"{name}_labels"] for name in sets]
    )


def _merge_medmnist(sets: list[str], images: list[NDArray[Any]], labels: list[NDArray[Any]]) -> Arrays:
    if images[0].ndim == 4 and images[0].shape[-1] == 3:
        raise ValueError("the images are in colour; grey ones are needed")
    for name, part, its_labels in zip(sets, images, labels, strict=True):
        if part.ndim == 0 or part.shape[:1] != its_labels.shape[:1]:
            raise ValueError(f"{name}_images is {part.shape}, {name}_labels {its_labels.shape}; give a label for each")
        if part.shape[1:] != images[0].shape[1:] or its_labels.shape[1:] != labels[0].shape[1:]:
            raise ValueError(f"the cases of {sets[0]} and {name} differ in shape; all sets need the same")
    return {
        "x": np.concatenate(images),
        "y": np.concatenate(labels),
        "split": np.repeat(sets, [len(part) for part in images]),
    }


def _load_arrays(archive: zipfile.ZipFile, keys: list[str]) -> Arrays:
    """Some arrays of a file; none of them is loaded before all have been found to be what they say they are."""
    num_bytes = sum(_check_size(archive, key) for key in keys)
    num_packed_bytes = Path(archive.filename or "").stat().st_size
    if num_bytes > max(_HARMLESS_BYTES, _MAX_GROWTH * num_packed_bytes):
        raise ValueError(
            f"it would grow from {format_bytes(num_packed_bytes)} to {format_bytes(num_bytes)}, over {_MAX_GROWTH} "
            f"times, as no images do; if they are right, save them with numpy.savez, not compressed"
        )
    return {key: _load_array(archive, key) for key in keys}


def _check_size(archive: zipfile.ZipFile, key: str) -> int:
    """Bytes of an array, whose header agrees with what the file holds."""
    entry = archive.getinfo(f"{key}.npy")
    with archive.open(entry) as file:
        try:
            shape, _, dtype = _HEADERS[npy.read_magic(file)](file)
        except _NO_HEADER as error:
            raise ValueError(f"{key} is no NumPy array; save it again with numpy.savez") from error
        num_stored_bytes = entry.file_size - file.tell()
    if dtype.hasobject:
        raise ValueError(f"{key} holds Python objects, which are never loaded; save plain numbers")
    expected = math.prod(shape) * int(dtype.itemsize)
    if min(shape, default=0) < 0 or num_stored_bytes != expected:
        raise ValueError(
            f"{key} says that it is {shape} of {dtype}, but holds {num_stored_bytes:,} bytes; save it again"
        )
    return expected


def _load_array(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    with archive.open(f"{key}.npy") as file:
        array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    return array


def _images(x: NDArray[Any], axes: str) -> NDArray[Any]:
    """(N, height, width[, depth]) as uint8, int16 or float32."""
    if x.ndim not in (3, 4) or 0 in x.shape:
        raise ValueError(f"x must be (N, height, width) or (N, height, width, depth), got {x.shape}")
    if x.dtype == np.bool_:
        x = x.astype(np.float32)
    try:
        values: NDArray[Any] = x if x.dtype == np.uint8 else convert_to_hu(x)
    except ValueError as error:
        raise ValueError(f"x: {error}") from error
    return values.transpose(0, 2, 3, 1) if axes == "zyx" and x.ndim == 4 else values


def _labels(y: NDArray[Any]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Class names in the order of their numbers, and the index of each case's class."""
    column = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if column.ndim != 1:
        raise ValueError(f"y must hold one label for each case, got {y.shape}")
    if column.dtype.kind not in "iub":
        raise ValueError(f"y must hold whole numbers, one for each class, got {column.dtype}; number the classes")
    values, labels = np.unique(column.astype(np.int64), return_inverse=True)
    if len(values) < 2:
        raise ValueError(f"all labels in y are {values[0]}; classification needs at least two classes")
    return tuple(str(value) for value in values), labels


def _names(arrays: Arrays, key: str) -> NDArray[np.str_]:
    if arrays[key].ndim != 1:
        raise ValueError(f"{key} must hold one entry for each case, got {arrays[key].shape}")
    try:
        return arrays[key].astype(np.str_)
    except UnicodeDecodeError as error:
        raise ValueError(f"{key} must hold numbers or text, got bytes that are no ASCII") from error


def _own_sets(arrays: Arrays) -> NDArray[np.str_] | None:
    if "split" not in arrays:
        return None
    names = _names(arrays, "split")
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
