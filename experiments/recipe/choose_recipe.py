"""Choose a recipe with one source of data left out, and print the tables for experiments/README.md.

    python experiments/recipe/choose_recipe.py TASK_FOLDER scores.jsonl --recipes experiments/recipe/screen.json
    python experiments/recipe/choose_recipe.py TASK_FOLDER scores.jsonl --recipes experiments/recipe/screen.json --test

The sources are LUNA16, LIDC (three tasks of the same scans) and the phantom. For each source, the recipe is chosen that
has the largest mean difference in validation AUC from the first one on the other sources, or the first one if no
difference is positive; the table gives its difference on the source left out. With `--test`, this last difference is
that of the test cases: evaluate it once, at the end. The default recipe was chosen on LUNA16's test cases.

On tasks that a recipe does not name and was not trained on, it counts as the first recipe, with a difference of 0.
Recipes with unfinished tasks are left out and named. With `--only` and tasks of one source, nothing is chosen; the
table gives the difference on each task. Intervals cover cases by group, and training seeds if there are
several. Tasks of one source share their scans, so their standard errors are averaged, as of perfectly correlated
differences; sources are independent.
"""

import argparse
import json
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
from compare_recipes import auc_difference, read_trainings
from scipy.stats import rankdata

from archnet.evaluation.uncertainty.seed_variance import MeanEstimate
from archnet.files.atomic import write_json

SOURCES = {
    "LUNA16": ("luna16", "luna16_groups"),
    "LIDC": ("lidc_nodule", "lidc_malignancy", "lidc_texture"),
    "phantom": ("phantom",),
}
NO_DIFFERENCE = MeanEstimate(value=0.0, standard_error=0.0, degrees_of_freedom=math.inf)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path, help="folder of the tasks")
    parser.add_argument("scores", type=Path, help="scores.jsonl of train.py")
    parser.add_argument("--recipes", type=Path, required=True, help="JSON file of recipes; the first is the reference")
    parser.add_argument("--only", nargs="*", help="names of tasks (default: all)")
    parser.add_argument("--folds", nargs="*", type=int, help="folds to compare (default: all)")
    parser.add_argument("--test", action="store_true", help="give differences on the test cases of the source left out")
    parser.add_argument("--keep", type=Path, help="store both tables in this JSON file")
    parser.add_argument("--best", type=int, default=4, help="number of best recipes that `--write` stores")
    parser.add_argument("--write", type=Path, help="store the first recipe and the best ones in this JSON file")
    options = parser.parse_args()
    recipes, trainings = json.loads(options.recipes.read_text()), read_trainings(options.scores, options.folds)
    trainings = {task: one for task, one in trainings.items() if not options.only or task in options.only}
    sources, unfinished = compare_sources(options.tasks, recipes, trainings)
    tested = compare_sources(options.tasks, recipes, trainings, "test")[0] if options.test else sources
    rows = {"recipes": recipe_rows(sources), "left_out": left_out_rows(sources, tested)}
    rows |= {"set": "test" if options.test else "validation", "unfinished": unfinished}
    if options.keep:
        write_json(options.keep, rows)
    if options.write:
        names = best_recipes(rows["recipes"], options.best)
        write_json(options.write, [recipe for recipe in recipes if recipe["name"] in names])
    print("\n".join([*recipe_lines(rows["recipes"]), "", *left_out_lines(rows), *unfinished_lines(unfinished)]))


def compare_sources(folder, recipes, trainings, name="validation"):
    """The difference of each finished recipe from the first on each source, and the names of unfinished recipes."""
    first, sources, unfinished = recipes[0]["name"], defaultdict(dict), []
    columns = trained_sources(trainings)
    known = [task for tasks in columns.values() for task in tasks]
    for recipe in recipes:
        used = [task for task in known if task in recipe.get("tasks", known) or recipe["name"] in trainings[task]]
        if not used or any(not is_finished(trainings[task], first, recipe["name"]) for task in used):
            unfinished.append(recipe["name"])
            continue
        for source, tasks in columns.items():
            sources[recipe["name"]][source] = mean_of_correlated(
                [
                    auc_difference(folder, task, trainings[task][first], trainings[task][recipe["name"]], name)
                    if task in used and recipe["name"] != first
                    else NO_DIFFERENCE
                    for task in tasks
                ]
            )
    return dict(sources), unfinished


