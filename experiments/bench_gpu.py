"""Measure training speed on a GPU, the share of its peak, and the agreement of bfloat16 with float32.

    KERAS_BACKEND=jax python experiments/bench_gpu.py [--archs FILE ...] [--jobs 8] [--limit 540] [--out results.jsonl]

Writes JSON lines as results become available:

- device: the device, and the peak rate to which shares refer.
- layer: for one type of layer, the relative error of outputs and gradients in bfloat16 against float32.
- kernel: for each network, the largest error of its convolutions and dense layers at their shapes in the network.
- form: for types of grouped convolutions, the time of a training step of archnet's and Keras's form, relative to the
  dense convolution's.
- speed: for each network and precision, steps and cases per second of archnet's training step on batches in memory, and
  the share of the peak. A step counts as three forward passes, a multiply-add as two operations.
- error: a failed task; the others continue.

Compilation takes most of the time. Therefore, several processes first fill JAX's compilation cache and run the checks
that need no timing; then a single process measures. Peaks are those of the vendors' data sheets, without sparsity; in
float32, JAX multiplies in TensorFloat-32. `--peak` sets them for other GPUs.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from statistics import median

os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path.home() / ".cache/archnet_bench_gpu"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import numpy as np

from archnet.files.strict_json import Document
from archnet.network.backend import devices, start_quietly

DEVICE = start_quietly()

from archnet.network.augmentation.augment import num_uniforms  # noqa: E402 - after the quiet start
from archnet.network.build.network import build  # noqa: E402
from archnet.network.timing.layers import TimedLayers, precision_error  # noqa: E402
from archnet.network.training.precision_check import MAX_ERROR, kernel_errors  # noqa: E402
from archnet.network.training.trainer import Trainer, read_outputs  # noqa: E402
from archnet.spec.arch import Arch, parse_arch  # noqa: E402
from archnet.spec.cost import network_cost  # noqa: E402
from archnet.spec.experiment import Training  # noqa: E402
from archnet.spec.resolve import read_arch_document  # noqa: E402
from archnet.spec.speeds.layer_kinds import LAYER_KINDS, LayerKind  # noqa: E402
from archnet.spec.view import InputLimits  # noqa: E402

ARCHS = Path(__file__).parents[1] / "archs"
PRECISIONS = ("float32", "bfloat16")
LIMITS = InputLimits.of(-1000, 400)
PRODUCTS_PER_STEP = 3

PEAKS = {
    "H100": {"float32": 494.7, "bfloat16": 989.4},
    "H200": {"float32": 494.7, "bfloat16": 989.4},
    "A100": {"float32": 156.0, "bfloat16": 312.0},
}
"""Peak rates of GPUs in tera-operations per second, by a part of their name."""

MAX_VOXELS = 64 * 64 * 64 * 10
"""Maximum number of input values per batch; the batch size is reduced for large inputs."""

MAX_CHAIN_ERROR = 0.05
"""Maximum relative error of a composite layer in bfloat16; each operation rounds by up to 0.004."""

FORMS = ("depthwise 3x3", "grouped 3x3", "depthwise 3x3x3", "grouped 3x3x3", "depthwise 3x3x1", "(2+1)D depthwise")
FORM_CHANNELS = (16, 64)
FORM_CASES = 64
FORM_ROUNDS = 5

LAYER_TYPES = {
    "C 3x3": ((32, 32, 16), {"type": "C", "num_output": 16, "kernel_size": [3, 3]}),
    "C 3x3 depthwise": ((32, 32, 16), {"type": "C", "num_output": 16, "kernel_size": [3, 3], "groups": "depthwise"}),
    "C 3x3x3": ((16, 16, 10, 16), {"type": "C", "num_output": 16, "kernel_size": [3, 3, 3]}),
    "C 3x3x3 stride 2": ((16, 16, 10, 16), {"type": "C", "num_output": 16, "kernel_size": [3, 3, 3], "stride": 2}),
    "C 3x3x3 dilation 2": ((16, 16, 10, 16), {"type": "C", "num_output": 16, "kernel_size": [3, 3, 3], "dilation": 2}),
    "C 3x3x3 depthwise": (
        (16, 16, 10, 64),
        {"type": "C", "num_output": 64, "kernel_size": [3, 3, 3], "groups": "depthwise"},
    ),
    "C 3x3x1 depthwise": (
        (16, 16, 10, 64),
        {"type": "C", "num_output": 64, "kernel_size": [3, 3, 1], "groups": "depthwise"},
    ),
    "C 3x3x3 groups 4": ((16, 16, 10, 64), {"type": "C", "num_output": 64, "kernel_size": [3, 3, 3], "groups": 4}),
    "C 1x1x1": ((16, 16, 10, 16), {"type": "C", "num_output": 32, "kernel_size": [1, 1, 1]}),
    "P max": ((16, 16, 10, 16), {"type": "P", "pool": "max", "kernel_size": [2, 2, 2]}),
    "P avg": ((16, 16, 10, 16), {"type": "P", "pool": "avg", "kernel_size": [2, 2, 2]}),
    "FC": ((512,), {"type": "FC", "num_output": 256, "activation": "relu"}),
    "NORM batch": ((16, 16, 10, 16), {"type": "NORM", "norm": "batch"}),
    "NORM group": ((16, 16, 10, 16), {"type": "NORM", "norm": "group"}),
    "NORM instance": ((16, 16, 10, 16), {"type": "NORM", "norm": "instance"}),
    "NORM layer": ((16, 16, 10, 16), {"type": "NORM", "norm": "layer"}),
    "ACT": ((16, 16, 10, 16), {"type": "ACT", "activation": "gelu"}),
    "GAP": ((16, 16, 10, 16), {"type": "GAP"}),
    "GMP": ((16, 16, 10, 16), {"type": "GMP"}),
    "RES": (
        (16, 16, 10, 16),
        {"type": "RES", "layers": [{"type": "C", "num_output": 16, "kernel_size": [3, 3, 3], "norm": "batch"}]},
    ),
    "DENSE": (
        (16, 16, 10, 16),
        {"type": "DENSE", "times": 2, "layers": [{"type": "C", "num_output": 8, "kernel_size": [3, 3, 3]}]},
    ),
    "CAT": (
        (16, 16, 10, 16),
        {"type": "CAT", "branches": [[], [{"type": "C", "num_output": 8, "kernel_size": [3, 3, 3]}]]},
    ),
    "ADD": (
        (16, 16, 10, 16),
        {"type": "ADD", "branches": [[], [{"type": "C", "num_output": 16, "kernel_size": [3, 3, 3]}]]},
    ),
    "CROP": ((16, 16, 10, 16), {"type": "CROP", "size": [8, 8, 6]}),
    "VIEWS": (
        (12, 12, 12, 4),
        {
            "type": "VIEWS",
            "planes": "orthogonal",
            "layers": [{"type": "C", "num_output": 16, "kernel_size": [3, 3]}, {"type": "GAP"}],
            "fuse": "attention",
        },
    ),
    "SE": ((16, 16, 10, 16), {"type": "SE", "ratio": 4}),
    "CBAM": ((16, 16, 10, 16), {"type": "CBAM", "ratio": 4}),
    "POS": ((8, 8, 2, 16), {"type": "POS"}),
    "ATT": ((8, 8, 2, 16), {"type": "ATT", "heads": 4}),
}
"""Input shape and document of one example of each type."""


def main() -> None:
    options = parse_options()
    names = [str(path) for path in options.archs]
    if options.worker is not None:
        number, count = options.worker
        for record in prepare_networks(names[number::count], list(LAYER_TYPES)[number::count], options):
            print(json.dumps(record), flush=True)
        return
    end = time.monotonic() + options.limit
    with options.out.open("w") as file:
        for record in measure(names, options, end):
            file.write(json.dumps(record) + "\n")
            file.flush()
            print(json.dumps(record), flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the training speed of networks on an accelerator.")
    parser.add_argument("--archs", nargs="*", type=Path, default=[*ARCHS.glob("*.json"), *ARCHS.glob("zoo/*.json")])
    parser.add_argument("--precisions", nargs="*", default=PRECISIONS)
    parser.add_argument("--batch", type=int, default=64, help="batch size; reduced for large inputs")
    parser.add_argument("--seconds", type=float, default=2.0, help="duration of the measurement of a network")
    parser.add_argument("--jobs", type=int, default=8, help="number of processes that compile in parallel")
    parser.add_argument("--no-forms", dest="forms", action="store_false", help="skip the grouped convolutions")
    parser.add_argument("--limit", type=float, default=540.0, help="seconds after which no further measurement starts")
    parser.add_argument(
        "--peak", nargs=2, type=float, metavar=("FLOAT32", "BFLOAT16"), help="peak rates in tera-operations per second"
    )
    parser.add_argument("--out", type=Path, default=Path("bench_gpu.jsonl"))
    parser.add_argument("--worker", nargs=2, type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(names: list[str], options: argparse.Namespace, end: float) -> Iterator[dict]:
    """Yield all records: those of the processes that compile, then the speeds."""
    peaks = find_peaks(options)
    yield {"kind": "device", "device": DEVICE, "peak_tera_operations": peaks}
    yield from run_workers(options, end)
    for kind in LAYER_KINDS:
        for channels, precision in product(FORM_CHANNELS, options.precisions):
            if options.forms and kind.name in FORMS and time.monotonic() < end:
                task = f"{kind.name} {channels} {precision}"
                yield from try_task(task, lambda k=kind, c=channels, p=precision: [measure_form(k, c, p)])
    for name in names:
        for precision in options.precisions:
            if time.monotonic() > end:
                yield {"kind": "error", "task": f"{name} {precision}", "error": "the time limit is reached"}
                continue
            yield from try_task(
                f"{name} {precision}", lambda n=name, p=precision: [measure_speed(n, p, options, peaks)]
            )


def measure_form(kind: LayerKind, channels: int, precision: str) -> dict:
    """Measure a step of grouped convolutions in two forms, relative to the dense one; medians over rounds."""
    shape = kind.input_shape(channels)
    sides = [TimedLayers(each.layers(channels), shape, FORM_CASES, precision) for each in (kind.dense, kind, kind)]
    for layer in sides[-1].twin.layers:
        vars(layer).pop("convolution_op", None)
    rounds = [[side.measure().step_seconds for side in sides] for _ in range(1 + FORM_ROUNDS)][1:]
    return {
        "kind": "form",
        "layer": kind.name,
        "channels": channels,
        "precision": precision,
        "dense_step_seconds": median(seconds[0] for seconds in rounds),
        "archnet_ratio": median(seconds[1] / seconds[0] for seconds in rounds),
        "keras_ratio": median(seconds[2] / seconds[0] for seconds in rounds),
    }


def find_peaks(options: argparse.Namespace) -> dict[str, float]:
    if options.peak:
        return dict(zip(PRECISIONS, options.peak, strict=True))
    return next((peaks for card, peaks in PEAKS.items() if card in devices()[0]), {})


def run_workers(options: argparse.Namespace, end: float) -> Iterator[dict]:
    """Yield the records of processes that compile in parallel; they are stopped after two thirds of the time."""
    if options.jobs < 1:
        return
    command = [sys.executable, *sys.argv, "--worker"]
    workers = [
        subprocess.Popen([*command, str(number), str(options.jobs)], stdout=subprocess.PIPE, text=True)
        for number in range(options.jobs)
    ]
    latest = time.monotonic() + (end - time.monotonic()) * 2 / 3
    for worker in workers:
        try:
            output, _ = worker.communicate(timeout=max(latest - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            worker.kill()
            output, _ = worker.communicate()
        yield from (json.loads(line) for line in output.splitlines() if line.startswith("{"))


def prepare_networks(names: list[str], types: list[str], options: argparse.Namespace) -> Iterator[dict]:
    """Compile the steps of some networks, and check their layers and some types of layers."""
    for name in names:
        for precision in options.precisions:
            yield from try_task(f"{name} {precision}", lambda n=name, p=precision: compile_step(n, p, options))
    for text in types:
        yield from try_task(text, lambda t=text: [check_type(t)])
    for name in names:
        yield from try_task(name, lambda n=name: [check_kernels(n)])


def try_task(name: str, task) -> Iterator[dict]:
    """Yield the result of a task, or a record of its failure."""
    try:
        yield from task()
    except Exception as error:  # one network must not end the measurement of the others
        yield {"kind": "error", "task": name, "error": f"{type(error).__name__}: {error}"[:500]}


def compile_step(name: str, precision: str, options: argparse.Namespace) -> list[dict]:
    trainer, batch = make_step(name, precision, options)
    read_outputs(trainer.train_step([batch]))
    return []


def check_type(text: str) -> dict:
    """The error of one type of layer in bfloat16."""
    shape, document = LAYER_TYPES[text]
    arch = parse_arch(
        Document(value={"rank": max(len(shape) - 1, 2), "layers": [document, {"type": "T"}]}, source=text)
    )
    error = precision_error(arch.layers[:-1], shape, "bfloat16")
    return {"kind": "layer", "layer": text, "error": error, "agrees": error < MAX_CHAIN_ERROR}


def check_kernels(name: str) -> dict:
    """The largest error of a network's convolutions and dense layers in bfloat16."""
    worst = max(kernel_errors(build(read_arch(name)), "bfloat16"), key=lambda entry: entry.error)
    return {
        "kind": "kernel",
        "network": Path(name).stem,
        "layer": worst.layer,
        "what": worst.what,
        "error": worst.error,
        "agrees": worst.error < MAX_ERROR,
    }


