"""Layers that weigh channels and voxels: their values, weights and refusals."""

import keras
import numpy as np
import pytest
from keras.applications import EfficientNetB0, MobileNetV3Small
from scipy.ndimage import correlate

from archnet.errors import DocumentError
from archnet.files.strict_json import Document
from archnet.network.build.network import build
from archnet.network.training.dropout import CaseKeys
from archnet.network.training.losses import penalized_weights
from archnet.network.training.training_twin import build_training_twin
from archnet.spec.arch import parse_arch
from archnet.spec.layers import parse_layer
from layer_documents import arch_of, keras_form

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
    value = {"rank": 2, "input_shape": [80, 80], "layers": [*layers, {"type": "T"}]}
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


@ranks
def test_positions_are_added_and_not_penalized(rank):
    images = images_of(rank)
    model = form_of({"type": "POS"}, images)
    (positions,) = model.get_weights()
    assert positions.shape == images.shape[1:]
    np.testing.assert_array_equal(model(images), images + positions)
    assert not penalized_weights(model)


def test_positions_start_small_and_differ_by_seed():
    networks = [build(arch_of({"type": "POS"}, rank=2), (16, 16, 8), seed=seed) for seed in (1, 1, 2)]
    first, again, other = (network.weights[0].numpy() for network in networks)
    assert np.std(first) == pytest.approx(0.02, rel=0.05)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def kerass_attention(tensor, weights, heads):
    """Keras's own attention, which has a bias for keys as well, of the normalized tokens (N, tokens, channels)."""
    num_channels = tensor.shape[-1]
    attention = keras.layers.MultiHeadAttention(heads, num_channels // heads)
    attention.build(tensor.shape, tensor.shape)
    query, query_bias, key, value, value_bias, output, output_bias = weights
    split = (num_channels, heads, num_channels // heads)
    attention.set_weights(
        [
            query.reshape(split),
            query_bias.reshape(split[1:]),
            key.reshape(split),
            np.full(split[1:], 0.7, np.float32),
            value.reshape(split),
            value_bias.reshape(split[1:]),
            output.reshape(*split[1:], num_channels),
            output_bias,
        ]
    )
    return attention(tensor, tensor)


def layer_normed(tensor, scale, offset):
    return (tensor - tensor.mean(-1, keepdims=True)) / np.sqrt(tensor.var(-1, keepdims=True) + 1e-6) * scale + offset


@ranks
@pytest.mark.parametrize("heads", [1, 2, 8])
def test_a_transformer_block_is_keras_attention_and_an_mlp_after_layer_norms(rank, heads):
    images = images_of(rank)
    model = form_of({"type": "ATT", "heads": heads, "ratio": 3, "drop_out": 10, "drop_path": 20}, images)
    scale, offset, *attention, second_scale, second_offset, first, first_bias, second, second_bias = model.get_weights()
    assert first.shape == (8, 24)
    tokens = images.reshape(len(images), -1, 8)
    tokens = tokens + np.asarray(kerass_attention(layer_normed(tokens, scale, offset), attention, heads))
    hidden = layer_normed(tokens, second_scale, second_offset) @ first + first_bias
    tokens = tokens + np.asarray(keras.activations.gelu(hidden, approximate=False)) @ second + second_bias
    np.testing.assert_allclose(model(images), tokens.reshape(images.shape), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_path_is_dropped_for_a_case_as_a_whole_and_apart_from_other_cases():
    images = images_of(2, num_cases=64)
    block = {"type": "ATT", "heads": 2, "drop_path": 50}
    twin, keys = twin_of(form_of(block, images))
    keys.batch = np.arange(64, dtype=np.uint32)
    dropped, whole = np.asarray(twin(images, training=True)), np.asarray(twin(images))
    unchanged = np.array([np.array_equal(one, other) for one, other in zip(dropped, images, strict=True)])
    assert 6 <= unchanged.sum() <= 26
    assert not any(np.allclose(one, other) for one, other in zip(dropped, whole, strict=True))
    (changed,) = np.nonzero(~unchanged)
    assert all((dropped[case] != images[case]).all() for case in changed)


@pytest.mark.slow
def test_the_dropout_of_a_transformer_block_acts_on_values_in_training_only():
    images = images_of(3)
    model = form_of({"type": "ATT", "heads": 2, "drop_out": 50}, images)
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.5, 0.5, 0.5]
    twin, keys = twin_of(model)
    keys.batch = np.arange(2, dtype=np.uint32)
    np.testing.assert_allclose(twin(images), model(images), rtol=1e-5, atol=1e-5)
    assert not np.allclose(twin(images, training=True), model(images))


def twin_of(model):
    keys = CaseKeys()
    return build_training_twin(model, keys), keys


def test_the_weights_of_both_gates_are_penalized():
    for document in ({"type": "SE"}, {"type": "CBAM"}):
        model = form_of(document, images_of(3))
        assert {id(weight) for weight in penalized_weights(model)} == {id(weight) for weight in model.weights}


def test_kernels_and_biases_of_a_transformer_block_are_penalized_and_its_norms_are_not():
    model = form_of({"type": "ATT", "heads": 2}, images_of(2))
    concerned = {id(weight) for weight in penalized_weights(model)}
    names = {weight.name for weight in model.weights if id(weight) not in concerned}
    assert names == {"gamma", "beta"}
    assert len(concerned) == len(model.weights) - 4


@pytest.mark.parametrize("name", ["SE", "CBAM", "POS", "ATT"])
def test_a_flat_input_is_refused_with_place_and_remedy(name):
    assert message_of({"type": "GAP"}, {"type": name}) == (
        f"mine.json $.layers[1]: {name} needs spatial axes, but GAP at $.layers[0] has flattened them. Move it earlier."
    )


def test_a_gate_beyond_0_to_1_is_refused():
    assert message_of({"type": "SE", "gate": "relu"}) == (
        'mine.json $.layers[0].gate: "relu" is not one of "sigmoid", "hard_sigmoid".'
    )


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [{"type": "C", "num_output": 6, "kernel_size": 3, "stride": 2}, {"type": "ATT"}],
            "[1]: ATT 6 channels are not divisible by 4 heads. Set heads to a divisor of 6.",
        ),
        (
            [{"type": "C", "num_output": 8, "kernel_size": 3, "stride": [1, 1]}, {"type": "ATT"}],
            "[1]: ATT has 6,400 tokens, one per voxel of (80, 80), but at most 4,096 are allowed. "
            "Add a C or P with a larger stride before it.",
        ),
        (
            [{"type": "C", "num_output": 8, "kernel_size": 3, "stride": 80}, {"type": "ATT"}],
            "[1]: ATT needs more than one voxel for attention. Move it before a C or P.",
        ),
    ],
)
def test_attention_that_is_impossible_is_refused_with_place_and_remedy(layers, message):
    assert message_of(*layers) == f"mine.json $.layers{message}"


def test_4096_tokens_are_allowed():
    assert parse_layer({"type": "ATT"}, 2).output_shape((64, 64, 8)) == (64, 64, 8)
