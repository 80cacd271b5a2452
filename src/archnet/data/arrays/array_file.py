"""Read the arrays of an .npz file, without pickle and with protection against decompression bombs."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from archnet.data.arrays.image_layout import refuse_colour
from archnet.errors import DataError
from archnet.files.archives.npy_arrays import Arrays, check_member, read_member
from archnet.files.archives.zip_archive import DamagedFileError, open_zip

# MedMNIST (Yang et al. 2023, doi:10.1038/s41597-022-01721-8) calls the validation set "val".
MEDMNIST_SETS = {"train": "train", "val": "validation", "test": "test"}

_OPTIONAL_KEYS = ("y", "soft", "weight", "group", "split", "classes")


def read_arrays(path: Path, num_channels: int = 1) -> Arrays:
    """The arrays of a file: `x`, at least one of `y` and `soft`, and optionally `weight`, `group`, `split`, `classes`.

    Args:
        path: The file.
        num_channels: Expected number of channels; if it is 1, colour images are rejected.

    Raises:
        DataError: The file does not exist.
        ValueError: The file is damaged, or lacks a required array.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX:
                raise ValueError("this file contains a single array; expected an .npz file with the arrays x and y")
        with open_zip(path) as archive:
            return _read_data_set(archive, num_channels)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file.") from error
    except (DamagedFileError, OSError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ValueError(f"not a readable .npz file ({reason}); save it again with numpy.savez") from error


def _read_data_set(archive: zipfile.ZipFile, num_channels: int) -> Arrays:
    keys = {name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")}
    if "x" in keys and keys & {"y", "soft"}:
        return _load_arrays(archive, ["x", *(key for key in _OPTIONAL_KEYS if key in keys)])
    sets = [name for name in MEDMNIST_SETS if {f"{name}_images", f"{name}_labels"} <= keys]
    if not sets:
        found = ", ".join(sorted(keys)) or "nothing"
        raise ValueError(f"expected the arrays x and y, or train_images and train_labels as in MedMNIST; found {found}")
    for key in ("soft", "weight"):
        if key in keys:
            raise ValueError(
                f"{key} needs the arrays x and y, but this file contains those of MedMNIST; save x, y, split and "
                f"{key}, or omit {key}"
            )
    names = ["classes"] if "classes" in keys else []
    arrays = _load_arrays(archive, [f"{name}_{kind}" for name in sets for kind in ("images", "labels")] + names)
    if num_channels == 1:
        refuse_colour(arrays[f"{sets[0]}_images"].shape, "hwd", f"{sets[0]}_images")
    merged = _merge_medmnist(
        sets, [arrays[f"{name}_images"] for name in sets], [arrays[f"{name}_labels"] for name in sets]
    )
    return merged | {key: arrays[key] for key in names}


def _merge_medmnist(sets: list[str], images: list[NDArray[Any]], labels: list[NDArray[Any]]) -> Arrays:
    for name, part, its_labels in zip(sets, images, labels, strict=True):
        if part.ndim == 0 or part.shape[:1] != its_labels.shape[:1]:
            raise ValueError(
                f"{name}_images is {part.shape}, {name}_labels {its_labels.shape}; give one label for each image"
            )
        if part.shape[1:] != images[0].shape[1:] or its_labels.shape[1:] != labels[0].shape[1:]:
            raise ValueError(f"the cases of {sets[0]} and {name} differ in shape; all sets need the same shape")
    return {
        "x": np.concatenate(images),
        "y": np.concatenate(labels),
        "split": np.repeat(sets, [len(part) for part in images]),
    }


def _load_arrays(archive: zipfile.ZipFile, keys: list[str]) -> Arrays:
    """Load arrays of a file, after checking that the header of each matches its size."""
    for key in keys:
        if check_member(archive, key).dtype.hasobject:
            raise ValueError(f"{key} contains Python objects, which are never loaded; {_plain_form(key)}")
    return {key: read_member(archive, key) for key in keys}


def _plain_form(key: str) -> str:
    """Explain how to save an array of Python objects in a plain data type."""
    if key == "x" or key.endswith("_images"):
        return f"save numbers, all cases in one shape: {key}=numpy.stack(list({key}))"
    kind, name = ("numbers", "float") if key in ("soft", "weight") else ("text", "str")
    return f"save {kind}: {key}={key}.astype({name})"
