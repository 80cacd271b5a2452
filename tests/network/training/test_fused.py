"""The twin's layers that stand for several of Keras's: same values, same gradients, same statistics."""

import keras
import numpy as np
import pytest

from archnet.files.strict_json import Document
from archnet.network.backend import backend_module
from archnet.network.build.network import build
from archnet.network.planewise_pooling import PlanewiseMaxPooling
from archnet.network.training.dropout import CaseKeys
from archnet.network.training.fused import FusedBatchNorm, PooledConvolution
from archnet.network.training.training_twin import build_training_twin
from archnet.spec.arch import parse_arch

END = [{"type": "GAP"}, {"type": "FC", "num_output": 5}, {"type": "T"}]


def conv(rank, **options):
    return {"type": "C", "num_output": 4, "kernel_size": [3] * rank, "activation": "relu", **options}


def pool(rank, **options):
    return {"type": "P", "pool": "max", "kernel_size": [2] * rank, **options}


def network_of(rank, layers):
    """Its weights are sixteenths, biases too, so that convolutions of whole numbers are free of rounding."""
    arch = parse_arch(Document(value=[*layers, *END], source="test"))
    network = build(arch, (12,) * rank, 2)
    generator = np.random.default_rng(0)
    network.set_weights([generator.integers(-12, 13, weight.shape) / 16 for weight in network.get_weights()])
    return network


def outcome(network, images):
    """Logits and gradients of a training step, and the weights, statistics among them, after it.

    In a graph, as in training: outside of one, TensorFlow's 3D pooling gives a gradient to each of several equals.
    """
    below = backend_module()

    def step(batch):
        def squares():
            logits = network(batch["images"], training=True)
            return keras.ops.sum(keras.ops.square(logits)), logits

        return below.value_and_gradients(squares, network.trainable_variables, network.non_trainable_variables)

    logits, gradients = below.compile_graph(step, network.variables)({"images": images})
    return [*(keras.ops.convert_to_numpy(array) for array in (logits, *gradients)), *network.get_weights()]


def kinds_of(network):
    return [type(layer).__name__ for layer in build_training_twin(network, CaseKeys()).layers]


@pytest.mark.slow
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("activation", ["relu", pytest.param(None, marks=pytest.mark.slow)])
@pytest.mark.parametrize("window", [{}, {"kernel_size": 3, "stride": 2, "padding": "same"}])
def test_a_twin_learns_what_its_network_would(rank, activation, window):
    if rank == 3 and not backend_module().pools_3d_correctly("float32"):
        pytest.skip("here, the network itself has wrong gradients")
    window = {key: value if key == "padding" else [value] * rank for key, value in window.items()}
    network = network_of(rank, [conv(rank, activation=activation), pool(rank, **window), conv(rank), pool(rank)])
    images = np.random.default_rng(1).integers(0, 4, (6, *(12,) * rank, 1)).astype(np.float32)
    assert kinds_of(network).count("PooledConvolution") == 2
    twin = build_training_twin(network, CaseKeys())
    for array, other in zip(outcome(network, images), outcome(twin, images), strict=True):
        assert np.abs(array - other).max() <= 1e-6 * np.abs(array).max()


@pytest.mark.parametrize("shape", [(12, 3), (5, 6, 7, 3), (4, 5, 6, 7, 3)])
def test_batch_norm_is_that_of_keras_in_double_precision(shape):
    generator = np.random.default_rng(0)
    inputs, slopes = generator.normal(0.3, 1, (2, *shape))
    weights = [generator.uniform(0.5, 2, 3) for _ in range(4)]
    told = []
    for layer in (
        FusedBatchNorm(momentum=0.9),
        keras.layers.BatchNormalization(momentum=0.9, dtype="float64"),
    ):
        offsets = keras.Variable(np.zeros(shape), dtype=layer.dtype)
        layer.build(shape)
        layer.set_weights(weights)

        def product(layer=layer, offsets=offsets):
            outputs = layer(inputs.astype(layer.dtype) + offsets.value, training=True)
            return keras.ops.sum(outputs * slopes.astype(layer.dtype)), outputs

        trainable = [offsets, *layer.trainable_variables]
        outputs, gradients = backend_module().value_and_gradients(product, trainable, layer.non_trainable_variables)
        told.append([*(keras.ops.convert_to_numpy(array) for array in (outputs, *gradients)), *layer.get_weights()])
    for array, expected in zip(*told, strict=True):
        assert np.abs(array - expected).max() < 1e-5 * np.abs(expected).max()


def test_only_what_max_pooling_alone_sees_waits_until_behind_it():
    assert kinds_of(network_of(2, [conv(2), pool(2)]))[1:4] == ["PooledConvolution", "Identity", "Identity"]
    kept = ["Conv2D", "Activation"]
    for layers in (
        [conv(2), pool(2, pool="avg")],
        [conv(2, drop_out=20), pool(2)],
        [conv(2, activation="tanh"), pool(2)],
        [conv(2), conv(2)],
    ):
        assert kinds_of(network_of(2, layers))[1:3] == kept


def test_a_convolution_with_further_consumers_stays_unchanged():
    inputs = keras.Input((12, 12, 1))
    features = keras.layers.Conv2D(4, 3)(inputs)
    others = [keras.layers.Conv2D(4, 3)(features), keras.layers.MaxPooling2D(2)(features)]
    seen = [keras.layers.GlobalAveragePooling2D()(other) for other in others]
    outputs = keras.layers.Dense(2)(keras.layers.Concatenate()(seen))
    network = keras.Model(inputs, outputs)
    network.penalized_names = ()
    network.layer_names = ()
    assert "PooledConvolution" not in kinds_of(network)


