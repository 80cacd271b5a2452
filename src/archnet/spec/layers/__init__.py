"""The layer types: what each does to a shape, what it costs, where it may stand; and their documents.

Shapes are without batch and channels last, (height, width[, depth], channels) or (features,). The rules are Keras's,
and a test holds them against Keras, in what they give and in what they refuse. A layer here is plain data;
`network/build.py` gives it its Keras form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any, Final

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.base.activations import ACTIVATIONS as ACTIVATIONS
from archnet.spec.layers.base.activations import ActivationName as ActivationName
from archnet.spec.layers.base.activations import get_activation as get_activation
from archnet.spec.layers.base.layer import Layer as Layer
from archnet.spec.layers.base.marks import layer_lists as layer_lists
from archnet.spec.layers.base.sequences import chain_grid as chain_grid
from archnet.spec.layers.base.sequences import expand_repeats as expand_repeats
from archnet.spec.layers.base.sequences import walk as walk
from archnet.spec.layers.base.shapes import Grid as Grid
from archnet.spec.layers.base.shapes import Shape as Shape
from archnet.spec.layers.base.shapes import sizes_text as sizes_text
from archnet.spec.layers.batch_norm import BatchNorm as BatchNorm
from archnet.spec.layers.convolution import Convolution as Convolution
from archnet.spec.layers.dropout import Dropout as Dropout
from archnet.spec.layers.fully_connected import FullyConnected as FullyConnected
from archnet.spec.layers.global_average_pooling import GlobalAveragePooling as GlobalAveragePooling
from archnet.spec.layers.pooling import Pooling as Pooling
from archnet.spec.layers.repeat import Repeat as Repeat
from archnet.spec.layers.residual import Residual as Residual
from archnet.spec.layers.terminal import Terminal as Terminal

LAYERS: Final[dict[str, type[Layer]]] = {
    "C": Convolution,
    "P": Pooling,
    "FC": FullyConnected,
    "T": Terminal,
    "DO": Dropout,
    "BN": BatchNorm,
    "GAP": GlobalAveragePooling,
    "RES": Residual,
    "REP": Repeat,
}
"""The layer types by the names that documents give them."""

TYPE_NAMES: Final[dict[type[Layer], str]] = {layer: name for name, layer in LAYERS.items()}


def _marked_keys(mark: str, *kinds: type[Layer]) -> tuple[str, ...]:
    """The keys of layer types whose fields carry a mark, each once."""
    return tuple(dict.fromkeys(item.name for kind in kinds for item in fields(kind) if item.metadata.get(mark)))


PER_AXIS_KEYS: Final = _marked_keys("per_axis", *LAYERS.values())
_ALL_INNER_KEYS: Final = _marked_keys("inner_layers", *LAYERS.values())


def layer_class(document: Any) -> type[Layer] | None:
    """The class of a layer document; null where it is not an object with a known type."""
    name = document.get("type") if isinstance(document, dict) else None
    return LAYERS.get(name) if isinstance(name, str) else None


def inner_documents(document: dict[str, Any]) -> Iterator[tuple[JsonPath, list[Any]]]:
    """Every list of layer documents inside a layer document, valid or not, with its path within it."""
    kind = layer_class(document)
    for key in _ALL_INNER_KEYS if kind is None else _marked_keys("inner_layers", kind):
        yield from layer_lists(document.get(key), (key,))


def parse_layer(document: dict[str, Any], rank: int) -> Layer:
    """The layer that a valid layer document describes.

    Args:
        document: An entry of `layers` that the schema has accepted.
        rank: Number of spatial axes, which plain numbers are spread over.
    """
    kind = LAYERS[document["type"]]
    items = (item for item in fields(kind) if item.name in document or item.metadata.get("per_axis"))
    return kind(**{item.name: _parse_field(item, document, rank) for item in items})


def _parse_field(item: Field[Any], document: dict[str, Any], rank: int) -> Any:
    value: Any = document.get(item.name)
    if item.metadata.get("inner_layers"):
        return _parse_inner_layers(value, rank)
    if item.metadata.get("per_axis"):
        default = document.get(item.metadata["default_field"], item.metadata["default"])
        return _spread_over_axes(default if value is None else value, rank)
    return int(value) if item.type in ("int", int) else value


def _parse_inner_layers(value: Any, rank: int) -> Any:
    """A list of layers, or a list of such lists; null is null."""
    if isinstance(value, list):
        return tuple(_parse_inner_layers(entry, rank) for entry in value)
    return value if value is None else parse_layer(value, rank)


def _spread_over_axes(value: Any, rank: int) -> Shape:
    return tuple(int(size) for size in value) if isinstance(value, list | tuple) else (int(value),) * rank


def layer_document(layer: Layer) -> dict[str, Any]:
    """The document of a layer, with every default written out; `parse_layer` reads it back."""
    items = (item for item in fields(layer) if item.metadata.get("in_document", True))
    return {"type": TYPE_NAMES[type(layer)]} | {item.name: _plain(getattr(layer, item.name)) for item in items}


def _plain(value: Any) -> Any:
    """A field's value as JSON has it."""
    if isinstance(value, Layer):
        return layer_document(value)
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value
