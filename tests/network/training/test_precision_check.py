"""Layers that a device computes incorrectly in fewer bits are found by comparison with float32."""

import logging
import re

import keras
import numpy as np
import pytest

from archnet.errors import RunError
from archnet.files.strict_json import Document
from archnet.network.build.network import build
from archnet.network.training import precision
from archnet.network.training.precision import resolve_precision
from archnet.network.training.precision_check import MAX_ERROR, check_precision, find_disagreement, layer_errors
from archnet.spec.arch import parse_arch
from archnet.spec.view import InputLimits
from plain_training import plain

LIMITS = InputLimits.of(0, 1)
LAYERS = [
    {"type": "C", "num_output": 4, "kernel_size": [3, 3, 1]},
    {"type": "C", "num_output": 4, "kernel_size": [3, 3, 3], "groups": "depthwise"},
    {"type": "C", "num_output": 8, "kernel_size": [3, 3, 3], "activation": "relu"},
    {"type": "P", "pool": "max", "kernel_size": [2, 2, 2]},
    {"type": "FC", "num_output": 6},
    {"type": "T"},
]


def network_of(layers=LAYERS):
    return build(parse_arch(Document(value=layers, source="test")), (6, 6, 4))


@pytest.fixture
def wrong_conv3d(monkeypatch):
    """Conv3D is wrong by a tenth in bfloat16, as a kernel of a GPU's library might be."""
    correct = keras.layers.Conv3D.convolution_op

    def convolution_op(layer, inputs, kernel):
        is_wrong = layer.compute_dtype == "bfloat16" and kernel.shape[:3] == (3, 3, 3)
        return correct(layer, inputs, kernel) * (1.1 if is_wrong else 1)

    monkeypatch.setattr(keras.layers.Conv3D, "convolution_op", convolution_op)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_layers_agree_on_this_machine(name):
    assert find_disagreement(network_of(), name) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_the_errors_of_correct_layers_are_far_below_the_limit(name):
    for layer in network_of().layers:
        if hasattr(layer, "kernel"):
            errors = layer_errors(layer, name)
            assert list(errors) == ["outputs", "input gradients", "kernel gradients"]
            assert max(errors.values()) < MAX_ERROR / 2


@pytest.mark.slow
def test_a_layer_that_is_computed_incorrectly_is_refused_with_its_name_and_the_remedy(wrong_conv3d):
    network = network_of()
    name = [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv3D)][-1]
    check_precision(network, "float16")
    message = (
        rf"training\.precision bfloat16: this device computes the outputs of {name} \(Conv3D on 6x6x4x4\) incorrectly in "
        r"bfloat16: they differ from float32 by a relative error of 0\.081; rounding explains at most 0\.03\. "
        r"Set training\.precision=float32, or update the GPU's libraries\."
    )
    with pytest.raises(RunError, match=f"^{message}$"):
        resolve_precision(network, LIMITS, plain(precision="bfloat16"), 4)
    with pytest.raises(RunError, match=f"^{message}$"):
        resolve_precision(network, LIMITS, plain(precision="auto"), 4, saved="bfloat16")


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_nan_and_infinite_values_are_found(monkeypatch, wrong):
    correct = keras.layers.Dense.call

    def call(layer, inputs, training=None):
        return correct(layer, inputs) + (wrong if layer.compute_dtype == "float16" else 0)

    monkeypatch.setattr(keras.layers.Dense, "call", call)
    assert find_disagreement(network_of(), "bfloat16") is None
    assert re.match(r"dense\w* \(Dense on 144\)", find_disagreement(network_of(), "float16").layer)


@pytest.mark.slow
def test_auto_falls_back_to_float32_with_a_warning(wrong_conv3d, monkeypatch, caplog):
    monkeypatch.setattr(precision, "_choose_precision", lambda *_: ("bfloat16", "it is faster"))
    network = network_of()
    with caplog.at_level(logging.INFO, "archnet"):
        assert resolve_precision(network, LIMITS, plain(precision="auto"), 4).precision == "float32"
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert re.fullmatch(
        r"precision float32: this device computes the outputs of conv3d\w* \(Conv3D on 6x6x4x4\) incorrectly in bfloat16: "
        r"they differ from float32 by a relative error of 0\.081; rounding explains at most 0\.03",
        record.message,
    )


def test_layers_of_one_kind_and_shape_are_tried_once(monkeypatch):
    layer = {"type": "C", "num_output": 1, "kernel_size": [3, 3, 3]}
    network = network_of([layer, layer, {**layer, "kernel_size": [1, 1, 1]}, layer, {"type": "T"}])
    tried = []
    monkeypatch.setattr(
        "archnet.network.training.precision_check.layer_errors",
        lambda layer, name: tried.append(type(layer).__name__) or {"outputs": 0.0},
    )
    assert find_disagreement(network, "bfloat16") is None
    assert tried == ["Conv3D", "Conv3D"]