def read_arch(name: str) -> Arch:
    return parse_arch(read_arch_document(Path(name)))


def make_step(name: str, precision: str, options: argparse.Namespace) -> tuple[Trainer, dict]:
    """Create a trainer, and a batch of noise on the host."""
    arch = read_arch(name)
    network = build(arch)
    shape = network.input_shape[1:]
    num_cases = batch_size(shape, options)
    training = Training(precision=precision, batch_size=num_cases, augmentation=())
    generator = np.random.default_rng(0)
    batch = {
        "images": generator.integers(-1000, 400, (num_cases, *shape), np.int16),
        "labels": np.arange(num_cases, dtype=np.int32) % 2,
        "weights": np.full(num_cases, 1 / num_cases, np.float32),
        "uniforms": generator.random((num_cases, num_uniforms(())), np.float32),
        "keys": generator.integers(0, 1 << 32, num_cases, np.uint32),
    }
    return Trainer(network, LIMITS, training, steps_per_epoch=100), batch


def batch_size(shape: tuple[int, ...], options: argparse.Namespace) -> int:
    return max(min(options.batch, MAX_VOXELS // int(np.prod(shape))), 1)


def measure_speed(name: str, precision: str, options: argparse.Namespace, peaks: dict[str, float]) -> dict:
    """Measure the steps per second after a warm-up."""
    trainer, batch = make_step(name, precision, options)
    begin = time.perf_counter()
    read_outputs(trainer.train_step([batch]))
    first_seconds = time.perf_counter() - begin
    for _ in range(2):
        read_outputs(trainer.train_step([batch]))
    num_steps, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < options.seconds or num_steps == 0:
        for _ in range(5):
            outputs = trainer.train_step([batch])
        read_outputs(outputs)
        num_steps += 5
    num_cases, macs = len(batch["labels"]), network_cost(read_arch(name).plan()).num_macs
    operations = 2 * PRODUCTS_PER_STEP * macs * num_cases * num_steps / seconds
    return {
        "kind": "speed",
        "network": Path(name).stem,
        "precision": precision,
        "batch_size": num_cases,
        "macs": macs,
        "first_step_seconds": first_seconds,
        "steps_per_second": num_steps / seconds,
        "cases_per_second": num_cases * num_steps / seconds,
        "tera_operations_per_second": operations / 1e12,
        "peak_share": operations / 1e12 / peaks[precision] if peaks else None,
    }


if __name__ == "__main__":
    main()
