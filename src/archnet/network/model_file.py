"""Check the file model.keras before Keras opens it: names, sizes, layers and weights, without loading them.

Keras reads each member completely, regardless of its unpacked size, builds every layer that config.json names, and
allocates its weights.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from archnet.files.archives.zip_archive import DamagedFileError, ZipLimits, check_checksums, open_member, open_zip
from archnet.files.json_file import DamagedJsonError, parse_json
from archnet.network.model_classes import CLASSES, NUM_WEIGHTS, Sizes

CONFIG: Final = "config.json"
WEIGHTS: Final = "model.weights.h5"
MEMBERS: Final = ("metadata.json", CONFIG, WEIGHTS)
"""The files of a model. Keras also supports assets, which no layer of archnet has."""

_COMPILATION: Final = "compile_config"
_OPTIMIZER: Final = "/optimizer/"
"""Keys that Keras ignores if it does not compile the model: loss, optimizer and the optimizer's arrays."""

_ARGUMENTS: Final = ("__keras_tensor__", "__slice__")
"""Keys of the arguments of layers and operations."""
_LIMITS: Final = ZipLimits(num_members=len(MEMBERS), harmless_bytes=100_000_000)
_MAX_CONFIG_BYTES: Final = 64_000_000
_MAX_H5_OBJECTS: Final = 200_000
_MAX_H5_DEPTH: Final = 20
# h5py raises these for damaged bytes; UnicodeDecodeError is a ValueError.
_H5_DAMAGE: Final = (OSError, RuntimeError, LookupError, ValueError, TypeError, OverflowError, MemoryError)


def check_model_file(
    path: Path, classes: Mapping[str, Set[str]] | None = None, num_weights: Sizes | None = None
) -> None:
    """Check that Keras can load a file safely, without compiling the model.

    Args:
        path: The file.
        classes: The allowed Keras classes, by module; None means those of archnet's models.
        num_weights: Functions that count the weights of these classes; None means `NUM_WEIGHTS`.

    Raises:
        DamagedFileError: The file is damaged, or is not such a model.
        OSError: The file cannot be opened or read.
    """
    with open_zip(path, _LIMITS) as archive:
        _check_members(archive)
        check_checksums(archive)
        with open_member(archive, CONFIG) as stream:
            num_needed = _check_config(stream.read(), classes or CLASSES, num_weights or NUM_WEIGHTS)
        with open_member(archive, WEIGHTS) as stream:
            num_stored = check_weights(stream.read(), f'its "{WEIGHTS}"')
    if num_needed != num_stored:
        raise DamagedFileError(f'its "{CONFIG}" needs {num_needed:,} weights, but "{WEIGHTS}" contains {num_stored:,}')


def _check_members(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    if names != set(MEMBERS):
        different = sorted(names ^ set(MEMBERS))[0]
        raise DamagedFileError(
            f'"{different}" {"does not belong in it" if different in names else "is missing from it"}'
        )
    if archive.getinfo(CONFIG).file_size > _MAX_CONFIG_BYTES:
        raise DamagedFileError(f'its "{CONFIG}" is larger than {_MAX_CONFIG_BYTES:,} bytes')


def _check_config(content: bytes, classes: Mapping[str, Set[str]], sizes: Sizes) -> int:
    """Check the layers of a model, and count the weights that they need.

    Raises:
        DamagedFileError: A class is not allowed.
    """
    try:
        config = parse_json(content)
    except DamagedJsonError as error:
        raise DamagedFileError(f'its "{CONFIG}" is damaged: {error}') from error
    num_weights = 0
    if isinstance(config, dict):
        config.pop(_COMPILATION, None)
    for value in _walk_objects(config):
        name, module = value.get("class_name"), value.get("module")
        if name is None and module is None:
            continue
        if name not in _ARGUMENTS and not (isinstance(module, str) and name in classes.get(module, ())):
            raise DamagedFileError(f'its "{CONFIG}" names {module}.{name}, which archnet does not use')
        try:
            num_weights += sizes[str(name)](value) if name in sizes else 0
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise DamagedFileError(f'its "{CONFIG}" does not state the size of a {name}') from error
    return num_weights


def _walk_objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects in a JSON value, itself first."""
    stack = [value]
    while stack:
        entry = stack.pop()
        if isinstance(entry, dict):
            yield entry
            stack += entry.values()
        elif isinstance(entry, list):
            stack += entry


def check_weights(content: bytes, name: str) -> int:
    """Check the arrays of a weights file, and count their values without those of the optimizer.

    Args:
        content: Content of the file.
        name: Name of the file in messages.

    Raises:
        DamagedFileError: The file is damaged, or holds more than plain arrays of weights.
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            datasets = list(_walk_datasets(file, name))
            num_bytes = sum(dataset.size * dataset.dtype.itemsize for dataset in datasets)
            are_plain = all(map(_is_plain, datasets))
            learned = [dataset for dataset in datasets if not dataset.name.startswith(_OPTIMIZER)]
            num_weights = sum(int(dataset.size) for dataset in learned if dataset.dtype.kind == "f")
    except DamagedFileError:
        raise
    except _H5_DAMAGE as error:
        raise DamagedFileError(f"{name} is damaged") from error
    if not are_plain or num_bytes > len(content):
        raise DamagedFileError(f"{name} has arrays other than plain numbers")
    return num_weights


def _is_plain(dataset: Any) -> bool:
    """Whether an array contains numbers, stored in one piece, in the file itself and uncompressed."""
    return (
        isinstance(dataset.shape, tuple)
        and dataset.dtype.kind in "fiu"
        and dataset.chunks is None
        and not dataset.is_virtual
        and not dataset.external
        and bool(np.all(np.asarray(dataset.shape) > 0))
    )


def _walk_datasets(file: Any, label: str) -> Iterator[Any]:
    """Yield the arrays of a weights file, rejecting links, which could lead out of the file or form a cycle.

    Raises:
        DamagedFileError: There is a link, or there are too many groups.
    """
    stack, num_objects = [(file, 0)], 0
    while stack:
        group, depth = stack.pop()
        for name in group:
            num_objects += 1
            is_link = not isinstance(group.get(name, getlink=True), h5py.HardLink)
            if is_link or depth > _MAX_H5_DEPTH or num_objects > _MAX_H5_OBJECTS:
                raise DamagedFileError(f"{label} contains links")
            item = group[name]
            if isinstance(item, h5py.Dataset):
                yield item
            else:
                stack.append((item, depth + 1))
