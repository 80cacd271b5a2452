"""Measure training speed: the steps of the CT tutorial and of the published CNN3D against archnet's, in one run.

    python experiments/bench_train.py [--seconds 60] [--quick] [--only tutorial|published|pipeline] [--json]

The sides that are timed:

- tutorial: the 3D network of the CT classification tutorial of keras.io at 128x128x64, batch 2, trained in eager mode,
  each case turned with `scipy.ndimage.rotate` on the way, against archnet's step on archs/ct3d.json, which scales HU
  and rotates in the graph. The tutorial's step is also timed as a graph.
- published: the published 3D network's step (archs/arch3dsm.json, Adam, L2), fed with NumPy batches whose cases are
  scaled from HU to [0, 1] one by one, against archnet's, which takes int16 as stored.
- pipeline: archnet's training on the phantom through crop store, shuffling, augmentation and gathering ahead, against
  the same steps on batches in memory, in 3D and 2D.

A ratio is the median over rounds in which both sides run one after the other. Rounds in which other processes used more
than a twentieth of the machine are excluded; if there are no others, the three least disturbed rounds count. The share
of other processes in the counted rounds is printed. The ratio of processor times is also printed. It depends little on
other processes, but underestimates a side that uses only one core. bfloat16 is omitted if the processor does not
support it.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from archnet.machine import usable_cores
from archnet.network.backend import start_quietly

start_quietly()

import keras  # noqa: E402 - after the quiet start
from plain_options import PLAIN  # noqa: E402
from their_steps import ANGLES, PUBLISHED_BATCH, PUBLISHED_L2, published_step, tutorial_step  # noqa: E402

from archnet.network.prefetch import prefetch_items  # noqa: E402
from archnet.network.timing.steps import MATRIX_SIZE, measure_seconds  # noqa: E402
from archnet.network.training.precision import has_bfloat16  # noqa: E402
from archnet.runs.benchmark.measure import PRODUCTS_PER_STEP, TimedTraining  # noqa: E402
from archnet.runs.benchmark.workload import Workload, load_data_workload, make_noise_workload  # noqa: E402
from archnet.spec.cost import network_cost  # noqa: E402
from archnet.spec.experiment import Experiment  # noqa: E402
from archnet.spec.resolve import parse_experiments, read_experiment_document, replace_data  # noqa: E402

ARCHS = Path(__file__).parents[1] / "archs"
PIPELINE_STEPS = {"arch3dsm": 10, "archsm": 30}
PRECISIONS = ("float32", "bfloat16") if has_bfloat16() else ("float32",)

ENOUGH = 5
"""Number of undisturbed rounds of a comparison."""
DISTURBED = 0.05
"""Share of other processes above which a round is excluded."""
CALMEST = 3
"""Number of rounds that count if all were disturbed."""
STAT = Path("/proc/stat")

Step = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """The cost of a step: wall seconds, processor seconds, and the share of other processes."""

    seconds: float
    cpu_seconds: float
    others: float


def time_step(step: Step, repeats: int = 1) -> StepTime:
    """The measurement of one repetition."""
    before = time.perf_counter(), time.process_time(), total_cpu_seconds()
    for _ in range(repeats):
        step()
    after = time.perf_counter(), time.process_time(), total_cpu_seconds()
    seconds, own, busy = (end - start for start, end in zip(before, after, strict=True))
    others = max(0.0, busy - own) / (seconds * (os.cpu_count() or 1))
    return StepTime(seconds=seconds / repeats, cpu_seconds=own / repeats, others=others)


def total_cpu_seconds() -> float:
    """Processor time of all processes, or of this process alone if the system does not report it."""
    if not STAT.is_file():
        return time.process_time()
    user, nice, system, _, _, *rest = map(int, STAT.read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


Round = dict[str, StepTime]


def run_rounds(steps: dict[str, Step], repeats: dict[str, int], limit: float) -> list[Round]:
    """Alternate all steps in rounds until enough are undisturbed; at the time limit, return the least disturbed."""
    rounds: list[Round] = []
    calm: list[Round] = []
    end = time.perf_counter() + limit
    while not rounds or (len(calm) < ENOUGH and time.perf_counter() < end):
        names = list(steps) if len(rounds) % 2 else list(reversed(steps))
        rounds.append({name: time_step(steps[name], repeats.get(name, 1)) for name in names})
        calm = [each for each in rounds if disturbance(each) <= DISTURBED]
    return calm or sorted(rounds, key=disturbance)[:CALMEST]


def disturbance(each: Round) -> float:
    return max(side.others for side in each.values())


def comparison_row(name: str, rounds: list[Round], theirs: str, ours: str) -> dict:
    """A row of the table: one side against another."""
    pairs = [(each[theirs], each[ours]) for each in rounds]
    return {
        "name": name,
        "theirs_s": median(a.seconds for a, _ in pairs),
        "ours_s": median(b.seconds for _, b in pairs),
        "ratio": median(a.seconds / b.seconds for a, b in pairs),
        "cpu_ratio": median(a.cpu_seconds / b.cpu_seconds for a, b in pairs),
        "num_rounds": len(rounds),
        "others": median(disturbance(each) for each in rounds),
    }


def make_multiplication(precision: str) -> Step:
    """Multiply two square matrices, as a measure of the machine's peak rate."""
    numbers = np.random.default_rng(0).random((MATRIX_SIZE, MATRIX_SIZE), np.float32)
    matrix = keras.ops.cast(keras.ops.convert_to_tensor(numbers), precision)
    return lambda: keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix)[0, :1])


