"""Sequences of layers: traversal, expansion of abbreviations, output shapes and receptive fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.base.layer import Layer
from archnet.spec.layers.base.shapes import Grid, Shape


def walk(layers: Iterable[Layer], path: JsonPath = ()) -> Iterator[tuple[JsonPath, Layer]]:
    """Yield every layer of a sequence and its inner layers, with JSON paths, outer before inner.

    Args:
        layers: The sequence.
        path: JSON path of its list.
    """
    for index, layer in enumerate(layers):
        yield (*path, index), layer
        for inner_path, inner in layer.inner_layers():
            yield from walk(inner, (*path, index, *inner_path))


def expand_repeats(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Expand the abbreviations in a sequence."""
    for layer in layers:
        yield from layer.expand()


def chain_shape(layers: tuple[Layer, ...], shape: Shape) -> Shape:
    """Output shape of a sequence of layers.

    Raises:
        ValueError: A layer does not fit its input.
    """
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def chain_grid(layers: Iterable[Layer], grid: Grid, shape: Shape) -> Grid:
    """Receptive fields of the features after a sequence of layers; see `Layer.propagate_grid`."""
    for layer in layers:
        grid, shape = layer.propagate_grid(grid, shape), layer.output_shape(shape)
    return grid


def is_chain_output_stored(layers: tuple[Layer, ...]) -> bool:
    """Whether the output of a sequence of layers is always stored; see `Layer.is_output_stored`."""
    return not layers or layers[-1].is_output_stored
