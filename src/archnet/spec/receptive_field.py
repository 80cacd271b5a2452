"""Where the features that explain a network lie in its input."""

from __future__ import annotations

from archnet.spec.arch import Arch
from archnet.spec.layers import Grid, Layer, Shape, chain_grid, written_out


def feature_layers(arch: Arch) -> tuple[Layer, ...]:
    """The layers up to the last feature map, repetitions written out; empty where no layer makes one.

    Normalization and activation right behind that map belong to it. Dropout ends it.
    """
    layers = tuple(written_out(arch.layers))
    makers = [index for index, layer in enumerate(layers) if layer.traits.feature_map == "new"]
    if not makers:
        return ()
    last = makers[-1]
    while layers[last + 1].traits.feature_map == "same" and not any(layers[last].percentages().values()):
        last += 1
    return layers[: last + 1]


def feature_grid(arch: Arch, input_shape: Shape) -> Grid | None:
    """Start and step of the last feature map along each axis; null where there is none. See `Layer.propagate_grid`.

    Args:
        arch: The architecture.
        input_shape: Spatial, with or without channels.
    """
    layers = feature_layers(arch)
    return chain_grid(layers, ((0.0, 1.0),) * arch.rank, arch.full_input_shape(input_shape)) if layers else None
