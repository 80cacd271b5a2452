"""How fast archnet trains: the CT tutorial's step and the published CNN3D's against archnet's, in one run.

    python experiments/bench_train.py [--rounds 5] [--only tutorial|published|pipeline] [--json]

The sides that are timed:

- tutorial: the 3D network of the CT classification tutorial of keras.io at 128x128x64, batch 2, trained in eager mode,
  each case turned with `scipy.ndimage.rotate` on the way, against archnet's step on archs/ct3d.json, which scales HU
  and rotates in the graph. The tutorial's step as a graph is told too.
- published: the published 3D network's step (archs/arch3dsm.json, Adam, L2), fed with NumPy batches whose cases are
  scaled from HU to [0, 1] one by one, against archnet's, which takes int16 as it lies in the store.
- pipeline: archnet's training on the phantom through crop store, shuffling, augmentation and gathering ahead, against
  the same steps on batches in memory, in 3D and 2D.

A ratio is the median over rounds in which both sides run one after the other; other work on the machine meets both
alike. The ratio of the fastest steps is told beside it: it is nearest to that of a machine without other work.
bfloat16 is left out where the processor does not have it.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from scipy import ndimage

from archnet.network.backend import start_quietly

start_quietly()

import keras  # noqa: E402 - after the quiet start

from archnet.bench import PRODUCTS_PER_STEP, Pace, Subject, measure, subject_on_data, subject_on_noise  # noqa: E402
from archnet.network.precision import has_bfloat16  # noqa: E402
from archnet.network.speed import matmul_rate, seconds_of  # noqa: E402
from archnet.spec.cost import cost_of  # noqa: E402
from archnet.spec.experiment import Experiment  # noqa: E402
from archnet.spec.resolve import command_experiment, parse_experiments, with_data  # noqa: E402

ARCHS = Path(__file__).parents[1] / "archs"
ANGLES = (-20, -10, -5, 5, 10, 20)
LOW, HIGH = -1000, 400
PUBLISHED_L2 = 1e-3
PUBLISHED_BATCH = 32
PIPELINE_STEPS = {"arch3dsm": 10, "archsm": 30}
PRECISIONS = ("float32", "bfloat16") if has_bfloat16() else ("float32",)

Step = Callable[[], object]


def seconds(work: Step, repeats: int = 1) -> float:
    """Of one of some repeats."""
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - start) / repeats


def experiment_of(name: str, training: dict, data: str | None = None) -> Experiment:
    document = command_experiment([ARCHS / f"{name}.json"])
    if data:
        document = with_data(document, data)[0]
    return parse_experiments(document, [(("training", key), value) for key, value in training.items()])[0]


def tutorial_network() -> keras.Model:
    layers = [keras.Input((128, 128, 64, 1))]
    for filters in (64, 64, 128, 256):
        layers += [
            keras.layers.Conv3D(filters, 3, activation="relu"),
            keras.layers.MaxPool3D(2),
            keras.layers.BatchNormalization(),
        ]
    layers += [
        keras.layers.GlobalAveragePooling3D(),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
    return keras.Sequential(layers)


def tutorial_step(is_eager: bool) -> Step:
    """One step as the tutorial makes it: both cases turned by SciPy, then the network, eager or as a graph."""
    network = tutorial_network()
    rates = keras.optimizers.schedules.ExponentialDecay(1e-4, 100_000, 0.96, staircase=True)
    network.compile("adam", "binary_crossentropy", metrics=["acc"], run_eagerly=is_eager)
    network.optimizer.learning_rate = rates(0)
    generator = np.random.default_rng(0)
    volumes, labels = generator.random((2, 128, 128, 64), np.float32), np.array([[0], [1]], np.float32)

    def step() -> None:
        turned = [ndimage.rotate(volume, generator.choice(ANGLES), reshape=False) for volume in volumes]
        network.train_on_batch(np.clip(turned, 0, 1)[..., np.newaxis], labels)

    return step


def published_network() -> keras.Model:
    """The published 3D network of small width, its penalty on weights and biases included."""
    half = keras.regularizers.L2(PUBLISHED_L2 / 2)
    l2 = {"kernel_regularizer": half, "bias_regularizer": half}
    relu = {"activation": "relu", **l2}
    conv = {"padding": "same", **relu}
    layers = [
        keras.Input((64, 64, 10, 1)),
        keras.layers.Conv3D(16, 3, **conv),
        keras.layers.Dropout(0.083),
        keras.layers.MaxPool3D(2, padding="same"),
        keras.layers.Dropout(0.167),
        keras.layers.Conv3D(32, 3, **conv),
        keras.layers.Conv3D(16, (5, 5, 1), **conv),
        keras.layers.Dropout(0.167),
        keras.layers.MaxPool3D((5, 5, 2), 3, padding="same"),
        keras.layers.Conv3D(32, 3, **conv),
        keras.layers.Flatten(),
        keras.layers.Dense(20, **relu),
        keras.layers.Dropout(0.083),
        keras.layers.Dense(10, **relu),
        keras.layers.Dense(2, **l2),
    ]
    return keras.Sequential(layers)


def published_step() -> Step:
    """One step as published: the cases of a batch scaled one by one in Python, and fed as a NumPy array."""
    network = published_network()
    network.compile(keras.optimizers.Adam(1e-3), keras.losses.CategoricalCrossentropy(from_logits=True))
    generator = np.random.default_rng(0)
    crops = generator.integers(LOW, HIGH, (4 * PUBLISHED_BATCH, 64, 64, 10), np.int16)

    def step() -> None:
        chosen = generator.permutation(len(crops))[:PUBLISHED_BATCH]
        batch = [np.clip((crops[row].astype(np.float64) - LOW) / (HIGH - LOW), 0, 1) for row in chosen]
        network.train_on_batch(np.array(batch)[..., np.newaxis], np.eye(2)[chosen % 2])

    return step


def our_step(name: str, training: dict) -> tuple[Step, Subject]:
    """One step of archnet's on batches that lie in memory as int16."""
    experiment = experiment_of(name, training)
    subject = subject_on_noise(experiment.arch, experiment.training)
    pace = Pace(subject)
    held = list(pace.steps_from(0, 4))
    numbers = iter(range(1 << 30))
    return lambda: seconds_of(pace.trainer, [held[next(numbers) % len(held)]]), subject


