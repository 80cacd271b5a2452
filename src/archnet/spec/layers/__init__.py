"""The layer types: output shapes, costs, valid positions, and documents.

Shapes exclude the batch axis and have channels last, (height, width[, depth], channels) or (features,). The rules are
those of Keras; a test compares results and errors with Keras. A layer here is plain data; `network/build` creates the
Keras layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, fields
from functools import cache
from typing import Any, Final

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.attention.convolutional_attention import ConvolutionalAttention as ConvolutionalAttention
from archnet.spec.layers.attention.positions import Positions as Positions
from archnet.spec.layers.attention.squeeze_excitation import SqueezeExcitation as SqueezeExcitation
from archnet.spec.layers.attention.transformer import TransformerBlock as TransformerBlock
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
from archnet.spec.layers.blocks.branches import Addition as Addition
from archnet.spec.layers.blocks.branches import Concatenation as Concatenation
from archnet.spec.layers.blocks.dense_block import DenseBlock as DenseBlock
from archnet.spec.layers.blocks.repeat import Repeat as Repeat
from archnet.spec.layers.blocks.residual import Residual as Residual
from archnet.spec.layers.blocks.views import Views as Views
from archnet.spec.layers.plain.activation import ActivationLayer as ActivationLayer
from archnet.spec.layers.plain.convolution import Convolution as Convolution
from archnet.spec.layers.plain.crop import Crop as Crop
from archnet.spec.layers.plain.dropout import Dropout as Dropout
from archnet.spec.layers.plain.fully_connected import FullyConnected as FullyConnected
from archnet.spec.layers.plain.global_pooling import GlobalAveragePooling as GlobalAveragePooling
from archnet.spec.layers.plain.global_pooling import GlobalMaxPooling as GlobalMaxPooling
from archnet.spec.layers.plain.global_pooling import GlobalPooling as GlobalPooling
from archnet.spec.layers.plain.normalization import BatchNorm as BatchNorm
from archnet.spec.layers.plain.normalization import Normalization as Normalization
from archnet.spec.layers.plain.normalization import NormLayer as NormLayer
from archnet.spec.layers.plain.pooling import Pooling as Pooling
from archnet.spec.layers.plain.terminal import Terminal as Terminal

LAYERS: Final[dict[str, type[Layer]]] = {
    "C": Convolution,
    "P": Pooling,
    "FC": FullyConnected,
    "T": Terminal,
    "DO": Dropout,
    "NORM": Normalization,
    "BN": BatchNorm,
    "ACT": ActivationLayer,
    "GAP": GlobalAveragePooling,
    "GMP": GlobalMaxPooling,
    "SE": SqueezeExcitation,
    "CBAM": ConvolutionalAttention,
    "CAT": Concatenation,
    "ADD": Addition,
    "DENSE": DenseBlock,
    "RES": Residual,
    "REP": Repeat,
    "CROP": Crop,
    "VIEWS": Views,
    "POS": Positions,
    "ATT": TransformerBlock,
}
"""The layer types by their names in documents."""

TYPE_NAMES: Final[dict[type[Layer], str]] = {layer: name for name, layer in LAYERS.items()}


@cache
def _marked_keys(mark: str, *kinds: type[Layer]) -> tuple[str, ...]:
    """Keys of layer types whose fields have a mark, without duplicates."""
    return tuple(dict.fromkeys(item.name for kind in kinds for item in fields(kind) if item.metadata.get(mark)))


PER_AXIS_KEYS: Final = _marked_keys("has_axes", *LAYERS.values())
_ALL_INNER_KEYS: Final = _marked_keys("inner_layers", *LAYERS.values())


def layer_class(document: Any) -> type[Layer] | None:
    """The class of a layer document; null if it is not an object with a known type."""
    name = document.get("type") if isinstance(document, dict) else None
    return LAYERS.get(name) if isinstance(name, str) else None


def inner_documents(document: dict[str, Any]) -> Iterator[tuple[JsonPath, list[Any]]]:
    """Yield every list of layer documents inside a layer document, valid or not, with its path within the document."""
    kind = layer_class(document)
    for key in _ALL_INNER_KEYS if kind is None else _marked_keys("inner_layers", kind):
        yield from layer_lists(document.get(key), (key,))


def inner_rank(document: dict[str, Any], rank: int | None) -> int | None:
    """Number of spatial axes of the inner layers, given that of the layer itself."""
    kind = layer_class(document)
    keys = _marked_keys("inner_rank", kind) if kind else ()
    return next(item.metadata["inner_rank"] for item in fields(kind) if item.name in keys) if kind and keys else rank


def parse_layer(document: dict[str, Any], rank: int) -> Layer:
    """Parse a valid layer document.

    Args:
        document: An entry of `layers` that matches the schema.
        rank: Number of spatial axes; a single number applies to all axes.
    """
    kind = LAYERS[document["type"]]
    current = kind.current_document(document)
    items = (item for item in _fields(kind) if item.name in current or item.metadata.get("per_axis"))
    return kind(**{item.name: _parse_field(item, current, rank) for item in items})


@cache
def _fields(kind: type[Layer]) -> tuple[Field[Any], ...]:
    return fields(kind)


def _parse_field(item: Field[Any], document: Mapping[str, Any], rank: int) -> Any:
    value: Any = document.get(item.name)
    if item.metadata.get("inner_layers"):
        return _parse_inner_layers(value, item.metadata.get("inner_rank", rank))
    if "read" in item.metadata:
        return item.metadata["read"](value, rank)
    if item.metadata.get("per_axis"):
        default = document.get(item.metadata["default_field"], item.metadata["default"])
        return _spread_over_axes(default if value is None else value, rank)
    return int(value) if str(item.type).startswith("int") and isinstance(value, float) else value


def _parse_inner_layers(value: Any, rank: int) -> Any:
    """Parse a list of layers, or a list of such lists; null stays null."""
    if isinstance(value, list):
        return tuple(_parse_inner_layers(entry, rank) for entry in value)
    return value if value is None else parse_layer(value, rank)


def _spread_over_axes(value: Any, rank: int) -> Shape:
    return tuple(int(size) for size in value) if isinstance(value, list | tuple) else (int(value),) * rank


def layer_document(layer: Layer) -> dict[str, Any]:
    """Create the document of a layer, with explicit defaults; `parse_layer` reads it back."""
    items = (item for item in fields(layer) if item.metadata.get("in_document", True))
    return {"type": TYPE_NAMES[type(layer)]} | {item.name: _document_value(item, layer) for item in items}


def _document_value(item: Field[Any], layer: Layer) -> Any:
    value = getattr(layer, item.name)
    return item.metadata["write"](value) if "write" in item.metadata else _plain(value)


def _plain(value: Any) -> Any:
    """Convert the value of a field to JSON types."""
    if isinstance(value, Layer):
        return layer_document(value)
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value
