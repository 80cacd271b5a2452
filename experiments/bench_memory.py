"""Predicted against measured peak memory of training, for networks of every kind.

    python experiments/bench_memory.py [--json]

Each network trains a few steps in a process of its own, through the same code as `archnet run`, on random images; what
is measured is the peak of its resident memory (VmHWM of /proc/self/status, so Linux only). The prediction is that of
`archnet show`. "above the process" leaves out on both sides what a process takes before it builds a network, which is
measured as well.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from plain_options import PLAIN

from archnet.files.strict_json import Document
from archnet.machine import usable_cores
from archnet.report.units import bytes_text
from archnet.spec.arch import Arch, load_arch, parse_arch
from archnet.spec.experiment import Training
from archnet.spec.memory import PROCESS_BYTES, estimate_memory
from archnet.spec.view import InputLimits

ARCHS = Path(__file__).parents[1] / "archs"
LIMITS = (-1000, 400)
NUM_STEPS = 2
WITHIN = 0.25


def conv(num_output: int, rank: int, **options: object) -> dict:
    return {"type": "C", "num_output": num_output, "kernel_size": [3] * rank, "activation": "relu", **options}


def residual(num_output: int, rank: int) -> dict:
    inner = [conv(num_output, rank, batch_norm=True), conv(num_output, rank, activation=None, batch_norm=True)]
    return {"type": "RES", "layers": inner, "activation": "relu", "batch_norm": True}


def branches(name: str, layer: dict) -> dict:
    """Three branches of one, two and three layers."""
    return {"type": name, "branches": [[layer] * number for number in (1, 2, 3)]}


def scaled_residual(num_output: int, rank: int) -> dict:
    inner = [conv(num_output, rank, norm="batch"), conv(num_output, rank, activation=None)]
    return {"type": "RES", "layers": inner, "drop_path": 20, "layer_scale": 1e-6}


def several(name: str, rank: int, num_output: int = 32, **options: object) -> list:
    """Four convolutions, each followed by batch norm and a layer of the given type."""
    return 4 * [conv(num_output, rank, activation=None, norm="batch"), {"type": name, **options}]


DENSE_LAYERS = [{"type": "NORM"}, {"type": "ACT", "activation": "relu"}, conv(16, 3, activation=None, bias=False)]
POOL = {"type": "P", "pool": "max", "kernel_size": [2, 2]}
END = [{"type": "GAP"}, {"type": "T"}]


def views(planes: str, *layers: dict, **options: object) -> list:
    """`VIEWS` and the output layer."""
    return [{"type": "VIEWS", "planes": planes, "layers": [*layers, {"type": "GAP"}], **options}, {"type": "T"}]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network and how it is trained; `arch` is a name in archs/ or a list of layers."""

    name: str
    arch: str | list
    shape: tuple[int, ...]
    batch_size: int
    micro_batch: int | None = None
    training: dict = field(default_factory=dict)

    def load_arch(self) -> Arch:
        if isinstance(self.arch, str):
            return load_arch(ARCHS / f"{self.arch}.json")
        return parse_arch(Document(value=self.arch, source=self.name))


