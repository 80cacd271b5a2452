"""Keras classes that are allowed in models from which archnet reads initial weights.

The list covers `keras.applications` and models of standard layers, without Lambda layers and other code. The weights of
each class are counted before Keras opens a file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from typing import Any, Final

from archnet.network.model_classes import CLASSES, NUM_WEIGHTS

_RANKS: Final = ("1D", "2D", "3D")

_OTHER_CLASSES: Final[Mapping[str, Set[str]]] = {
    "keras.layers": {
        *(f"{name}{rank}" for name in ("Cropping", "GlobalMaxPooling", "SpatialDropout") for rank in _RANKS),
        *("Maximum", "Minimum", "Multiply", "Subtract"),
        *("ELU", "GaussianNoise", "Identity", "LeakyReLU", "Permute", "Reshape"),
        *("Normalization", "SeparableConv2D"),
    },
    "keras.src.applications.convnext": {"LayerScale", "StochasticDepth"},
    "keras.src.applications.inception_resnet_v2": {"CustomScaleLayer"},
    "keras.src.ops.numpy": {"Add", "Multiply", "Subtract"},
    "keras.initializers": {
        *("Constant", "GlorotNormal", "HeUniform", "LecunUniform"),
        *("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"),
    },
    "keras.regularizers": {"L1", "L2", "L1L2"},
}

READ_CLASSES: Final[Mapping[str, Set[str]]] = {
    module: {*CLASSES.get(module, ()), *_OTHER_CLASSES.get(module, ())} for module in {**CLASSES, **_OTHER_CLASSES}
}
"""The allowed classes, by module."""


def _separable_weights(value: dict[str, Any]) -> int:
    config, channels = value["config"], value["build_config"]["input_shape"][-1]
    width = channels * config["depth_multiplier"]
    return _whole(math.prod(config["kernel_size"]) * width + (width + bool(config["use_bias"])) * config["filters"])


def _normalization_weights(value: dict[str, Any]) -> int:
    config, shape = value["config"], value["build_config"]["input_shape"]
    if config["mean"] is not None:
        return 0
    axes = config["axis"] if isinstance(config["axis"], list) else [config["axis"]]
    return 2 * _whole(math.prod(shape[axis] for axis in axes if axis is not None))


def _layer_scale_weights(value: dict[str, Any]) -> int:
    return _whole(value["config"]["projection_dim"])


def _whole(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{value!r} is not a number of weights")
    return value


READ_SIZES: Final[Mapping[str, Callable[[dict[str, Any]], int]]] = {
    **NUM_WEIGHTS,
    "LayerScale": _layer_scale_weights,
    "Normalization": _normalization_weights,
    "SeparableConv2D": _separable_weights,
}
"""A function that counts the weights, for each class that has weights."""
