"""`archnet show` says which layers take longer than their multiply-adds suggest, from the figures that were measured."""

import json
from math import prod

import pytest
from typer.testing import CliRunner

from archnet.cli import app
from archnet.spec.layers import Convolution
from archnet.spec.speeds import notes
from archnet.spec.speeds.layer_kinds import INPUT_SIZES, LAYER_KINDS, NUM_CASES
from archnet.spec.speeds.measured import MEASURED_SPEEDS, MeasuredSpeed
from archnet.spec.speeds.notes import speed_notes

LAYERS = [
    {"type": "C", "num_output": 16, "kernel_size": [3, 3, 3]},
    {"type": "C", "num_output": 16, "kernel_size": [3, 3, 3], "groups": "depthwise"},
    {"type": "C", "num_output": 64, "kernel_size": [1, 1, 1]},
    {"type": "C", "num_output": 64, "kernel_size": [3, 3, 3], "groups": 64},
    {"type": "C", "num_output": 64, "kernel_size": [3, 3, 3], "groups": 4},
    {"type": "GAP"},
    {"type": "T"},
]


@pytest.fixture
def measured(monkeypatch):
    """Figures of a machine on which depthwise convolutions are slow and others are not."""
    speeds = {kind.name: {16: MeasuredSpeed(0.1, 0.1)} for kind in LAYER_KINDS}
    speeds["depthwise 3x3x3"] = {16: MeasuredSpeed(0.9, 0.8), 64: MeasuredSpeed(0.25, 0.2)}
    monkeypatch.setattr(notes, "MEASURED_SPEEDS", speeds)
    return speeds


def convolution(kernel, groups, channels=64):
    ones = (1,) * len(kernel)
    layer = Convolution(num_output=channels, kernel_size=kernel, stride=ones, dilation=ones, groups=groups)
    return layer, (*(8 for _ in kernel), channels)


def test_every_kind_is_measured_at_every_number_of_channels():
    assert list(MEASURED_SPEEDS) == [kind.name for kind in LAYER_KINDS]
    for kind in LAYER_KINDS:
        assert list(MEASURED_SPEEDS[kind.name]) == list(INPUT_SIZES[kind.rank])


RATIOS = {  # of training steps and of inference, by increasing number of channels, as `archnet bench --layers` printed them
    "depthwise 3x3": ((0.3, 0.38, 0.17, 0.12, 0.09, 0.04), (0.47, 0.26, 0.16, 0.15, 0.08, 0.05)),
    "grouped 3x3": ((1.05, 1.04, 1.09, 0.86, 0.46, 0.27), (0.97, 1.08, 0.91, 0.5, 0.34, 0.18)),
    "separable 3x3": ((0.48, 0.7, 0.38, 0.32, 0.27, 0.18), (0.66, 0.74, 0.38, 0.44, 0.21, 0.18)),
    "depthwise 7x7": ((0.5, 0.49, 0.24, 0.12, 0.07, 0.04), (0.25, 0.15, 0.07, 0.04, 0.03, 0.01)),
    "depthwise 3x3x3": ((0.97, 0.94, 0.95, 0.64, 0.35, 0.22), (0.82, 1.03, 0.82, 0.53, 0.28, 0.15)),
    "grouped 3x3x3": ((0.89, 0.98, 1.03, 0.67, 0.34, 0.22), (1.01, 0.91, 0.81, 0.5, 0.29, 0.13)),
    "separable 3x3x3": ((1.23, 0.96, 1.01, 0.67, 0.41, 0.26), (1.2, 1.15, 0.92, 0.62, 0.32, 0.21)),
    "(2+1)D": ((0.77, 0.67, 0.61, 0.58, 0.45, 0.55), (0.68, 0.77, 0.79, 0.6, 0.57, 0.53)),
    "(2+1)D depthwise": ((0.48, 0.46, 0.31, 0.17, 0.08, 0.04), (0.71, 0.56, 0.31, 0.15, 0.06, 0.04)),
    "depthwise 3x3x1": ((0.53, 0.74, 0.37, 0.19, 0.11, 0.06), (0.47, 1.1, 0.44, 0.26, 0.1, 0.09)),
    "depthwise 1x1x3": ((0.74, 0.77, 0.69, 0.46, 0.29, 0.15), (0.99, 0.54, 0.69, 0.25, 0.4, 0.16)),
}


def test_the_figures_are_those_of_the_measurement():
    ratios = {kind: tuple(zip(*speeds.values(), strict=True)) for kind, speeds in MEASURED_SPEEDS.items()}
    assert ratios == RATIOS


SHAPES = {
    2: [(64, 64, 8), (64, 64, 16), (64, 64, 32), (32, 32, 64), (32, 32, 128), (16, 16, 256)],
    3: [(32, 32, 10, 8), (32, 32, 10, 16), (32, 32, 10, 32), (16, 16, 10, 64), (16, 16, 5, 128), (8, 8, 5, 256)],
}