CASES = [
    Case(name="2D (arch)", arch="arch", shape=(64, 64), batch_size=256),
    Case(name="2D small (archsm)", arch="archsm", shape=(64, 64), batch_size=512),
    Case(name="3D (arch3d)", arch="arch3d", shape=(64, 64, 10), batch_size=32),
    Case(name="3D in parts", arch="arch3d", shape=(64, 64, 10), batch_size=64, micro_batch=16),
    Case(name="3D small (arch3dsm)", arch="arch3dsm", shape=(64, 64, 10), batch_size=128),
    Case(
        name="3D small, bfloat16",
        arch="arch3dsm",
        shape=(64, 64, 10),
        batch_size=256,
        training={"precision": "bfloat16"},
    ),
    Case(name="whole scans, batch norm (ct3d)", arch="ct3d", shape=(128, 128, 64), batch_size=2),
    Case(name="wide", arch=[conv(192, 2), conv(192, 2), *END], shape=(64, 64), batch_size=128),
    Case(
        name="wide, fully connected",
        arch=[conv(8, 2), {"type": "FC", "num_output": 1024, "activation": "relu"}, {"type": "T"}],
        shape=(64, 64),
        batch_size=32,
    ),
    Case(name="deep", arch=[conv(16, 2) for _ in range(24)] + END, shape=(64, 64), batch_size=256),
    Case(
        name="batch norm",
        arch=[conv(32, 3, batch_norm=True) for _ in range(4)] + END,
        shape=(32, 32, 16),
        batch_size=64,
    ),
    Case(
        name="residual, batch norm",
        arch=[conv(32, 2), residual(32, 2), residual(32, 2), POOL, residual(64, 2), residual(64, 2), *END],
        shape=(64, 64),
        batch_size=192,
    ),
    Case(
        name="branches, joined",
        arch=[conv(32, 3), *3 * [branches("CAT", conv(16, 3, norm="batch"))], *END],
        shape=(32, 32, 16),
        batch_size=16,
    ),
    Case(
        name="branches, added",
        arch=[conv(32, 3), *3 * [branches("ADD", conv(32, 3, norm="batch"))], *END],
        shape=(32, 32, 16),
        batch_size=16,
    ),
    Case(
        name="dense blocks",
        arch=[conv(32, 3), *2 * [{"type": "DENSE", "times": 6, "layers": DENSE_LAYERS}], *END],
        shape=(32, 32, 16),
        batch_size=16,
    ),
    Case(
        name="residual, scale, drop path",
        arch=[conv(32, 3), *4 * [scaled_residual(32, 3)], *END],
        shape=(32, 32, 16),
        batch_size=32,
    ),
    Case(name="SE", arch=[*several("SE", 3), *END], shape=(32, 32, 16), batch_size=64),
    Case(name="CBAM", arch=[*several("CBAM", 3, kernel_size=3), *END], shape=(32, 32, 16), batch_size=48),
    Case(name="ACT", arch=[*several("ACT", 3, activation="relu"), *END], shape=(32, 32, 16), batch_size=64),
    Case(
        name="pre-activation",
        arch=[conv(32, 3), *4 * [{"type": "NORM"}, {"type": "ACT", "activation": "relu"}, conv(32, 3)], *END],
        shape=(32, 32, 16),
        batch_size=48,
    ),
    Case(name="VIEWS, nine", arch=views("nine", conv(16, 2), conv(16, 2)), shape=(48, 48, 48), batch_size=48),
    Case(
        name="VIEWS, nine, not shared",
        arch=views("nine", conv(16, 2), conv(16, 2), shared=False),
        shape=(48, 48, 48),
        batch_size=48,
    ),
    Case(
        name="VIEWS, nine, behind a convolution",
        arch=[conv(4, 3), *views("nine", conv(16, 2), conv(16, 2))],
        shape=(48, 48, 48),
        batch_size=32,
    ),
    Case(
        name="VIEWS, slices, attention",
        arch=views("slices", conv(16, 2), conv(16, 2), fuse="attention"),
        shape=(48, 48, 24),
        batch_size=24,
    ),
    Case(name="group norm", arch=[*4 * [conv(32, 3, norm="group")], *END], shape=(32, 32, 16), batch_size=64),
    Case(name="instance norm", arch=[*4 * [conv(32, 3, norm="instance")], *END], shape=(32, 32, 16), batch_size=64),
    Case(name="layer norm", arch=[*4 * [conv(32, 3, norm="layer")], *END], shape=(32, 32, 16), batch_size=64),
    Case(
        name="attention, 1,024 tokens",
        arch=[conv(64, 2, stride=2), {"type": "POS"}, *2 * [{"type": "ATT", "drop_out": 10, "drop_path": 10}], *END],
        shape=(64, 64),
        batch_size=16,
    ),
    Case(
        name="attention, 64 tokens",
        arch=[conv(256, 2, stride=8), {"type": "POS"}, *4 * [{"type": "ATT"}], *END],
        shape=(64, 64),
        batch_size=128,
    ),
    Case(
        name="EMA, rotation",
        arch="archsm",
        shape=(64, 64),
        batch_size=512,
        training={"ema": 0.99, "augmentation": [{"type": "rotate"}]},
    ),
    Case(name="mixup", arch="archsm", shape=(64, 64), batch_size=512, training={"mixup": {"alpha": 0.2}}),
]


