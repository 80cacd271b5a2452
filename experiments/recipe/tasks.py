"""Write the tasks of the recipe study: for each task and fold, an .npz file with its own sets.

    python experiments/recipe/tasks.py DATA_FOLDER TASK_FOLDER

DATA_FOLDER contains luna16_candidates_2d.npz, lidc_nodule_vs_background_3d.npz and lidc_nodules_51.npz. The phantom
is generated, or read from phantom.npz of the same folder. Fold i of five is the test set of file i, fold i + 1 its
validation set, and the other three its training set. The three LIDC tasks have the same scans, and therefore one
assignment of scans to folds: a training set of one task never contains a test scan of another.

The five tasks are LUNA16's candidates (2D), and in 3D: LIDC nodules against lung background, their malignancy (1 or
2 against 4 or 5) and texture (5, solid, against 1 to 4), and a phantom in which half of the candidates that are not
nodules are vessels through the plane. `luna16_rare` has one training nodule per hundred other candidates, and is
used only for the balance of classes. `luna16_groups` has no sets of its own, so that archnet splits it by group as
by default.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from archnet.data import open_dataset
from archnet.phantom.layouts import Phantom, write_phantom
from archnet.spec.experiment import Data

NUM_FOLDS = 5
PHANTOM_SHAPE = (32, 32, 10)
NODULE_SIZE = 24
"""Voxels per axis of the LIDC cubes: those of the task nodule against background."""
RARE_RATIO = 100
HU_RANGE = (-1000.0, 400.0)


def main() -> None:
    """Write all tasks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the source files")
    parser.add_argument("out", type=Path, help="folder for the tasks")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, arrays, folds in read_tasks(options.data):
        for fold in range(NUM_FOLDS):
            np.savez(options.out / f"{name}_fold{fold}.npz", **arrays, split=set_names(folds, fold))
        sizes = np.bincount(folds, minlength=NUM_FOLDS).tolist()
        print(f"{name}: {len(folds)} cases, {int(arrays['y'].sum())} positive; cases per fold {sizes}", flush=True)
        if name == "luna16":
            write_rare(options.out, arrays, folds)
            np.savez(options.out / "luna16_groups_fold0.npz", **arrays)


def read_tasks(data):
    """Yield the name, the arrays and the fold of each case of every task."""
    luna = load(data / "luna16_candidates_2d.npz")
    arrays = {key: luna[key] for key in ("x", "y", "group")}
    yield "luna16", arrays, luna_folds(arrays)
    nodules = load(data / "lidc_nodules_51.npz")
    scans = scan_folds(nodules)
    cubes = load(data / "lidc_nodule_vs_background_3d.npz")
    yield "lidc_nodule", cubes, folds_of(cubes["group"], scans)
    malignancy, texture = nodules["malignancy"], nodules["texture"]
    for name, is_used, y in (
        ("lidc_malignancy", malignancy != 3, malignancy > 3),
        ("lidc_texture", texture > 0, texture == 5),
    ):
        x = central_cubes(nodules["x"][is_used])
        arrays = {"x": x, "y": y[is_used].astype(np.uint8), "group": nodules["group"][is_used]}
        yield name, arrays, folds_of(arrays["group"], scans)
    made = data / "phantom.npz"
    arrays = load(made) if made.exists() else phantom_cases()
    yield "phantom", arrays, deal(arrays["group"], arrays["y"])


def central_cubes(x):
    """The central voxels of each cube."""
    start = x.shape[1] // 2 - NODULE_SIZE // 2
    part = slice(start, start + NODULE_SIZE)
    return x[:, part, part, part]


def load(path):
    """Read all arrays of a file."""
    with np.load(path) as arrays:
        return dict(arrays)


def luna_folds(arrays):
    """The fold of each LUNA16 candidate; its group is a block of about ten scans."""
    return deal(arrays["group"], arrays["y"])


def deal(groups, y):
    """Deal groups to folds, ordered by their number of positive cases; ties in random order."""
    _, inverse = np.unique(groups, return_inverse=True)
    return assign(np.bincount(inverse, y))[inverse]


def scan_folds(nodules):
    """The fold of each LIDC scan, balanced by the malignancy and texture of its nodule."""
    order = nodules["malignancy"].astype(int) * 10 + nodules["texture"]
    return dict(zip(nodules["group"].tolist(), assign(order).tolist(), strict=True))


def assign(keys):
    """Sort by a key, and deal each five neighbours to the five folds at random."""
    generator = np.random.default_rng(23)
    order = np.lexsort((generator.random(len(keys)), keys))
    rounds = -(-len(keys) // NUM_FOLDS)
    folds = np.empty(len(keys), int)
    folds[order] = np.concatenate([generator.permutation(NUM_FOLDS) for _ in range(rounds)])[: len(keys)]
    return folds


def folds_of(groups, scans):
    """The fold of each case from that of its scan."""
    return np.array([scans[group] for group in groups.tolist()])


def phantom_cases():
    """The candidates of a phantom, 8 bits per voxel as in the other files."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "phantom"
        root.mkdir()
        write_phantom(root, Phantom(through_plane=0.5))
        dataset = open_dataset(Data(name="phantom", root=str(root), crop_size=PHANTOM_SHAPE))
        values = dataset.crops(np.arange(len(dataset.cases.ids))).values.astype(np.float32)
    low, high = HU_RANGE
    x = np.rint((np.clip(values, low, high) - low) * (255 / (high - low))).astype(np.uint8)
    cases = dataset.cases
    return {"x": x, "y": (cases.labels == cases.positive).astype(np.uint8), "group": cases.groups}


def set_names(folds, fold):
    """The set of each case in one fold."""
    names = np.full(len(folds), "train", "U10")
    names[folds == fold] = "test"
    names[folds == (fold + 1) % NUM_FOLDS] = "validation"
    return names


def write_rare(out, arrays, folds):
    """Write LUNA16's candidates with few nodules in the training set."""
    for fold in range(NUM_FOLDS):
        names, y = set_names(folds, fold), arrays["y"]
        is_kept = np.ones(len(y), bool)
        rows = np.flatnonzero((names == "train") & (y == 1))
        number = np.count_nonzero((names == "train") & (y == 0)) // RARE_RATIO
        is_kept[np.random.default_rng(fold).permutation(rows)[number:]] = False
        rare = {key: values[is_kept] for key, values in arrays.items()}
        np.savez(out / f"luna16_rare_fold{fold}.npz", **rare, split=names[is_kept])


if __name__ == "__main__":
    main()
