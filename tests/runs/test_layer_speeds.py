"""`archnet bench --layers`: types of layers compared with dense convolutions, and their values with Keras's."""

import io
import json
import re

import pytest
from rich.console import Console
from typer.testing import CliRunner

from archnet.cli import app
from archnet.cli.bench_layers import layer_table
from archnet.network.timing import layers as layer_timing
from archnet.runs.benchmark import layer_speeds
from archnet.runs.benchmark.layer_speeds import LayerSpeed, measure_layers
from archnet.spec.speeds.layer_kinds import LAYER_KINDS, LayerKind

DEPTHWISE = LayerKind(name="depthwise 3x3", kernels=((3, 3),), groups="each")
FACTORISED = LayerKind(name="(2+1)D", kernels=((3, 3, 1), (1, 1, 3)))


@pytest.fixture(autouse=True)
def small_layers(monkeypatch):
    sizes = {2: {8: (6, 5), 16: (4, 4)}, 3: {8: (4, 4, 3)}}
    monkeypatch.setattr("archnet.spec.speeds.layer_kinds.INPUT_SIZES", sizes)
    monkeypatch.setattr(layer_speeds, "INPUT_SIZES", sizes)
    monkeypatch.setattr(layer_speeds, "NUM_CASES", 2)
    monkeypatch.setattr(layer_speeds, "LAYER_KINDS", (DEPTHWISE, FACTORISED))


@pytest.mark.slow
def test_types_are_measured_relative_to_a_dense_convolution_of_the_same_receptive_field(monkeypatch):
    built = []
    timed = layer_timing.TimedLayers

    def record(layers, shape, num_cases, precision):
        built.append([(layer.kernel_size, layer.groups) for layer in layers])
        return timed(layers, shape, num_cases, precision)

    monkeypatch.setattr(layer_speeds, "TimedLayers", record)
    speeds = measure_layers((DEPTHWISE, FACTORISED), num_rounds=1)
    assert [(speed.kind, speed.channels, speed.input_shape) for speed in speeds] == [
        ("depthwise 3x3", 8, (6, 5, 8)),
        ("depthwise 3x3", 16, (4, 4, 16)),
        ("(2+1)D", 8, (4, 4, 3, 8)),
    ]
    assert built == [
        [((3, 3), 1)],
        [((3, 3), 8)],
        [((3, 3), 1)],
        [((3, 3), 16)],
        [((3, 3, 3), 1)],
        [((3, 3, 1), 1), ((1, 1, 3), 1)],
    ]
    assert [speed.macs_ratio for speed in speeds] == [1 / 8, 1 / 16, 12 / 27]
    assert all(speed.error < 1e-5 for speed in speeds)
    assert all(min(speed.dense_step_seconds, speed.step_ratio, speed.inference_ratio) > 0 for speed in speeds)


@pytest.mark.slow
@pytest.mark.parametrize("kind", LAYER_KINDS, ids=lambda kind: kind.name)
def test_values_and_gradients_of_every_kind_are_those_of_keras(kind):
    shape = (*(7, 6, 5)[: kind.rank], 24)
    assert layer_timing.largest_layer_error(kind.layers(24), shape) < 1e-5


def test_ratios_are_medians_over_rounds_in_which_both_sides_ran(monkeypatch):
    warm_up = [9, 9, 9, 9]
    rounds = [(2, 1, 4, 3), (2, 1, 8, 5), (1, 2, 5, 4)]  # step and inference of the dense layer, then of the other
    seconds = iter([*warm_up, *(value for each in rounds for value in each)])
    monkeypatch.setattr(layer_timing, "_measure_seconds", lambda function: next(seconds))
    (speed,) = measure_layers((DEPTHWISE,), [8], num_rounds=3)
    assert (speed.dense_step_seconds, speed.step_ratio, speed.inference_ratio) == (2, 4, 3)


def test_layers_agree_with_float32_in_fewer_bits():
    assert 0 < layer_timing.precision_error(DEPTHWISE.layers(8), (6, 5, 8), "bfloat16") < 0.02


@pytest.mark.slow
def test_the_command_prints_a_table_or_json():
    printed = CliRunner().invoke(app, ["bench", "--layers"])
    assert printed.exit_code == 0, printed.output
    assert re.search(r"depthwise 3x3 +8 +\S+ ms +0\.125 ", printed.stdout)
    told = CliRunner().invoke(app, ["bench", "--layers", "--json", "--precision", "float32"])
    document = json.loads(told.stdout)
    assert document["precision"] == "float32"
    assert [(entry["kind"], entry["channels"]) for entry in document["layers"]] == [
        ("depthwise 3x3", 8),
        ("depthwise 3x3", 16),
        ("(2+1)D", 8),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net.json", "--layers"], "--layers: takes no file, but got net.json. Remove one of the two."),
        (["--layers", "--precision", "auto"], "--precision auto: with --layers, choose float32, bfloat16 or float16."),
        ([], "bench: needs an architecture or experiment file, or --layers."),
    ],
)
def test_what_the_command_cannot_measure_is_refused(arguments, message):
    done = CliRunner().invoke(app, ["bench", *arguments])
    assert (type(done.exception).__name__, str(done.exception)) == ("DocumentError", message)


def test_every_number_of_the_table_fits_80_columns():
    speeds = [
        LayerSpeed(
            kind=kind.name,
            channels=256,
            input_shape=(8, 8, 256),
            dense_step_seconds=0.385,
            macs_ratio=0.0625,
            step_ratio=12.34,
            inference_ratio=45.67,
            error=3.2e-07,
        )
        for kind in LAYER_KINDS
    ]
    console = Console(width=80, file=io.StringIO())
    console.print(layer_table(speeds, "bfloat16", "Keras on tensorflow, CPU"))
    rows = [line.split() for line in console.file.getvalue().splitlines() if " 256 " in line]
    assert [row[-7:] for row in rows] == [["256", "385", "ms", "0.062", "12.34", "45.67", "3e-07"]] * len(LAYER_KINDS)
