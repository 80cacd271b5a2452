"""Which devices train, that several of them do what one does, and what a run writes down to be repeated."""

import gc
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from archnet.cli import app
from archnet.errors import RunError
from archnet.files.strict_json import Document
from archnet.network import backend
from archnet.network.backend import start_quietly
from archnet.network.backends import tensorflow as tensorflow_backend
from archnet.network.training import failures
from archnet.network.training.failures import translate_errors
from archnet.runs.planning import micro_batch
from archnet.spec.arch import parse_arch
from archnet.spec.memory import MemoryEstimate, MicroBatch
from long_tests import long_except
from plain_training import plain
from trainings import TRAININGS, done

LAYERS = [
    {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu", "drop_out": 20},
    {"type": "GAP"},
    {"type": "T"},
]


TRAINED_IN_CI = {"adam", "all options in parts", "fewer cases than devices", "batch norm"}


@pytest.fixture(scope="module")
def on_two_devices(request, tmp_path_factory):
    """What a process gives that has two virtual CPUs, an array for each weight and history of the selected trainings."""
    path = tmp_path_factory.mktemp("devices") / "trained.npz"
    script = Path(__file__).parents[1] / "trainings.py"
    own = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    selected = TRAINED_IN_CI | {item.callspec.params.get("name") for item in own}
    names = [name for name in TRAININGS if name in selected]
    subprocess.run([sys.executable, script, "2", path, *names], check=True, stderr=subprocess.DEVNULL)
    with np.load(path) as content:
        return dict(content)


def weights_of(arrays, name):
    return [array for key, array in arrays.items() if key.startswith(f"{name}/") and not key.endswith("history")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", long_except(TRAINED_IN_CI - {"batch norm"}, [name for name in TRAININGS if name != "batch norm"])
)
def test_two_devices_train_as_one_does(name, on_two_devices):
    tolerance = 1e-3 if name == "float16" else 1e-5
    weights, history = done(name)
    assert np.allclose(on_two_devices[f"{name}/history"], history, rtol=0, atol=tolerance)
    for weight, other in zip(weights, weights_of(on_two_devices, name), strict=True):
        assert np.abs(weight - other).max() < tolerance


@pytest.mark.slow
def test_batch_norm_on_two_devices_learns_from_each_ones_cases(on_two_devices):
    weights, history = done("batch norm")
    told = on_two_devices["batch norm/history"]
    assert np.isfinite(told).all()
    assert told[-1, 0] < told[0, 0]
    assert not np.allclose(told, history, atol=1e-5)
    for weight, other in zip(weights, weights_of(on_two_devices, "batch norm"), strict=True):
        assert np.allclose(weight, other, atol=0.1)


@pytest.mark.slow
def test_an_interrupted_training_on_two_devices_ends_with_the_same_weights(on_two_devices):
    """But for rounding: virtual CPUs share their threads, so that now and then a sum is taken in another order."""
    whole = weights_of(on_two_devices, "all options in parts")
    for weight, other in zip(whole, weights_of(on_two_devices, "continued"), strict=True):
        assert np.abs(weight - other).max() < 1e-6


class FakeConfig:
    """TensorFlow's devices of a machine with some GPUs."""

    def __init__(self, count):
        self.gpus = [SimpleNamespace(name=f"/physical_device:GPU:{number}") for number in range(count)]
        self.visible, self.growing, self.is_deterministic = list(self.gpus), [], False
        self.experimental = self

    def list_physical_devices(self, kind):
        return list(self.gpus)

    def get_visible_devices(self, kind):
        return self.visible

    def set_visible_devices(self, devices, kind):
        self.visible = devices

    def get_memory_growth(self, gpu):
        return gpu in self.growing

    def set_memory_growth(self, gpu, is_growing):
        self.growing.append(gpu)

    def enable_op_determinism(self):
        self.is_deterministic = True

    def get_device_details(self, gpu):
        return {"device_name": "A100"}


@pytest.fixture
def machine_with(monkeypatch):
    def with_gpus(count):
        config = FakeConfig(count)
        monkeypatch.setattr(tensorflow_backend.tf, "config", config)
        monkeypatch.setattr(backend, "_process", backend._Process())
        return config

    return with_gpus


@pytest.mark.parametrize(
    ("count", "device", "expected"),
    [
        (0, None, ["CPU"]),
        (0, "cpu", ["CPU"]),
        (1, None, ["GPU:0 A100"]),
        (1, "cpu", ["CPU"]),
        (3, None, ["GPU:0 A100"]),
        (3, "gpu", ["GPU:0 A100", "GPU:1 A100", "GPU:2 A100"]),
        (3, "gpu:1", ["GPU:1 A100"]),
    ],
)
def test_one_gpu_is_taken_without_being_asked_all_of_them_or_another_when_asked(
    count, device, expected, machine_with, monkeypatch
):
    config = machine_with(count)
    monkeypatch.setattr(tensorflow_backend, "_logical_devices", lambda: [None])
    told = start_quietly(device)
    assert backend.devices() == expected
    assert backend.is_on_gpu() == (expected != ["CPU"])
    assert config.growing == config.visible
    unused = " (one of 3: --device gpu takes all)" if count == 3 and len(expected) == 1 else ""
    assert told.endswith(f" on tensorflow, {', '.join(expected)}{unused}")
    start_quietly()
    assert backend.devices() == expected


@pytest.mark.parametrize(
    ("count", "device", "there"),
    [
        (0, "gpu", "there is no GPU"),
        (0, "gpu:0", "there is no GPU"),
        (1, "gpu:1", "there is one GPU, gpu:0"),
        (3, "gpu:3", "there are gpu:0 to gpu:2"),
    ],
)
def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(count, device, there, machine_with):
    machine_with(count)
    message = (
        f"--device {device}: {there}, says tensorflow. Choose another, such as cpu. If a GPU is installed but not "
        'detected, install its driver and pip install "archnet[cuda]".'
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        start_quietly(device)


@pytest.mark.parametrize("device", ["tpu", "gpu:", "gpu:-1", "GPU", "cpu:0", ""])
def test_what_is_not_a_device_is_refused(device, tmp_path):
    message = f'--device "{device}": expected cpu, gpu or a GPU by its number, such as gpu:1.'
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        start_quietly(device)
    (tmp_path / "net.json").write_text(json.dumps(LAYERS))
    line = ["run", str(tmp_path / "net.json"), "--data", "npz:nowhere.npz", "--device", device]
    assert str(CliRunner().invoke(app, line).exception) == message


def test_a_device_is_chosen_before_any_is_used(machine_with, monkeypatch):
    config = machine_with(2)

    def refused(devices, kind):
        raise RuntimeError("Visible devices cannot be modified after being initialized")

    monkeypatch.setattr(config, "set_visible_devices", refused)
    message = (
        "--device gpu:1: Keras is already initialized in this process, so its devices can no longer be changed. "
        "Choose the device first, or use a new process."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        start_quietly("gpu:1")
    start_quietly()
    assert len(backend.devices()) == 2


@pytest.mark.parametrize("command", ["run", "bench"])
def test_the_commands_refuse_a_device_before_they_read_data(command, machine_with, tmp_path):
    machine_with(0)
    (tmp_path / "net.json").write_text(json.dumps(LAYERS))
    line = [command, str(tmp_path / "net.json"), "--data", "npz:nowhere.npz", "--device", "gpu"]
    result = CliRunner().invoke(app, line)
    assert isinstance(result.exception, RunError)
    assert str(result.exception).startswith("--device gpu: there is no GPU, says tensorflow.")


def test_another_backend_is_refused(monkeypatch):
    import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    message = 'archnet supports tensorflow and jax, but KERAS_BACKEND is "torch". Set it to one of them.'
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        start_quietly()


@pytest.mark.parametrize("is_enabled", [False, True])
def test_the_start_leaves_the_garbage_collection_as_it_was(is_enabled, monkeypatch):
    seen = []

    def backend_module():
        seen.append(gc.isenabled())
        return tensorflow_backend

    monkeypatch.setattr(backend, "backend_module", backend_module)
    (gc.enable if is_enabled else gc.disable)()
    try:
        start_quietly()
        assert gc.isenabled() == is_enabled
    finally:
        gc.enable()
    assert not any(seen)


def planned(**layer):
    layers = [{"type": "C", "num_output": 4, "kernel_size": [3, 3], **layer}, {"type": "GAP"}, {"type": "T"}]
    return parse_arch(Document(value=layers, source="test")).plan((8, 8))


def asking(batch_size, memory=None):
    return SimpleNamespace(training=plain(batch_size=batch_size, memory=memory), arch=SimpleNamespace(name="net"))


@pytest.mark.parametrize(
    ("batch_size", "num_devices", "expected"), [(16, 2, (16, 1)), (15, 2, (15, 1)), (1, 4, (1, 1))]
)
def test_devices_divide_a_batch_that_fits(batch_size, num_devices, expected):
    micro = micro_batch.choose_micro_batch(asking(batch_size), planned(), on_accelerator=True, num_devices=num_devices)
    assert (micro.size, micro.num_micro_batches) == expected


def test_each_device_takes_as_many_cases_at_once_as_one_would(monkeypatch):
    memory = MemoryEstimate(
        weight_bytes=0, accumulator_bytes=0, prefetch_bytes_per_case=0, network_bytes_per_case=10**7
    )
    monkeypatch.setattr(micro_batch, "estimate_memory", lambda plan, training: memory)
    alone, two = (
        micro_batch.choose_micro_batch(asking(size, "1.05GB"), planned(), num_devices=count)
        for size, count in ((30, 1), (60, 2))
    )
    assert alone.size < 30
    assert (two.size, two.batch_size, two.num_micro_batches) == (2 * alone.size, 60, alone.num_micro_batches)
    assert two.peak_bytes == alone.peak_bytes


def test_what_several_devices_change_is_reported(caplog):
    caplog.set_level(logging.INFO, logger="archnet")
    experiment, plan = asking(16), planned(batch_norm=True)
    micro = micro_batch.choose_micro_batch(experiment, plan, on_accelerator=True, num_devices=2)
    micro_batch.log_micro_batch(micro, plan, is_default_budget=True, num_devices=2)
    assert caplog.messages[1:] == [
        "2 devices share each batch and sum their gradients; the memory is per device.",
        "batch norm statistics are computed over 8 cases per device, not over the full batch of 16, so results differ "
        "from those without splitting. Use one device, or multiply the batch size by the number of devices.",
    ]
    caplog.clear()
    micro_batch.log_micro_batch(micro, planned(), is_default_budget=True, num_devices=2)
    assert len(caplog.messages) == 2


def test_a_whole_batch_on_one_device_has_nothing_to_report(caplog):
    caplog.set_level(logging.INFO, logger="archnet")
    micro = micro_batch.choose_micro_batch(asking(16), planned(batch_norm=True), on_accelerator=True)
    micro_batch.log_micro_batch(micro, planned(batch_norm=True), is_default_budget=True)
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("num_devices", [1, 2])
@pytest.mark.parametrize("is_default_budget", [True, False])
def test_a_batch_that_is_cut_into_parts_is_reported_with_how_to_get_the_same_parts(
    caplog, is_default_budget, num_devices
):
    caplog.set_level(logging.INFO, logger="archnet")
    micro = MicroBatch(batch_size=16, size=8, peak_bytes=10**9, budget_bytes=1_500_000_000)
    micro_batch.log_micro_batch(
        micro, planned(batch_norm=True), is_default_budget=is_default_budget, num_devices=num_devices
    )
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    budget = (
        "a whole batch does not fit in the free memory, so gradients are accumulated over micro-batches. To get the same "
        'micro-batches again, set training.memory to "1.50 GB".'
    )
    count, remedy = (
        ("8 cases", "Allow more memory")
        if num_devices == 1
        else ("4 cases per device", "Use one device, allow more memory")
    )
    assert [*warnings] == [
        *([budget] if is_default_budget else []),
        f"batch norm statistics are computed over {count}, not over the full batch of 16, so results differ from those "
        f"without splitting. {remedy}, or set training.batch_size to 8 and a lower learning rate.",
    ]


def test_the_parts_of_a_resumed_training_are_those_of_its_start(monkeypatch):
    memory = MemoryEstimate(
        weight_bytes=1, accumulator_bytes=10, prefetch_bytes_per_case=100, network_bytes_per_case=10**6
    )
    monkeypatch.setattr(micro_batch, "estimate_memory", lambda plan, training: memory)
    chosen = MicroBatch(batch_size=16, size=16, peak_bytes=5, budget_bytes=7)
    for num_devices, per_device in ((1, (16, 5)), (2, (8, 3))):
        restored = micro_batch.restore_micro_batch(chosen, 5, asking(16), planned(), num_devices)
        assert (restored.size, restored.budget_bytes, restored.batch_size) == (5, 7, 16)
        assert restored.peak_bytes == memory.peak_bytes(*per_device)


@pytest.mark.parametrize(
    ("memory", "start"),
    [(None, "net: on this machine 0.01 GB are free: "), ("1MB", "net: training.memory 1MB is too little: ")],
)
def test_a_case_that_does_not_fit_is_an_error(monkeypatch, memory, start):
    monkeypatch.setattr(micro_batch, "free_memory_bytes", lambda: 1000)
    with pytest.raises(RunError, match=f"^{re.escape(start)}"):
        micro_batch.choose_micro_batch(asking(16, memory), planned())
    if memory is None:
        assert micro_batch.choose_micro_batch(asking(16), planned(), on_accelerator=True).size == 16


def failing(name, text):
    raise type(name, (Exception,), {})(text)


MEMORY = MemoryEstimate(
    weight_bytes=10**6, accumulator_bytes=10**6, prefetch_bytes_per_case=10**5, network_bytes_per_case=10**7
)


@pytest.mark.parametrize("error", [("ResourceExhaustedError", "OOM"), ("JaxRuntimeError", "RESOURCE_EXHAUSTED: Out")])
def test_memory_that_runs_out_is_reported_with_the_budget_that_would_fit(error):
    # (850 MB of the process + 1 + 1 + 32 x 0.1 + 8 x 10) / 0.85 = 1100.2 MB
    message = (
        "out of memory with a micro-batch of 16 (batch size 32). Restart in a different folder with --memory 1.11GB, "
        "which limits micro-batches to 8 cases without changing the step, lower training.batch_size, or use a smaller "
        "network."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"), translate_errors(16, 32, MEMORY):
        failing(*error)
    message = (
        "out of memory with a micro-batch of 1 (batch size 32). Make the crop smaller (data.crop_size), or give the "
        "network's first layers fewer num_output or a stride."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"), translate_errors(1, 32, MEMORY):
        failing(*error)


def test_an_operation_that_is_not_deterministic_is_named():
    text = (
        "Graph execution error:\n\nDetected at node gradient_tape/conv1/BiasAddGrad defined at (most recent call last):\n"
        "  File \"net.py\", line 1, in <module>\nA deterministic GPU implementation of BiasAddGrad is not currently "
        "available.\n\t [[{{node gradient_tape/conv1/BiasAddGrad}}]] [Op:__inference__train_7]"
    )  # fmt: skip
    message = (
        "--deterministic: the operation gradient_tape/conv1/BiasAddGrad has no deterministic kernel on this device: "
        '"A deterministic GPU implementation of BiasAddGrad is not currently available." Omit --deterministic, train '
        "with --device cpu, or remove the layer or augmentation that needs it."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"), translate_errors(16, 32, MEMORY):
        failing("UnimplementedError", text)
    with pytest.raises(Exception, match=r"^INT8 is not supported\.$"), translate_errors(16, 32, MEMORY):
        failing("UnimplementedError", "INT8 is not supported.")


def test_an_operation_that_a_device_lacks_in_a_precision_is_named():
    text = (
        "No OpKernel was registered to support Op 'MaxPool3D' used by {{node net/max_pooling3d/MaxPool3D}} with these "
        'attrs: [padding="SAME", strides=[1, 2, 2, 2, 1], T=DT_HALF, data_format="NDHWC", ksize=[1, 2, 2, 2, 1]]\n'
        "Registered devices: [CPU]"
    )
    message = (
        'training.precision "float16": this device has no MaxPool3D kernel for it. Use a different precision, such as '
        '"float32", or a different --device.'
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"), translate_errors(16, 32, MEMORY):
        failing("InvalidArgumentError", text)


def test_names_are_cut_short_after_a_few():
    error = failures.divergence_error("the loss is nan in epoch 1 at step 2", [f"case-{number}" for number in range(9)])
    assert str(error).endswith(
        "case-7 and 1 more. Lower training.learning_rate, or set training.clip_norm to 1."
    )  # fmt: skip


@pytest.fixture
def start_run(tmp_path):
    """Start `archnet run` on small cases in a separate process."""
    y = np.arange(60) % 2
    x = np.random.default_rng(0).integers(0, 160, (60, 10, 10), dtype=np.uint8)
    x[y == 1, 3:7, 3:7] += 60
    np.savez(tmp_path / "cases.npz", x=x, y=y)
    (tmp_path / "net.json").write_text(json.dumps({"name": "net", "layers": LAYERS}))

    def start(name, *options):
        command = [sys.executable, "-c", "from archnet.cli import main; main()", "run", "net.json"]
        keys = ["training.epochs=2", "training.batch_size=8", "evaluation.bootstraps=10"]
        settings = [word for key in keys for word in ("--set", key)]
        return subprocess.Popen(
            [*command, "--data", "npz:cases.npz", "--out", name, *settings, *options],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_NUM_INTRAOP_THREADS": "2"},
        )

    return start


@pytest.mark.long
def test_two_processes_with_the_same_seed_leave_the_same_bytes(start_run, tmp_path):
    options = {"first": [], "again": ["--device", "cpu", "--deterministic"]}
    for process in [start_run(name, *words) for name, words in options.items()]:
        _, told = process.communicate()
        assert process.returncode == 0, told
    first, again = (next(path.parent for path in (tmp_path / name).glob("*/predictions.csv")) for name in options)
    assert (first / "predictions.csv").read_bytes() == (again / "predictions.csv").read_bytes()
    records = [json.loads((folder / "environment.json").read_text()) for folder in (first, again)]
    for record, is_deterministic in zip(records, (False, True), strict=True):
        execution = record["execution"]
        assert (
            execution.pop("variables").items() >= {"KERAS_BACKEND": "tensorflow", "TF_NUM_INTRAOP_THREADS": "2"}.items()
        )
        assert execution == {
            "backend": "tensorflow", "devices": ["CPU"], "deterministic": is_deterministic, "threads": 0, "micro_batch": 8,
            "precision": "float32",
        }  # fmt: skip
        assert 1 <= record["num_usable_cores"] <= record["num_cores"]


@pytest.mark.parametrize(("error", "is_told"), [(OSError("CUDA"), True), (RunError("no GPU"), False), (None, False)])
def test_what_a_backend_prints_at_its_start_is_shown_if_the_start_fails(monkeypatch, capfd, error, is_told):
    def start():
        os.write(2, b"libcuda not found\n")
        if error:
            raise error
        return tensorflow_backend

    monkeypatch.setattr(backend, "backend_module", start)
    monkeypatch.setattr(backend, "_describe_devices", lambda: "CPU")
    if error:
        with pytest.raises(type(error), match=str(error)):
            start_quietly()
    else:
        assert start_quietly().endswith("on tensorflow, CPU")
    os.write(2, b"later\n")
    assert capfd.readouterr().err == ("libcuda not found\n" if is_told else "") + "later\n"


def test_threads_that_start_keras_at_once_leave_stderr_where_it_was():
    def start_often(number):
        for _ in range(5):
            with backend._hold_back_stderr():
                time.sleep(number / 1000)  # the others get their turn meanwhile

    before = os.fstat(2)
    threads = [threading.Thread(target=start_often, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.path.samestat(os.fstat(2), before)
