"""The precision that "auto" means: asked of the machine, tried, and written down."""

import logging

import numpy as np
import pytest

from archnet.files.strict_json import Document
from archnet.network.backends import tensorflow as tensorflow_backend
from archnet.network.build.network import build
from archnet.network.training import precision
from archnet.network.training.precision import has_bfloat16, resolve_precision
from archnet.spec.arch import parse_arch
from archnet.spec.view import InputLimits
from plain_training import plain
from small_training import LIMITS, are_equal, fit, network_of


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """A processor with the given flags."""

    def with_flags(text):
        (tmp_path / "cpuinfo").write_text(f"model name\t: anything bf16 at all\nflags\t\t: fpu {text} avx2\n")
        monkeypatch.setattr(precision, "_PROCESSOR", tmp_path / "cpuinfo")

    return with_flags


@pytest.mark.parametrize(("flags", "expected"), [("avx512_bf16", True), ("amx_bf16", True), ("avx512f", False)])
def test_a_processor_tells_whether_it_has_bfloat16(processor, flags, expected, monkeypatch):
    monkeypatch.setattr(tensorflow_backend, "accelerator_has_bfloat16", lambda: None)
    processor(flags)
    assert has_bfloat16() == expected


def test_a_system_that_does_not_describe_its_processor_has_no_bfloat16(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorflow_backend, "accelerator_has_bfloat16", lambda: None)
    monkeypatch.setattr(precision, "_PROCESSOR", tmp_path / "cpuinfo")
    assert not has_bfloat16()


def test_a_gpu_decides_before_the_processor(processor, monkeypatch):
    processor("avx512_bf16")
    monkeypatch.setattr(tensorflow_backend, "accelerator_has_bfloat16", lambda: False)
    assert not has_bfloat16()


@pytest.mark.parametrize(("half_seconds", "expected"), [(0.5, "bfloat16"), (0.95, "float32"), (2.0, "float32")])
def test_auto_takes_bfloat16_where_a_trial_is_faster(half_seconds, expected, monkeypatch, caplog):
    seconds = {"float32": 1.0, "bfloat16": half_seconds}
    clock = [0.0]

    def step(trainer, parts):
        clock[0] += seconds[trainer.training.precision]
        return [(0.0, np.eye(2))]

    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    monkeypatch.setattr(precision.Trainer, "train_step", step)
    monkeypatch.setattr(precision.time, "perf_counter", lambda: clock[0])
    network = network_of()
    before = network.get_weights()
    with caplog.at_level(logging.INFO, "archnet"):
        chosen = resolve_precision(network, LIMITS, plain(precision="auto"), 4)
    assert chosen == plain(precision=expected)
    assert caplog.messages == [
        f"precision {expected}: a step takes 1 s in float32 and {half_seconds:.3g} s in bfloat16"
    ]
    assert are_equal(before, network.get_weights())


def test_the_trial_feeds_raw_values_from_which_windows_are_made(monkeypatch):
    shapes = []

    def step(trainer, parts):
        shapes.append(tuple(trainer.objective.scaling(parts[0]["images"]).shape))
        return [(0.0, np.eye(2))]

    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    monkeypatch.setattr(precision.Trainer, "train_step", step)
    document = Document(value={"rank": 2, "channels": 2, "layers": [{"type": "T"}]}, source="test")
    network = build(parse_arch(document), (8, 8))
    limits = InputLimits(windows=(((-1350, 150),), ((-160, 240),)))
    resolve_precision(network, limits, plain(precision="auto"), 4)
    assert set(shapes) == {(4, *network.input_shape[1:])}


def test_auto_is_float32_where_there_is_no_bfloat16(monkeypatch, caplog):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)
    with caplog.at_level(logging.INFO, "archnet"):
        assert resolve_precision(network_of(), LIMITS, plain(precision="auto"), 4).precision == "float32"
    assert caplog.messages == ["precision float32: this machine does not support bfloat16"]


@pytest.mark.slow
def test_auto_is_what_it_was_when_a_training_resumes():
    assert resolve_precision(network_of(), LIMITS, plain(precision="auto"), 4, "bfloat16").precision == "bfloat16"
    assert resolve_precision(network_of(), LIMITS, plain(precision="float16"), 4, "float32").precision == "float16"


@pytest.mark.slow
def test_auto_trains():
    _, rows = fit(plain(epochs=20, batch_size=16, learning_rate=0.02, precision="auto"))
    assert rows[-1]["train_accuracy"] == 1
