"""What a test session makes once: phantoms, and runs of two small networks on generated cubes; tests change copies."""

import shutil

import numpy as np
from filelock import FileLock

from archnet.phantom.layouts import write_phantom
from plain_training import PLAIN

NET_2D = {
    "name": "flat",
    "layers": [
        {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu", "drop_out": 10},
        {"type": "GAP"},
        {"type": "T"},
    ],
}
NET_3D = {
    "name": "deep",
    "layers": [
        {"type": "C", "num_output": 4, "kernel_size": [3, 3, 3], "activation": "relu"},
        {"type": "GAP"},
        {"type": "T", "activation": "sigmoid"},
    ],
}


def make_once(folder, make):
    """A folder that the first process of a session creates while the others wait."""
    made = folder.with_name(f"{folder.name}.made")
    with FileLock(f"{folder}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


def draw_phantom(folder, phantom):
    """The folder of a phantom below a folder, drawn once a session."""
    name = "-".join(map(str, ["phantom", *phantom.to_document().values()]))
    return make_once(folder / name, lambda draft: write_phantom(draft, phantom))


def write_cubes(path):
    """60 cubes of 10x10x6 from 20 scans; positives are brighter in the middle."""
    generator = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = generator.integers(0, 90, (60, 10, 10, 6), dtype=np.uint8)
    x[y == 1, 2:8, 2:8, 1:5] += 120
    np.savez(path, x=x, y=y, group=np.repeat(np.arange(20), 3))
    return path


def experiment_on(path, *archs, **keys):
    training = {**PLAIN, "epochs": 4, "batch_size": 8, "learning_rate": 0.03, **keys.pop("training", {})}
    return {"archs": list(archs), "data": {"name": "npz", "root": str(path)}, "training": training, **keys}


def make_runs(folder):
    """Train both networks on the cubes, in `out`."""
    import archnet

    experiments = archnet.load_experiments(experiment_on(write_cubes(folder / "cubes.npz"), NET_2D, NET_3D))
    archnet.run_all(experiments, out=folder / "out")
