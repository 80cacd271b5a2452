"""Compare recipes with the first one on the validation or test cases, and print the table for experiments/README.md.

    python experiments/recipe/compare_recipes.py TASK_FOLDER scores.jsonl --keep experiments/results/recipe/luna16.json
    python experiments/recipe/compare_recipes.py TASK_FOLDER scores.jsonl --first "random forest" --test

With `--test`, the results are those of the test cases: evaluate them once, at the end. For each recipe: AUC, MCC and
recall at 0.5, means over folds and seeds; the AUC of the seeds together, averaged like an ensemble; and the
difference in AUC from the first recipe, paired over groups of cases and covering seeds (Obuchowski 1997,
doi:10.2307/2533958; Hillis 2014, doi:10.1002/sim.5926). `--keep` stores the rows.
"""

import argparse
import json
from collections import defaultdict
from itertools import count
from pathlib import Path

import numpy as np
from sklearn.metrics import matthews_corrcoef, recall_score

from archnet.evaluation.uncertainty.clustered_auc import estimate_areas
from archnet.evaluation.uncertainty.seed_variance import Estimates, difference_over_seeds
from archnet.files.atomic import write_json

COLUMNS = ("changed", "seeds", "AUC", "together", "MCC", "recall", "AUC against the first", "minutes")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path, help="folder of the tasks")
    parser.add_argument("scores", type=Path, help="scores.jsonl of train.py")
    parser.add_argument("--first", help="recipe with which the others are compared (default: the first in the file)")
    parser.add_argument("--names", nargs="*", help="names of the other recipes (default: all)")
    parser.add_argument("--only", nargs="*", help="names of tasks (default: all)")
    parser.add_argument("--folds", nargs="*", type=int, help="folds to compare (default: all)")
    parser.add_argument("--test", action="store_true", help="compare on the test cases")
    parser.add_argument("--keep", type=Path, help="store the rows in this JSON file")
    options = parser.parse_args()
    trainings = read_trainings(options.scores, options.folds)
    tasks = options.only or list(trainings)
    if missing := find_missing(trainings, tasks, options):
        parser.error(f"{options.scores} has no training of {', '.join(missing)}")
    set_name = "test" if options.test else "validation"
    rows = {task: compare_task(options.tasks, task, choose(trainings[task], options), set_name) for task in tasks}
    if options.keep:
        write_json(options.keep, rows)
    print("\n".join(table_lines(rows)))


def read_trainings(scores, folds=None):
    """The finished trainings by task and recipe, of all folds or of some."""
    trainings = defaultdict(lambda: defaultdict(list))
    for line in scores.read_text().splitlines():
        training = json.loads(line)
        if folds is None or training["fold"] in folds:
            trainings[training["task"]][training["recipe"]].append(training)
    return trainings


def find_missing(trainings, tasks, options):
    """The tasks without trainings of the first recipe, and the names of recipes without any training."""
    recipes = {recipe for by_recipe in trainings.values() for recipe in by_recipe}
    return [
        *(name for name in options.names or () if name not in recipes),
        *(f"{options.first or 'any recipe'} on {task}" for task in tasks if not has_first(trainings[task], options)),
    ]


def has_first(recipes, options):
    """Whether the recipe with which the others are compared was trained on a task."""
    return bool(recipes) and (options.first is None or options.first in recipes)


def choose(recipes, options):
    """The trainings of the recipes to compare, those of the first one first."""
    first = options.first or next(iter(recipes))
    return {name: recipes[name] for name in (first, *(options.names or recipes)) if name in recipes}


def compare_task(folder, task, recipes, set_name):
    """The rows of one task on one set, that of the first recipe first."""
    first = next(iter(recipes))
    return [
        {
            "recipe": recipe,
            "seeds": len({one["seed"] for one in trainings}),
            "folds": len({one["fold"] for one in trainings}),
            **mean_metrics(folder, task, trainings, set_name),
            "auc_together": auc_together(folder, task, trainings, set_name),
            **(
                {}
                if recipe == first
                else difference_entry(auc_difference(folder, task, recipes[first], trainings, set_name))
            ),
            **{key: trainings[0][key] for key in ("parameters", "macs", "epochs", "batch_size")},
            "seconds": float(np.mean([one["seconds"] for one in trainings])),
        }
        for recipe, trainings in recipes.items()
    ]


