"""Runs and benchmarks on JAX, in processes that cannot import TensorFlow; see CONTRIBUTING.md."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from plain_training import PLAIN

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed: see CONTRIBUTING.md"),
]

LAYERS = [
    {"type": "C", "num_output": 4, "kernel_size": [3, 3, 3], "activation": "relu", "drop_out": 20, "batch_norm": True},
    {"type": "P", "pool": "max", "kernel_size": [2, 2, 2]},
    {"type": "FC", "num_output": 6, "activation": "relu", "drop_out": 20},
    {"type": "T"},
]
TRAINING = {
    **PLAIN,
    "epochs": 3, "batch_size": 16, "ema": 0.9, "balance": "oversample", "l2": 0.001, "clip_norm": 1.0,
    "mixup": {"alpha": 0.2},
    "augmentation": [{"type": "right_angles"}, {"type": "flip"}, {"type": "noise"}],
}  # fmt: skip
COMMAND = "from archnet.cli import main; main()"
DEVICES = "import sys; from archnet.network import backend; print(backend.start_quietly(*sys.argv[1:]))"


def told_by(folder, script, *words):
    told = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(folder / "first")},
    )
    return told.returncode, told.stdout, told.stderr


@pytest.fixture
def folder(tmp_path):
    y = np.arange(60) % 2
    x = np.random.default_rng(0).integers(0, 160, (60, 10, 10, 4), dtype=np.uint8)
    x[y == 1, 3:7, 3:7] += 60
    np.savez(tmp_path / "cubes.npz", x=x[..., np.newaxis], y=y)
    document = {
        "archs": [{"name": "net", "layers": LAYERS}],
        "data": {"name": "npz", "root": "cubes.npz"},
        "training": TRAINING,
        "evaluation": {"bootstraps": 10},
    }
    (tmp_path / "experiment.json").write_text(json.dumps(document))
    (tmp_path / "first").mkdir()
    (tmp_path / "first/tensorflow.py").write_text('raise ImportError("TensorFlow is not for this test")')
    return tmp_path


def test_a_run_is_the_same_twice_and_another_seed_gives_another(folder):
    runs = [["--out", "a"], ["--out", "b", "--device", "cpu", "--deterministic"], ["--out", "c", "--seed", "1"]]
    for options in runs:
        code, _, errors = told_by(folder, COMMAND, "run", "experiment.json", *options)
        assert code == 0, errors
    first, again, other = (next((folder / name).glob("net*/predictions.csv")).read_bytes() for name in "abc")
    assert first == again
    assert first != other
    execution = json.loads((folder / "b/net/environment.json").read_text())["execution"]
    assert (execution["backend"], execution["devices"], execution["deterministic"]) == ("jax", ["CPU"], True)
    assert "on jax, CPU" in (folder / "a/net/log.txt").read_text()


def test_bench_measures_a_network(folder):
    line = ["bench", "experiment.json", "--batch", "4", "--steps", "1", "--data", "npz:cubes.npz", "--json"]
    code, output, errors = told_by(folder, COMMAND, *line)
    assert code == 0, errors
    assert json.loads(output)["batch_size"] == 4


def test_a_gpu_that_is_not_there_is_refused(folder):
    code, _, errors = told_by(folder, COMMAND, "run", "experiment.json", "--device", "gpu:1")
    assert code == 2
    assert errors == (
        "Importing Keras and its backend, jax\n"
        "--device gpu:1: there is no GPU, says jax. Choose another, such as cpu. If a GPU is installed but not "
        'detected, install its driver and pip install "jax[cuda13]".\n'
    )


def test_tensorflow_cannot_be_imported(folder):
    assert "TensorFlow is not for this test" in told_by(folder, "import tensorflow")[2]


def test_the_cpu_can_be_asked_for(folder):
    code, output, errors = told_by(folder, DEVICES, "cpu")
    assert code == 0, errors
    assert output.endswith(" on jax, CPU\n")