def rates(rounds: list[Round], ours: str, product: str, subject: Workload, num_steps: int = 1) -> dict:
    """The rate of steps as a share of that of a matrix multiplication in the same rounds."""
    macs = num_steps * PRODUCTS_PER_STEP * network_cost(subject.plan).num_macs * subject.training.batch_size
    shares = [macs / each[ours].seconds * each[product].seconds / MATRIX_SIZE**3 for each in rounds]
    return {"matmul_share": median(shares), "macs_per_s": median(macs / each[ours].seconds for each in rounds)}


def make_experiment(name: str, training: dict, data: str | None = None) -> Experiment:
    document = read_experiment_document([ARCHS / f"{name}.json"])
    if data:
        document = replace_data(document, data)[0]
    return parse_experiments(document, [(("training", key), value) for key, value in {**PLAIN, **training}.items()])[0]


def make_step(name: str, training: dict) -> tuple[Step, Workload]:
    """One step of archnet on batches in memory as int16."""
    experiment = make_experiment(name, training)
    subject = make_noise_workload(experiment.arch, experiment.training)
    pace = TimedTraining(subject)
    held = list(pace.iterate_steps(0, 4))
    numbers = iter(range(1 << 30))
    return lambda: measure_seconds(pace.trainer, [held[next(numbers) % len(held)]]), subject


def compare_step(theirs: Step, others: dict[str, Step], name: str, training: dict, limit: float) -> list[dict]:
    """Rows of the table: archnet's step in each precision against the reference and its variants."""
    ours, subjects, first = {}, {}, {}
    for precision in PRECISIONS:
        ours[precision], subjects[precision] = make_step(name, {**training, "precision": precision})
        first[precision] = time_step(ours[precision]).seconds
    products = {f"{precision} product": make_multiplication(precision) for precision in PRECISIONS}
    steps = {"theirs": theirs, **others, **ours, **products}
    for step in steps.values():
        step()  # builds the graphs, and warms up
    rounds = run_rounds(steps, dict.fromkeys(ours, 2) | dict.fromkeys(products, 5), limit)
    rows = [comparison_row(f"{name} {key}", rounds, "theirs", key) for key in others]
    for precision, subject in subjects.items():
        row = comparison_row(f"{name} {precision}", rounds, "theirs", precision)
        row |= rates(rounds, precision, f"{precision} product", subject)
        rows.append({**row, "first_step_s": first[precision]})
    return rows


