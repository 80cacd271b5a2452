"""`VIEWS` in Keras: its planes, its fusions, one network or one for each plane, and the same in every file format."""

import re
import warnings

import keras
import numpy as np
import pytest

from archnet.network.backend import backend_module
from archnet.network.build.builder import Builder
from archnet.network.build.network import RULES
from archnet.network.build.views import plane_tensors
from archnet.network.export import EXPORT_FORMATS, largest_difference
from archnet.network.model_file import check_model_file
from archnet.network.scaling import build_inference_model
from archnet.spec.layers import parse_layer
from archnet.spec.view import InputLimits
from layer_documents import arch_of, keras_form, set_positive_weights

C = {"type": "C", "num_output": 3, "kernel_size": 3, "activation": "relu"}
P = {"type": "P", "pool": "max", "kernel_size": 2}
FC = {"type": "FC", "num_output": 4, "activation": "tanh"}
N = 6


def views(planes="nine", *layers, **keys):
    return {"type": "VIEWS", "planes": planes, "layers": list(layers) or [C, P, FC], **keys}


def model_of(document, shape=(N, N, N, 2)):
    model = keras_form(parse_layer(document, 3), shape, 3)
    generator = np.random.default_rng(1)
    model.set_weights([generator.normal(0, 0.5, weight.shape).astype(np.float32) for weight in model.get_weights()])
    return model


def volumes(count=3, shape=(N, N, N, 2)):
    return np.random.default_rng(0).normal(size=(count, *shape)).astype(np.float32)


def planes_in_numpy(images):
    """The planes of cubes (N, n, n, n, channels), from their definition."""
    n = images.shape[1]
    m, i = n // 2, np.arange(n)
    return {
        "axial": [images[:, :, :, m]],
        "orthogonal": [images[:, :, :, m], images[:, m], images[:, :, m]],
        "nine": [
            images[:, :, :, m],
            images[:, m],
            images[:, :, m],
            np.stack([images[:, k, k] for k in i], 1),
            np.stack([images[:, k, n - 1 - k] for k in i], 1),
            np.stack([images[:, k, :, k] for k in i], 1),
            np.stack([images[:, k, :, n - 1 - k] for k in i], 1),
            np.stack([images[:, :, k, k] for k in i], 2),
            np.stack([images[:, :, k, n - 1 - k] for k in i], 2),
        ],
        "slices": [images[:, :, :, k] for k in range(images.shape[3])],
    }


def features_plane_by_plane(model, planes, is_shared=True):
    """What 2D layers with the weights of a model make of each plane, (N, planes, features)."""
    inputs = keras.Input(planes[0].shape[1:])
    chain = Builder(rules=RULES).chain([parse_layer(layer, 2) for layer in (C, P, FC)], inputs)
    inner, features = keras.Model(inputs, chain), []
    count, copies = len(inner.weights) // 2, 1 if is_shared else len(planes)
    # Keras orders layers by their distance from the output: the first of all planes, then the second of all.
    pairs = [model.get_weights()[start : start + 2] for start in range(0, 2 * count * copies, 2)]
    for number, plane in enumerate(planes):
        own = pairs[0 if is_shared else number :: copies]
        inner.set_weights([weight for pair in own for weight in pair])
        features.append(np.asarray(inner(plane)))
    return np.stack(features, 1)


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_the_planes_are_those_that_numpy_cuts_out_case_by_case(n):
    images = volumes(shape=(n, n, n, 2))
    inputs = keras.Input(images.shape[1:])
    for planes, expected in planes_in_numpy(images).items():
        (folded,) = plane_tensors(parse_layer(views(planes), 3), inputs)
        rows = np.stack(expected, 1).reshape(-1, n, n, 2)
        np.testing.assert_array_equal(keras.Model(inputs, folded)(images), rows)
        if planes != "slices":
            apart = plane_tensors(parse_layer(views(planes, shared=False), 3), inputs)
            for tensor, plane in zip(apart, expected, strict=True):
                np.testing.assert_array_equal(keras.Model(inputs, tensor)(images), plane)


@pytest.mark.parametrize("planes", ["axial", "orthogonal", "nine", "slices"])
def test_shared_layers_make_of_each_plane_what_they_make_of_it_alone(planes):
    images, model = volumes(), model_of(views(planes))
    features = features_plane_by_plane(model, planes_in_numpy(images)[planes])
    np.testing.assert_array_equal(model(images), features.reshape(len(images), -1))


