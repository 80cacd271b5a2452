"""The files that pages of the documentation name: small generated data sets and runs, made when a block needs them."""

import re
import shutil
from pathlib import Path

import numpy as np

import archnet
from archnet.phantom.layouts import Phantom
from command_line import ROOT, invoked
from finished_runs import draw_phantom, make_once

_LUNA16 = Phantom(num_scans=8, num_candidates=10)
_MOSMED = Phantom(layout="mosmed", num_scans=8)
_SHORT = ["--set", "training.epochs=1", "--set", "evaluation.bootstraps=10"]


class PageData:
    """What stands for the data of readers.

    Attributes:
        folder: Where it is made once in a session, beside the phantoms.
    """

    def __init__(self, folder):
        self.folder = folder

    @property
    def luna16(self):
        """Stands for /data/LUNA16, and for the data set "phantom"."""
        return self._phantom(_LUNA16)

    @property
    def mosmed(self):
        """Stands for /data/MosMed."""
        return self._phantom(_MOSMED)

    @property
    def point(self):
        """A candidate in the first scan of LUNA16, x,y,z in millimetres."""
        first = sorted(path.stem for path in self.luna16.rglob("*.mhd"))[0]
        rows = (self.luna16 / "candidates.csv").read_text().splitlines()
        return next(row.split(",", 1)[1].rpartition(",")[0] for row in rows if row.startswith(first))

    def copy_phantom(self, folder, phantom, progress=None):
        """Write a phantom as `write_phantom` does, but one of each layout stands for all."""
        drawn = self.mosmed if phantom.layout == "mosmed" else self.luna16
        shutil.copytree(drawn, folder, dirs_exist_ok=True)

    def _phantom(self, phantom):
        return draw_phantom(self.folder.parent, phantom)

    def add_files(self, text, folder):
        """Make the files that a command or code reads."""
        for pattern, make in _MAKERS.items():
            for found in re.finditer(rf"(?<![\w/.-]){pattern}(?!\w)", re.sub(r"--out \S+", "", text)):
                if not (folder / found[0]).exists():
                    make(self, folder, found[0])

    def run_folder(self, name, *arguments):
        """A finished experiment, made once."""
        folder = self.folder / "runs"
        folder.mkdir(parents=True, exist_ok=True)

        def train(out):
            result = invoked("run", *arguments, *_SHORT, "--out", out)
            assert result.exit_code == 0, (result.output, result.exception)

        return make_once(folder / name, train)


def _copy_list(data, folder, name):
    shutil.copy(data.luna16 / name, folder / name)


def _excluded(data, folder, name):
    (folder / name).write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n")


def _series(data, folder, name):
    scans = sorted(path.stem for path in data.luna16.rglob("*.mhd"))
    (folder / name).write_text("\n".join(scans) + "\n")


def _submission(data, folder, name):
    rows = (data.luna16 / "candidates.csv").read_text().splitlines()[1:]
    scored = [row.rsplit(",", 1) for row in rows]
    lines = [
        f"{where},{0.9 if label == '1' else 0.2 + number % 7 / 20}" for number, (where, label) in enumerate(scored)
    ]
    (folder / name).write_text("seriesuid,coordX,coordY,coordZ,probability\n" + "\n".join(lines) + "\n")


def _scan_pair(data, folder, name):
    found = min(data.luna16.rglob("*.mhd"), key=lambda path: path.stem)
    for path in found.parent.glob(f"{found.stem}.*"):
        shutil.copy(path, folder / path.name)
    (folder / name).write_text(found.read_text())


def _whole_scan(data, folder, name):
    shutil.copy(sorted((data.mosmed / "CT-23").glob("*.nii.gz"))[0], folder / name)


def _arrays(*shape):
    def make(data, folder, name):
        generator = np.random.default_rng(0)
        y = np.arange(60) % 2
        x = generator.integers(0, 150, (60, *shape), dtype=np.uint8)
        x[(y == 1, *(slice(size // 4, -(size // 4)) for size in shape))] += 70
        np.savez(folder / name, x=x, y=y, group=np.arange(60) // 2)

    return make


def _luna16_runs(data, folder, name):
    archs = [ROOT / "archs" / f"{name}.json" for name in ("archsm", "arch3dsm")]
    made = data.run_folder("luna16", *archs, "--data", "luna16", "--root", data.luna16)
    shutil.copytree(made, folder / "runs" / Path(name).parts[1])


def _mosmed_runs(data, folder, name):
    arch = {
        "name": "ct3d",
        "rank": 3,
        "layers": [{"type": "C", "num_output": 4, "kernel_size": 3}, {"type": "GAP"}, {"type": "T"}],
    }
    made = data.folder / "runs/mosmed"
    made.parent.mkdir(parents=True, exist_ok=True)

    def train(out):
        settings = {"training.epochs": 1, "data.crop_size": [32, 32, 16], "training.batch_size": 2}
        archnet.run(arch, data="mosmed", root=data.mosmed, settings=settings, out=out)

    shutil.copytree(make_once(made, train), folder / "runs/mosmed")


_MAKERS = {
    r"candidates\.csv": _copy_list,
    r"annotations\.csv": _copy_list,
    r"annotations_excluded\.csv": _excluded,
    r"seriesuids\.csv": _series,
    r"submission\.csv": _submission,
    r"scan\.mhd": _scan_pair,
    r"patient\.nii\.gz": _whole_scan,
    r"cubes\.npz": _arrays(64, 64, 10),
    r"luna16_candidates_2d\.npz": _arrays(50, 50),
    r"lidc_nodule_vs_background_3d\.npz": _arrays(24, 24, 24),
    r"runs/(?:luna16|phantom|phantom_2d_vs_3d)/(?:archsm|arch3dsm)": _luna16_runs,
    r"runs/(?:luna16|phantom|phantom_2d_vs_3d)": _luna16_runs,
    r"runs/mosmed/ct3d": _mosmed_runs,
}
"""Patterns of paths, each with what makes such a file in a folder."""