def test_a_twin_fuses_inside_branches_but_nothing_that_two_branches_see():
    pooled = {"type": "CAT", "branches": [[conv(2), pool(2)], [pool(2)]]}
    assert kinds_of(network_of(2, [pooled])).count("PooledConvolution") == 1
    seen_twice = {"type": "CAT", "branches": [[pool(2, stride=1, padding="same")], []]}
    assert "PooledConvolution" not in kinds_of(network_of(2, [conv(2), seen_twice]))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_batch_norm_computes_in_float32_whatever_comes_in(precision):
    inputs = np.random.default_rng(0).normal(300, 5, (8, 6, 6, 3)).astype(np.float32)
    halves = keras.ops.cast(inputs, precision)
    ours, keras_own = (kind(dtype=f"mixed_{precision}") for kind in (FusedBatchNorm, keras.layers.BatchNormalization))
    for layer in (ours, keras_own):
        told = layer(halves, training=True)
        assert keras.backend.standardize_dtype(told.dtype) == precision
        assert np.abs(keras.ops.convert_to_numpy(keras.ops.cast(told, "float32")).std() - 1) < 0.01
    for weight, other in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        assert np.allclose(weight, other, rtol=1e-4)


def test_a_pooled_convolution_shows_the_weights_that_a_penalty_concerns():
    layer = build_training_twin(network_of(3, [conv(3), pool(3)]), CaseKeys()).layers[1]
    assert isinstance(layer, PooledConvolution)
    assert [weight.name for weight in layer.weights] == [layer.kernel.name, layer.bias.name] == ["kernel", "bias"]


def pooled(layer, inputs):
    """Outputs of a layer in a graph, and the gradient of the sum of their squares."""
    variable = keras.Variable(inputs)

    def step():
        def squares():
            outputs = layer(variable.value)
            return keras.ops.sum(keras.ops.square(outputs)), outputs

        return backend_module().value_and_gradients(squares, [variable], [])

    outputs, (gradient,) = backend_module().compile_graph(step, [variable])()
    return keras.ops.convert_to_numpy(outputs), keras.ops.convert_to_numpy(gradient)


WINDOWS = [
    {"pool_size": 2},
    {"pool_size": (3, 2, 1)},
    {"pool_size": (1, 2, 3), "strides": (1, 2, 2)},
    {"pool_size": 3, "strides": 2, "padding": "same"},
    {"pool_size": (2, 3, 4), "strides": (3, 1, 2), "padding": "same"},
]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_3d_pooling_in_two_steps_has_the_values_and_gradients_of_keras(window):
    inputs = np.random.default_rng(0).permutation(2 * 6 * 7 * 8 * 3).reshape(2, 6, 7, 8, 3).astype(np.float32) / 1024
    results = [pooled(kind(**window), inputs) for kind in (PlanewiseMaxPooling, keras.layers.MaxPooling3D)]
    for array, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("in_graph", [True, False])
def test_one_of_several_equal_maxima_receives_the_gradient(in_graph, monkeypatch):
    if not in_graph:
        monkeypatch.setattr(backend_module(), "compile_graph", lambda function, variables: function)
    _, gradient = pooled(PlanewiseMaxPooling(2), np.ones((1, 4, 4, 4, 1), np.float32))
    assert np.count_nonzero(gradient) == 8
    assert gradient.sum() == 2 * 8


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="oneDNN is TensorFlow's")
@pytest.mark.parametrize(
    ("gpus", "is_enabled", "dtype", "expected"),
    [
        ([], True, "float32", True),
        ([], True, "bfloat16", False),
        ([], False, "float32", False),
        (["GPU:0"], False, "bfloat16", True),
    ],
)
def test_tensorflow_pools_correctly_on_a_gpu_and_with_onednn(monkeypatch, gpus, is_enabled, dtype, expected):
    below = backend_module()
    monkeypatch.setattr(below.tf.config, "get_visible_devices", lambda kind: gpus)
    monkeypatch.setattr(below._build, "IsMklEnabled", lambda: is_enabled)
    assert below.pools_3d_correctly(dtype) is expected


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="oneDNN is TensorFlow's")
def test_a_tensorflow_that_does_not_tell_pools_in_two_steps_without_a_warning(monkeypatch):
    below = backend_module()
    monkeypatch.setattr(below, "_build", None)
    monkeypatch.setattr(below.tf.config, "get_visible_devices", lambda kind: [])
    assert below.pools_3d_correctly("float32") is False
    assert below.lacks_onednn() is False


@pytest.mark.parametrize(
    ("precision", "correct", "expected"), [("float32", {"float32"}, 0), ("bfloat16", {"float32"}, 2)]
)
def test_the_training_twin_pools_with_correct_gradients(precision, correct, expected, monkeypatch):
    monkeypatch.setattr(backend_module(), "pools_3d_correctly", lambda dtype: dtype in correct)
    layers = [conv(3, bias=False), pool(3), conv(3), pool(3)]
    twin = build_training_twin(network_of(3, layers), CaseKeys(), precision)
    kinds = [type(getattr(layer, "pooling", layer)) for layer in twin.layers]
    assert kinds.count(PlanewiseMaxPooling) == expected
    assert kinds.count(keras.layers.MaxPooling3D) == 2 - expected
