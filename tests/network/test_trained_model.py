"""model.keras: what archnet has written is loaded; anything else is one message, before Keras opens it."""

import io
import json
import re
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

import archnet
from archnet.errors import RunError
from archnet.network import model_file
from archnet.network.model_classes import CLASSES
from archnet.network.model_file import check_model_file
from archnet.network.trained_model import load_model, load_run_model
from synthetic_runs import write_run
from trained_runs import LAYERS_2D, write_trained_run

RESTORE = "Restore the file, or run the experiment again."


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return write_trained_run(tmp_path_factory.mktemp("trained") / "net")


@pytest.fixture
def run(trained, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(trained, tmp_path / "net")


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(run, compression=zipfile.ZIP_STORED, **changes):
    """A model file in which some members have another content, or none."""
    names = {"config": "config.json", "weights": "model.weights.h5", "metadata": "metadata.json"}
    path = run / "model.keras"
    contents = members(path) | {names.get(key, key): content for key, content in changes.items()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def change_config(run, change):
    config = json.loads(members(run / "model.keras")["config.json"])
    change(config)
    return rewrite(run, config=json.dumps(config))


def change_weights(run, change):
    stream = io.BytesIO(members(run / "model.keras")["model.weights.h5"])
    with h5py.File(stream, "r+") as file:
        change(file)
    return rewrite(run, weights=stream.getvalue())


def refusal(path):
    """What is wrong with a model file, without the frame of the message."""
    with pytest.raises(RunError) as caught:
        load_model(path)
    found = re.fullmatch(
        f"{re.escape(str(path))}: cannot be read as an archnet model: (.*)\\. {re.escape(RESTORE)}", str(caught.value)
    )
    assert found, str(caught.value)
    return found[1]


def layer(config, name):
    """The first layer of a class."""
    network = next(entry for entry in config["config"]["layers"] if entry["class_name"] == "Functional")
    return next(entry for entry in network["config"]["layers"] if entry["class_name"] == name)


def test_a_model_packed_again_by_another_tool_is_loaded(run):
    rewrite(run, zipfile.ZIP_DEFLATED)
    assert load_run_model(run).output_shape == (None, 2)


def test_a_flipped_byte_anywhere_is_one_message(run):
    path, generator = run / "model.keras", np.random.default_rng(0)
    content = path.read_bytes()
    for place in generator.integers(len(content), size=30).tolist():
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        try:
            check_model_file(path)
        except ValueError as error:
            assert type(error).__name__ == "DamagedFileError"  # noqa: PT017 - a flip in a date of the archive is harmless


def test_a_model_that_is_cut_off_or_missing_is_one_message(run):
    path = run / "model.keras"
    path.write_bytes(path.read_bytes()[:-100])
    assert refusal(path) == "it is truncated, or not a zip archive"
    path.unlink()
    with pytest.raises(RunError, match=f"^{re.escape(f'{path}: no such file. Has the run finished?')}$"):
        load_model(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": None}, '"config.json" is missing from it'),
        ({"weights": None}, '"model.weights.h5" is missing from it'),
        (
            {"config": "{"},
            'its "config.json" is damaged: line 1: not JSON (Expecting property name enclosed in double quotes)',
        ),
        ({"config": "[" * 100_000}, 'its "config.json" is damaged: nested more than 100 levels deep'),
        ({"config": "[" * 200 + "]" * 200}, 'its "config.json" is damaged: nested more than 100 levels deep'),
        (
            {"config": '{"n": %s}' % ("9" * 5000)},
            f'its "config.json" is damaged: line 1: the number {"9" * 40}… (5,000 characters) is beyond the range of a '
            "double",
        ),
        ({"weights": b"\x89HDF\r\n\x1a\n" + bytes(100)}, 'its "model.weights.h5" is damaged'),
    ],
)
def test_members_that_are_not_those_of_a_model_are_named(run, changes, message):
    assert refusal(rewrite(run, **changes)) == message


def test_assets_are_refused(run):
    path = run / "model.keras"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("assets/x", b"1")
    assert refusal(path) == "it contains 4 files; at most 3 are allowed"


@pytest.mark.slow
def test_a_config_that_unpacks_to_gigabytes_is_not_unpacked(run):
    path = rewrite(run, zipfile.ZIP_DEFLATED, config=b" " * 150_000_000)
    assert refusal(path).startswith("it would unpack from ")
    assert refusal(rewrite(run, config=b" " * 65_000_000)) == 'its "config.json" is larger than 64,000,000 bytes'


@pytest.mark.parametrize(
    ("module", "name"),
    [("keras.layers", "Lambda"), ("keras.layers", "TFSMLayer"), ("builtins", "dict"), ("os", "Dense"), (None, "Dense")],
)
def test_a_layer_that_archnet_does_not_use_is_refused(run, module, name):
    path = change_config(run, lambda config: layer(config, "Dense").update(module=module, class_name=name))
    assert refusal(path) == f'its "config.json" names {module}.{name}, which archnet does not use'


def test_a_layer_of_terabytes_is_refused_before_it_is_built(run):
    path = change_config(run, lambda config: layer(config, "Dense")["config"].update(units=10**12))
    assert re.fullmatch(
        r'its "config.json" needs [\d,]{10,} weights, but "model.weights.h5" contains [\d,]+', refusal(path)
    )


@pytest.fixture
def positions(tmp_path):
    """A folder with a network with a positional embedding."""
    layers = [{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "POS"}, {"type": "T"}]
    archnet.load_arch(layers).build((6, 6)).save(tmp_path / "model.keras")
    return tmp_path


def test_positions_of_terabytes_are_refused_before_they_are_built(positions):
    check_model_file(positions / "model.keras")
    path = change_config(
        positions, lambda config: layer_of(config, "EinsumDense")["config"].update(output_shape=[10**6, 10**6, 4])
    )
    assert refusal(path) == 'its "config.json" needs 4,000,000,000,330 weights, but "model.weights.h5" contains 474'


@pytest.mark.parametrize("change", [{"equation": "n,hwdc->nc"}, {"bias_axes": "c"}, {"output_shape": [6, None, 4]}])
def test_a_product_that_archnet_does_not_use_is_refused(positions, change):
    path = change_config(positions, lambda config: layer_of(config, "EinsumDense")["config"].update(change))
    assert refusal(path) == 'its "config.json" does not state the size of a EinsumDense'


def layer_of(config, name):
    """The first layer of a class in a network on its own."""
    return next(entry for entry in config["config"]["layers"] if entry["class_name"] == name)


@pytest.mark.parametrize("units", [0, -1, 2.5, "8", None, True])
def test_a_layer_without_a_size_is_refused(run, units):
    path = change_config(run, lambda config: layer(config, "Dense")["config"].update(units=units))
    assert refusal(path) == 'its "config.json" does not state the size of a Dense'


def test_what_keras_cannot_build_is_one_message(run):
    path = change_config(run, lambda config: layer(config, "Activation")["config"].update(activation="no such"))
    assert refusal(path) == "its layers and weights do not match"
    path = change_config(run, lambda config: config["config"]["layers"][1]["config"].update(layers=[]))
    assert refusal(path) == "its layers and weights do not match"


def test_weights_that_are_not_plainly_in_the_file_are_refused(run, tmp_path):
    plainly = 'its "model.weights.h5" has arrays other than plain numbers'
    links = 'its "model.weights.h5" contains links'
    external = [(str(tmp_path / "secret"), 0, 800)]
    virtual = h5py.VirtualLayout((10,), np.float32)
    virtual[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (10,))
    kinds = {
        lambda file: file.create_dataset("x", (10**12,), np.float32, chunks=(1000,), compression="gzip"): plainly,
        lambda file: file.create_dataset("x", (100,), np.float32, chunks=(100,), compression="gzip"): plainly,
        lambda file: file.create_dataset("x", (10**12,), np.float32): plainly,
        lambda file: file.create_dataset("x", (100,), np.float64, external=external): plainly,
        lambda file: file.create_virtual_dataset("x", virtual): plainly,
        lambda file: file.create_dataset("x", data=["text"]): plainly,
        lambda file: file.update({"x": h5py.SoftLink("/layers")}): links,
        lambda file: file.update({"x": h5py.ExternalLink("other.h5", "/")}): links,
        lambda file: file["layers"].update({"x": file["/"]}): links,
    }
    sound = (run / "model.keras").read_bytes()
    for change, message in kinds.items():
        (run / "model.keras").write_bytes(sound)
        assert refusal(change_weights(run, change)) == message


def test_a_weights_file_has_at_most_so_many_groups_and_arrays(run, monkeypatch):
    names = []
    with h5py.File(io.BytesIO(members(run / "model.keras")["model.weights.h5"]), "r") as file:
        file.visit(names.append)
    monkeypatch.setattr(model_file, "_MAX_H5_OBJECTS", len(names))
    load_run_model(run)
    monkeypatch.setattr(model_file, "_MAX_H5_OBJECTS", len(names) - 1)
    assert refusal(run / "model.keras") == 'its "model.weights.h5" contains links'


def test_weights_of_another_network_are_refused(run, tmp_path):
    other = write_trained_run(tmp_path / "other", layers=[{"type": "GAP"}, {"type": "T"}], rank=3)
    path = rewrite(run, weights=members(other / "model.keras")["model.weights.h5"])
    assert refusal(path).endswith(' weights, but "model.weights.h5" contains 4')


@pytest.mark.slow
def test_the_model_of_another_run_is_refused(run, tmp_path):
    path = run / "model.keras"
    expected = "takes an input of 24 x 24 x 12 x 1 and predicts 2 classes"
    network = json.loads((write_run(tmp_path / "made") / "network.json").read_text(encoding="utf-8"))
    (run / "network.json").write_text(json.dumps(network | {"input_shape": [24, 24, 12, 1]}), encoding="utf-8")
    load_run_model(run)
    others = {
        "takes an input of 24 x 24 x 1 and predicts 2 classes": {"layers": LAYERS_2D},
        "takes an input of 24 x 24 x 12 x 1 and predicts 3 classes": {"classes": ["a", "b", "c"]},
    }
    for number, (given, options) in enumerate(others.items()):
        other = write_trained_run(tmp_path / f"other{number}", **options)
        shutil.copy(other / "model.keras", path)
        message = f"{path}: belongs to a different run: it {given}, but this run's network {expected}. {RESTORE}"
        with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
            load_run_model(run)


def test_every_class_of_the_list_is_one_of_keras():
    for module, names in CLASSES.items():
        place = {"keras": keras, "keras.layers": keras.layers, "keras.initializers": keras.initializers}.get(module)
        assert place is None or all(hasattr(place, name) for name in names)


def test_a_folder_in_place_of_a_model_is_one_message(tmp_path):
    (tmp_path / "model.keras").mkdir()
    message = f"{tmp_path / 'model.keras'}: cannot be read: Is a directory. Check its permissions."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        load_model(tmp_path / "model.keras")
