"""Kills runs at random moments, resumes them, and compares their predictions with those of a run left in peace.

    python experiments/check_resume.py [--kills 20] [--folder DIR]

The run has five epochs with dropout, augmentation, weight averaging and oversampling on generated cubes. Each of the
runs is killed once (SIGKILL) at a random moment between its first and its last training step, and then resumed with
`archnet run --resume`. Prints for each when it was killed and whether predictions.csv is equal, byte for byte; the exit
code is 1 if one differs.
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
    "ema": 0.95,
    "balance": "oversample",
    "augmentation": [{"type": "right_angles"}, {"type": "flip"}, {"type": "shift"}, {"type": "noise"}],
}
NUM_CASES = 800


def write_experiment(folder: Path) -> Path:
    generator = np.random.default_rng(0)
    x = generator.integers(0, 150, (NUM_CASES, 16, 16, 8), dtype=np.uint8)
    y = (np.arange(NUM_CASES) % 4 == 0).astype(np.int64)
    x[y == 1, 5:11, 5:11, 2:6] += 60
    np.savez(folder / "cubes.npz", x=x, y=y, group=np.arange(NUM_CASES) // 4)
    path = folder / "experiment.json"
    data = {"name": "npz", "root": str(folder / "cubes.npz")}
    path.write_text(json.dumps({"archs": [NETWORK], "data": data, "training": TRAINING}))
    return path


def started(experiment: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    code = "from archnet.cli import main; main()"
    command = [sys.executable, "-c", code, "run", str(experiment), "--out", str(out), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finished(process: subprocess.Popen[bytes]) -> None:
    _, told = process.communicate()
    if process.returncode:
        raise SystemExit(told.decode())


def begun(run: Path, process: subprocess.Popen[bytes]) -> None:
    """Waits until the log tells that training is about to begin."""
    while process.poll() is None and not ((run / "log.txt").exists() and (run / "log.txt").stat().st_size):
        time.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where the runs go; otherwise a temporary folder")
    arguments = parser.parse_args()
    chance = random.Random(0)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        experiment = write_experiment(folder)
        process = started(experiment, folder / "whole")
        begun(folder / "whole/net", process)
        start = time.perf_counter()
        finished(process)
        length = time.perf_counter() - start
        whole = (folder / "whole/net/predictions.csv").read_bytes()
        num_equal = num_inside = 0
        for number in range(arguments.kills):
            run = folder / f"run{number}/net"
            process = started(experiment, run.parent)
            begun(run, process)
            moment = chance.uniform(0, length)
            time.sleep(moment)
            process.kill()
            process.communicate()
            was_finished = (run / "metrics.json").exists()
            kept = (run / "checkpoint/training.npz").exists()
            finished(started(experiment, run.parent, "--resume"))
            is_equal = (run / "predictions.csv").read_bytes() == whole
            num_equal += is_equal
            num_inside += not was_finished
            state = "after the end" if was_finished else "with a checkpoint" if kept else "before the first checkpoint"
            print(
                f"{number + 1:3}  killed {moment:5.2f} s into training, {state}: {'equal' if is_equal else 'DIFFERENT'}"
            )
        print(f"{num_equal} of {arguments.kills} equal; {num_inside} were killed before they had finished")
    sys.exit(num_equal != arguments.kills)


if __name__ == "__main__":
    main()
