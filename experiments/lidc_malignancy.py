"""LIDC nodules as benign against malignant: malignancy 1 or 2 against 4 or 5; the undecided 3 are excluded.

python experiments/lidc_malignancy.py lidc_nodules_51.npz lidc_malignancy.npz
python experiments/lidc_malignancy.py lidc_nodules_51.npz malignancy24.npz --size 24  # the central 24 voxels per axis
"""

import argparse
from pathlib import Path

import numpy as np


def main() -> None:
    """Write the cases with labels in the form that archnet reads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="nodules with malignancy ratings (.npz)")
    parser.add_argument("target", type=Path, help="the new .npz file")
    parser.add_argument("--size", type=int, help="keep the central cube of this many voxels per axis (default: all)")
    options = parser.parse_args()
    target = options.target
    with np.load(options.source) as data:
        is_decided = data["malignancy"] != 3
        x, malignancy, group = (data[name][is_decided] for name in ("x", "malignancy", "group"))
    x = central_cube(x, options.size or x.shape[1])
    y = (malignancy > 3).astype(np.int64)
    np.savez_compressed(target, x=x, y=y, group=group)
    print(f"{target}: {len(y)} nodules of {len(np.unique(group))} scans, {y.sum()} malignant")


def central_cube(x, size):
    """The central cube of each case, cut as archnet's crops are: voxel N//2 becomes voxel size//2."""
    starts = [length // 2 - size // 2 for length in x.shape[1:4]]
    if size < 1 or min(starts) < 0:
        raise SystemExit(f"--size {size}: expected a whole number from 1 to {min(x.shape[1:4])}.")
    rows, columns, slices = starts
    return x[:, rows : rows + size, columns : columns + size, slices : slices + size]


if __name__ == "__main__":
    main()
