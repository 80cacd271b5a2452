"""LIDC nodules as benign against malignant: malignancy 1 or 2 against 4 or 5; the undecided 3 are excluded.

python experiments/lidc_malignancy.py lidc_nodules_51.npz lidc_malignancy.npz
"""

import argparse
from pathlib import Path

import numpy as np


def main() -> None:
    """Write the cases with labels in the form that archnet reads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="nodules with malignancy ratings (.npz)")
    parser.add_argument("target", type=Path, help="the new .npz file")
    options = parser.parse_args()
    target = options.target
    with np.load(options.source) as data:
        is_decided = data["malignancy"] != 3
        x, malignancy, group = (data[name][is_decided] for name in ("x", "malignancy", "group"))
    y = (malignancy > 3).astype(np.int64)
    np.savez_compressed(target, x=x, y=y, group=group)
    print(f"{target}: {len(y)} nodules of {len(np.unique(group))} scans, {y.sum()} malignant")


if __name__ == "__main__":
    main()
