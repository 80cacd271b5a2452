"""The weights of a layer are counted from its entry in a file as Keras makes them, and what cannot be counted is refused."""

import json
import re

import keras
import pytest
from keras.src.applications.convnext import LayerScale

from archnet.network.initialization.foreign_classes import READ_SIZES

layers = keras.layers
FLAT, VOLUME = (None, 8, 8, 6), (None, 8, 8, 4, 6)

LAYERS = {
    "batch norm": (layers.BatchNormalization(), FLAT),
    "batch norm without scale": (layers.BatchNormalization(scale=False), FLAT),
    "batch norm without center and scale": (layers.BatchNormalization(scale=False, center=False), FLAT),
    "layer norm": (layers.LayerNormalization(), VOLUME),
    "layer norm without center": (layers.LayerNormalization(center=False), FLAT),
    "group norm": (layers.GroupNormalization(3), FLAT),
    "group norm without scale": (layers.GroupNormalization(3, scale=False), FLAT),
    "convolution": (layers.Conv2D(5, (3, 2)), FLAT),
    "convolution without bias": (layers.Conv2D(5, 3, use_bias=False), FLAT),
    "grouped convolution": (layers.Conv2D(4, 3, groups=2), FLAT),
    "3d convolution": (layers.Conv3D(5, (3, 2, 1)), VOLUME),
    "depthwise": (layers.DepthwiseConv2D((3, 2), depth_multiplier=2), FLAT),
    "depthwise without bias": (layers.DepthwiseConv2D(3, use_bias=False), FLAT),
    "separable": (layers.SeparableConv2D(5, (3, 2), depth_multiplier=2), FLAT),
    "separable without bias": (layers.SeparableConv2D(5, 3, use_bias=False), FLAT),
    "dense": (layers.Dense(7), FLAT),
    "dense without bias": (layers.Dense(7, use_bias=False), FLAT),
    "layer scale": (LayerScale(1.0, 6), FLAT),
    "normalization": (layers.Normalization(), FLAT),
    "normalization of two axes": (layers.Normalization(axis=[1, -1]), FLAT),
    "normalization of all values": (layers.Normalization(axis=None), FLAT),
    "normalization with given statistics": (layers.Normalization(mean=1.0, variance=2.0), FLAT),
}


def entry(layer, shape):
    """The entry of a layer in config.json, after it was built."""
    layer.build(shape)
    return json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))


def num_arrays_weights(layer):
    """The weights that an h5 file would hold, without the integer count of Normalization."""
    return sum(weight.numpy().size for weight in layer.weights if weight.dtype.startswith("float"))


@pytest.mark.parametrize("name", LAYERS)
def test_weights_are_counted_as_keras_makes_them(name):
    layer, shape = LAYERS[name]
    value = entry(layer, shape)
    assert READ_SIZES[type(layer).__name__](value) == num_arrays_weights(layer)


@pytest.mark.parametrize(
    ("layer", "change", "problem"),
    [
        (layers.Conv2D(4, 3, groups=2), {"groups": 4}, "6 channels are not divisible into 4 groups"),
        (layers.Conv2D(4, 3), {"groups": 0}, "0 is not a number of weights"),
        (layers.Conv2D(4, 3), {"filters": True}, "True is not a number of weights"),
        (layers.Conv2D(4, 3), {"kernel_size": [3, 1.5]}, "1.5 is not a number of weights"),
        (layers.Conv2D(4, 3), {"use_bias": 1}, "use_bias is not a boolean"),
        (layers.Dense(4), {"units": -3}, "-3 is not a number of weights"),
        (layers.BatchNormalization(), {"scale": None}, "scale is not a boolean"),
        (layers.DepthwiseConv2D(3), {"depth_multiplier": 0}, "0 is not a number of weights"),
        (layers.SeparableConv2D(4, 3), {"depth_multiplier": 0.5}, "43.0 is not a number of weights"),
        (LayerScale(1.0, 6), {"projection_dim": 0}, "0 is not a number of weights"),
    ],
)
def test_what_is_no_number_of_weights_is_refused(layer, change, problem):
    value = entry(layer, FLAT)
    value["config"] |= change
    with pytest.raises(ValueError, match=rf"{re.escape(problem)}$"):
        READ_SIZES[type(layer).__name__](value)
