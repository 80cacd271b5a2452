"""The Keras classes that a file model.keras may name, and how many weights each needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from archnet.network.build.builder import POSITION_EQUATIONS, SCALE_EQUATIONS

CLASSES: Final = {
    "keras.src.models.functional": {"Functional"},
    "keras": {"Sequential", "DTypePolicy"},
    "keras.layers": {
        "InputLayer",
        "Conv2D",
        "Conv3D",
        "DepthwiseConv2D",
        "ZeroPadding2D",
        "ZeroPadding3D",
        "MaxPooling2D",
        "MaxPooling3D",
        "AveragePooling2D",
        "AveragePooling3D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
        "GlobalMaxPooling2D",
        "GlobalMaxPooling3D",
        "Cropping2D",
        "Cropping3D",
        "Dense",
        "EinsumDense",
        "Flatten",
        "Dropout",
        "BatchNormalization",
        "GroupNormalization",
        "LayerNormalization",
        "Activation",
        "Add",
        "Average",
        "Concatenate",
        "Dot",
        "GlobalAveragePooling1D",
        "GlobalMaxPooling1D",
        "Multiply",
        "Rescaling",
        "ReLU",
        "Softmax",
    },
    "keras.src.ops.numpy": {
        "GetItem",
        "Matmul",
        "Max",
        "Mean",
        "OnesLike",
        "Reshape",
        "Stack",
        "Sum",
        "Transpose",
    },
    "keras.initializers": {
        "HeNormal",
        "LecunNormal",
        "GlorotUniform",
        "VarianceScaling",
        "RandomNormal",
        "Constant",
        "Zeros",
        "Ones",
    },
}
"""The Keras classes that `build` and `build_ensemble` use, by module."""

Sizes = Mapping[str, Callable[[dict[str, Any]], int]]
"""By Keras class, a function that counts the weights of a layer from its entry in config.json."""


def _batch_norm_weights(value: dict[str, Any]) -> int:
    return 2 * _num_channels(value) + _norm_weights(value)


def _norm_weights(value: dict[str, Any]) -> int:
    return (_flag(value, "scale") + _flag(value, "center")) * _num_channels(value)


def _dense_weights(value: dict[str, Any]) -> int:
    return (_num_channels(value) + _flag(value, "use_bias")) * _count(value["config"]["units"])


def _convolution_weights(value: dict[str, Any]) -> int:
    channels, groups = _num_channels(value), _count(value["config"]["groups"])
    if channels % groups:
        raise ValueError(f"{channels} channels are not divisible into {groups} groups")
    return (_kernel_size(value) * (channels // groups) + _flag(value, "use_bias")) * _count(value["config"]["filters"])


def _depthwise_weights(value: dict[str, Any]) -> int:
    num_output = _num_channels(value) * _count(value["config"]["depth_multiplier"])
    return (_kernel_size(value) + _flag(value, "use_bias")) * num_output


def _einsum_weights(value: dict[str, Any]) -> int:
    equation = value["config"]["equation"]
    if equation in POSITION_EQUATIONS.values() and value["config"]["bias_axes"] is None:
        return math.prod(map(_count, value["config"]["output_shape"]))
    if equation not in SCALE_EQUATIONS.values() or value["config"]["bias_axes"] is not None:
        raise ValueError("the layer is not a weight for each channel, or for each voxel and channel")
    return _num_channels(value)


def _kernel_size(value: dict[str, Any]) -> int:
    return math.prod(map(_count, value["config"]["kernel_size"]))


def _flag(value: dict[str, Any], key: str) -> bool:
    if type(value["config"][key]) is not bool:
        raise ValueError(f"{key} is not a boolean")
    return bool(value["config"][key])


NUM_WEIGHTS: Final[dict[str, Callable[[dict[str, Any]], int]]] = {
    "BatchNormalization": _batch_norm_weights,
    "Conv2D": _convolution_weights,
    "Conv3D": _convolution_weights,
    "Dense": _dense_weights,
    "DepthwiseConv2D": _depthwise_weights,
    "EinsumDense": _einsum_weights,
    "GroupNormalization": _norm_weights,
    "LayerNormalization": _norm_weights,
}
"""The number of weights of each Keras class that has any; Keras builds it for the input that `build_config` gives."""


def _num_channels(value: dict[str, Any]) -> int:
    return _count(value["build_config"]["input_shape"][-1])


def _count(value: Any) -> int:
    """A number that must be a positive whole number."""
    if type(value) is not int or value < 1:
        raise ValueError(f"{value!r} is not a number of weights")
    return value
