"""Does res3d on the LIDC cubes gain from the weights of its 2D form? Fresh and given weights on the same five folds.

Usage: python experiments/init_lidc.py DATA.npz OUT NAME=RUN... [--epochs 30]

    archnet run experiments/init_source.json --data npz:luna16_candidates_2d.npz --set training.epochs=6 \
      --out runs/luna16
    archnet run experiments/init_source.json --data phantom --set training.epochs=20 --out runs/phantom
    python experiments/init_lidc.py lidc_nodule_vs_background_3d.npz runs/init_lidc luna16=runs/luna16/res3d_flat \
      phantom=runs/phantom/res3d_flat

LUNA16 is a part of LIDC, so scans of a test fold may be among those that the weights were learned from. The phantom
shares nothing with LIDC.
"""

import argparse
import json
from pathlib import Path

import archnet

ARCH = Path(__file__).parents[1] / "archs/res3d.json"
FOLDS = 5


def experiment(name: str, data: str, epochs: int, source: str | None) -> dict:
    """The document of the five folds of one kind of starting weights."""
    arch = {**json.loads(ARCH.read_text()), "name": f"res3d_{name}"}
    return {
        "name": "init_lidc",
        "archs": [arch],
        "data": {"name": "npz", "root": str(Path(data).resolve())},
        "split": {"folds": FOLDS},
        "training": {"epochs": epochs, "init": source and str(Path(source).resolve())},
    }


def main() -> None:
    """Train the folds of each kind, and print the comparison of each with fresh weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA.npz")
    parser.add_argument("out", metavar="OUT", type=Path)
    parser.add_argument("sources", nargs="+", metavar="NAME=RUN")
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    sources = {"fresh": None, **dict(source.split("=", 1) for source in arguments.sources)}
    for name, source in sources.items():
        document = experiment(name, arguments.data, arguments.epochs, source)
        archnet.run_all(document, out=arguments.out, resume=True)
    for name in list(sources)[1:]:
        runs = [arguments.out / f"res3d_{kind}-fold{fold}" for kind in ("fresh", name) for fold in range(FOLDS)]
        print(archnet.compare(runs).sentence)


if __name__ == "__main__":
    main()
