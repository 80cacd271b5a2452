"""The last feature map of a network, which Grad-CAM looks at."""

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
    """The last feature map that all paths from input to output cross; on planes of a volume one for each plane.

    Attributes:
        layer: The layer behind which the map is. It is an object of its own, which stands once among `layers` or
            inside the last of them.
        layers: The layers of the network, repetitions written out.
        shape: Shape of the map with channels; of planes, that of the volume that they are cut from.
        grid: Where the features lie in the input; of planes, where the voxels of that volume lie. See
            `Layer.propagate_grid`.
        planes: The planes; empty where the map is one of the whole input.
        plane_grids: Where the features of each plane lie in the plane.
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
        """Voxels of the network's input that a feature sees along each axis, those in the padding included.

        On planes, voxels of a plane along its two axes, for layers directly on the input.
        """
        return tuple(int(axis.extent) for axis in (self.plane_grids[0] if self.planes else self.grid))


def find_feature_map(layers: Sequence[Layer], shape: Shape) -> FeatureMap | None:
    """The last feature map of a network, if there is one.

    Normalization and activation right behind a map belong to it. Dropout ends it. Maps inside a branch do not count.

    Args:
        layers: The layers of a network, the last of which flattens.
        shape: Of the input, with channels.
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
    """The field of the layers on planes, these with repetitions written out, and which of them makes the last map."""
    (((name, *_), layers),) = layer.inner_layers()
    chain = tuple(expand_repeats(layers))
    index = _last_map(chain)
    return None if index is None else (str(name), chain, index)


def _last_map(chain: tuple[Layer, ...]) -> int | None:
    """Which layer of a chain makes its last map; null where none does."""
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
