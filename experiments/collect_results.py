"""Store the results of finished runs under experiments/results and print their rows for docs/pages/results/index.md.

Each file holds the command, the resolved experiment and the metrics. NAMEs with a folder belong to runs that a table
reports only together, and print no row. Times, memory and the folder of the data are omitted: they depend on the
machine. The values of figures (decision curves, calibration bins) are also omitted.

Usage: python experiments/collect_results.py --command "archnet run ..." NAME=RUN_FOLDER...
       python experiments/collect_results.py --means NAME...    of kept results NAME_seed0, NAME_seed1 and so on
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import mean, stdev

RESULTS = Path(__file__).parent / "results"
FOLDER = "../../../experiments/results"
"""Relative path of the stored results on the page."""

MACHINE_KEYS = ("peak_memory_bytes", "train_seconds", "samples_per_second")
DRAWING_KEYS = ("decision", "bins")


def table_row(name: str, result: dict) -> str:
    """The test set's figures as a line of a table; undefined numbers are a dash."""
    test = result["metrics"]["test"]
    rows = "".join("[" + " ".join(map(str, row)) + "]" for row in test["confusion_matrix"])
    numbers = [test[key] for key in ("accuracy", "recall", "precision", "mcc", "auc")]
    cells = ["–" if number is None else f"{number:.3f}" for number in numbers]
    return f"| [{name}]({FOLDER}/{name}.json) | `[{rows}]` | {' | '.join(cells)} |"


def mean_row(name: str) -> str:
    """Means and standard deviations over the seeds of a stored result, as a line of a table."""
    paths = sorted(RESULTS.glob(f"{name}_seed*.json"))
    if len(paths) < 2:
        sys.exit(f"{name}: a mean needs {RESULTS}/{name}_seed0.json and _seed1.json at least.")
    metrics = [json.loads(path.read_text())["metrics"] for path in paths]
    links = " ".join(f"[{path.stem.rpartition('_seed')[2]}]({FOLDER}/{path.name})" for path in paths)
    costs = [f"{metrics[0]['parameters']:,}", f"{metrics[0]['macs'] / 1e6:.1f} M"]
    numbers = [[one["test"][key] for one in metrics] for key in ("recall", "precision", "mcc", "auc")]
    cells = [f"{mean(values):.3f} ± {stdev(values):.3f}" for values in numbers]
    return f"| {name} {links} | {' | '.join([*costs, *cells])} |"


def read_result(folder: Path, command: str) -> dict:
    """Read the part of a run to store."""
    experiment, metrics = (json.loads((folder / name).read_text()) for name in ("experiment.json", "metrics.json"))
    if experiment["data"].get("root"):
        experiment["data"]["root"] = Path(experiment["data"]["root"]).name
    if init := experiment["training"].get("init"):
        init["weights"] = str(Path(*Path(init["weights"]).parts[-2:]))
    return {"command": command, "experiment": experiment, "metrics": _drop_keys(metrics, MACHINE_KEYS + DRAWING_KEYS)}


def _drop_keys(value: object, keys: tuple[str, ...]) -> object:
    """A value of a JSON file without some keys of its objects, at all depths."""
    if isinstance(value, dict):
        return {key: _drop_keys(part, keys) for key, part in value.items() if key not in keys}
    return [_drop_keys(part, keys) for part in value] if isinstance(value, list) else value


def main() -> None:
    """Write the results, and print their rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--command", help="command of the runs")
    what.add_argument("--means", nargs="+", default=[], metavar="NAME", help="print means of stored results")
    parser.add_argument("runs", nargs="*", metavar="NAME=RUN_FOLDER")
    arguments = parser.parse_args()
    for name in arguments.means:
        print(mean_row(name))
    for argument in arguments.runs:
        name, _, folder = argument.partition("=")
        result = read_result(Path(folder), arguments.command)
        path = RESULTS / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n")
        if path.parent == RESULTS:
            print(table_row(name, result))


if __name__ == "__main__":
    main()
