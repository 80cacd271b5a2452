"""Layers that weigh channels and voxels: their values, weights and refusals."""

import keras
import numpy as np
import pytest
from keras.applications import EfficientNetB0, MobileNetV3Small
from scipy.ndimage import correlate

from archnet.errors import DocumentError
from archnet.files.strict_json import Document
from archnet.network.training.losses import penalized_weights
from archnet.spec.arch import parse_arch
from archnet.spec.layers import parse_layer
from layer_documents import keras_form

ranks = pytest.mark.parametrize("rank", [2, 3])


def images_of(rank, num_channels=8, num_cases=2):
    return np.random.default_rng(0).normal(size=(num_cases, *(5, 4, 3)[:rank], num_channels)).astype(np.float32)


def form_of(document, images):
    """The Keras form of a layer with random weights, biases included."""
    rank = images.ndim - 2
    model = keras_form(parse_layer(document, rank), images.shape[1:], rank)
    generator = np.random.default_rng(1)
    model.set_weights([generator.normal(size=weight.shape).astype(np.float32) for weight in model.get_weights()])
    return model


def message_of(*layers):
    value = {"rank": 2, "input_shape": [16, 16], "layers": [*layers, {"type": "T"}]}
    with pytest.raises(DocumentError) as caught:
        parse_arch(Document(value=value, source="mine.json")).plan()
    return str(caught.value)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def relu(values):
    return np.maximum(values, 0)


@ranks
def test_squeeze_excitation_weighs_channels_by_what_two_dense_layers_make_of_their_means(rank):
    images = images_of(rank)
    model = form_of({"type": "SE", "ratio": 4}, images)
    first, first_bias, second, second_bias = model.get_weights()
    assert (first.shape, second.shape) == ((8, 2), (2, 8))
    means = images.mean(tuple(range(1, rank + 1)), keepdims=True)
    weights = sigmoid(relu(means @ first + first_bias) @ second + second_bias)
    np.testing.assert_allclose(model(images), images * weights, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "num_units"), [({}, 1), ({"ratio": 3}, 2), ({"num_output": 5}, 5), ({"num_output": 5, "ratio": 3}, 5)]
)
def test_the_units_of_squeeze_excitation_follow_from_the_ratio_unless_they_are_given(options, num_units):
    layer = parse_layer({"type": "SE", **options}, 2)
    assert layer.num_parameters((5, 4, 8)) == 8 * num_units + num_units + num_units * 8 + 8


EFFICIENT_NET = ("block2a_se_reduce", "block2a_se_expand", "block2a_se_excite")
MOBILE_NET = tuple(f"expanded_conv_3_squeeze_excite_{part}" for part in ("conv", "conv_1", "mul"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("application", "names", "options"),
    [
        (EfficientNetB0, EFFICIENT_NET, {"num_output": 4, "activation": "silu"}),
        (MobileNetV3Small, MOBILE_NET, {"num_output": 24, "gate": "hard_sigmoid"}),
    ],
    ids=["EfficientNet", "MobileNetV3"],
)
def test_the_squeeze_excitation_of_published_networks_is_expressible(application, names, options):
    network = application(weights=None, input_shape=(32, 32, 3))
    *convolutions, product = map(network.get_layer, names)
    block = keras.Model(product.input[0], product.output)
    images = np.random.default_rng(0).normal(size=(2, *block.input_shape[1:])).astype(np.float32)
    model = form_of({"type": "SE", **options}, images)
    weights = model.get_weights()
    for convolution, start in zip(convolutions, (0, 2), strict=True):
        convolution.set_weights([weights[start][np.newaxis, np.newaxis], weights[start + 1]])
    np.testing.assert_allclose(model(images), block(images), rtol=1e-5, atol=1e-5)


@ranks
def test_block_attention_weighs_channels_then_voxels_by_means_and_maxima(rank):
    images = images_of(rank)
    model = form_of({"type": "CBAM", "ratio": 4, "kernel_size": 3}, images)
    first, first_bias, second, second_bias, kernel, kernel_bias = model.get_weights()
    axes = tuple(range(1, rank + 1))
    summed = sum(
        relu(pooled @ first + first_bias) @ second + second_bias
        for pooled in (images.mean(axes, keepdims=True), images.max(axes, keepdims=True))
    )
    weighted = images * sigmoid(summed)
    pooled = [weighted.mean(-1), weighted.max(-1)]
    assert kernel.shape == (*[3] * rank, 2, 1)
    convolved = [
        sum(correlate(plane[case], kernel[..., part, 0], mode="constant") for part, plane in enumerate(pooled))
        for case in range(len(images))
    ]
    expected = weighted * sigmoid(np.stack(convolved) + kernel_bias)[..., np.newaxis]
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-5)


def test_the_weights_of_both_kinds_are_penalized():
    for document in ({"type": "SE"}, {"type": "CBAM"}):
        model = form_of(document, images_of(3))
        assert {id(weight) for weight in penalized_weights(model)} == {id(weight) for weight in model.weights}


@pytest.mark.parametrize("name", ["SE", "CBAM"])
def test_a_flat_input_is_refused_with_place_and_remedy(name):
    assert message_of({"type": "GAP"}, {"type": name}) == (
        f"mine.json $.layers[1]: {name} needs spatial axes, but GAP at $.layers[0] has flattened them. Move it before."
    )


def test_a_gate_that_is_no_weight_is_refused():
    assert message_of({"type": "SE", "gate": "relu"}) == (
        'mine.json $.layers[0].gate: "relu" is not one of "sigmoid", "hard_sigmoid".'
    )
