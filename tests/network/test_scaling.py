"""Scaling inside the model: windows and channels are what NumPy makes of raw values, in 2D and in 3D."""

import json
import zipfile

import keras
import numpy as np
import pytest

from archnet.files.strict_json import Document
from archnet.network.build.network import build
from archnet.network.model_file import check_model_file
from archnet.network.scaling import (
    build_ensemble,
    build_inference_model,
    build_scaling,
    input_limits,
    member_models,
    member_networks,
    raw_input_shape,
)
from archnet.network.trained_model import load_model
from archnet.spec.arch import parse_arch
from archnet.spec.view import InputLimits, scale_to_unit

WINDOWS = ((-1350, 150), (-160, 240), (-450, 1050))
LIMITS = {
    "one window": InputLimits.of(-1000, 400),
    "three windows": InputLimits(windows=tuple((window,) for window in WINDOWS)),
    "two channels": InputLimits(windows=(((-1000, 400), (0, 20)),)),
    "two channels in two windows": InputLimits(windows=tuple((window, window) for window in WINDOWS[:2])),
}


def network_of(rank, channels, seed=0):
    layers = [
        {"type": "C", "num_output": 3, "kernel_size": 3, "activation": "relu"},
        {"type": "GAP"},
        {"type": "T"},
    ]
    arch = parse_arch(Document(value={"rank": rank, "channels": channels, "layers": layers}, source="test"))
    return build(arch, (7, 6, 5)[:rank], seed=seed)


def raw_values(rank, channels, dtype=np.float32):
    return np.random.default_rng(0).integers(-1500, 1500, (4, *(7, 6, 5)[:rank], channels)).astype(dtype)


def scaled_by_hand(values, limits):
    """The channels of the network's input: all channels in the first window, then all in the second, and so on."""
    channels = [
        np.clip((values[..., place].astype(np.float64) - low) / (high - low), 0, 1)
        for window in limits.windows
        for place, (low, high) in enumerate(window)
    ]
    return np.stack(channels, axis=-1).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_windows_and_channels_are_what_numpy_makes_of_raw_values(limits, rank, dtype):
    values = raw_values(rank, limits.num_data_channels, dtype)
    scaled = keras.ops.convert_to_numpy(build_scaling(limits, values.shape[1:])(values))
    np.testing.assert_allclose(scaled, scaled_by_hand(values, limits), rtol=0, atol=1e-6)
    has_channels = limits.num_data_channels > 1
    in_numpy = scale_to_unit(values if has_channels else values[..., 0], limits)
    assert in_numpy.dtype == np.float32
    np.testing.assert_allclose(in_numpy.reshape(scaled.shape), scaled, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_a_network_of_windows_equals_one_of_channels_that_were_scaled_before(limits, rank):
    num_channels = limits.num_windows * limits.num_data_channels
    network, values = network_of(rank, num_channels), raw_values(rank, limits.num_data_channels)
    by_windows = build_inference_model(network, limits)
    by_channels = build_inference_model(network, InputLimits(windows=(((0, 1),) * num_channels,)))
    assert by_windows.input_shape[1:] == raw_input_shape(network, limits) == values.shape[1:]
    assert by_channels.input_shape[1:] == (*values.shape[1:-1], num_channels)
    probabilities = np.asarray(by_windows(values))
    np.testing.assert_allclose(probabilities, by_channels(scaled_by_hand(values, limits)), rtol=0, atol=1e-6)
    assert probabilities.std() > 0


@pytest.mark.slow
@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_a_saved_model_of_several_channels_is_accepted_and_loaded_in_safe_mode(limits, tmp_path):
    num_channels = limits.num_windows * limits.num_data_channels
    model, values = build_inference_model(network_of(3, num_channels), limits), raw_values(3, limits.num_data_channels)
    model.save(tmp_path / "model.keras")
    check_model_file(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert input_limits(loaded) == limits
    np.testing.assert_array_equal(loaded(values), model(values))


def test_one_window_is_saved_with_the_numbers_of_earlier_versions(tmp_path):
    build_inference_model(network_of(2, 1), InputLimits.of(-1000, 400)).save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    (scaling,) = (layer for layer in layers if layer["name"] == "scaling")
    assert scaling["class_name"] == "Sequential"
    rescaling, relu = scaling["config"]["layers"][-2:]
    assert (rescaling["config"]["scale"], rescaling["config"]["offset"]) == (1 / 1400, 1000 / 1400)
    assert relu["config"]["max_value"] == 1.0


def test_an_ensemble_averages_its_members_and_can_be_split_again():
    networks = [network_of(2, 1, seed) for seed in (0, 1, 2)]
    limits, values = InputLimits.of(-1000, 400), raw_values(2, 1)
    alone = [np.asarray(build_inference_model(network, limits)(values)) for network in networks]
    model = build_ensemble(networks, limits)
    assert model.name == networks[0].name
    np.testing.assert_allclose(model(values), np.mean(alone, axis=0), rtol=0, atol=1e-6)
    names = [f"{model.name}_{number}" for number in (1, 2, 3)]
    assert [network.name for network in member_networks(model)] == names
    members = member_models(model)
    assert [member.name for member in members] == names
    for member, expected in zip(members, alone, strict=True):
        np.testing.assert_allclose(member(values), expected, rtol=0, atol=1e-6)


def test_a_single_network_is_no_ensemble():
    network, limits = network_of(2, 1), InputLimits.of(-1000, 400)
    model = build_ensemble([network], limits)
    assert [layer.name for layer in member_networks(model)] == [network.name]
    assert member_models(model) == [model]
    assert model.output_names == build_inference_model(network, limits).output_names
