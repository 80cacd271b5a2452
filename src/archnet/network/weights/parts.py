"""The weights of a Keras layer, in a form that is the same for equivalent layer classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import keras

PREPROCESSING: Final = ("Rescaling", "Normalization")
"""Keras preprocessing layers, whose weights are not trained."""

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One linear map, normalization or scale of a network.

    Attributes:
        layer: The Keras layer that contains it; a separable convolution contains two parts.
        kind: Parts of one kind have the same meaning: "kernel" (convolutions and dense layers), "scale" (a factor for
            each channel), or the name of the layer's class.
        variables: Its variables by name.
        shapes: Their normalized shapes: a kernel is (*window, inputs of a group, outputs), and
            the kernel of a 1x1 convolution has the shape of a dense layer's.
        is_grouped: Whether each output of the kernel depends on only some input channels.
    """

    layer: keras.layers.Layer
    kind: str
    variables: Mapping[str, keras.Variable]
    shapes: Mapping[str, Shape]
    is_grouped: bool = False

    @property
    def window(self) -> Shape:
        """The spatial shape of the kernel; empty for a dense layer or without a kernel."""
        return tuple(self.variables["kernel"].shape[:-2]) if self.kind == "kernel" else ()


def layer_parts(layer: keras.layers.Layer) -> list[Part]:
    """The parts of a layer in the order of computation; empty if it has no weights."""
    name = type(layer).__name__
    if name in PREPROCESSING or not layer.weights:
        return []
    return _PARTS.get(name, _other_parts)(layer)


def _convolution_parts(layer: Any) -> list[Part]:
    return [_kernel_part(layer, layer.kernel, layer.bias)]


def _depthwise_parts(layer: Any) -> list[Part]:
    return [_kernel_part(layer, layer.kernel, layer.bias, is_depthwise=True)]


def _separable_parts(layer: Any) -> list[Part]:
    return [
        _kernel_part(layer, layer.depthwise_kernel, None, is_depthwise=True),
        _kernel_part(layer, layer.pointwise_kernel, layer.bias),
    ]


def _kernel_part(layer: keras.layers.Layer, kernel: Any, bias: Any, *, is_depthwise: bool = False) -> Part:
    *window, inputs, outputs = kernel.shape
    channels = (1, inputs * outputs) if is_depthwise else (inputs, outputs)
    shapes: dict[str, Shape] = {"kernel": (*(window if math.prod(window) > 1 else ()), *channels)}
    variables = {"kernel": kernel}
    if bias is not None:
        variables["bias"], shapes["bias"] = bias, tuple(bias.shape)
    is_grouped = is_depthwise or getattr(layer, "groups", 1) > 1
    return Part(layer=layer, kind="kernel", variables=variables, shapes=shapes, is_grouped=is_grouped)


def _einsum_parts(layer: Any) -> list[Part]:
    if len(layer.kernel.shape) > 1 or layer.bias is not None:
        return _other_parts(layer)
    return _scale_part(layer, layer.kernel)


def _layer_scale_parts(layer: Any) -> list[Part]:
    return _scale_part(layer, layer.gamma)


def _scale_part(layer: keras.layers.Layer, scale: Any) -> list[Part]:
    return [Part(layer=layer, kind="scale", variables={"scale": scale}, shapes={"scale": tuple(scale.shape)})]


def _other_parts(layer: keras.layers.Layer) -> list[Part]:
    variables = {variable.name: variable for variable in layer.weights if variable.dtype != "uint32"}
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    return [Part(layer=layer, kind=type(layer).__name__, variables=variables, shapes=shapes)] if variables else []


_PARTS: Final[Mapping[str, Callable[[Any], list[Part]]]] = {
    "Conv1D": _convolution_parts,
    "Conv2D": _convolution_parts,
    "Conv3D": _convolution_parts,
    "DepthwiseConv2D": _depthwise_parts,
    "SeparableConv2D": _separable_parts,
    "Dense": _convolution_parts,
    "EinsumDense": _einsum_parts,
    "LayerScale": _layer_scale_parts,
}