def against(theirs: Step, others: dict[str, Step], name: str, training: dict, num_rounds: int) -> list[dict]:
    """Rows: archnet's step in each precision against theirs, which is slow; their other ways are told beside it."""
    ours = {}
    for precision in PRECISIONS:
        ours[precision], subject = our_step(name, {**training, "precision": precision})
    macs = PRODUCTS_PER_STEP * cost_of(subject.plan).num_macs * subject.training.batch_size
    steps = {"theirs": theirs, **others, **ours}
    times: dict[str, list[float]] = {key: [] for key in steps}
    rates: dict[str, list[float]] = {key: [] for key in PRECISIONS}
    for step in steps.values():
        seconds(step, 2)  # builds the graphs
    for _ in range(num_rounds):
        for key, step in steps.items():
            times[key].append(seconds(step, 1 if key == "theirs" else 3))
        for precision in PRECISIONS:
            rates[precision].append(matmul_rate(precision))
    rows = []
    for key in [*others, *PRECISIONS]:
        row = {
            "name": f"{name} {key}",
            "theirs_s": median(times["theirs"]),
            "ours_s": median(times[key]),
            "ratio": median(a / b for a, b in zip(times["theirs"], times[key], strict=True)),
            "fastest_ratio": min(times["theirs"]) / min(times[key]),
        }
        if key in rates:
            row["matmul_share"] = median(macs / t / r for t, r in zip(times[key], rates[key], strict=True))
            row["macs_per_s"] = macs / median(times[key])
        rows.append(row)
    return rows


def bench_tutorial(num_rounds: int) -> list[dict]:
    training = {
        "batch_size": 2,
        "learning_rate": 1e-4,
        "schedule": {"type": "exponential", "decay_rate": 0.96, "decay_steps": 100_000, "staircase": True},
        "augmentation": [{"type": "rotate", "degrees": list(ANGLES)}],
    }
    others = {"their graph": tutorial_step(is_eager=False)}
    return against(tutorial_step(is_eager=True), others, "ct3d", training, num_rounds)


def bench_published(num_rounds: int) -> list[dict]:
    training = {"batch_size": PUBLISHED_BATCH, "l2": PUBLISHED_L2}
    return against(published_step(), {}, "arch3dsm", training, num_rounds)


def bench_pipeline(num_rounds: int) -> list[dict]:
    """Rows: the whole pipeline against the same steps in memory, both from the beginning of an epoch on."""
    rows = []
    for name, num_steps in PIPELINE_STEPS.items():
        training = {
            "batch_size": PUBLISHED_BATCH,
            "l2": PUBLISHED_L2,
            "augmentation": [{"type": "rotated_copies", "angles": [90, 180, 270], "of": "positive"}],
        }
        subject = subject_on_data(experiment_of(name, training, "phantom"))
        measured = measure(subject, num_steps, num_rounds)
        rows.append(
            {
                "name": f"{name} pipeline",
                "theirs_s": PUBLISHED_BATCH / measured.step_samples_per_second,
                "ours_s": PUBLISHED_BATCH / measured.pipeline_samples_per_second,
                "ratio": measured.pipeline_share,
                "matmul_share": measured.matmul_share,
            }
        )
    return rows


BENCHES = {"tutorial": bench_tutorial, "published": bench_published, "pipeline": bench_pipeline}


def told(row: dict) -> str:
    parts = []
    for key, text in (
        ("theirs_s", "{:8.3f} s"),
        ("ours_s", "{:8.3f} s"),
        ("ratio", "ratio {:6.2f}"),
        ("fastest_ratio", "(of the fastest {:.2f})"),
        ("matmul_share", "{:.0%} of the matrix-multiply rate"),
        ("macs_per_s", "{:.3g} mult-adds/s"),
    ):
        if key in row:
            parts.append(text.format(row[key]))
    return f"{row['name']:<22} {'  '.join(parts)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each comparison")
    parser.add_argument("--only", choices=BENCHES, help="one comparison alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    chosen = [arguments.only] if arguments.only else list(BENCHES)
    rows, loads = [], [os.getloadavg()[0]]
    for name in chosen:
        rows += BENCHES[name](arguments.rounds)
        loads.append(os.getloadavg()[0])
    if arguments.json:
        print(json.dumps({"cores": os.cpu_count(), "loads": loads, "rows": rows}, indent=2))
        return
    print(f"{os.cpu_count()} cores, load {' '.join(f'{load:.1f}' for load in loads)}; seconds a step: theirs, ours")
    print("(pipeline: batches in memory, whole pipeline)")
    for row in rows:
        print(told(row))


if __name__ == "__main__":
    main()
