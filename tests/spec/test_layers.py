"""Hypothesis holds the pure shape and parameter rules against Keras, in what they give and in what they refuse."""

from math import prod

import keras
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from archnet.errors import DocumentError
from archnet.files.strict_json import Document
from archnet.network.build.builder import Builder
from archnet.network.build.network import RULES, build
from archnet.spec.arch import parse_arch
from archnet.spec.layers import Convolution, Residual, parse_layer
from archnet.spec.layers.base.activations import ACTIVATIONS
from layer_documents import any_layers


@st.composite
def networks(draw):
    """A document, an input shape with channels, and a number of classes; many of them impossible."""
    rank = draw(st.sampled_from([2, 3]))
    shape = (*draw(st.lists(st.integers(1, 9), min_size=rank, max_size=rank)), draw(st.integers(1, 2)))
    layers = draw(st.lists(any_layers(rank), min_size=1, max_size=4))
    layers += [{"type": "T", "activation": draw(st.sampled_from([None, "softmax"]))}]
    return {"name": "drawn", "rank": rank, "layers": layers}, shape, draw(st.integers(2, 4))


def kerass_own(arch, shape, num_classes):
    """What Keras makes of the layers, without archnet's check beforehand; None where Keras refuses."""
    inputs = keras.Input(shape)
    try:
        layers = [layer.with_num_classes(num_classes) for layer in arch.layers]
        model = keras.Model(inputs, Builder(rules=RULES).chain(layers, inputs))
    except ValueError:
        return None
    # Keras's Add stretches an axis of 1, which is no residual block.
    sums = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    norms = [layer for layer in model.layers if num_values(layer) == 1]
    return model if not norms and all(len({tensor.shape for tensor in layer.input}) == 1 for layer in sums) else None


def num_values(layer):
    """Values of a case that a norm takes its mean over, 1 where it would have no more on a flat input; else null."""
    if isinstance(layer, keras.layers.GroupNormalization):
        shape = layer.input.shape[1:]
        groups = shape[-1] if layer.groups == -1 else layer.groups
        return prod(shape) // groups if len(shape) > 1 else 1
    return layer.input.shape[-1] if isinstance(layer, keras.layers.LayerNormalization) else None


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(networks())
def test_shapes_parameters_and_refusals_are_those_of_keras(network):
    document, shape, num_classes = network
    try:
        arch = parse_arch(Document(value=document, source="drawn"))
    except DocumentError:
        reject()  # by the order of its types alone
    model = kerass_own(arch, shape, num_classes)
    try:
        plan = arch.plan(shape, num_classes)
    except DocumentError:
        assert model is None
        return
    assert model is not None
    assert plan[-1].output_shape == model.output_shape[1:]
    assert sum(row.num_parameters for row in plan) == model.count_params()


def test_a_network_that_keras_would_refuse_is_refused_with_its_place_and_input():
    document = {"layers": [{"type": "P", "pool": "max", "kernel_size": [4, 4, 4], "padding": "valid"}, {"type": "T"}]}
    with pytest.raises(DocumentError) as caught:
        parse_arch(Document(value=document, source="mine.json")).plan((3, 3, 1))
    assert str(caught.value) == (
        'mine.json $.layers[0]: P "valid" with kernel 4 does not fit its input (3, 3, 1). '
        "Remove a pooling or enlarge the crop."
    )


def test_the_shortcut_takes_the_strides_of_the_inner_layers():
    inner = [
        {"type": "C", "num_output": 8, "kernel_size": 3, "stride": [2, 1, 1]},
        {"type": "REP", "times": 2, "layers": [{"type": "P", "pool": "max", "kernel_size": [1, 2, 1]}]},
    ]
    residual = parse_layer({"type": "RES", "layers": inner}, 3)
    assert isinstance(residual, Residual)
    assert residual.output_shape((8, 8, 8, 4)) == (4, 2, 8, 8)
    shortcut = residual.shortcut((8, 8, 8, 4), 8)
    assert shortcut.stride == (2, 4, 1)
    assert residual.num_parameters((8, 8, 8, 4)) == 4 * 8 + 8
    assert isinstance(shortcut, Convolution)


