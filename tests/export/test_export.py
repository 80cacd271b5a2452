"""Exports: what another runtime computes is what Keras computes, and what does not is not written."""

import json
import re
import shutil
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from typer.testing import CliRunner

import archnet
from archnet.cli import app
from archnet.errors import RunError
from archnet.evaluation.integrity.manifest import record_run
from archnet.export.exported_model import export_run
from archnet.export.scan_steps import describe_whole_scan
from archnet.files.atomic import write_json
from archnet.imaging.scan_identity import ScanIdentity
from archnet.network import export as network
from archnet.network.scaling import build_inference_model, input_limits
from archnet.runs.preparation.training_scans import TrainingScan, TrainingScans, hash_text
from archnet.spec.view import InputLimits
from long_tests import long_except
from plain_training import PLAIN

COMMAND = CliRunner()
ROOT = Path(__file__).parents[2]
ZOO = ("multiscale_3d", "nine_view", "slice_attention", "vit_3d")
"""Networks whose graphs are unlike the others'. `experiments/check_zoo.py` exports all of the zoo."""
ARCHS = [
    *sorted(set((ROOT / "archs").glob("*.json")) - {ROOT / "archs/res2d_small.json"}),
    *(ROOT / f"archs/zoo/{name}.json" for name in ZOO),
]
"""All but a second residual network in 2D."""
QUICK = ("archsm", "arch3dsm", "slice_attention")
BY_SPEED = [path if path.stem in QUICK else pytest.param(path, marks=pytest.mark.long) for path in ARCHS]
INPUTS = {"ct3d": (46, 46, 46)}
"""Where the usual small input leaves nothing; the networks of archs/zoo take their own."""
NET = {
    "name": "flat",
    "layers": [
        {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu", "drop_out": 10},
        {"type": "GAP"},
        {"type": "T"},
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a 2D network on volumes in HU."""
    folder = tmp_path_factory.mktemp("export")
    generator = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = generator.integers(-1100, 500, (60, 8, 8, 4), dtype=np.int16)
    x[y == 1] += 200
    np.savez(folder / "cubes.npz", x=x[..., np.newaxis], y=y, group=np.repeat(np.arange(20), 3))
    data = {"name": "npz", "root": str(folder / "cubes.npz"), "range": "hu"}
    return archnet.run({"archs": [NET], "data": data, "training": {**PLAIN, "epochs": 1}}, out=folder / "runs").folder


def model_of(source):
    """With batch norm statistics, so that all weights matter."""
    arch = archnet.load_arch(source)
    shape = arch.input_shape if arch.name in ZOO else INPUTS.get(arch.name, (16, 16, 10)[: arch.rank])
    model = build_inference_model(arch.build(shape, 2, seed=1), InputLimits.of(-1000, 400))
    generator = np.random.default_rng(1)
    for weight in model.weights:
        if "moving" in weight.path:
            weight.assign(generator.uniform(0.5, 2, weight.shape))
    return model


def hu_like(model, count=5):
    return np.random.default_rng(2).uniform(-1500, 900, (count, *model.input_shape[1:])).astype(np.float32)


def told_by_keras(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


@pytest.mark.slow
@pytest.mark.parametrize("path", BY_SPEED, ids=[path.stem for path in ARCHS])
def test_onnx_runtime_and_the_saved_model_agree_with_keras_for_shipped_architectures(path, tmp_path):
    document = re.sub(
        r'"times": \d+', '"times": 1', path.read_text(encoding="utf-8")
    )  # a repetition is more of the same
    check_exports(model_of(json.loads(document)), tmp_path)


CONVOLUTION = {"type": "C", "num_output": 4, "kernel_size": 3, "activation": "relu"}
BRANCHES = [[CONVOLUTION, CONVOLUTION], [{"type": "P", "pool": "max", "kernel_size": 3, "stride": 1}], []]
BLOCKS = [
    {"type": "CAT", "branches": BRANCHES},
    {
        "type": "RES",
        "layers": [{**CONVOLUTION, "stride": 2}],
        "shortcut": [{**CONVOLUTION, "stride": 2}],
        "drop_path": 20,
    },
    {"type": "RES", "layers": [CONVOLUTION], "layer_scale": 0.5, "activation": "gelu"},
    {"type": "DENSE", "times": 2, "layers": [{"type": "BN"}, CONVOLUTION]},
    {"type": "ADD", "branches": [[CONVOLUTION], [CONVOLUTION]]},
    {"type": "CAT", "branches": [[CONVOLUTION, {"type": "GAP"}], [{"type": "GMP"}]]},
    {"type": "T"},
]


@pytest.mark.long
@pytest.mark.parametrize("rank", long_except({3}, [2, 3]))
def test_onnx_runtime_and_the_saved_model_agree_with_keras_for_branches_and_blocks(rank, tmp_path):
    check_exports(model_of({"rank": rank, "layers": BLOCKS}), tmp_path)


GATES = [
    {"type": "ACT", "activation": "hard_silu"},
    {"type": "GMP"},
    {"type": "SE", "ratio": 2, "activation": "silu", "gate": "hard_sigmoid"},
    {"type": "CBAM", "ratio": 2, "kernel_size": 3},
    {"type": "CROP", "size": 2},
    {"type": "POS"},
    {"type": "ATT", "heads": 2, "drop_out": 10, "drop_path": 10},
]


@pytest.mark.slow
@pytest.mark.parametrize("rank", long_except({3}, [2, 3]))
@pytest.mark.parametrize("layer", GATES, ids=[layer["type"] for layer in GATES])
def test_onnx_runtime_and_the_saved_model_agree_with_keras_for_a_layer_of_each_type(layer, rank, tmp_path):
    check_exports(model_of({"rank": rank, "layers": [{**CONVOLUTION, "stride": 4}, layer, {"type": "T"}]}), tmp_path)


def check_exports(model, tmp_path):
    network.EXPORT_FORMATS["onnx"].write(model, tmp_path / "model.onnx")
    network.EXPORT_FORMATS["saved_model"].write(model, tmp_path / "saved_model")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    saved = tf.saved_model.load(tmp_path / "saved_model")
    for count in (1, 5):
        images = hu_like(model, count)
        expected = told_by_keras(model, images)
        assert expected.shape == (count, 2)
        np.testing.assert_allclose(session.run(None, {"images": images})[0], expected, rtol=0, atol=1e-5)
        np.testing.assert_allclose(saved.serve(images).numpy(), expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_an_onnx_file_names_its_tensors_and_its_free_axis(tmp_path):
    network.EXPORT_FORMATS["onnx"].write(model_of(ARCHS[0]), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (images,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (images.name, images.shape, images.type) == ("images", ["cases", 16, 16, 1], "tensor(float)")
    assert (probabilities.name, probabilities.shape) == ("probabilities", ["cases", 2])


@pytest.mark.parametrize("form", ["keras", "saved_model", "onnx"])
def test_an_export_is_a_new_folder_with_a_model_that_was_checked_and_its_card(run, tmp_path, form):
    told = COMMAND.invoke(app, ["export", str(run), "--format", form, "--out", str(tmp_path / "new"), "--json"])
    assert told.exit_code == 0, told.output
    archive = json.loads(told.stdout)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        network.EXPORT_FORMATS[form].name,
        "MODEL_CARD.md",
        "training_scans.json",
    }
    assert archive["largest_difference"] <= archive["tolerance"] == 1e-5
    assert archive["num_checked"] == {"real": 9, "noise": 4}
    images = hu_like(archnet.Run(run).model)
    told_by_export = network.EXPORT_FORMATS[form].read(Path(archive["model"]))(images)
    np.testing.assert_allclose(told_by_export, told_by_keras(archnet.Run(run).model, images), atol=1e-5)


def test_the_command_prints_the_difference(run, tmp_path):
    told = COMMAND.invoke(app, ["export", str(run), "--format", "keras", "--out", str(tmp_path / "new")])
    assert told.stdout == (
        f"Model: {tmp_path / 'new/model.keras'}\n"
        f"Card:  {tmp_path / 'new/MODEL_CARD.md'}\n"
        "Largest difference from Keras over 9 cases of the run and 4 of noise: 0 (at most 1e-05 is allowed)\n"
    )


def test_the_cases_it_is_checked_on_are_those_of_the_run(run, tmp_path, monkeypatch):
    seen = []

    def watched(model, other, images):
        seen.append(images)
        return 0.0

    monkeypatch.setattr(network, "largest_difference", watched)
    export_run(run, "keras", tmp_path / "new")
    with np.load(run / "gallery.npz") as gallery, np.load(run.parent.parent / "cubes.npz") as cubes:
        wanted = [cubes["x"][int(case), :, :, 2, 0] for case in gallery["case"][-9:]]
    assert seen[0].shape == (13, 8, 8, 1)
    np.testing.assert_array_equal(seen[0][:9, ..., 0], wanted)
    assert seen[0][9:].min() < -1000
    assert seen[0][9:].max() > 400


def test_a_run_that_keeps_no_cases_is_checked_on_noise_alone(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy/flat")
    (copy / "gallery.npz").unlink()
    record_run(copy)
    exported = export_run(copy, "keras", tmp_path / "new")
    assert (exported.num_real, exported.num_noise, exported.difference) == (0, 4, 0)


@pytest.mark.slow
def test_a_model_that_computes_something_else_is_not_written(run, tmp_path, monkeypatch):
    monkeypatch.setattr(network, "largest_difference", lambda *given: 1.21e-5)
    message = (
        f"{tmp_path / 'new'}: was not written: the probabilities of the onnx model differ from Keras's by up to 1.2e-05; at "
        "most 1e-05 is allowed. Export it as keras, and report this with the architecture."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        export_run(run, "onnx", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_gives_nan_is_not_exported(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "net")
    model = keras.saving.load_model(copy / "model.keras")
    layer = model.get_layer("flat").layers[-1]
    remedy = (
        "Its training has diverged: run the experiment again with a lower training.learning_rate, or with "
        "training.clip_norm=1."
    )
    for value, symptom in {
        np.nan: "contains NaN or infinite weights",
        3e38: "outputs NaN instead of probabilities",
    }.items():
        kernel, bias = layer.get_weights()
        layer.set_weights([np.full_like(kernel, value), np.full_like(bias, min(value, 3e38))])
        model.save(copy / "model.keras")
        (copy / "manifest.json").unlink(missing_ok=True)
        message = f"{copy / 'model.keras'}: {symptom}. {remedy}"
        with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
            export_run(copy, "keras", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_difference_in_the_last_case_alone_counts():
    model = model_of(ARCHS[0])
    images = hu_like(model)

    def shifted(part):
        return told_by_keras(model, part) + (0.25 if len(part) == 1 else 0)

    assert network.largest_difference(model, shifted, images) == pytest.approx(0.25)


def test_a_folder_that_is_there_is_not_overwritten(run, tmp_path):
    told = COMMAND.invoke(app, ["export", str(run), "--format", "keras", "--out", str(tmp_path)])
    message = f"{tmp_path}: already exists and is not overwritten. Remove it, or choose another with --out."
    assert isinstance(told.exception, RunError)
    assert str(told.exception) == message


def test_a_missing_package_is_reported_with_the_command_that_brings_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr(network, "find_spec", lambda name: None if name in ("tf2onnx", "onnxruntime") else name)
    message = (
        "--format onnx: needs tf2onnx, onnxruntime, which are not installed. "
        'Install what is missing: pip install "archnet[export]"'
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        export_run(run, "onnx", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_another_backend_gets_advice_on_how_to_export(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    message = (
        '--format saved_model: is written by TensorFlow, but KERAS_BACKEND is "jax". Set KERAS_BACKEND=tensorflow for '
        "this command: a run's model.keras is the same on either."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        network.check_format("saved_model")


def test_a_run_without_a_network_and_a_folder_of_several_are_refused(run, tmp_path):
    (tmp_path / "forest").mkdir()
    (tmp_path / "forest/metrics.json").write_text("{}")
    message = f"{tmp_path / 'forest'}: has no model.keras to export. Name a run of a network."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        export_run(tmp_path / "forest", "keras")
    message = f"{tmp_path}: is not a run folder, but contains some. Name one of them, such as {tmp_path / 'forest'}."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        export_run(tmp_path, "keras")


@pytest.mark.slow
@pytest.mark.parametrize(
    "limits",
    [
        InputLimits.of(-1000, 400),
        InputLimits.of(0, 255),
        InputLimits.of(-0.3, 0.7),
        InputLimits(windows=(((-1000, 400), (0, 20.5)),)),
        InputLimits(windows=(((-1350, 150),), ((-160, 240),))),
        InputLimits(windows=tuple(((low, low + 100), (-1, 1)) for low in range(0, -1200, -100))),
    ],
    ids=str,
)
def test_a_model_reports_its_limits_also_when_it_was_saved(limits, tmp_path):
    model = build_inference_model(archnet.load_arch(ARCHS[0]).build((16, 16, len(limits.channels)), 2), limits)
    model.save(tmp_path / "model.keras")
    assert input_limits(keras.saving.load_model(tmp_path / "model.keras")) == limits


def test_the_card_reports_what_the_run_folder_holds(run, tmp_path):
    card = (export_run(run, "keras", tmp_path / "new").folder / "MODEL_CARD.md").read_text()
    metrics = json.loads((run / "metrics.json").read_text())["test"]
    low, high = metrics["intervals"]["accuracy"]
    lines = card.splitlines()
    assert "**Not for clinical use.** This is a research model." in card
    assert f"| accuracy | {metrics['accuracy']:.3f} | {low:.3f} to {high:.3f} |" in lines
    assert "Data set: npz. Split by group, seed 42. Licence of the data: to be stated by the author." in lines
    assert "| test | 12 | 4 | 6 | 6 |" in lines
    assert "| C | 4 3x3 relu drop 10% | 8 × 8 × 4 | 40 |" in lines
    assert "| epochs | `1` |" in lines
    assert (
        "- `model.keras` takes float32 of shape (cases, 8, 8, 1): any number of cases, then height, width, channels."
    ) in lines
    assert "- It reads the central axial slice of a volume (index depth // 2)." in lines
    assert (
        "- The values are Hounsfield units, not rescaled. The model itself maps -1000 to 0 and 400 to 1 and clips values "
        "outside this range."
    ) in lines
    assert "in this order: 0: “0”, 1: “1”. The run calls a case “1” from a probability of 0.5 on." in card
    assert f"Versions: archnet {version('archnet')}, keras {version('keras')}" in card


def test_the_card_of_a_run_on_arrays_names_the_list_of_its_cases(run, tmp_path):
    exported = export_run(run, "keras", tmp_path / "new")
    assert (
        "The model was trained on arrays. `training_scans.json` lists the hash of each case's values: 42 cases of "
        "train; "
        "6 cases of validation."
    ) in exported.card.read_text().splitlines()
    listed = json.loads((exported.folder / "training_scans.json").read_text())
    known = json.loads((run / "training_scans.json").read_text())
    assert listed["cases"]["train"] == [hash_text(digest) for digest in known["cases"]["train"]]


@pytest.mark.slow
def test_the_card_of_a_run_on_scans_has_their_hashes_or_says_that_they_are_unknown(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "flat")
    scans = [
        TrainingScan(identity=ScanIdentity(series_uid="1.2.3", digest="ab"), sets=("train", "validation")),
        TrainingScan(identity=ScanIdentity(series_uid=None, digest="cd"), sets=("train",)),
    ]
    write_json(copy / "training_scans.json", TrainingScans(scans=tuple(scans), cases={}).to_document())
    record_run(copy)
    lines = export_run(copy, "keras", tmp_path / "new").card.read_text().splitlines()
    start = lines.index("| set | voxels | series |")
    assert lines[start + 2 : start + 4] == [
        f"| train, validation | `{hash_text('ab')}` | `{hash_text('1.2.3')}` |",
        f"| train | `{hash_text('cd')}` | unknown |",
    ]
    (copy / "training_scans.json").unlink()
    record_run(copy)
    exported = export_run(copy, "keras", tmp_path / "unknown")
    assert "Unknown: the archnet version that made the run did not record them." in exported.card.read_text()
    assert not (exported.folder / "training_scans.json").exists()


@pytest.mark.slow
def test_the_card_of_a_network_on_slices_says_what_its_channels_are(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy/flat")
    document = json.loads((copy / "experiment.json").read_text())
    document["data"]["view"] = "slices-as-channels"
    (copy / "experiment.json").write_text(json.dumps(document))
    network = json.loads((copy / "network.json").read_text())
    (copy / "network.json").write_text(json.dumps(network | {"input_shape": [8, 8, 4]}))
    model = build_inference_model(archnet.load_arch(document["arch"]).build((8, 8, 4), 2), InputLimits.of(-1000, 400))
    model.save(copy / "model.keras")
    network = json.loads((copy / "network.json").read_text())
    write_json(copy / "network.json", {**network, "input_shape": [8, 8, 4]})
    record_run(copy)
    card = (export_run(copy, "keras", tmp_path / "new").folder / "MODEL_CARD.md").read_text()
    assert "- Its channels are the axial slices of a volume, from index 0 on." in card.splitlines()


def test_the_card_of_a_network_on_whole_scans_says_how_a_scan_becomes_its_input(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy/flat")
    document = json.loads((copy / "experiment.json").read_text())
    document["data"] = {"name": "mosmed", "crop_size": [8, 8, 4], "window_hu": [-1000, 400], "view": "slice"}
    (copy / "experiment.json").write_text(json.dumps(document))
    record_run(copy)
    lines = (export_run(copy, "keras", tmp_path / "new").folder / "MODEL_CARD.md").read_text().splitlines()
    start = lines.index("To convert a scan to the input of the model:") + 2
    steps = describe_whole_scan(document["data"])
    assert lines[start : start + 6] == [f"{number}. {step}" for number, step in enumerate(steps, 1)]
    assert (
        "- Height runs along the scan's y axis (to the back), width along x (to the left), depth along z (up)." in lines
    )
    assert "- Voxels have no fixed size: every scan is resized to one shape." in lines
    assert "- It reads the central axial slice of a volume (index depth // 2)." in lines
