"""Keeps the metrics of finished runs under experiments/results and prints their rows for the README.

Usage: python experiments/collect_results.py NAME=RUN_FOLDER...
"""

import json
import shutil
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


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
        shutil.copyfile(Path(folder) / "metrics.json", RESULTS / f"{name}.json")
        print(readme_row(name, json.loads((RESULTS / f"{name}.json").read_text())))


if __name__ == "__main__":
    main()
