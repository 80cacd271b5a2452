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
from archnet.spec.layers import LAYERS, Convolution, Residual, parse_layer
from archnet.spec.layers.base.activations import ACTIVATIONS
from archnet.spec.layers.base.shapes import AxisGrid
from layer_documents import any_layers, keras_form, layers_of


@st.composite
def networks(draw):
    """A document, an input shape with channels, and a number of classes; many of them impossible."""
    rank = draw(st.sampled_from([2, 3]))
    shape = (*draw(st.lists(st.integers(1, 9), min_size=rank, max_size=rank)), draw(st.integers(1, 2)))
    name = draw(st.sampled_from([name for name in LAYERS if name != "T"]))  # so that rare types come as often as others
    before, behind = (draw(st.lists(any_layers(rank), max_size=length)) for length in (1, 2))
    layers = [*before, draw(layers_of(name, rank)), *behind]
    layers += [{"type": "T", "activation": draw(st.sampled_from([None, "softmax"]))}]
    return {"name": "drawn", "rank": rank, "layers": layers}, shape, draw(st.integers(2, 4))


def kerass_own(arch, shape, num_classes):
    """What Keras makes of the layers, without archnet's check beforehand; None where Keras refuses."""
    inputs = keras.Input(shape)
    try:
        layers = [layer.with_num_classes(num_classes) for layer in arch.layers]
        model = keras.Model(inputs, Builder(rules=RULES).chain(layers, inputs))
    except (ValueError, ZeroDivisionError):  # the latter of attention whose heads have no channel
        return None
    # Keras's Add stretches an axis of 1, which is no residual block.
    sums = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    norms = [layer for layer in model.layers if num_values(layer) == 1]
    # A softmax of a single value is 1 whatever it is.
    norms += [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Softmax) and layer.output.shape[layer.axis] == 1
    ]
    return model if not norms and all(len({tensor.shape for tensor in layer.input}) == 1 for layer in sums) else None


def num_values(layer):
    """Values of a case that a norm takes its mean over, 1 where it would have no more on a flat input; else null."""
    if isinstance(layer, keras.layers.GroupNormalization):
        shape = layer.input.shape[1:]
        groups = shape[-1] if layer.groups == -1 else layer.groups
        return prod(shape) // groups if len(shape) > 1 else 1
    return layer.input.shape[-1] if isinstance(layer, keras.layers.LayerNormalization) else None


@pytest.mark.slow
@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(networks())
def test_shapes_parameters_and_refusals_are_those_of_keras(network):
    check_against_keras(network)


@pytest.mark.long
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(networks())
def test_shapes_parameters_and_refusals_of_many_networks_are_those_of_keras(network):
    check_against_keras(network)


def check_against_keras(network):
    document, shape, num_classes = network
    try:
        arch = parse_arch(Document(value=document, source="drawn"))
    except DocumentError:
        reject()  # by the order of its types alone
    model = kerass_own(arch, shape, num_classes)
    try:
        plan = arch.plan(shape, num_classes)
    except DocumentError as error:
        refusal = str(error)
    else:
        refusal = ""
    # Keras builds attention over a single plane, whose weights are 1, and heads that leave out some channels.
    assert (model is None) == bool(refusal) or "there is only one" in refusal or " heads. Set heads to" in refusal
    if refusal:
        return
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
    projection = residual.projection((8, 8, 8, 4), 8)
    assert projection.stride == (2, 4, 1)
    assert residual.num_parameters((8, 8, 8, 4)) == 4 * 8 + 8
    assert isinstance(projection, Convolution)


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


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("length", "size", "start"), [(8, 4, 2), (7, 3, 2), (7, 4, 1), (8, 3, 3), (5, 5, 0), (6, 1, 3)]
)
def test_a_crop_starts_as_the_crop_of_a_scan_does_around_its_middle_voxel(length, size, start):
    """Keras's CenterCrop does the same, except for an odd part of an even length."""
    import numpy as np

    images = np.random.default_rng(0).random((2, length, length, 3), np.float32)
    part = keras_form(parse_layer({"type": "CROP", "size": size}, 2), images.shape[1:], 2)(images)
    np.testing.assert_array_equal(part, images[:, start : start + size, start : start + size])
    if length % 2 or size % 2 == 0:
        np.testing.assert_array_equal(part, keras.layers.CenterCrop(size, size)(images))


def test_a_crop_of_a_volume_starts_where_half_of_it_fits_before_the_middle():
    import numpy as np

    images = np.random.default_rng(0).random((2, 7, 6, 10, 1), np.float32)
    crop = parse_layer({"type": "CROP", "size": [3, 4, 5]}, 3)
    np.testing.assert_array_equal(keras_form(crop, images.shape[1:], 3)(images), images[:, 2:5, 1:5, 3:8])
    grid = (AxisGrid(0, 1, 2), AxisGrid(), AxisGrid(-3, 1, 3))
    assert crop.propagate_grid(grid, images.shape[1:]) == (AxisGrid(4, 5, 2), AxisGrid(1, 1, 1), AxisGrid(6, 10, 3))


@pytest.mark.parametrize("rank", [2, 3])
def test_global_pooling_gives_the_maximum_or_the_mean_of_each_channel(rank):
    import numpy as np

    images = np.random.default_rng(0).normal(size=(2, *(4, 5, 3)[:rank], 6)).astype(np.float32)
    axes = tuple(range(1, rank + 1))
    for name, reduced in (("GMP", images.max(axes)), ("GAP", images.mean(axes))):
        model = keras_form(parse_layer({"type": name}, rank), images.shape[1:], rank)
        np.testing.assert_allclose(model(images), reduced, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
def test_an_activation_on_its_own_is_that_of_a_convolution(activation):
    import numpy as np

    convolution = {"type": "C", "num_output": 2, "kernel_size": 3, "norm": "batch"}
    joint = [{**convolution, "activation": activation}, {"type": "T"}]
    apart = [convolution, {"type": "ACT", "activation": activation}, {"type": "T"}]
    images = np.random.default_rng(0).normal(size=(3, 6, 6, 1)).astype(np.float32)
    models = [
        build(parse_arch(Document(value={"rank": 2, "layers": layers}, source="d")), (6, 6))
        for layers in (joint, apart)
    ]
    models[1].set_weights(models[0].get_weights())  # its initial weights don't know the activation
    np.testing.assert_array_equal(models[0](images), models[1](images))
