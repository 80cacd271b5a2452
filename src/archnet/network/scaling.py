"""Scaling inside the model: the saved model maps raw values to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, repeat, takewhile
from typing import Any

import keras
import numpy as np

from archnet.spec.experiment import Range
from archnet.spec.layers import Shape
from archnet.spec.view import InputLimits

Tensor = Any


def build_scaling(limits: InputLimits, input_shape: Shape) -> keras.Model:
    """Built-in layers without weights that map raw values linearly from the limits to [0, 1], and clip them.

    Args:
        limits: Raw values that are mapped to 0 and 1; with several windows, all data channels repeat per window.
        input_shape: Shape of the raw values, channels last; see `raw_input_shape`.
    """
    if limits.num_windows == 1:
        (window,) = limits.windows
        return keras.Sequential([_rescaling(window), keras.layers.ReLU(max_value=1.0)], name="scaling")
    inputs = keras.Input(input_shape, name="raw_images")
    channels = [
        keras.layers.ReLU(max_value=1.0)(_rescaling(window, _window_name(number))(inputs))
        for number, window in enumerate(limits.windows)
    ]
    return keras.Model(inputs, keras.layers.Concatenate()(channels), name="scaling")


def _rescaling(window: tuple[Range, ...], name: str | None = None) -> keras.layers.Rescaling:
    scale = [1 / (high - low) for low, high in window]
    offset = [-low / (high - low) for low, high in window]
    is_uniform = len(window) == 1
    return keras.layers.Rescaling(
        scale[0] if is_uniform else scale, offset=offset[0] if is_uniform else offset, name=name
    )


def raw_input_shape(network: keras.Model, limits: InputLimits) -> Shape:
    """Shape of the raw values of a case, channels last, that are scaled to the input of a network."""
    *sizes, num_channels = network.input_shape[1:]
    return (*sizes, num_channels // limits.num_windows)


def input_limits(model: keras.Model) -> InputLimits:
    """Read the raw values that a model from `build_inference_model` maps to 0 and 1."""
    layers = {layer.name: layer for layer in model.get_layer("scaling").layers}
    first, *others = (layer for layer in layers.values() if isinstance(layer, keras.layers.Rescaling))
    rescalings = [layers[_window_name(number)] for number in range(1 + len(others))] if others else [first]
    return InputLimits(windows=tuple(map(_window, rescalings)))


def _window_name(number: int) -> str:
    return f"window_{number}"


def _window(rescaling: keras.layers.Rescaling) -> tuple[Range, ...]:
    scales, offsets = np.atleast_1d(rescaling.scale).tolist(), np.atleast_1d(rescaling.offset).tolist()
    lows = [-offset / scale for scale, offset in zip(scales, offsets, strict=True)]
    ends = [(low, low + 1 / scale) for low, scale in zip(lows, scales, strict=True)]
    return tuple((round(low, 6) + 0.0, round(high, 6) + 0.0) for low, high in ends)  # -0.0 becomes 0.0


def build_inference_model(network: keras.Model, limits: InputLimits) -> keras.Model:
    """Build the model that is saved; it maps raw values to class probabilities and shares the network's weights.

    Args:
        network: Result of `build`.
        limits: Raw values that are mapped to 0 and 1, such as the HU window.

    Returns:
        (N, *raw_input_shape) raw values -> (N, classes) probabilities; [1 - p, p] where T is "sigmoid".
    """
    inputs = keras.Input(raw_input_shape(network, limits), name="images")
    scaled = build_scaling(limits, inputs.shape[1:])(inputs)
    return keras.Model(inputs, _probabilities(network, scaled, "probabilities"), name=network.name)


def build_ensemble(networks: Sequence[keras.Model], limits: InputLimits) -> keras.Model:
    """Build the model that is saved for several networks of one architecture: it averages their probabilities.

    Args:
        networks: Results of `build` for one architecture; a single one gives its `build_inference_model`.
        limits: Raw values that are mapped to 0 and 1, such as the HU window.

    Returns:
        (N, *raw_input_shape) raw values -> (N, classes) probabilities.
    """
    first, *others = networks
    if not others:
        return build_inference_model(first, limits)
    inputs = keras.Input(raw_input_shape(first, limits), name="images")
    scaled = build_scaling(limits, inputs.shape[1:])(inputs)
    members = [
        keras.Model(network.input, network.output, name=_member_name(first.name, number))
        for number, network in enumerate(networks, start=1)
    ]
    probabilities = [_probabilities(member, scaled, _output_name(member.name)) for member in members]
    outputs = keras.layers.Average(name="probabilities", dtype="float32")(probabilities)
    return keras.Model(inputs, outputs, name=first.name)


def member_networks(model: keras.Model) -> list[keras.Model]:
    """Find the networks in a model from `build_ensemble`, in their order; one if the model is no ensemble."""
    layers = {layer.name: layer for layer in model.layers}
    if model.name in layers:
        return [layers[model.name]]
    names = map(_member_name, repeat(model.name), count(1))
    return [layers[name] for name in takewhile(layers.__contains__, names)]


def member_models(model: keras.Model) -> list[keras.Model]:
    """Split a model from `build_ensemble` into one model for each member: raw values -> (N, classes) probabilities."""
    networks = member_networks(model)
    if len(networks) == 1:
        return [model]
    outputs = [model.get_layer(_output_name(network.name)).output for network in networks]
    return [
        keras.Model(model.input, output, name=network.name) for network, output in zip(networks, outputs, strict=True)
    ]


def _output_name(name: str) -> str:
    return f"{name}_probabilities"


def _member_name(name: str, number: int) -> str:
    return f"{name}_{number}"


def _probabilities(network: keras.Model, scaled: Tensor, name: str) -> Tensor:
    return keras.layers.Softmax(name=name, dtype="float32")(two_logits(network(scaled)))


def two_logits(logits: Tensor) -> Tensor:
    """Convert a single logit z to the pair (0, z), whose softmax is [1 - sigmoid(z), sigmoid(z)]; keep other logits."""
    if logits.shape[-1] > 1:
        return logits
    return keras.layers.Concatenate()([keras.layers.Rescaling(0.0)(logits), logits])