def test_slices_and_the_axial_plane_of_a_volume_that_is_not_a_cube():
    images = volumes(shape=(6, 4, 3, 1))
    for planes in ("axial", "slices"):
        model = model_of(views(planes), images.shape[1:])
        cut = [images[:, :, :, k] for k in range(3)] if planes == "slices" else [images[:, :, :, 1]]
        features = features_plane_by_plane(model, cut)
        np.testing.assert_array_equal(model(images), features.reshape(len(images), -1))


@pytest.mark.parametrize(("fuse", "reduce"), [("mean", np.mean), ("max", np.max)])
def test_fusion_is_the_mean_or_the_maximum_over_the_planes_in_any_order(fuse, reduce):
    images, model = volumes(), model_of(views("slices", fuse=fuse))
    features = features_plane_by_plane(model, planes_in_numpy(images)["slices"])
    np.testing.assert_allclose(model(images), reduce(features, axis=1), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(model(images[:, :, :, ::-1]), model(images), rtol=1e-6, atol=1e-7)


def test_gated_attention_is_its_formula():
    images, model = volumes(), model_of(views("nine", fuse="attention", attention_size=5))
    score = next(weight for weight in model.weights if weight.shape == (5, 1))
    score.assign(10 * score)
    features = features_plane_by_plane(model, planes_in_numpy(images)["nine"])
    content, content_bias, gate, gate_bias, score = model.get_weights()[4:]
    hidden = np.tanh(features @ content + content_bias) / (1 + np.exp(-(features @ gate + gate_bias)))
    shares = np.exp(hidden @ score) / np.exp(hidden @ score).sum(axis=1, keepdims=True)
    assert shares.max() > 2 / 9  # the planes weigh unequally
    np.testing.assert_allclose(model(images), (shares * features).sum(axis=1), rtol=1e-5, atol=1e-6)


def test_layers_that_are_not_shared_have_weights_of_their_own_for_each_plane():
    images, model = volumes(), model_of(views("nine", shared=False))
    features = features_plane_by_plane(model, planes_in_numpy(images)["nine"], is_shared=False)
    np.testing.assert_array_equal(model(images), features.reshape(len(images), -1))
    starts = keras_form(parse_layer(views("nine", shared=False), 3), (N, N, N, 1), 3).get_weights()
    assert len({weight.tobytes() for weight in starts if weight.ndim == 4}) == 9


def test_the_maximum_gives_every_plane_a_gradient_on_a_case_where_it_is_brightest():
    model = model_of(views("orthogonal", C, {"type": "GAP"}, shared=False, fuse="max"))
    set_positive_weights(model)
    images = np.zeros((3, N, N, N, 2), np.float32)
    images[0, :, :, N // 2], images[1, N // 2], images[2, :, N // 2] = 1, 1, 1
    weights = model.trainable_variables
    _, gradients = backend_module().value_and_gradients(
        lambda: (keras.ops.sum(model(images)), model.output), weights, model.non_trainable_variables
    )
    assert all(np.any(np.asarray(gradient)) for gradient in gradients)


def test_a_flat_tensor_has_no_planes():
    with pytest.raises(ValueError, match=f"^{re.escape('(None, 5) has no spatial axes')}$"):
        keras_form(parse_layer(views(), 3), (5,), 3)


VARIANTS = {
    "axial": views("axial"),
    "nine, attention": views("nine", fuse="attention"),
    "orthogonal apart, mean": views("orthogonal", shared=False, fuse="mean"),
    "slices, max": views("slices", fuse="max"),
}


@pytest.mark.slow
@pytest.mark.parametrize("document", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_an_export_gives_the_same_probabilities(document, name, tmp_path):
    network = arch_of(document, rank=3).build((N, N, N))
    model = build_inference_model(network, InputLimits.of(-1000, 400))
    export = EXPORT_FORMATS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export.write(model, tmp_path / export.name)
    if name == "keras":
        check_model_file(tmp_path / export.name)
    images = np.random.default_rng(0).uniform(-1000, 400, (5, N, N, N, 1)).astype(np.float32)
    assert largest_difference(model, export.read(tmp_path / export.name), images) < 1e-6
