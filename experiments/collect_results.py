"""Keeps the metrics of finished runs under experiments/results and prints their rows for the README.

Times and memory are left out: they are the machine's, and not repeatable.

Usage: python experiments/collect_results.py NAME=RUN_FOLDER...
"""

import json
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
MACHINES_OWN = ("peak_memory_bytes", "train_seconds", "samples_per_second")


def readme_row(name: str, metrics: dict) -> str:
    """The test set's figures as a line of the README's table; undefined numbers are a dash."""
    test = metrics["test"]
    rows = "".join("[" + " ".join(map(str, row)) + "]" for row in test["confusion_matrix"])
    numbers = [test[key] for key in ("accuracy", "recall", "precision", "mcc", "auc")]
    cells = ["–" if number is None else f"{number:.3f}" for number in numbers]
    return f"| [{name}](experiments/results/{name}.json) | [{rows}] | {' | '.join(cells)} |"


def main() -> None:
    """Copies and prints."""
    RESULTS.mkdir(exist_ok=True)
    for argument in sys.argv[1:]:
        name, _, folder = argument.partition("=")
        metrics = json.loads((Path(folder) / "metrics.json").read_text())
        kept = {key: value for key, value in metrics.items() if key not in MACHINES_OWN}
        (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n")
        print(readme_row(name, kept))


if __name__ == "__main__":
    main()