def measure_peak(number: int) -> tuple[int, int]:
    """Resident memory of this process before it builds the network of a case, and the peak after a few steps."""
    import numpy as np

    from archnet.machine import peak_memory_bytes, resident_memory_bytes
    from archnet.network.backend import start_quietly
    from archnet.network.build.network import build
    from archnet.network.examples import Examples
    from archnet.network.training.loop import train
    from archnet.network.training.setup import Execution, TrainingData, set_up_training
    from archnet.runs import runner  # noqa: F401 - likewise

    start_quietly()
    before = resident_memory_bytes()
    case = CASES[number]
    arch, training = case.load_arch(), case_training(case)
    network = build(arch, case.shape)
    count = NUM_STEPS * case.batch_size
    shape = arch.full_input_shape(case.shape)
    images = np.random.default_rng(0).integers(*LIMITS, (count, *shape), np.int16)
    examples = Examples(images=images, rows=np.arange(count), labels=np.arange(count) % 2)
    validation_rows = np.arange(min(8, count))
    validation = Examples(images=images, rows=validation_rows, labels=validation_rows % 2)
    data = TrainingData(limits=InputLimits.of(*LIMITS), examples=examples, validation=validation)
    train(set_up_training(network, data, training, Execution(micro_batch=case.micro_batch)), SilentCallback())
    return before or 0, peak_memory_bytes() or 0


def case_training(case: Case) -> Training:
    from archnet.spec.resolve import parse_experiments

    document = {"archs": [case.load_arch().to_document()], "training": {**PLAIN, **case.training}}
    document["training"] |= {"batch_size": case.batch_size, "epochs": 2}
    return parse_experiments(Document(value=document, source=case.name))[0].training


class SilentCallback:
    """A callback that does nothing."""

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None: ...

    def on_epoch(self, row: dict[str, float]) -> None: ...


def measure_case(number: int) -> dict:
    """Measure one case in a process of its own."""
    case = CASES[number]
    command = [sys.executable, __file__, "--case", str(number)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    before, measured = json.loads(done.stdout)
    memory = estimate_memory(case.load_arch().plan(case.shape), case_training(case))
    predicted = memory.peak_bytes(case.batch_size, case.micro_batch)
    return {
        "name": case.name,
        "batch_size": case.batch_size,
        "micro_batch": case.micro_batch or case.batch_size,
        "process_bytes": before,
        "predicted_bytes": predicted,
        "measured_bytes": measured,
        "error": predicted / measured - 1,
        "error_above_process": (predicted - PROCESS_BYTES) / (measured - before) - 1,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", metavar="NAME", help="of one network")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case is not None:
        print(json.dumps(measure_peak(arguments.case)))
        return
    if not arguments.json:
        print(f"{'network':<32} batch at once  predicted   measured  error  above the process")
    rows = []
    for number in [number for number, case in enumerate(CASES) if arguments.only in (None, case.name)]:
        row = measure_case(number)
        rows.append(row)
        if not arguments.json:
            sizes = f"{bytes_text(row['predicted_bytes']):>10} {bytes_text(row['measured_bytes']):>10}"
            errors = f"{row['error']:>+6.0%}  {row['error_above_process']:>+6.0%}"
            print(f"{row['name']:<32} {row['batch_size']:>5} {row['micro_batch']:>7} {sizes} {errors}", flush=True)
    worst = max(abs(row["error"]) for row in rows)
    if arguments.json:
        print(json.dumps({"cores": usable_cores(), "worst_error": worst, "within": WITHIN, "rows": rows}, indent=2))
    else:
        print(
            f"worst {worst:.0%}, {'within' if worst <= WITHIN else 'NOT within'} {WITHIN:.0%}; {usable_cores()} cores"
        )


if __name__ == "__main__":
    main()