def test_keras_layers_follow_the_order_that_the_vocabulary_names():
    layer = {
        "type": "C",
        "num_output": 2,
        "kernel_size": [3, 3],
        "activation": "relu",
        "drop_out": 10,
        "batch_norm": True,
    }
    arch = parse_arch(Document(value=[layer, {"type": "T"}], source="drawn"))
    names = [type(layer).__name__ for layer in build(arch, (8, 8)).layers]
    assert names == ["InputLayer", "Conv2D", "BatchNormalization", "Activation", "Dropout", "Flatten", "Dense"]


def test_dropout_acts_in_training_only():
    import numpy as np

    arch = parse_arch(
        Document(value={"rank": 2, "layers": [{"type": "DO", "drop_out": 50}, {"type": "T"}]}, source="d")
    )
    model = build(arch, (6, 6))
    images = np.random.default_rng(0).random((4, 6, 6, 1), np.float32)
    assert np.array_equal(model(images, training=False), model(images, training=False))
    assert not np.array_equal(model(images, training=True), model(images, training=False))


@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
def test_the_same_seed_gives_the_same_weights_and_another_seed_or_place_others(activation):
    import numpy as np

    layer = {"type": "C", "num_output": 1, "kernel_size": [3, 3], "activation": activation}
    dense = {"type": "FC", "num_output": 36, "activation": activation}
    document = [layer, layer, dense, dense, {"type": "T"}]
    arch = parse_arch(Document(value=document, source="drawn"))
    first, again, other = (build(arch, (6, 6), seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    kernels, others = ([weight for weight in weights if weight.ndim > 1] for weights in (first, other))
    assert not any(np.array_equal(a, b) for a, b in zip(kernels, others, strict=True))
    assert not np.array_equal(kernels[0], kernels[1])
    assert kernels[2].shape != kernels[3].shape or not np.array_equal(kernels[2], kernels[3])


@pytest.mark.parametrize("rank", [2, 3])
def test_a_strided_1x1_convolution_is_one_of_every_other_voxel(rank):
    """Never a strided one: TensorFlow's gradient of that writes beyond its memory."""
    import numpy as np

    layer = {"type": "C", "num_output": 3, "kernel_size": [1] * rank, "stride": [2] * rank}
    model = build(parse_arch(Document(value=[layer, {"type": "GAP"}, {"type": "T"}], source="drawn")), (7,) * rank)
    convolution = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv3D))
    images = np.random.default_rng(0).random((2, *(7,) * rank, 1), np.float32)
    seen = keras.Model(model.input, convolution.output)(images)
    kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in convolution.get_weights())
    assert convolution.strides == (1,) * rank
    every_other = images[(slice(None), *[slice(None, None, 2)] * rank)]
    np.testing.assert_allclose(seen, every_other @ kernel.reshape(1, 3) + bias, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("num_output", [2, 3])
def test_a_residual_layer_looks_at_other_cases_only_by_the_batch_norm_of_its_shortcut(batch_norm, num_output):
    inner = {"type": "C", "num_output": num_output, "kernel_size": [3, 3]}
    document = [{"type": "RES", "layers": [inner], "batch_norm": batch_norm}, {"type": "GAP"}, {"type": "T"}]
    layer = parse_arch(Document(value=document, source="drawn")).layers[0]
    assert layer.normalizes_batch((6, 6, 2)) == (batch_norm and num_output == 3)


@pytest.mark.parametrize(("rank", "stride"), [(2, [1, 1]), (2, [2, 1]), (3, [1, 1, 1])])
def test_a_depthwise_convolution_starts_with_the_scale_of_one_channel(rank, stride):
    """He et al. 2015: variance 2 / (values that an output sees), whichever Keras layer computes it."""
    import numpy as np

    layer = {
        "type": "C",
        "num_output": 512,
        "kernel_size": [3] * rank,
        "stride": stride,
        "groups": "depthwise",
        "activation": "relu",
    }
    arch = parse_arch(Document(value=[layer, {"type": "GAP"}, {"type": "T"}], source="drawn"))
    kernel = build(arch, (*(6,) * rank, 256)).layers[1].get_weights()[0]
    assert np.std(kernel) == pytest.approx((2 / 3**rank) ** 0.5, rel=0.05)