def bench_tutorial(limit: float) -> list[dict]:
    training = {
        "batch_size": 2,
        "learning_rate": 1e-4,
        "schedule": {"type": "exponential", "decay_rate": 0.96, "decay_steps": 100_000, "staircase": True},
        "augmentation": [{"type": "rotate", "degrees": list(ANGLES)}],
    }
    others = {"their graph": tutorial_step(is_eager=False)}
    return compare_step(tutorial_step(is_eager=True), others, "ct3d", training, limit)


def bench_published(limit: float) -> list[dict]:
    training = {"batch_size": PUBLISHED_BATCH, "l2": PUBLISHED_L2}
    return compare_step(published_step(), {}, "arch3dsm", training, limit)


def bench_pipeline(limit: float) -> list[dict]:
    """Rows of the table: the whole pipeline against the same steps in memory, both from the start of an epoch."""
    training = {
        "batch_size": PUBLISHED_BATCH,
        "l2": PUBLISHED_L2,
        "augmentation": [{"type": "rotated_copies", "angles": [90, 180, 270], "of": "positive"}],
    }
    rows = []
    for name, num_steps in PIPELINE_STEPS.items():
        subject = load_data_workload(make_experiment(name, training, "phantom"))
        pace = TimedTraining(subject)
        first = measure_seconds(pace.trainer, pace.iterate_steps(0, 1))
        held = list(pace.iterate_steps(0, num_steps))
        steps = {
            "in memory": partial(measure_seconds, pace.trainer, held),
            "pipeline": partial(train_gathered, pace, num_steps),
            "product": make_multiplication(pace.precision),
        }
        for step in steps.values():
            step()
        rounds = run_rounds(steps, {"product": 5}, limit)
        row = comparison_row(f"{name} pipeline", rounds, "in memory", "pipeline")
        row |= {key: row[key] / num_steps for key in ("theirs_s", "ours_s")}
        rows.append({**row, **rates(rounds, "pipeline", "product", subject, num_steps), "first_step_s": first})
    return rows


def train_gathered(pace: TimedTraining, num_steps: int) -> None:
    """Steps on batches that are read from the store concurrently."""
    with closing(prefetch_items(pace.iterate_steps(0, num_steps))) as steps:
        measure_seconds(pace.trainer, steps)


BENCHES = {"tutorial": bench_tutorial, "published": bench_published, "pipeline": bench_pipeline}


def row_text(row: dict) -> str:
    parts = []
    for key, text in (
        ("theirs_s", "{:8.3f} s"),
        ("ours_s", "{:8.3f} s"),
        ("ratio", "ratio {:6.2f}"),
        ("cpu_ratio", "(of processor time {:.2f})"),
        ("matmul_share", "{:.0%} of the matrix-multiply rate"),
        ("macs_per_s", "{:.3g} mult-adds/s"),
        ("first_step_s", "first step {:.1f} s"),
        ("num_rounds", "{} rounds"),
        ("others", "other work {:.0%}"),
    ):
        if key in row:
            parts.append(text.format(row[key]))
    return f"{row['name']:<22} {'  '.join(parts)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="maximum seconds for each comparison")
    parser.add_argument(
        "--quick", action="store_true", help="one round of each comparison, regardless of other processes"
    )
    parser.add_argument("--only", choices=BENCHES, help="only this comparison")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    rows = []
    if not arguments.json:
        print(f"{usable_cores()} cores; seconds a step: theirs, ours (pipeline: batches in memory, whole pipeline)")
    for name in [arguments.only] if arguments.only else list(BENCHES):
        added = BENCHES[name](0 if arguments.quick else arguments.seconds)
        rows += added
        if not arguments.json:
            print(*map(row_text, added), sep="\n", flush=True)
    if arguments.json:
        print(json.dumps({"cores": usable_cores(), "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
