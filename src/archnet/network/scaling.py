"""Scaling inside the model: the saved model takes raw values and gives probabilities."""

from __future__ import annotations

from typing import Any

import keras

Tensor = Any


def build_scaling(limits: tuple[float, float]) -> keras.Sequential:
    """Built-in layers without weights that map limits to [0, 1] and clip, so that a saved model takes raw values."""
    low, high = limits
    return keras.Sequential(
        [keras.layers.Rescaling(1 / (high - low), offset=-low / (high - low)), keras.layers.ReLU(max_value=1.0)],
        name="scaling",
    )


def input_limits(model: keras.Model) -> tuple[float, float]:
    """The raw values that a model from `build_inference_model` maps to 0 and 1."""
    rescaling = model.get_layer("scaling").layers[0]
    low = -rescaling.offset / rescaling.scale
    return round(low, 6), round(low + 1 / rescaling.scale, 6)


def build_inference_model(network: keras.Model, limits: tuple[float, float]) -> keras.Model:
    """The model that is saved: raw values in, class probabilities out, sharing the network's weights.

    Args:
        network: What `build` returns.
        limits: Raw values that become 0 and 1, such as the HU window.

    Returns:
        (N, *input_shape) raw values -> (N, classes) probabilities; [1 - p, p] where T is "sigmoid".
    """
    inputs = keras.Input(network.input_shape[1:], name="images")
    logits = two_logits(network(build_scaling(limits)(inputs)))
    outputs = keras.layers.Softmax(name="probabilities", dtype="float32")(logits)
    return keras.Model(inputs, outputs, name=network.name)


def two_logits(logits: Tensor) -> Tensor:
    """A single logit z as the pair (0, z), whose softmax is [1 - sigmoid(z), sigmoid(z)]; others as they are."""
    if logits.shape[-1] > 1:
        return logits
    return keras.layers.Concatenate()([keras.layers.Rescaling(0.0)(logits), logits])
