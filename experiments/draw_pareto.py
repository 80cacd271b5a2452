"""Draw test AUC against multiply-adds for the networks in the table of LUNA16 candidates.

Reads experiments/results/luna16_NAME_seedN.json, writes experiments/pictures/pareto.png: a dot for each seed, a line
through the Pareto-optimal means.
"""

import argparse
import json
import re
from collections import defaultdict
from itertools import cycle
from pathlib import Path
from statistics import mean

import matplotlib

from archnet.report.figures.theme import LIGHT, new_figure, rc_params
from archnet.sweep.results.analysis import pareto_front

HERE = Path(__file__).parent


def read_results() -> dict[str, tuple[int, list[float]]]:
    """The multiply-adds of each network and recipe, and the test AUC of each seed."""
    found: defaultdict[str, list[dict]] = defaultdict(list)
    for path in sorted((HERE / "results").glob("luna16_*_seed*.json")):
        name = re.sub(r"luna16_(.*)_seed\d+", r"\1", path.stem)
        found[name].append(json.loads(path.read_text())["metrics"])
    return {name: (runs[0]["macs"], [run["test"]["auc"] for run in runs]) for name, runs in found.items()}


def main() -> None:
    """Draw the figure."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    points = read_results()
    costs = [macs / 1e6 for macs, _ in points.values()]
    means = [mean(values) for _, values in points.values()]
    with matplotlib.rc_context(rc_params()):
        figure = new_figure((6.4, 4.0))
        axes = figure.add_subplot()
        front = pareto_front(costs, [-value for value in means])
        axes.plot([costs[k] for k in front], [means[k] for k in front], color=LIGHT.faint, lw=1, zorder=0)
        for cost, middle, (name, (_, values)), color in zip(
            costs, means, points.items(), cycle(LIGHT.networks), strict=False
        ):
            axes.plot([cost] * len(values), values, "o", color=color, alpha=0.5, ms=5)
            axes.plot([cost], [middle], "_", color=color, ms=22, mew=2)
            axes.annotate(name.replace("_", " "), (cost, middle), (14, -2), textcoords="offset points", va="top")
        axes.set(
            xlabel="million multiply-adds per case", ylabel="test AUC, dots are seeds", title="Performance versus cost"
        )
        axes.set_xlim(0, max(costs) * 1.3)
        figure.tight_layout()
        figure.savefig(HERE / "pictures/pareto.png", dpi=110)


if __name__ == "__main__":
    main()
