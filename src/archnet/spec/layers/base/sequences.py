"""Sequences of layers: a walk through all inner layers, abbreviations written out, shapes and features behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.base.layer import Layer
from archnet.spec.layers.base.shapes import Grid, Shape


def walk(layers: Iterable[Layer], path: JsonPath = ()) -> Iterator[tuple[JsonPath, Layer]]:
    """Every layer of a sequence and inside its layers, with its JSON path, outer before inner.

    Args:
        layers: The sequence.
        path: JSON path of its list.
    """
    for index, layer in enumerate(layers):
        yield (*path, index), layer
        for inner_path, inner in layer.inner_layers():
            yield from walk(inner, (*path, index, *inner_path))


def expand_repeats(layers: Iterable[Layer]) -> Iterator[Layer]:
    """A sequence with what each abbreviation stands for in its place."""
    for layer in layers:
        yield from layer.expand()


def chain_shape(layers: tuple[Layer, ...], shape: Shape) -> Shape:
    """What a sequence of layers makes of a shape.

    Raises:
        ValueError: A layer does not fit its input.
    """
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def chain_grid(layers: Iterable[Layer], grid: Grid, shape: Shape) -> Grid:
    """The receptive fields of the features after a sequence of layers; see `Layer.propagate_grid`."""
    for layer in layers:
        grid, shape = layer.propagate_grid(grid, shape), layer.output_shape(shape)
    return grid


def is_chain_output_stored(layers: tuple[Layer, ...]) -> bool:
    """Whether the output of a sequence of layers is always stored; see `Layer.is_output_stored`."""
    return not layers or layers[-1].is_output_stored
