"""Make the run folders of archnet 0.1.0 in this folder: `PYTHONPATH=tests python tests/old_runs/make.py`.

It takes archnet 0.1.0, which writes no manifest.json. Figures and TensorBoard's files are left out, pages are one line, and
only `flat_2d`, `scans_3d` and the best trial keep their models: the folders stay small.
"""

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import archnet
from archnet.files.strict_json import Document
from archnet.phantom.layouts import Phantom, write_phantom
from archnet.spec.sweeps.document import parse_sweep
from archnet.sweep.run import run_sweep
from small_sweeps import SerialRunner

HERE = Path(__file__).parent
PLAIN = {
    "optimizer": "adam",
    "learning_rate": 0.01,
    "weight_decay": None,
    "schedule": {"type": "constant"},
    "warmup_epochs": 0,
    "batch_size": 16,
    "epochs": 2,
    "balance": "none",
    "augmentation": [],
    "ema": None,
    "batch_norm_momentum": 0.9,
    "best_metric": "loss",
}
FLAT = {
    "name": "flat",
    "layers": [
        {"type": "C", "num_output": 2, "kernel_size": [3, 3], "activation": "relu"},
        {"type": "GAP"},
        {"type": "T"},
    ],
}
DEEP = {
    "name": "deep",
    "layers": [
        {"type": "C", "num_output": 2, "kernel_size": [3, 3, 3], "activation": "relu"},
        {"type": "GAP"},
        {"type": "T"},
    ],
}


def main():
    with TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        sys.argv = ["archnet", "run"]  # what environment.json names as the command
        os.environ["ARCHNET_STORE"] = str(folder / "store")
        write_squares(Path("squares.npz"))
        Path("scans").mkdir()
        write_phantom(Path("scans"), Phantom(num_scans=8, num_candidates=6))
        make_runs()
        for part in ("crossed", "flat_2d", "scans_3d", "sweep"):
            shutil.rmtree(HERE / part, ignore_errors=True)
            shutil.copytree(folder / part, HERE / part, ignore=left_out)
            for file in HERE.glob(f"{part}/**/*.*"):
                clean(file, str(folder.resolve()) + os.sep)


def clean(file, folder):
    """Shorten a page, and make paths of the temporary folder relative."""
    if file.suffix == ".html":
        file.write_text("<p>The page that archnet 0.1.0 wrote is left out.</p>\n", encoding="utf-8")
    if file.suffix == ".json":
        file.write_text(file.read_text(encoding="utf-8").replace(folder, ""), encoding="utf-8")


def write_squares(path):
    """48 images of 16 patients; the positives hold a bright square."""
    y = np.arange(48) % 2
    x = np.random.default_rng(0).integers(0, 150, (48, 8, 8, 1), dtype=np.uint8)
    x[y == 1, 2:6, 2:6] += 60
    np.savez_compressed(path, x=x, y=y, group=np.repeat(np.arange(16), 3))


SHARED = {"training": PLAIN, "evaluation": {"bootstraps": 20}}
SQUARES = {"data": {"name": "npz", "root": "squares.npz"}, **SHARED}
SPLIT = {"test": 0.3, "validation": 0.2}


def make_runs():
    archnet.run({"archs": [FLAT], **SQUARES, "split": SPLIT}, out="flat_2d")
    archnet.run_all({"archs": [FLAT], **SQUARES, "split": {"folds": 2, "validation": 0.2}}, out="crossed")
    scans = {"name": "luna16", "root": "scans", "crop_size": [12, 12, 4]}
    archnet.run({"archs": [DEEP], "data": scans, **SHARED, "split": SPLIT}, out="scans_3d")
    run_sweep(small_sweep(), Path("sweep"), runner=SerialRunner())


def small_sweep():
    """Two trials on the squares."""
    sweep = {
        "name": "small",
        "base": {"arch": FLAT, **SQUARES, "split": SPLIT},
        "metric": "auc",
        "space": {"training.learning_rate": [0.01, 0.02]},
        "search": "grid",
    }
    return parse_sweep(Document(value=sweep, source="small.json"))


def left_out(folder, names):
    """Names of a folder that are not kept."""
    has_model = any(part in folder for part in ("flat_2d", "scans_3d", "001"))
    return [
        name
        for name in names
        if name in ("figures", "log.txt", "sweep.html")
        or name.startswith(("events", "."))
        or (name == "model.keras" and not has_model)
    ]


if __name__ == "__main__":
    main()
