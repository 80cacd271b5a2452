"""2D layers of a twin: a 3D network without depth, or a 2D network on the planes of a volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archnet.spec.layers import Shape, inner_documents, inner_rank, parse_layer
from archnet.spec.twins.add_depth import put_inner_layers
from archnet.spec.twins.layer_sizes import Sizes, remove_depth_entries


def remove_depth(layers: Sequence[Sizes], *, writes_arrays: bool) -> list[Sizes]:
    """The 2D form of a sequence of 3D layers. Layers on planes take the place of the layer that extracts the planes.

    Args:
        layers: Valid documents of 3D layers.
        writes_arrays: See `remove_depth_entries`.
    """
    return [plane for layer in layers for plane in _plane_layers(layer, writes_arrays)]


def _plane_layers(document: Sizes, writes_arrays: bool) -> Iterator[Sizes]:
    lists = dict(inner_documents(document))
    if inner_rank(document, None) is not None:
        yield from (layer for inner in lists.values() for layer in inner)
    elif lists:
        planes = {path: remove_depth(inner, writes_arrays=writes_arrays) for path, inner in lists.items()}
        yield put_inner_layers(document, planes)
    else:
        yield remove_depth_entries(document, writes_arrays=writes_arrays)


def wrap_in_views(layers: Sequence[Sizes], shape: Shape) -> tuple[list[Sizes], list[str]]:
    """A 2D network on planes of a volume, and notes on what was added.

    Three orthogonal planes through the center of a cube, or every slice with attention.

    Args:
        layers: Valid documents of 2D layers, the last of which is `T`.
        shape: Spatial shape of the volume.
    """
    *trunk, terminal = layers
    notes = []
    if not any(parse_layer(layer, 2).flattens for layer in trunk):
        trunk.append({"type": "GAP"})
        notes.append("GAP is added before T, because VIEWS needs flat features of each plane.")
    return [{"type": "VIEWS", **_planes(shape), "layers": trunk}, terminal], notes


def _planes(shape: Shape) -> Sizes:
    if shape[2] == 1:
        return {"planes": "axial"}
    return {"planes": "orthogonal"} if len(set(shape)) == 1 else {"planes": "slices", "fuse": "attention"}