def mean_metrics(folder, task, trainings, set_name):
    """Means over trainings, and their standard deviations over seeds."""
    values = defaultdict(lambda: defaultdict(list))
    for one in trainings:
        labels, groups = read_cases(folder, task, one, set_name)
        scores = np.array(one["scores"][set_name]["p"])
        values[one["seed"]]["auc"].append(float(estimate_areas([[scores]], labels, groups).areas[0]))
        values[one["seed"]]["mcc"].append(matthews_corrcoef(labels, scores >= 0.5))
        values[one["seed"]]["recall"].append(recall_score(labels, scores >= 0.5))
    means = {key: [float(np.mean(seed[key])) for seed in values.values()] for key in ("auc", "mcc", "recall")}
    return {key: {"mean": float(np.mean(one)), "sd": deviation(one)} for key, one in means.items()}


def auc_together(folder, task, trainings, set_name):
    """The AUC of the mean probabilities of all seeds, as of an ensemble; the mean over folds."""
    areas = []
    for fold in sorted({one["fold"] for one in trainings}):
        members = [one for one in trainings if one["fold"] == fold]
        scores = np.mean([one["scores"][set_name]["p"] for one in members], axis=0)
        areas.append(estimate_areas([[scores]], *read_cases(folder, task, members[0], set_name)).areas[0])
    return float(np.mean(areas))


def deviation(values):
    """The standard deviation, or None for one value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def auc_difference(folder, task, reference, trainings, set_name="validation"):
    """The difference in AUC from the reference on one set, averaged over folds, with its uncertainty over groups and
    seeds."""
    reference, trainings = (sorted(side, key=lambda one: one["seed"]) for side in (reference, trainings))
    folds = sorted({one["fold"] for one in reference} & {one["fold"] for one in trainings})
    values, covariance, num_groups = [], [], 0
    for fold in folds:
        both = [one for side in (reference, trainings) for one in side if one["fold"] == fold]
        labels, groups = read_cases(folder, task, both[0], set_name)
        areas = estimate_areas([[np.array(one["scores"][set_name]["p"])] for one in both], labels, groups)
        values.append(areas.areas)
        covariance.append(areas.covariance)
        num_groups += int(groups.max()) + 1
    estimates = Estimates(
        values=np.mean(values, axis=0),
        covariance=np.sum(covariance, axis=0) / len(folds) ** 2,
        num_groups=num_groups,
    )
    return difference_over_seeds(estimates, len({one["seed"] for one in reference}))


def difference_entry(difference):
    """The entry of a difference in the stored rows."""
    return {"auc_difference": {"value": difference.value, "interval": difference.interval, "p": difference.p}}


def read_cases(folder, task, training, set_name="validation"):
    """Whether each case of a set is positive, and the index of its group."""
    with np.load(folder / f"{task}_fold{training['fold']}.npz") as arrays:
        labels, groups = arrays["y"] > 0, arrays["group"]
    rows = np.array(training["scores"][set_name]["cases"], int)
    number = defaultdict(count().__next__)
    return labels[rows], np.array([number[group] for group in groups[rows].tolist()])


def table_lines(rows):
    """The Markdown table of all tasks; the tasks are named if there are several."""
    columns = (*(("task",) if len(rows) > 1 else ()), *COLUMNS)
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for task, task_rows in rows.items():
        name = f"| {task} " if len(rows) > 1 else ""
        yield from (name + table_row(row) for row in task_rows)


def table_row(row):
    """A line of the Markdown table."""
    cells = [
        f"{row[key]['mean']:.3f}" + (f" ± {row[key]['sd']:.3f}" if row[key]["sd"] is not None else "")
        for key in ("auc", "mcc", "recall")
    ]
    cells.insert(1, f"{row['auc_together']:.3f}")
    entry = row.get("auc_difference")
    difference = "" if entry is None else f"{entry['value']:+.4f}"
    if entry and entry["interval"]:
        difference += " ({:+.4f} to {:+.4f})".format(*entry["interval"])
    return f"| {row['recipe']} | {row['seeds']} | {' | '.join(cells)} | {difference} | {row['seconds'] / 60:.1f} |"


if __name__ == "__main__":
    main()
