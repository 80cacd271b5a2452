"""Initial weights from files: what is read, and the messages for hostile or unsuitable files."""

import hashlib
import io
import json
import re
import zipfile

import h5py
import keras
import numpy as np
import pytest

from archnet.errors import RunError
from archnet.network.initialization.initialize import initialize
from archnet.network.model_file import CONFIG, MEMBERS, WEIGHTS
from archnet.network.scaling import build_inference_model
from archnet.spec.experiment import Init
from long_tests import long_except
from small_training import LIMITS, are_equal, built
from trained_runs import write_trained_run

LAYERS = [
    {"type": "C", "num_output": 4, "kernel_size": [3, 3], "norm": "batch"},
    {"type": "GAP"},
    {"type": "FC", "num_output": 5},
    {"type": "T"},
]


def network_of(seed=0, layers=LAYERS, num_classes=2):
    return built(layers, 2, num_classes, seed)


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "model.keras"
    build_inference_model(network_of(1), LIMITS).save(path)
    return path


def refusal(path):
    with pytest.raises(RunError) as caught:
        initialize(network_of(), Init(weights=str(path)))
    return str(caught.value)


def unreadable(path, reason):
    return (
        f"training.init: {path}: cannot be read as a Keras model: {reason}. Save it again with Keras, or name a "
        "different file."
    )


