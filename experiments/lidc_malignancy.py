"""LIDC nodules as benign against malignant: malignancy 1 or 2 against 4 or 5; the undecided 3 are left out.

Usage: python experiments/lidc_malignancy.py lidc_nodules_51.npz lidc_malignancy.npz
"""

import sys

import numpy as np


def main() -> None:
    """Write the cases with labels in the form that archnet reads."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = sys.argv[1:]
    with np.load(source) as data:
        is_decided = data["malignancy"] != 3
        x, malignancy, group = (data[name][is_decided] for name in ("x", "malignancy", "group"))
    y = (malignancy > 3).astype(np.int64)
    np.savez_compressed(target, x=x, y=y, group=group)
    print(f"{target}: {len(y)} nodules of {len(np.unique(group))} scans, {y.sum()} malignant")


if __name__ == "__main__":
    main()