@pytest.mark.parametrize("kind", LAYER_KINDS, ids=lambda kind: kind.name)
def test_the_inputs_of_a_measurement_and_its_multiply_adds(kind):
    shapes = [kind.input_shape(channels) for channels in (8, 16, 32, 64, 128, 256)]
    assert shapes == SHAPES[kind.rank]
    for *size, channels in shapes:
        inputs = {"one": channels, "some": 8, "each": 1}[kind.groups]
        per_voxel = sum(prod(kernel) for kernel in kind.kernels) * inputs + channels * kind.is_pointwise_last
        assert kind.num_macs(channels) == prod(size) * channels * per_voxel
        dense = prod(map(max, zip(*kind.kernels, strict=True)))
        assert kind.dense.num_macs(channels) == prod(size) * channels * channels * dense


def test_the_measured_types_of_layers():
    assert [(kind.kernels, kind.groups, kind.is_pointwise_last, kind.dense.name) for kind in LAYER_KINDS] == [
        (((3, 3),), "each", False, "dense 3x3"),
        (((3, 3),), "some", False, "dense 3x3"),
        (((3, 3),), "each", True, "dense 3x3"),
        (((7, 7),), "each", False, "dense 7x7"),
        (((3, 3, 3),), "each", False, "dense 3x3x3"),
        (((3, 3, 3),), "some", False, "dense 3x3x3"),
        (((3, 3, 3),), "each", True, "dense 3x3x3"),
        (((3, 3, 1), (1, 1, 3)), "one", False, "dense 3x3x3"),
        (((3, 3, 1), (1, 1, 3)), "each", False, "dense 3x3x3"),
        (((3, 3, 1),), "each", False, "dense 3x3x1"),
        (((1, 1, 3),), "each", False, "dense 1x1x3"),
    ]
    assert NUM_CASES == 16


def test_from_16_channels_on_a_training_step_takes_at_most_one_and_a_half_times_the_dense_one():
    for kind, speeds in MEASURED_SPEEDS.items():
        for channels, speed in speeds.items():
            assert channels < 16 or speed.step_ratio <= 1.5, (kind, channels)


def test_layers_of_a_kind_share_a_note_from_the_fewest_groups_to_the_most(measured):
    assert speed_notes([convolution((3, 3, 3), "depthwise"), convolution((3, 3, 3), 16, channels=16)]) == [
        "C depthwise 3x3x3 (2 layers): 16 to 64 times fewer multiply-adds than a dense convolution, but a training step "
        "takes 0.9 to 0.25 times as long on a CPU (archnet bench --layers)."
    ]


@pytest.mark.parametrize(
    ("kernel", "channels", "kind", "nearest"),
    [
        ((3, 3), 100, "depthwise 3x3", 128),
        ((4, 4), 8, "depthwise 3x3", 8),
        ((5, 5), 4, "depthwise 7x7", 8),
        ((5, 5, 5), 64, "depthwise 3x3x3", 64),
        ((5, 5, 1), 1000, "depthwise 3x3x1", 256),
        ((1, 1, 2), 16, "depthwise 1x1x3", 16),
    ],
)
def test_a_layer_has_the_speed_of_the_measured_kind_and_width_nearest_to_it(
    monkeypatch, kernel, channels, kind, nearest
):
    speeds = {
        name: {number: MeasuredSpeed(0.0, 0.0) for number in entries} for name, entries in MEASURED_SPEEDS.items()
    }
    speeds[kind][nearest] = MeasuredSpeed(123.0, 1.0)
    monkeypatch.setattr(notes, "MEASURED_SPEEDS", speeds)
    (note,) = speed_notes([convolution(kernel, "depthwise", channels)])
    assert "takes 1.2e+02 times as long" in note


def test_dense_layers_and_layers_that_are_as_fast_as_their_multiply_adds_have_no_note(measured):
    measured["grouped 3x3x3"] = {64: MeasuredSpeed(0.49, 0.5)}
    assert speed_notes([convolution((3, 3, 3), 4), convolution((3, 3, 3), 1)]) == []
    measured["grouped 3x3x3"] = {64: MeasuredSpeed(0.5, 0.5)}
    assert speed_notes([convolution((3, 3, 3), 4)]) == [
        "C grouped 3x3x3 (1 layer): 4 times fewer multiply-adds than a dense convolution, but a training step takes 0.5 "
        "times as long on a CPU (archnet bench --layers)."
    ]


def test_show_prints_the_notes(measured, tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"name": "net", "layers": LAYERS, "input_shape": [8, 8, 4]}))
    note = (
        "C depthwise 3x3x3 (2 layers): 16 to 64 times fewer multiply-adds than a dense convolution, but a training step "
        "takes 0.9 to 0.25 times as long on a CPU (archnet bench --layers)."
    )
    printed = CliRunner().invoke(app, ["show", str(path)]).stdout
    assert " ".join(printed.split()).endswith(f"AdamW). {note}")
    assert json.loads(CliRunner().invoke(app, ["show", str(path), "--json"]).stdout)["speed_notes"] == [note]
