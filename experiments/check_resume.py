"""Kill runs at random moments, resume them, and compare their predictions with those of an uninterrupted run.

    python experiments/check_resume.py [--kills 20] [--folder DIR]

A run has five epochs with dropout, augmentation, weight averaging and oversampling on generated cubes, and writes a
checkpoint after every seventh step and every epoch. Each run is killed once (SIGKILL) at or shortly after a random
step, so that most kills occur between two checkpoints and some while one is written. Then `archnet run --resume`
resumes it. The script prints where each run was killed and whether its predictions.csv is identical, byte for byte, to
that of the uninterrupted run; the exit code is 1 if one differs.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

NETWORK = {
    "name": "net",
    "layers": [
        {"type": "C", "num_output": 16, "kernel_size": [3, 3, 3], "activation": "relu", "drop_out": 20},
        {"type": "P", "pool": "max", "kernel_size": [2, 2, 2], "drop_out": 20},
        {"type": "C", "num_output": 16, "kernel_size": [3, 3, 3], "activation": "relu", "batch_norm": True},
        {"type": "GAP"},
        {"type": "FC", "num_output": 16, "activation": "relu", "drop_out": 30},
        {"type": "T"},
    ],
}
TRAINING = {
    "epochs": 5,
    "batch_size": 16,
    "best_metric": "loss",
    "ema": 0.95,
    "balance": "oversample",
    "augmentation": [{"type": "right_angles"}, {"type": "flip"}, {"type": "shift"}, {"type": "noise"}],
}
NUM_CASES = 800
MAX_DELAY = 0.05
"""Longest delay of a kill after its step in seconds: longer than a step and the writing of a checkpoint."""

COMMAND = """
import itertools, os, sys
from archnet.cli import main
from archnet.network.training.checkpoint import Checkpoint

marks = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
numbers, save = itertools.count(1), Checkpoint.save

def is_due(checkpoint):
    os.write(marks, b"s")
    return next(numbers) % 7 == 0

def marked_save(checkpoint, *arguments):
    os.write(marks, b"(")
    save(checkpoint, *arguments)
    os.write(marks, b")")

Checkpoint.is_due, Checkpoint.save = is_due, marked_save
main()
"""
"""`archnet run`, which marks its steps "s" and each writing of a checkpoint "()" in a file."""


def write_experiment(folder: Path, network=NETWORK, training=TRAINING, num_cases=NUM_CASES) -> Path:
    """Write an experiment on generated cubes, a quarter of them brighter in the middle."""
    generator = np.random.default_rng(0)
    x = generator.integers(0, 150, (num_cases, 16, 16, 8), dtype=np.uint8)
    y = (np.arange(num_cases) % 4 == 0).astype(np.int64)
    x[y == 1, 5:11, 5:11, 2:6] += 60
    np.savez(folder / "cubes.npz", x=x, y=y, group=np.arange(num_cases) // 4)
    path = folder / "experiment.json"
    data = {"name": "npz", "root": str(folder / "cubes.npz")}
    path.write_text(json.dumps({"archs": [network], "data": data, "training": training}))
    return path


def start_run(experiment: Path, run: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start a run in a new process, with the file of its marks next to its folder."""
    out = run.parent
    command = [sys.executable, "-c", COMMAND, str(marks_path(run)), "run", str(experiment), "--out", str(out), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def marks_path(run: Path) -> Path:
    return run.parent.with_suffix(".marks")


def wait_for(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(errors.decode())


def kill_after_step(process: subprocess.Popen[bytes], marks: Path, step: int, delay: float) -> str:
    """Kill a run some seconds after a step, and return its marks so far."""
    while process.poll() is None and not (marks.exists() and marks.read_bytes().count(b"s") >= step):
        time.sleep(0.001)
    time.sleep(delay)
    process.kill()
    process.communicate()
    return marks.read_text()


def kill_location(marks: str, num_epoch_steps: int) -> str:
    """The location of a kill, as text."""
    num_steps = marks.count("s")
    since = len(marks) - 1 - max(marks.rfind("("), marks.rfind(")"))
    where = f"step {num_steps} in epoch {1 + (num_steps - 1) // num_epoch_steps}"
    if marks.count("(") > marks.count(")"):
        return f"{where}, while a checkpoint was written"
    if ")" not in marks:
        return f"{where}, before the first checkpoint"
    return f"{where}, {since} steps after a checkpoint" if since else f"{where}, at a checkpoint"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="folder of the runs (default: a temporary folder)")
    arguments = parser.parse_args()
    generator = random.Random(0)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        experiment, whole = write_experiment(folder), folder / "whole/net"
        wait_for(start_run(experiment, whole))
        num_steps = marks_path(whole).read_text().count("s")
        num_epoch_steps = num_steps // TRAINING["epochs"]
        locations, num_equal = [], 0
        for number in range(arguments.kills):
            run = folder / f"run{number}/net"
            step, delay = generator.randint(1, num_steps), generator.uniform(0, MAX_DELAY)
            marks = kill_after_step(start_run(experiment, run), marks_path(run), step, delay)
            locations.append(kill_location(marks, num_epoch_steps))
            wait_for(start_run(experiment, run, "--resume"))
            is_equal = (run / "predictions.csv").read_bytes() == (whole / "predictions.csv").read_bytes()
            num_equal += is_equal
            print(f"{number + 1:3}  killed at {locations[-1]}: {'equal' if is_equal else 'DIFFERENT'}", flush=True)
        between = sum("steps after" in location or "before the first" in location for location in locations)
        writing = sum("while" in location for location in locations)
        print(
            f"{num_equal} of {arguments.kills} equal; all were killed in training ({num_steps} steps), {between} of "
            f"them between checkpoints and {writing} while one was written"
        )
    sys.exit(num_equal != arguments.kills)


if __name__ == "__main__":
    main()
