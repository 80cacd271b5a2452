"""`phantom`: a small synthetic LUNA16, generated on the spot, then read by the same code as the real one."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from archnet.data.dataset import Progress, silent
from archnet.data.luna16 import Luna16Dataset
from archnet.data.phantom_body import SPACING_MM
from archnet.data.phantom_scan import Candidate, draw_scan
from archnet.data.places import home
from archnet.errors import DataError
from archnet.imaging.metaimage import write_mhd
from archnet.imaging.volume import Volume
from archnet.spec.experiment import Data

# Raise it with every change to what is drawn: a phantom of another version is not used again.
_VERSION = 3
_NUM_SUBSETS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantom:
    """What decides a phantom.

    Attributes:
        num_scans: Scans, dealt to ten subset folders.
        num_candidates: Of each scan; about a fifth are nodules.
        seed: Of everything drawn.
    """

    num_scans: int = 36
    num_candidates: int = 28
    seed: int = 0


def open_phantom(data: Data, progress: Progress = silent) -> Luna16Dataset:
    """The default phantom, generated if it isn't there yet; or one that was written to `data.root` before."""
    root = Path(data.root) if data.root is not None else home() / "phantom"
    if not (root / "candidates.csv").is_file():
        root = _generated(root, Phantom(), progress)
    return Luna16Dataset(root, replace(data, root=str(root)))


def write_phantom(folder: Path, phantom: Phantom, progress: Progress = silent) -> None:
    """Writes scans, candidates.csv and annotations.csv in LUNA16's layout.

    Args:
        folder: An empty folder.
    """
    candidates: list[tuple[str, float, float, float, int]] = []
    nodules: list[tuple[str, float, float, float, float]] = []
    for number in progress(range(phantom.num_scans), "Generating the phantom", phantom.num_scans):
        uid = f"phantom-{phantom.seed}-{number:04d}"
        rng = np.random.default_rng([_VERSION, phantom.seed, number])
        hu, found = draw_scan(rng, phantom.num_candidates)
        x, y, z = (round(value, 2) for value in rng.uniform(-250, -50, 3).tolist())
        volume = Volume(hu=hu, spacing_mm=SPACING_MM, origin_mm=(x, y, z), direction=np.eye(3))
        subset = folder / f"subset{number % _NUM_SUBSETS}"
        subset.mkdir(exist_ok=True)
        write_mhd(subset / f"{uid}.mhd", volume)
        for candidate in found:
            point = _world(candidate, volume)
            candidates.append((uid, *point, int(candidate.kind == "nodule")))
            if candidate.kind == "nodule":
                nodules.append((uid, *point, round(candidate.diameter_mm, 3)))
    columns = ("seriesuid", "coordX", "coordY", "coordZ")
    _write_csv(folder / "candidates.csv", (*columns, "class"), candidates)
    _write_csv(folder / "annotations.csv", (*columns, "diameter_mm"), nodules)
    (folder / "phantom.json").write_text(json.dumps({"version": _VERSION, **asdict(phantom)}, indent=2) + "\n")


def _generated(root: Path, phantom: Phantom, progress: Progress) -> Path:
    """The folder of a phantom below `root`, named by what decides it."""
    words = json.dumps({"version": _VERSION, **asdict(phantom)}, sort_keys=True)
    folder = root / hashlib.sha256(words.encode()).hexdigest()[:12]
    if not folder.is_dir():
        generate_phantom(folder, phantom, progress)
    return folder


def generate_phantom(folder: Path, phantom: Phantom, progress: Progress = silent) -> None:
    """Writes a phantom into a new folder, which appears whole or not at all.

    Raises:
        DataError: The folder is there and holds something else.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(f"{folder}: already there and not empty. Name a new folder for the phantom.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder.parent))
    try:
        write_phantom(unfinished, phantom, progress)
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except OSError:
        if not (folder / "phantom.json").is_file():  # else another process has finished the same phantom first
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _world(candidate: Candidate, volume: Volume) -> tuple[float, float, float]:
    index = reversed(candidate.index)
    x, y, z = (
        round(origin + step * place, 4)
        for origin, step, place in zip(volume.origin_mm, volume.spacing_mm, index, strict=True)
    )
    return x, y, z


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="ascii", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
