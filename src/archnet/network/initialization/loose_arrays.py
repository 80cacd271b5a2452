"""The arrays of a `.weights.h5` file, which does not store how its layers are connected."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from archnet.files.archives.zip_archive import DamagedFileError
from archnet.network.model_file import check_weights
from archnet.network.weights.graph import part_text
from archnet.network.weights.parts import layer_parts
from archnet.network.weights.transfer import LayerOrigin

_VARIABLES: Final = "vars"

Entry = TypeVar("Entry")
Form = tuple[Any, ...]
"""Class of a layer in snake case, and the shapes of its arrays."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredLayer:
    """The arrays of one layer.

    Attributes:
        name: Name of the layer in the file.
        arrays: Arrays in Keras's order.
    """

    name: str
    arrays: tuple[NDArray[Any], ...]

    @property
    def form(self) -> Form:
        """The class and the shapes."""
        return (re.sub(r"_\d+$", "", self.name), *(array.shape for array in self.arrays))


def read_arrays(file: Path) -> list[StoredLayer]:
    """Read the layers of a file that have arrays.

    Raises:
        DamagedFileError: The file is damaged, or was not written by Keras 3.
        OSError: It cannot be read.
    """
    content = file.read_bytes()
    check_weights(content, "its content")
    with h5py.File(io.BytesIO(content), "r") as archive:
        layers = _stored_layers(archive)
    if not layers:
        raise DamagedFileError("it contains no layers in the format of Keras 3")
    if not all(np.isfinite(array).all() for layer in layers for array in layer.arrays):
        raise DamagedFileError("it contains NaN or infinite weights")
    return layers


def _stored_layers(archive: Any) -> list[StoredLayer]:
    layers: list[StoredLayer] = []

    def visit(path: str, entry: Any) -> None:
        *folders, layer, last = ["", *path.split("/")]
        if last == _VARIABLES and isinstance(entry, h5py.Group) and len(entry) and "optimizer" not in folders:
            arrays = [entry[key][()] for key in sorted(entry, key=lambda key: (len(key), key))]
            layers.append(StoredLayer(name=layer, arrays=tuple(arrays)))

    archive.visititems(visit)
    return layers


def assign_arrays(stored: Sequence[StoredLayer], network: keras.Model, name: str) -> list[LayerOrigin]:
    """Copy arrays to the layers of the same class and shapes, if the assignment is unique.

    Args:
        stored: The layers of the file.
        network: The network; its other weights do not change.
        name: Name of the file in messages.

    Raises:
        ValueError: More than one layer matches.
    """
    layers = [layer for layer in network.layers if layer.weights]
    sources, targets = _by_form((entry.form, entry) for entry in stored), _by_form((_form(one), one) for one in layers)
    for form in targets:
        if form in sources and len(sources[form]) + len(targets[form]) > 2:
            raise ValueError(
                f"{name}: does not store how its layers are connected, and {_names(sources[form])} match "
                f"{_names(targets[form])} of this network equally well. Use the .keras file of the model, written by "
                "model.save in Keras."
            )
    return [origin for layer in layers for origin in _assign(layer, sources.get(_form(layer)))]


def _by_form(entries: Iterable[tuple[Form, Entry]]) -> dict[Form, list[Entry]]:
    groups: dict[Form, list[Entry]] = defaultdict(list)
    for form, entry in entries:
        groups[form].append(entry)
    return dict(groups)


def _names(layers: Iterable[StoredLayer | keras.layers.Layer]) -> str:
    return ", ".join(layer.name for layer in layers)


def _assign(layer: keras.layers.Layer, sources: Sequence[StoredLayer] | None) -> list[LayerOrigin]:
    """Copy the arrays of the only source, if any, to a layer."""
    for weight, array in zip(layer.weights, sources[0].arrays if sources else (), strict=bool(sources)):
        weight.assign(array)
    note = f'"{sources[0].name}"' if sources else "the file has no layer of this class and these shapes"
    return [
        LayerOrigin(
            layer=layer.name, kind=type(layer).__name__, weights=part_text(part), is_taken=bool(sources), note=note
        )
        for part in layer_parts(layer)
    ]


def _form(layer: keras.layers.Layer) -> Form:
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
    return (re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower(), *(tuple(weight.shape) for weight in layer.weights))
