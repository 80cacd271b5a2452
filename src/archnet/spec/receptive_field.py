"""Where the last convolution's features lie in a network's input."""

from __future__ import annotations

from collections.abc import Iterator

from archnet.spec.arch import Arch
from archnet.spec.layers import Convolution, Layer, Pooling, Repeat, Residual, Shape

Axis = tuple[float, float]


def feature_places(arch: Arch, input_shape: Shape) -> tuple[Axis, ...] | None:
    """Start and step along each axis: feature i is centred on the input's voxel `start + i * step`.

    The centre of what a feature sees, through strides, dilations and padding (Araujo et al. 2019,
    doi:10.23915/distill.00021); through a residual block along its inner layers. Null where nothing is a convolution.

    Args:
        arch: Its last convolution, or the residual block that this stands in, counts.
        input_shape: Spatial, with or without channels.
    """
    layers = list(_written_out(arch.layers))
    ends = [number for number, layer in enumerate(layers, start=1) if isinstance(layer, Convolution | Residual)]
    if not ends:
        return None
    places, shape = ((0.0, 1.0),) * arch.rank, arch.full_input_shape(input_shape)
    for layer in layers[: ends[-1]]:
        places, shape = _after(layer, places, shape)
    return places


def _written_out(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """The layers with every repetition written out."""
    for layer in layers:
        if isinstance(layer, Repeat):
            yield from _written_out(layer.layers * layer.times)
        else:
            yield layer


def _after(layer: Layer, places: tuple[Axis, ...], shape: Shape) -> tuple[tuple[Axis, ...], Shape]:
    output = layer.output_shape(shape)
    if isinstance(layer, Residual):
        for inner in _written_out(layer.layers):
            places, shape = _after(inner, places, shape)
    elif isinstance(layer, Convolution | Pooling):
        dilation = layer.dilation if isinstance(layer, Convolution) else (1,) * len(places)
        reach = [(size - 1) * gap + 1 for size, gap in zip(layer.kernel_size, dilation, strict=True)]
        before = [
            max((after - 1) * stride + width - length, 0) // 2 if layer.padding == "same" else 0
            for after, stride, width, length in zip(output, layer.stride, reach, shape, strict=False)
        ]
        places = tuple(
            (start + step * ((width - 1) / 2 - padded), step * stride)
            for (start, step), width, padded, stride in zip(places, reach, before, layer.stride, strict=True)
        )
    return places, output
