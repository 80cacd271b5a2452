"""Where the last convolution's features lie in a network's input."""

from __future__ import annotations

from collections.abc import Iterator

from archnet.spec.arch import Arch
from archnet.spec.layers import Convolution, Layer, Pooling, Repeat, Residual, Shape

AxisGrid = tuple[float, float]


def feature_grid(arch: Arch, input_shape: Shape) -> tuple[AxisGrid, ...] | None:
    """Start and step along each axis: feature i is centred on the input's voxel `start + i * step`.

    The centre of what a feature sees, through strides, dilations and padding (Araujo et al. 2019,
    doi:10.23915/distill.00021); through a residual block along its inner layers. Null where nothing is a convolution.

    Args:
        arch: Its last convolution, or the residual block that this stands in, counts.
        input_shape: Spatial, with or without channels.
    """
    layers = list(_expand_repeats(arch.layers))
    indices = [number for number, layer in enumerate(layers, start=1) if isinstance(layer, Convolution | Residual)]
    if not indices:
        return None
    grid, shape = ((0.0, 1.0),) * arch.rank, arch.full_input_shape(input_shape)
    for layer in layers[: indices[-1]]:
        grid, shape = _propagate(layer, grid, shape)
    return grid


def _expand_repeats(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """The layers with every repetition written out."""
    for layer in layers:
        if isinstance(layer, Repeat):
            yield from _expand_repeats(layer.layers * layer.times)
        else:
            yield layer


def _propagate(layer: Layer, grid: tuple[AxisGrid, ...], shape: Shape) -> tuple[tuple[AxisGrid, ...], Shape]:
    output = layer.output_shape(shape)
    if isinstance(layer, Residual):
        for inner in _expand_repeats(layer.layers):
            grid, shape = _propagate(inner, grid, shape)
    elif isinstance(layer, Convolution | Pooling):
        dilation = layer.dilation if isinstance(layer, Convolution) else (1,) * len(grid)
        kernel_extents = [(size - 1) * gap + 1 for size, gap in zip(layer.kernel_size, dilation, strict=True)]
        paddings = [
            max((after - 1) * stride + width - length, 0) // 2 if layer.padding == "same" else 0
            for after, stride, width, length in zip(output, layer.stride, kernel_extents, shape, strict=False)
        ]
        grid = tuple(
            (start + step * ((width - 1) / 2 - padding), step * stride)
            for (start, step), width, padding, stride in zip(grid, kernel_extents, paddings, layer.stride, strict=True)
        )
    return grid, output