def rewrite(path, change_config=None, weights=None):
    """Pack a model file again with another configuration, or other weights."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in MEMBERS}
    if change_config:
        config = json.loads(members[CONFIG])
        change_config(config)
        members[CONFIG] = json.dumps(config).encode()
    members[WEIGHTS] = members[WEIGHTS] if weights is None else weights
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_model_of_archnet_gives_its_weights_and_its_digest(model_file):
    network = network_of()
    initial = initialize(network, Init(weights=str(model_file)))
    assert are_equal(network.get_weights(), network_of(1).get_weights())
    assert initial.sha256 == hashlib.sha256(model_file.read_bytes()).hexdigest()
    assert initial.file == model_file
    assert all(origin.is_taken for origin in initial.origins)


def test_a_run_folder_gives_the_weights_of_its_model(tmp_path):
    run = write_trained_run(tmp_path / "run")
    initial = initialize(
        built([{"type": "C", "num_output": 6, "kernel_size": [3, 3, 3]}, {"type": "T"}], 3, 2, 0),
        Init(weights=str(run)),
    )
    assert initial.file == run / "model.keras"
    assert [origin.is_taken for origin in initial.origins] == [True, False]


@pytest.mark.slow
def test_a_compiled_model_of_keras_gives_its_weights(tmp_path):
    inputs = keras.Input((8, 8, 3))
    tensor = keras.layers.Conv2D(4, 3, padding="same", kernel_regularizer="l2")(keras.layers.Normalization()(inputs))
    model = keras.Model(inputs, keras.layers.Dense(7)(keras.layers.Flatten()(tensor)))
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 8, 8, 3)), np.zeros((2, 7)), verbose=0)
    model.save(tmp_path / "own.keras")
    network = network_of(layers=[{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "T"}])
    initial = initialize(network, Init(weights=str(tmp_path / "own.keras")))
    assert [origin.is_taken for origin in initial.origins] == [True, False]
    kernel = np.asarray(model.layers[2].kernel)
    np.testing.assert_allclose(network.layers[1].get_weights()[0], kernel.sum(axis=2, keepdims=True), rtol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "size"),
    long_except(
        [("EfficientNetB0", 32)], [("EfficientNetB0", 32), ("Xception", 71), ("ConvNeXtTiny", 32), ("MobileNet", 32)]
    ),
)
def test_applications_of_keras_pass_the_check_and_are_matched(name, size, tmp_path):
    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=3)
    model.save(tmp_path / "model.keras")
    copy = keras.models.clone_model(model)
    initial = initialize(copy, Init(weights=str(tmp_path / "model.keras")))
    assert all(origin.is_taken for origin in initial.origins)
    assert are_equal(model.get_weights(), copy.get_weights())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.keras", "no such file. Name a run folder, a .keras file or a .weights.h5 file."),
        ("", "has no model.keras. Name the folder of a finished run of a network, or a .keras file."),
        (
            "old.h5",
            "expected a run folder, a .keras file or a .weights.h5 file. Open other files in Keras, and save the model "
            'with model.save("NAME.keras").',
        ),
    ],
)
def test_an_unsuitable_path_is_one_message(name, reason, tmp_path):
    (tmp_path / "old.h5").write_bytes(b"")
    assert refusal(tmp_path / name) == f"training.init: {tmp_path / name}: {reason}"


def test_a_file_that_is_not_an_archive_is_one_message(model_file):
    model_file.write_bytes(b"weights")
    assert refusal(model_file) == unreadable(model_file, "it is truncated, or not a zip archive")


def test_a_lambda_layer_is_not_opened(tmp_path):
    inputs = keras.Input((8, 8, 1))
    keras.Model(inputs, keras.layers.Lambda(lambda tensor: tensor + 1)(inputs)).save(tmp_path / "code.keras")
    assert refusal(tmp_path / "code.keras") == unreadable(
        tmp_path / "code.keras", 'its "config.json" names keras.layers.Lambda, which archnet does not use'
    )


def test_a_model_that_would_need_more_weights_than_the_file_holds_is_not_built(model_file):
    def enlarge(config):
        for layer in config["config"]["layers"]:
            for inner in layer["config"].get("layers", []):
                if inner["class_name"] == "Dense":
                    inner["config"]["units"] = 10**9

    rewrite(model_file, enlarge)
    assert refusal(model_file) == unreadable(
        model_file, 'its "config.json" needs 11,000,000,056 weights, but "model.weights.h5" contains 93'
    )


def test_weights_of_other_shapes_are_one_message(model_file):
    with zipfile.ZipFile(model_file) as archive:
        content = io.BytesIO(archive.read(WEIGHTS))
    with h5py.File(content, "r+") as file:
        for name in ("0", "1"):
            path = f"layers/functional/layers/conv2d/vars/{name}"
            values = file[path][()]
            del file[path]
            file[path] = np.zeros((3, 6, 1, 2) if name == "0" else (4,), values.dtype)
    rewrite(model_file, weights=content.getvalue())
    assert refusal(model_file) == unreadable(model_file, "its layers and weights do not match")


def test_a_compressed_array_is_not_unpacked(model_file):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("layers/x/vars/0", (10**9,), "f4", compression="gzip")
    rewrite(model_file, weights=content.getvalue())
    assert refusal(model_file) == unreadable(model_file, 'its "model.weights.h5" has arrays other than plain numbers')
    loose = model_file.parent / "a.weights.h5"
    loose.write_bytes(content.getvalue())
    assert refusal(loose) == unreadable(loose, "its content has arrays other than plain numbers")


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_weights_that_are_not_numbers_are_one_message(suffix, tmp_path):
    network = network_of(1)
    network.layers[-1].bias.assign([np.nan, 0])
    path = tmp_path / f"x{suffix}"
    network.save(path) if suffix == ".keras" else network.save_weights(path)
    assert refusal(path) == unreadable(path, "it contains NaN or infinite weights")


def test_a_network_without_matching_layers_is_one_message(tmp_path):
    inputs = keras.Input((8, 8, 1))
    path = tmp_path / "other.keras"
    keras.Model(inputs, keras.layers.Conv2D(9, 5, name="first")(inputs)).save(path)
    assert refusal(path) == (
        f"training.init: {path}: no layer of it matches this network, whose first layer is Conv2D (3 x 3 x 1 x 4): the "
        'file has Conv2D "first" (5 x 5 x 1 x 9) here. Remove training.init, or use a network with the same first '
        "layers."
    )


def test_loose_arrays_are_taken_where_one_layer_fits_one(tmp_path):
    path = tmp_path / "a.weights.h5"
    network_of(1, num_classes=3).save_weights(path)
    network = network_of()
    initial = initialize(network, Init(weights=str(path)))
    assert [(origin.is_taken, origin.note) for origin in initial.origins] == [
        (True, '"conv2d"'),
        (True, '"batch_normalization"'),
        (True, '"dense"'),
        (False, "the file has no layer of this class and these shapes"),
    ]
    assert are_equal(network.get_weights()[:8], network_of(1, num_classes=3).get_weights()[:8])


def test_loose_arrays_of_layers_that_fit_equally_are_refused(tmp_path):
    path = tmp_path / "a.weights.h5"
    layers = [*LAYERS[:1], *LAYERS[:1], *LAYERS[1:]]
    network = network_of(1, layers)
    network.save_weights(path)
    names = [layer.name for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    with pytest.raises(RunError) as caught:
        initialize(network, Init(weights=str(path)))
    assert str(caught.value) == (
        f"training.init: {path}: does not store how its layers are connected, and batch_normalization, "
        f"batch_normalization_1 match {', '.join(names)} of this network equally well. Use the .keras file of the model, "
        "written by model.save in Keras."
    )


def test_a_file_of_arrays_in_another_layout_is_one_message(tmp_path):
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:
        file["conv1/kernel"] = np.zeros((3, 3, 1, 4), np.float32)
    assert refusal(path) == unreadable(path, "it contains no layers in the format of Keras 3")
    path.write_bytes(b"no hdf5")
    assert re.fullmatch(re.escape(unreadable(path, "its content is damaged")), refusal(path))
