"""Shapes and receptive field of every layer of a network, inner layers included."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import NamedTuple

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.base.layer import InnerSequence, Layer
from archnet.spec.layers.base.shapes import AxisGrid, Grid, Shape, input_grid
from archnet.spec.layers.planned_layer import PlannedLayer

_Span = tuple[tuple[float, float], ...]
"""The first and the last voxel of a part of the network's input, along each of its axes."""


class LayerField(NamedTuple):
    """One layer in a network with a known input shape, in one of its repetitions, and what its output depends on.

    Attributes:
        planned: The layer with its location and shapes; also one that only abbreviates its inner layers.
        receptive_field: Voxels of the network's input, along each of its axes, on which one output voxel depends,
            including padding; null for a flat output. Attention and normalization over the map extend it to the part
            of the input that the map covers. Layers on planes have that of the first plane, which is one slice.
    """

    planned: PlannedLayer
    receptive_field: Shape | None


class _Place(NamedTuple):
    """The place of a sequence of layers: its path, the enclosing repetitions, its planes, and the network's input."""

    path: JsonPath
    repeat: tuple[int, ...]
    num_planes: int
    limits: Shape


class _Features(NamedTuple):
    """The features between two layers.

    Attributes:
        shape: Their shape, with channels.
        grid: The receptive field of each; see `Layer.propagate_grid`.
        crossed: For features on planes: the axis of the volume that the first plane crosses, and the part of the input
            on which the plane depends along it.
        span: The part of the input on which each of them depends through attention, in addition.
    """

    shape: Shape
    grid: Grid
    crossed: tuple[int, AxisGrid] | None = None
    span: _Span | None = None

    def covered(self, limits: Shape) -> _Span:
        """The part of the network's input on which all features together depend, without padding."""
        lengths = list(self.shape[:-1])
        if self.crossed:
            lengths.insert(self.crossed[0], 1)
        ends = (
            (axis.first, axis.last + (length - 1) * axis.step)
            for axis, length in zip(self._axes(), lengths, strict=True)
        )
        return tuple((max(low, 0), min(high, limit - 1)) for (low, high), limit in zip(ends, limits, strict=True))

    def receptive_field(self) -> Shape | None:
        """See `LayerField`."""
        if not self.grid:
            return None
        sizes = [int(axis.extent) for axis in self._axes()]
        if self.span:
            sizes = [max(size, int(high - low + 1)) for size, (low, high) in zip(sizes, self.span, strict=True)]
        return tuple(sizes)

    def _axes(self) -> list[AxisGrid]:
        axes = list(self.grid)
        if self.crossed:
            axes.insert(*self.crossed)
        return axes


def receptive_fields(layers: tuple[Layer, ...], path: JsonPath, shape: Shape) -> Iterator[LayerField]:
    """Yield every layer in the order of computation, repetitions expanded; inner layers precede the one around them.

    Args:
        layers: The layers of a network, or its first ones.
        path: JSON path of their list.
        shape: Shape of the network's input, with channels.

    Raises:
        ValueError: A layer does not fit its input; those before it have been yielded.
    """
    start = _Features(shape, input_grid(len(shape) - 1))
    yield from _walk_sequence(layers, _Place(path, (), 1, shape[:-1]), start)


def _walk_sequence(
    layers: tuple[Layer, ...], place: _Place, features: _Features
) -> Generator[LayerField, None, _Features]:
    """Yield the layers of a sequence, and return the features after the last."""
    for index, layer in enumerate(layers):
        path = (*place.path, index)
        spans = yield from _walk_inner(layer, place._replace(path=path), features)
        after = _features_after(layer, features, spans, place.limits)
        planned = PlannedLayer(
            path=path,
            repeat=place.repeat,
            num_planes=place.num_planes,
            layer=layer,
            input_shape=features.shape,
            output_shape=after.shape,
        )
        yield LayerField(planned, after.receptive_field())
        features = after
    return features


def _walk_inner(layer: Layer, place: _Place, features: _Features) -> Generator[LayerField, None, list[_Span]]:
    """Yield the layers inside a layer, and return the parts of the input that attention in them covers."""
    spans: list[_Span] = []
    grids: Iterator[Grid] = iter(())
    for number, sequence in enumerate(layer.inner_sequences(features.shape)):
        grids = grids if number else layer.inner_grids(features.grid, features.shape)
        inner = _inner_features(layer, sequence, features, next(grids))
        repeat = place.repeat if sequence.repetition is None else (*place.repeat, sequence.repetition)
        inner_place = _Place(
            (*place.path, *sequence.path), repeat, place.num_planes * sequence.num_planes, place.limits
        )
        end = yield from _walk_sequence(sequence.layers, inner_place, inner)
        spans += [end.span] if end.span else []
    return spans


def _inner_features(layer: Layer, sequence: InnerSequence, features: _Features, grid: Grid) -> _Features:
    """The input of the layers inside a layer."""
    inner = features._replace(shape=sequence.input_shape, grid=grid)
    planes = layer.volume_planes(features.shape)
    if not planes:
        return inner
    (crossed,) = planes[0].axes
    axis, position = features.grid[crossed], planes[0].position(features.shape)
    part = AxisGrid(axis.first + position * axis.step, axis.last + position * axis.step, axis.step)
    return inner._replace(crossed=(crossed, part))


def _features_after(layer: Layer, features: _Features, spans: list[_Span], limits: Shape) -> _Features:
    """The features after a layer.

    Args:
        layer: The layer.
        features: Its input.
        spans: The parts of the input that attention in its inner layers covers.
        limits: Spatial shape of the network's input.
    """
    shape = layer.output_shape(features.shape)
    grid = layer.propagate_grid(features.grid, features.shape)
    after = _Features(shape, grid, features.crossed, features.span)
    if not grid:
        return after
    if layer.sees_whole_input and not spans:
        spans = [after.covered(limits)]
    known = [*spans, *([features.span] if features.span else [])]
    return after._replace(span=_union(known)) if known else after


def _union(spans: list[_Span]) -> _Span:
    axes = zip(*spans, strict=True)
    return tuple((min(low for low, _ in axis), max(high for _, high in axis)) for axis in axes)
