"""Print the table of an ablation: the trials of a sweep compared with its first trial on the validation cases.

    python experiments/ablation_table.py runs/sweep_recipe

Stores the numbers as experiments/results/NAME/ablation.json and prints the rows for experiments/README.md. Differences
are paired, with 95% intervals over groups of cases if these can be estimated; see `archnet compare`.
"""

import argparse
import json
import sys
from pathlib import Path

from archnet.evaluation.comparison.comparison import Comparison, compare
from archnet.evaluation.run_folder import read_json
from archnet.files.atomic import write_json
from archnet.sweep.results.trials import read_trials, trial_folder

RESULTS = Path(__file__).parent / "results"
METRICS = ("auc", "mcc", "recall")


def compare_trials(folder: Path) -> tuple[list[dict], Comparison]:
    """The values of each finished trial, and the comparison of all of them with the first trial."""
    trials = [trial for trial in read_trials(folder) if trial.state == "finished"]
    if not trials or trials[0].number != 0:
        sys.exit(f"{folder}: its first trial has not finished, so there is nothing to compare with.")
    runs = [trial_folder(folder, trial.number) / name for trial in trials for name in trial.runs]
    comparison = compare(runs)
    if [Path(row.folders[0]).parent for row in comparison.rows] != [trial_folder(folder, one.number) for one in trials]:
        sys.exit(f"{folder}: its trials have 2D and 3D networks, which `archnet compare` puts in a different order.")
    return [dict(trial.values) for trial in trials], comparison


def ablation_rows(values: list[dict], comparison: Comparison) -> list[dict]:
    """A row for each trial: means over the seeds, standard deviations, and the difference in AUC from the first."""
    differences = {pair.other: pair.differences["auc"] for pair in comparison.pairs}
    return [
        {
            "values": value,
            **{name: row.value(name, comparison.positive) for name in METRICS},
            "deviations": {name: row.deviation(name, comparison.positive) for name in METRICS},
            "auc_difference": differences.get(row.run),
        }
        for value, row in zip(values, comparison.rows, strict=True)
    ]


def table_row(figure: dict) -> str:
    """A line of the Markdown table."""
    ((key, value),) = figure["values"].items()
    changed = value if isinstance(value, dict) else {key: value}
    label = ", ".join(f"`{key}` {json.dumps(value)}" for key, value in changed.items()) or "the default recipe"
    cells = [_mean(figure[name], figure["deviations"][name]) for name in METRICS]
    difference = figure["auc_difference"]
    if difference is None:
        return f"| {label} | {' | '.join(cells)} | |"
    return f"| {label} | {' | '.join(cells)} | {_difference(difference)} |"


def _difference(entry: dict) -> str:
    if entry["difference"] is None:
        return "–"
    interval = entry["interval"]
    ends = f" ({interval[0]:+.4f} to {interval[1]:+.4f})" if interval else ""
    return f"{entry['difference']:+.4f}{ends}"


def _mean(value: float | None, deviation: float | None) -> str:
    return "–" if value is None or deviation is None else f"{value:.3f} ± {deviation:.3f}"


def main() -> None:
    """Write the rows, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", type=Path, help="folder of the sweep")
    folder = parser.parse_args().sweep
    rows = ablation_rows(*compare_trials(folder))
    write_json(RESULTS / read_json(folder / "sweep.json")["name"] / "ablation.json", rows)
    print("\n".join(map(table_row, rows)))


if __name__ == "__main__":
    main()
