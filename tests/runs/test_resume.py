"""Runs that are killed between or within epochs and then resumed end with the same files.

`experiments/check_resume.py` kills runs at many more moments.
"""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from archnet.network.training.checkpoint import FILE
from plain_training import PLAIN

LAYERS = [
    {"type": "C", "num_output": 4, "kernel_size": [3, 3, 3], "activation": "relu", "drop_out": 20, "batch_norm": True},
    {"type": "P", "pool": "max", "kernel_size": [2, 2, 2], "drop_out": 20},
    {"type": "FC", "num_output": 6, "activation": "relu", "drop_out": 20},
    {"type": "T"},
]
TRAINING = {
    **PLAIN,
    "epochs": 5,
    "batch_size": 16,
    "learning_rate": 0.01,
    "schedule": {"type": "cosine"},
    "ema": 0.9,
    "balance": "oversample",
    "augmentation": [{"type": "right_angles"}, {"type": "flip"}, {"type": "noise"}],
}
COMMAND = """
import sys
from archnet.cli import main
from archnet.network.training.checkpoint import Checkpoint
if sys.argv.pop(1) == "every step":
    Checkpoint.is_due = lambda checkpoint: True
main()
"""


@pytest.fixture
def experiment(tmp_path):
    y = np.arange(90) % 3 // 2
    x = np.random.default_rng(0).integers(0, 160, (90, 10, 10, 4), dtype=np.uint8)
    x[y == 1, 3:7, 3:7] += 60
    np.savez(tmp_path / "cubes.npz", x=x[..., np.newaxis], y=y)
    document = {
        "name": "killed",
        "archs": [{"name": "net", "layers": LAYERS}],
        "data": {"name": "npz", "root": str(tmp_path / "cubes.npz")},
        "training": TRAINING,
        "evaluation": {"bootstraps": 10},
    }
    (tmp_path / "experiment.json").write_text(json.dumps(document))
    return tmp_path / "experiment.json"


def begun(experiment, out, how_often):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, how_often, "run", experiment, "--out", out, "--resume"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def is_killed(process, checkpoint, num_kept, seconds):
    """Kill a run shortly after its checkpoint was saved `num_kept` more times; false if it ends first."""
    last = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
    while num_kept > 0 and process.poll() is None:
        now = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        num_kept -= now is not None and now != last
        last = now
        time.sleep(0.001)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_a_run_killed_in_its_epochs_and_between_them_ends_with_the_same_files(experiment, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    in_peace = begun(experiment, whole, "every epoch")
    checkpoint = killed / "net/checkpoint" / FILE
    for how_often, num_kept, seconds in (("every step", 7, 0.005), ("every epoch", 1, 0.02)):
        assert is_killed(begun(experiment, killed, how_often), checkpoint, num_kept, seconds)
    assert begun(experiment, killed, "every epoch").wait() == 0
    assert in_peace.wait() == 0
    for name in ("predictions.csv", "split.csv"):
        assert (killed / "net" / name).read_bytes() == (whole / "net" / name).read_bytes()
    metrics = [json.loads((out / "net/metrics.json").read_text()) for out in (whole, killed)]
    assert metrics[0]["test"] == metrics[1]["test"]
