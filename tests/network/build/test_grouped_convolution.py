"""Fast forms of grouped convolutions: the values and gradients of the definition, Keras's files, other formats."""

import itertools
import zipfile

import keras
import numpy as np
import pytest

from archnet.files.strict_json import Document
from archnet.network.backend import backend_module
from archnet.network.build.grouped_convolution import accelerate
from archnet.network.build.network import build
from archnet.network.export import EXPORT_FORMATS, largest_difference
from archnet.network.scaling import build_inference_model
from archnet.network.trained_model import load_model
from archnet.network.training.dropout import CaseKeys
from archnet.network.training.training_twin import build_training_twin
from archnet.spec.arch import parse_arch
from archnet.spec.view import InputLimits

LAYERS = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
SHAPES = {2: (9, 8), 3: (7, 8, 5)}


def layer_of(rank, channels, groups, multiplier=1, **options):
    layer = LAYERS[rank](channels * multiplier, groups=groups, **{"padding": "same", "kernel_size": 3, **options})
    layer.build((None, *SHAPES[rank], channels))
    generator = np.random.default_rng(0)
    layer.set_weights([generator.normal(size=weight.shape) for weight in layer.get_weights()])
    return accelerate(layer)


def padded(inputs, layer):
    """The inputs with the zeros that "same" adds: as little as keeps ceil(n / stride) positions, more behind."""
    if layer.padding == "valid":
        return inputs
    widths = [(0, 0)]
    for n, size, stride, gap in zip(
        inputs.shape[1:-1], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True
    ):
        total = max((-(-n // stride) - 1) * stride + (size - 1) * gap + 1 - n, 0)
        widths.append((total // 2, total - total // 2))
    return np.pad(inputs, [*widths, (0, 0)])


def windows(inputs, layer, tap):
    """What one tap of the kernel sees at each position; a view of the padded inputs."""
    places = [slice(None)]
    for n, size, stride, gap, offset in zip(
        inputs.shape[1:-1], layer.kernel_size, layer.strides, layer.dilation_rate, tap, strict=True
    ):
        count = (n - (size - 1) * gap - 1) // stride + 1
        places.append(slice(offset * gap, offset * gap + (count - 1) * stride + 1, stride))
    return inputs[tuple(places)]


def definition(layer, inputs, slopes):
    """Outputs, and the gradients of sum(outputs * slopes) for inputs and kernel, tap by tap and group by group."""
    kernel, bias = layer.get_weights()
    inputs = padded(inputs.astype(np.float64), layer)
    num_inputs, num_outputs = kernel.shape[-2], kernel.shape[-1] // layer.groups
    outputs, input_slopes = np.zeros(slopes.shape) + bias, np.zeros(inputs.shape)
    kernel_slopes = np.zeros(kernel.shape)
    for tap, group in itertools.product(itertools.product(*map(range, layer.kernel_size)), range(layer.groups)):
        ins = slice(group * num_inputs, (group + 1) * num_inputs)
        outs = slice(group * num_outputs, (group + 1) * num_outputs)
        seen, weights = windows(inputs, layer, tap)[..., ins], kernel[(*tap, slice(None), outs)]
        outputs[..., outs] += seen @ weights
        windows(input_slopes, layer, tap)[..., ins] += slopes[..., outs] @ weights.T
        axes = tuple(range(slopes.ndim - 1))
        kernel_slopes[(*tap, slice(None), outs)] = np.tensordot(seen, slopes[..., outs], (axes, axes))
    return outputs, input_slopes, kernel_slopes


def outcome(layer, inputs, slopes):
    """The same of the layer, in a graph, as in training."""
    images = keras.Variable(inputs)

    def product():
        outputs = layer(images.value)
        return keras.ops.sum(outputs * slopes), outputs

    def step():
        return backend_module().value_and_gradients(product, [images, layer.kernel], [])

    outputs, gradients = backend_module().compile_graph(step, [images, *layer.variables])()
    return [keras.ops.convert_to_numpy(array) for array in (outputs, *gradients)]


DEPTHWISE_KERNELS = [(3, 3, 3), (3, 3, 1), (1, 3, 3), (1, 1, 3), (3, 1, 1), (1, 3, 1), (3, 1, 3), (2, 4, 1), (1, 4, 2)]
CASES = [
    *[(3, 6, 6, 1, {"kernel_size": size}) for size in DEPTHWISE_KERNELS],
    *[
        (3, 6, 6, 2, {"kernel_size": size, **options})
        for size in ((3, 3, 3), (3, 3, 1), (1, 2, 3))
        for options in (
            {"strides": 2},
            {"strides": (2, 1, 3), "padding": "valid"},
            {"dilation_rate": 2},
            {"dilation_rate": (1, 2, 1), "padding": "valid"},
        )
    ],
    (2, 6, 3, 2, {}),
    (2, 40, 4, 1, {"strides": (1, 2)}),
    (2, 40, 40, 1, {"dilation_rate": 2, "padding": "valid"}),
    (2, 34, 17, 3, {}),
    (3, 37, 37, 1, {}),
    (3, 40, 2, 1, {"strides": 2, "padding": "valid"}),
]


@pytest.mark.parametrize(("rank", "channels", "groups", "multiplier", "options"), CASES)
def test_outputs_and_gradients_are_those_of_the_definition(rank, channels, groups, multiplier, options):
    layer = layer_of(rank, channels, groups, multiplier, **options)
    generator = np.random.default_rng(1)
    inputs = generator.normal(size=(2, *SHAPES[rank], channels)).astype(np.float32)
    slopes = generator.normal(size=layer.compute_output_shape(inputs.shape)).astype(np.float32)
    outputs, input_slopes, kernel_slopes = definition(layer, inputs, slopes)
    before = padded(inputs, layer).shape
    starts = [(big - small) // 2 for big, small in zip(before, inputs.shape, strict=True)]
    inside = tuple(slice(start, start + n) for start, n in zip(starts, inputs.shape, strict=True))
    expected = (outputs, input_slopes[inside], kernel_slopes)
    for array, other in zip(outcome(layer, inputs, slopes), expected, strict=True):
        assert array.shape == other.shape
        assert np.abs(array - other).max() < 1e-5 * np.abs(other).max()


def test_a_grouped_convolution_is_saved_as_the_layer_of_keras_and_loads_without_archnets_form(tmp_path):
    inputs = keras.Input((6, 6, 4, 8))
    model = keras.Model(inputs, accelerate(keras.layers.Conv3D(8, 3, groups=8, name="grouped"))(inputs))
    model.save(tmp_path / "model.keras")
    assert b"archnet" not in zipfile.ZipFile(tmp_path / "model.keras").read("config.json")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert "convolution_op" not in vars(loaded.get_layer("grouped"))
    images = np.random.default_rng(0).normal(size=(2, 6, 6, 4, 8)).astype(np.float32)
    ours, theirs = (keras.ops.convert_to_numpy(network(images)) for network in (model, loaded))
    assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()


def test_a_convolution_of_one_group_and_other_layers_stay_as_keras_computes_them():
    for layer in (keras.layers.Conv3D(4, 3), keras.layers.DepthwiseConv2D(3), keras.layers.Dense(2)):
        assert "convolution_op" not in vars(accelerate(layer))


GROUPED_LAYERS = [
    {"type": "C", "num_output": 6, "kernel_size": [3, 3, 3]},
    {"type": "C", "num_output": 6, "kernel_size": [3, 3, 3], "groups": "depthwise", "activation": "relu"},
    {"type": "P", "pool": "max", "kernel_size": [2, 2, 2]},
    {"type": "C", "num_output": 6, "kernel_size": [3, 3, 3], "groups": 2, "bias": False},
    {"type": "GAP"},
    {"type": "T"},
]


def test_networks_training_twins_and_loaded_models_compute_in_the_fast_form(tmp_path):
    network = build(parse_arch(Document(value=GROUPED_LAYERS, source="test")), (8, 8, 4))
    build_inference_model(network, InputLimits.of(0, 1)).save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    twin = build_training_twin(network, CaseKeys())
    for model in (network, loaded.get_layer(loaded.name), twin):
        convolutions = [getattr(layer, "convolution", layer) for layer in model.layers]
        assert sum("convolution_op" in vars(layer) for layer in convolutions) == 2
    images = np.random.default_rng(0).random((3, 8, 8, 4, 1)).astype(np.float32)
    expected, logits = (keras.ops.convert_to_numpy(model(images)) for model in (network, twin))
    assert np.abs(logits - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports are written by TensorFlow")
@pytest.mark.parametrize("form", ["saved_model", "onnx"])
@pytest.mark.parametrize(
    ("rank", "groups", "kernel_size"), [(2, 4, 3), (3, 4, 3), (3, 40, 3), (3, 40, (3, 3, 1)), (3, 40, (1, 3, 3))]
)
def test_exports_give_the_same_values(tmp_path, form, rank, groups, kernel_size):
    inputs = keras.Input((*SHAPES[rank], 40), name="images")
    outputs = layer_of(rank, 40, groups, kernel_size=kernel_size, strides=2)(inputs)
    model = keras.Model(inputs, keras.layers.Activation("sigmoid", name="probabilities")(outputs))
    entry = EXPORT_FORMATS[form]
    entry.write(model, tmp_path / entry.name)
    images = np.random.default_rng(0).normal(size=(5, *SHAPES[rank], 40)).astype(np.float32)
    assert largest_difference(model, entry.read(tmp_path / entry.name), images) < 1e-5