def trained_sources(trainings):
    """The tasks of each source that were trained; of a single source, those of each task."""
    sources = {name: [task for task in tasks if task in trainings] for name, tasks in SOURCES.items()}
    sources = {name: tasks for name, tasks in sources.items() if tasks}
    return sources if len(sources) > 1 else {task: [task] for tasks in sources.values() for task in tasks}


def is_finished(trainings, first, recipe):
    """Whether a recipe was trained on the same folds as the first one; it may have other seeds."""
    done = [{one["fold"] for one in trainings.get(name, ())} for name in (first, recipe)]
    return bool(done[0]) and done[0] == done[1]


def mean_of_correlated(estimates):
    """The mean of estimates that may be perfectly correlated."""
    return MeanEstimate(
        value=float(np.mean([one.value for one in estimates])),
        standard_error=float(np.mean([one.standard_error for one in estimates])),
        degrees_of_freedom=min(one.degrees_of_freedom for one in estimates),
    )


def mean_of_independent(estimates):
    """The mean of independent estimates; its degrees of freedom are Satterthwaite's (1946, doi:10.2307/3002019)."""
    parts = [(one.standard_error / len(estimates)) ** 2 for one in estimates]
    terms = [part**2 / one.degrees_of_freedom for part, one in zip(parts, estimates, strict=True) if part]
    return MeanEstimate(
        value=float(np.mean([one.value for one in estimates])),
        standard_error=math.sqrt(sum(parts)),
        degrees_of_freedom=sum(parts) ** 2 / sum(terms) if terms else math.inf,
    )


def recipe_rows(sources):
    """The differences of each recipe on each source, their mean, and the mean rank (1 is the best)."""
    names = list(next(iter(sources.values())))
    mean = mean_of_independent if names[0] in SOURCES else mean_of_correlated
    ranks = np.mean([rankdata([-one[source].value for one in sources.values()]) for source in names], axis=0)
    return [
        {
            "recipe": recipe,
            "rank": float(rank),
            **{source: entry(one) for source, one in by_source.items()},
            "mean": entry(mean(list(by_source.values()))),
        }
        for (recipe, by_source), rank in zip(sources.items(), ranks, strict=True)
    ]


def best_recipes(rows, number):
    """Names of the first recipe and of the others with the largest mean differences."""
    first, *others = rows
    others.sort(key=lambda row: row["mean"]["value"], reverse=True)
    return [row["recipe"] for row in (first, *others[:number])]


def left_out_rows(sources, tested):
    """For each source, the recipe chosen on the other sources, and its difference on this one."""
    names, rows = list(next(iter(sources.values()))), []
    for left_out in names if len(names) > 1 and names[0] in SOURCES else ():
        others = {
            recipe: mean_of_independent([one for source, one in by_source.items() if source != left_out])
            for recipe, by_source in sources.items()
        }
        chosen = max(others, key=lambda recipe: others[recipe].value)
        rows.append(
            {
                "left_out": left_out,
                "chosen": chosen,
                "on_the_others": entry(others[chosen]),
                "on_the_source": entry(tested[chosen][left_out]),
            }
        )
    return rows


def entry(estimate):
    """An estimate as stored."""
    return {"value": estimate.value, "interval": estimate.interval}


def recipe_lines(rows):
    """The Markdown table of all recipes."""
    sources = [key for key in rows[0] if key not in ("recipe", "rank", "mean")]
    yield f"| changed | mean rank | {' | '.join(sources)} | mean |"
    yield "|---" * (len(sources) + 3) + "|"
    for row in rows:
        cells = [text(row[key]) for key in (*sources, "mean")]
        yield f"| {row['recipe']} | {row['rank']:.1f} | {' | '.join(cells)} |"


def left_out_lines(rows):
    """The Markdown table of the sources left out."""
    if not rows["left_out"]:
        return
    yield f"| source left out | chosen on the others | difference there | difference on the source ({rows['set']}) |"
    yield "|---|---|---|---|"
    for row in rows["left_out"]:
        cells = [text(row[key]) for key in ("on_the_others", "on_the_source")]
        yield f"| {row['left_out']} | {row['chosen']} | {' | '.join(cells)} |"


def unfinished_lines(names):
    """What the tables leave out."""
    return [f"\nLeft out, because trainings are missing: {', '.join(names)}."] if names else []


def text(estimate):
    """A difference with its interval."""
    interval = estimate["interval"]
    return f"{estimate['value']:+.4f}" + (" ({:+.4f} to {:+.4f})".format(*interval) if interval else "")


if __name__ == "__main__":
    main()
