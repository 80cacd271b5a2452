"""Train each network of archs/zoo for one epoch on the phantom, and export it to ONNX.

    python experiments/check_zoo.py [NAME ...] [--epochs N] [--folder DIR] [--json]

Each network is trained with the default recipe on the same cases, at the crop size for which it was designed. Its model
is then exported to ONNX and compared with Keras on cases of the run and on noise; the script fails if probabilities
differ by more than 1e-5. One epoch shows that a network trains, not which one is best.
"""

import argparse
import json
import tempfile
from pathlib import Path

import archnet
from archnet.report.units import count_text

ARCHS = Path(__file__).parents[1] / "archs/zoo"
HEADER = f"{'network':<16} {'parameters':>10} {'multiply-adds':>13} {'seconds':>8} {'loss':>7} {'AUC':>6} {'ONNX':>8}"


def train_and_export(name: str, epochs: int, folder: Path) -> dict:
    """Train and export one network; return its costs and results."""
    run = archnet.run(ARCHS / f"{name}.json", data="phantom", settings={"training.epochs": epochs}, out=folder / name)
    exported = archnet.export_model(run, "onnx", out=folder / f"{name}-onnx")
    metrics = run.metrics
    return {
        "network": name,
        "parameters": metrics["parameters"],
        "macs": metrics["macs"],
        "train_seconds": metrics["train_seconds"],
        "train_loss": float(run.history["train_loss"][-1]),
        "validation_auc": metrics["validation"]["auc"],
        "onnx_difference": exported.difference,
    }


def row_text(row: dict) -> str:
    costs = f"{row['parameters']:>10,} {count_text(row['macs']):>13} {row['train_seconds']:>8.1f}"
    results = f"{row['train_loss']:>7.3f} {row['validation_auc']:>6.3f} {row['onnx_difference']:>8.1e}"
    return f"{row['network']:<16} {costs} {results}"


def main() -> None:
    names = sorted(path.stem for path in ARCHS.glob("*.json"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", choices=[*names, []], metavar="NAME", help="files in archs/zoo; default all"
    )
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="folder of the runs; by default a temporary folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    rows = []
    if not arguments.json:
        print(HEADER, flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.names or names:
            rows.append(train_and_export(name, arguments.epochs, arguments.folder or Path(temporary)))
            if not arguments.json:
                print(row_text(rows[-1]), flush=True)
    if arguments.json:
        print(json.dumps({"epochs": arguments.epochs, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
