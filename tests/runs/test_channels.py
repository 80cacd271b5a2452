"""Runs on several windows and on arrays with channels: what the run folder, its report and its exports hold."""

import json

import numpy as np
import pytest

import archnet
from archnet.evaluation.predictions import read_predictions
from archnet.export.exported_model import export_run
from archnet.network.predict import predict_probabilities
from archnet.network.scaling import input_limits
from archnet.network.trained_model import load_run_model
from archnet.report.gallery_file import read_gallery
from archnet.runs.repair import repair_run
from archnet.spec.view import InputLimits
from plain_training import PLAIN

pytestmark = pytest.mark.slow

WINDOWS = ((-1350, 150), (-160, 240))
RANGES = ((-1000, 400), (0, 20))
AUGMENTATION = [
    {"type": "right_angles"},
    {"type": "flip", "axes": ["height", "width"]},
    {"type": "shift", "height": 1, "width": 1},
    {"type": "intensity"},
]


def arch_of(rank):
    layers = [
        {"type": "C", "num_output": 4, "kernel_size": [3] * rank, "activation": "relu"},
        {"type": "GAP"},
        {"type": "T"},
    ]
    return {"name": f"net{rank}", "channels": 2, "layers": layers}


def save_cubes(path, make):
    """Cubes of chest CT with a PET channel; a blob is brighter in class 1."""
    generator = np.random.default_rng(0)
    y = np.arange(60) % 2
    ct, pet = generator.normal(-500, 300, (60, 8, 8, 5)), generator.uniform(0, 5, (60, 8, 8, 5))
    ct[y == 1, 2:6, 2:6] += 400
    pet[y == 1, 2:6, 2:6] += 10
    np.savez(path, x=make(ct.round().clip(-1400, 1000), pet), y=y, group=np.arange(60) // 2)
    return path


def train(path, rank, out, **data):
    document = {
        "archs": [arch_of(rank)],
        "data": {"name": "npz", "root": str(path), **data},
        "training": {**PLAIN, "epochs": 2, "learning_rate": 0.01, "augmentation": AUGMENTATION},
        "evaluation": {"bootstraps": 20},
    }
    return archnet.run(document, out=out, progress=False)


def scaled(values, ranges):
    """Each channel of the values, scaled by NumPy."""
    channels = [np.clip((values[..., place] - low) / (high - low), 0, 1) for place, (low, high) in enumerate(ranges)]
    return np.stack(channels, axis=-1).astype(np.float32)


@pytest.fixture(scope="module", params=[2, 3], ids=["2D", "3D"])
def rank(request):
    return request.param


@pytest.fixture(scope="module")
def petct(tmp_path_factory, rank):
    """A run on PET/CT."""
    folder = tmp_path_factory.mktemp("petct")
    path = save_cubes(folder / "petct.npz", make=lambda ct, pet: np.stack([ct, pet], -1).astype(np.float32))
    return train(path, rank, folder / "runs", channels=2, range=RANGES).folder


def network_rows(folder):
    document = json.loads((folder / "network.json").read_text())
    return document["input_shape"], document["layers"]


def test_a_run_on_windows_is_one_on_channels_that_were_scaled_before(tmp_path, rank):
    hu = save_cubes(tmp_path / "hu.npz", make=lambda ct, pet: ct.astype(np.int16))
    channels = save_cubes(tmp_path / "channels.npz", make=lambda ct, pet: scaled(np.stack([ct, ct], -1), WINDOWS))
    one = train(hu, rank, tmp_path / "one", window_hu=WINDOWS)
    other = train(channels, rank, tmp_path / "other", channels=2, range=[0, 1])
    np.testing.assert_allclose(one.predictions.probabilities, other.predictions.probabilities, rtol=0, atol=1e-4)
    assert one.predictions.probabilities.std() > 0.01
    assert network_rows(one.folder) == network_rows(other.folder)
    assert input_limits(one.model) == InputLimits(windows=tuple((window,) for window in WINDOWS))
    assert one.model.input_shape[1:] == ((8, 8, 5, 1) if rank == 3 else (8, 8, 1))
    gallery = read_gallery(one.folder / "gallery.npz")
    assert gallery.other_channels is None
    assert "The pictures show window -1350 to 150." in (one.folder / "report.html").read_text()


def test_the_predictions_of_a_run_are_those_of_its_model_on_both_channels(petct, rank):
    with np.load(petct.parent.parent / "petct.npz") as arrays:
        x = arrays["x"]
    predictions = read_predictions(petct / "predictions.csv")
    model = load_run_model(petct)
    assert input_limits(model) == InputLimits(windows=(RANGES,))
    network = model.get_layer(model.name)
    cases = scaled(x if rank == 3 else x[:, :, :, 2], RANGES)[predictions.cases.astype(int)]
    logits = np.asarray(network(cases), np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predictions.probabilities, expected, rtol=0, atol=1e-5)
    swapped = predict_probabilities(model, x[..., ::-1] if rank == 3 else x[:, :, :, 2, ::-1], np.arange(len(x)))
    assert np.abs(swapped - predictions.probabilities).max() > 0.01


def test_the_gallery_shows_the_first_channel_and_keeps_the_others(petct):
    with np.load(petct.parent.parent / "petct.npz") as arrays:
        x = arrays["x"]
    gallery = read_gallery(petct / "gallery.npz")
    expected = x[gallery.cases.astype(int)]
    limits = InputLimits(windows=(RANGES,))
    np.testing.assert_allclose(gallery.raw_channels(slice(None), limits), expected, rtol=0, atol=0.03)
    pictures = np.stack([gallery.picture(number) for number in range(len(expected))])
    np.testing.assert_allclose(pictures, (scaled(expected, RANGES)[..., 0] * 255).round(), atol=1)
    assert "The pictures show channel 0 of 2." in (petct / "report.html").read_text()
    assert "Training cases, channel 0 of 2" in (petct / "figures/samples.svg").read_text()


def test_a_lost_gallery_is_made_again_with_all_channels(petct, tmp_path):
    before = read_gallery(petct / "gallery.npz")
    (petct / "gallery.npz").unlink()
    repair_run(petct)
    after = read_gallery(petct / "gallery.npz")
    for name in ("values", "other_channels", "scales", "cases"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


@pytest.mark.parametrize("form", ["keras", "onnx"])
def test_an_export_takes_both_channels_and_says_how_they_are_scaled(petct, rank, form, tmp_path):
    exported = export_run(petct, form, tmp_path / "new")
    assert exported.difference < 1e-6
    assert (exported.num_real, exported.num_noise) == (9, 4)
    shape = "8, 8, 5, 2" if rank == 3 else "8, 8, 2"
    card = exported.card.read_text()
    assert f"takes float32 of shape (cases, {shape}): any number of cases" in card
    assert (
        "- The values are the data's own values, not rescaled. The model itself scales them to 2 channels from 0 to 1, "
        "in this order: -1000 to 400 of channel 0 and 0 to 20 of channel 1. Values outside a range are clipped."
    ) in card.splitlines()
    assert ("It reads the central axial slice of a volume" in card) == (rank == 2)


def test_the_resolved_experiment_says_the_channels(petct):
    document = json.loads((petct / "experiment.json").read_text())
    assert document["arch"]["channels"] == document["data"]["channels"] == 2
    assert document["data"]["range"] == [list(pair) for pair in RANGES]
    (experiment,) = archnet.load_experiments(petct / "experiment.json")
    assert experiment.to_document() == document
