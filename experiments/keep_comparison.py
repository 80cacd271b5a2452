"""Store a comparison as experiments/results/NAME/comparison.json, and print its table for experiments/README.md.

The table has a row for each network, pooled over folds and seeds, and the sentence of `archnet compare`.

    python experiments/keep_comparison.py NAME RUN...

Folders, times and memory are omitted, because they depend on the machine.
"""

import argparse
import json
from pathlib import Path

from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.metric_entry import class_value
from archnet.files.atomic import write_json
from archnet.report.sentences.comparison_document import comparison_document

RESULTS = Path(__file__).parent / "results"
METRICS = ("recall", "mcc", "auc")


def drop_machine_keys(document: dict) -> dict:
    """A comparison without folders, times and memory, which depend on the machine."""
    rows = [{key: value for key, value in row.items() if key not in ("folders", "costs")} for row in document["runs"]]
    return json.loads(json.dumps({**document, "runs": rows}), object_hook=_shorten_weights)


def _shorten_weights(value: dict) -> dict:
    """An object whose `weights` are named by their last two folders."""
    path = value.get("weights")
    return {**value, "weights": "/".join(Path(path).parts[-2:])} if isinstance(path, str) else value


def table_lines(name: str, document: dict) -> list[str]:
    """The lines of the table in experiments/README.md, and the sentence below it."""
    rows = [_row(name, row, document["positive"]) for row in document["runs"]]
    return [*rows, " ".join([f"{name}: {document['sentence']}", *document["cautions"]])]


def _row(name: str, row: dict, positive: str) -> str:
    """The line of a network: numbers with 95% intervals, or with standard deviations over several seeds."""
    metrics, spread = row["metrics"], row["spread"]
    cells = []
    for metric in METRICS:
        value = class_value(metrics[metric], positive)
        if value is None:
            cells.append("–")
        elif spread is None:
            interval = class_value(metrics["intervals"][metric], positive)
            cells.append(f"{value:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""))
        else:
            deviation = class_value(spread[metric], positive)
            cells.append(f"{value:.3f}" + ("" if deviation is None else f" ± {deviation:.3f}"))
    return f"| {name} | {row['run']} | {metrics['n']:,.0f} | {' | '.join(cells)} |"


def main() -> None:
    """Write the comparison, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="name of the folder in experiments/results")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run or experiment folder")
    options = parser.parse_args()
    name, document = options.name, drop_machine_keys(comparison_document(compare(options.runs)))
    folder = RESULTS / name
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "comparison.json", document)
    print("\n".join(table_lines(name, document)))


if __name__ == "__main__":
    main()
