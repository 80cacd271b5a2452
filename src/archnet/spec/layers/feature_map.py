"""The last feature map of a network, for Grad-CAM and the receptive field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from archnet.spec.layers.base.layer import Layer
from archnet.spec.layers.base.planes import Plane
from archnet.spec.layers.base.sequences import chain_grid, chain_shape, expand_repeats
from archnet.spec.layers.base.shapes import Grid, Shape, input_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMap:
    """The last feature map on all paths from input to output; on planes of a volume, one for each plane.

    Attributes:
        layer: The layer whose output is the map, as a separate object that occurs once in `layers` or
            inside the last of them.
        layers: The layers of the network, with repetitions expanded.
        shape: Shape of the map with channels; for planes, the shape of the volume from which they are extracted.
        grid: The receptive fields of the features; for planes, those of the voxels of that volume. See
            `Layer.propagate_grid`.
        planes: The planes; empty if the map covers the whole input.
        plane_grids: By plane, the receptive fields of the features in the plane.
        sees_whole_input: Whether each feature also depends on the rest of the input, through attention or a
            normalization over the map.
    """

    layer: Layer
    layers: tuple[Layer, ...]
    shape: Shape
    grid: Grid
    planes: tuple[Plane, ...] = ()
    plane_grids: tuple[Grid, ...] = ()
    sees_whole_input: bool = False

    @property
    def receptive_field(self) -> Shape:
        """Size of the receptive field along each axis of the network's input, in voxels, including padding.

        For planes directly on the input, the size along the two axes of a plane.
        """
        return tuple(int(axis.extent) for axis in (self.plane_grids[0] if self.planes else self.grid))


def find_feature_map(layers: Sequence[Layer], shape: Shape) -> FeatureMap | None:
    """The last feature map of a network, if there is one.

    Normalization and activation directly after a map belong to it; dropout does not. Maps inside a branch do not count.

    Args:
        layers: The layers of a network, the last of which flattens.
        shape: Shape of the input, with channels.
    """
    chain = tuple(expand_repeats(layers))
    maps = tuple(takewhile(lambda layer: not layer.flattens, chain))
    start = input_grid(len(shape) - 1)
    grid, shape_behind = chain_grid(maps, start, shape), chain_shape(maps, shape)
    first_flat = chain[len(maps)]
    if (planes := first_flat.volume_planes(shape_behind)) and (inner := _map_of_planes(first_flat)):
        name, plane_layers, index = inner
        layer = replace(plane_layers[index])
        holder = replace(first_flat, **{name: _put(plane_layers, index, layer)})
        grids = tuple(chain_grid(plane_layers[: index + 1], start[1:], plane.shape(shape_behind)) for plane in planes)
        return FeatureMap(
            layer=layer,
            layers=_put(chain, len(maps), holder),
            shape=shape_behind,
            grid=grid,
            planes=planes,
            plane_grids=grids,
            sees_whole_input=any(layer.sees_whole_input for layer in (*maps, *plane_layers[: index + 1])),
        )
    last = _last_map(chain)
    if last is None:
        return None
    layer, maps = replace(chain[last]), chain[: last + 1]
    return FeatureMap(
        layer=layer,
        layers=_put(chain, last, layer),
        shape=chain_shape(maps, shape),
        grid=chain_grid(maps, start, shape),
        sees_whole_input=any(layer.sees_whole_input for layer in maps),
    )


def _map_of_planes(layer: Layer) -> tuple[str, tuple[Layer, ...], int] | None:
    """The field of the layers on planes, these layers expanded, and the index of the one with the last map."""
    (((name, *_), layers),) = layer.inner_layers()
    chain = tuple(expand_repeats(layers))
    index = _last_map(chain)
    return None if index is None else (str(name), chain, index)


def _last_map(chain: tuple[Layer, ...]) -> int | None:
    """The index of the layer with the last feature map of a chain; null if there is none."""
    maps = takewhile(lambda layer: not layer.flattens, chain)
    makers = [index for index, layer in enumerate(maps) if layer.traits.feature_map == "new"]
    if not makers:
        return None
    last = makers[-1]
    while chain[last + 1].traits.feature_map == "same" and not any(chain[last].percentages().values()):
        last += 1
    return last


def _put(chain: tuple[Layer, ...], index: int, layer: Layer) -> tuple[Layer, ...]:
    return (*chain[:index], layer, *chain[index + 1 :])
