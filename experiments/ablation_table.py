"""The table of an ablation: what a sweep's trials lose against its first one, on the validation cases of all seeds.

    python experiments/ablation_table.py runs/sweep_recipe

Keeps the figures as experiments/results/NAME/ablation.json and prints the rows for experiments/README.md. Differences
are paired, with 95% bootstrap intervals over groups of cases; see `archnet compare`.
"""

import json
import sys
from pathlib import Path

from archnet.evaluation.comparison import Comparison, compare
from archnet.evaluation.run_folder import read_json, write_json
from archnet.sweep.trials import read_trials, trial_folder

RESULTS = Path(__file__).parent / "results"
SHOWN = ("auc", "mcc", "recall")


def compared(folder: Path) -> tuple[list[dict], Comparison]:
    """The values of each finished trial, and all of them against the first."""
    trials = [trial for trial in read_trials(folder) if trial.state == "finished"]
    runs = [trial_folder(folder, trial.number) / name for trial in trials for name in trial.runs]
    return [dict(trial.values) for trial in trials], compare(runs)


def figures(values: list[dict], comparison: Comparison) -> list[dict]:
    """A row for each trial: means over the seeds, their deviations, and the difference to the first in AUC."""
    differences = {pair.other: pair.differences["auc"] for pair in comparison.paired}
    return [
        {
            "values": tried,
            **{name: row.value(name, comparison.positive) for name in SHOWN},
            "deviations": {name: row.deviation(name, comparison.positive) for name in SHOWN},
            "auc_difference": differences.get(row.run),
        }
        for tried, row in zip(values, comparison.rows, strict=True)
    ]


def table_row(figure: dict) -> str:
    """A line of the table."""
    (tried,) = figure["values"].values()
    label = ", ".join(f"`{key}` {json.dumps(value)}" for key, value in tried.items()) or "the default recipe"
    cells = [f"{figure[name]:.3f} ± {figure['deviations'][name]:.3f}" for name in SHOWN]
    difference = figure["auc_difference"]
    if difference is None:
        return f"| {label} | {' | '.join(cells)} | |"
    low, high = difference["interval"]
    return f"| {label} | {' | '.join(cells)} | {difference['difference']:+.4f} ({low:+.4f} to {high:+.4f}) |"


def main() -> None:
    """Keeps and prints."""
    folder = Path(sys.argv[1])
    rows = figures(*compared(folder))
    write_json(RESULTS / read_json(folder / "sweep.json")["name"] / "ablation.json", rows)
    print("\n".join(map(table_row, rows)))


if __name__ == "__main__":
    main()
