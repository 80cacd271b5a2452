"""Repeat the study of the default recipe: write the tasks, train what is missing, and print all tables.

    python experiments/recipe/study.py DATA_FOLDER OUT
    python experiments/recipe/study.py DATA_FOLDER OUT --parts luna16 forest

DATA_FOLDER is that of `tasks.py`. OUT receives the tasks, the trainings, and each table as
OUT/results/recipe_*/ablation.json; the tables in experiments/README.md are those of experiments/results. Finished
trainings are not repeated. The last lines give the time of each part.
"""

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

LIDC = "lidc_nodule lidc_malignancy lidc_texture"
SMALL = "lidc_malignancy lidc_texture"
RECIPES = "--recipes {here}/screen.json"
PARTS = {
    "tasks": ["tasks.py {data} {tasks}"],
    "luna16": [
        "train.py {tasks} {out}/luna16 --recipes {here}/luna16.json --folds 0 --seeds 0 1 2 --test",
        "compare_recipes.py {tasks} {out}/luna16/scores.jsonl --keep {results}/recipe_luna16/ablation.json",
        "compare_recipes.py {tasks} {out}/luna16/scores.jsonl --test --keep {results}/recipe_luna16_test/ablation.json",
    ],
    "screen": [
        f"train.py {{tasks}} {{out}}/screen {RECIPES} --folds 0 1 --test --only {LIDC} phantom",
        f"choose_recipe.py {{tasks}} {{scores}} {RECIPES} --folds 0 1 --keep {{results}}/recipe_screen/ablation.json",
        f"choose_recipe.py {{tasks}} {{scores}} {RECIPES} --folds 0 1 --test "
        "--keep {results}/recipe_screen_test/ablation.json",
    ],
    "small": [
        f"choose_recipe.py {{tasks}} {{out}}/screen/scores.jsonl {RECIPES} --folds 0 1 --only {SMALL} "
        "--keep {results}/recipe_small/ablation.json",
    ],
    "folds": [
        f"train.py {{tasks}} {{out}}/screen {RECIPES} --names base flips plain --only {LIDC} --folds 0 1 2 3 4 --test",
        f"compare_recipes.py {{tasks}} {{out}}/screen/scores.jsonl --first base --names flips plain --only {LIDC} "
        "--keep {results}/recipe_folds/ablation.json",
    ],
    "forest": [
        "train.py {tasks} {out}/forest --recipes {here}/baselines.json --test --only luna16_groups --folds 0 "
        "--seeds 0 1 2",
        "train.py {tasks} {out}/forest --recipes {here}/baselines.json --test --only phantom --folds 0 1",
        f"train.py {{tasks}} {{out}}/forest --recipes {{here}}/baselines.json --test --only {LIDC} --folds 0 1 2 3 4",
        'compare_recipes.py {tasks} {scores} --first "random forest" --names base flips plain --test '
        f"--only luna16_groups {LIDC} phantom --keep {{results}}/recipe_forest/ablation.json",
    ],
}
"""The commands of each part, in the order in which they need each other."""


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the source files")
    parser.add_argument("out", type=Path, help="folder for the tasks, trainings and tables")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS), help="parts to run (default: all)")
    options = parser.parse_args()
    folders = {"data": options.data, "out": options.out, "here": Path(__file__).parent}
    folders |= {name: options.out / name for name in ("tasks", "results")}
    folders["scores"] = options.out / "scores.jsonl"
    for table in ("luna16", "luna16_test", "screen", "screen_test", "small", "folds", "forest"):
        (folders["results"] / f"recipe_{table}").mkdir(parents=True, exist_ok=True)
    minutes = {}
    for part in options.parts:
        start = time.monotonic()
        for command in PARTS[part]:
            run(command, folders)
        minutes[part] = (time.monotonic() - start) / 60
    print("\n| part | minutes |\n|---|---|")
    print("\n".join(f"| {part} | {spent:.1f} |" for part, spent in minutes.items()))


def run(command, folders):
    """Run a script of this folder; one that reads the trainings of all parts gets them in one file."""
    if "{scores}" in command:
        parts = sorted(folders["out"].glob("*/scores.jsonl"), key=lambda path: path.parent.name != "forest")
        folders["scores"].write_text("".join(path.read_text() for path in parts))
    words = [word.format(**folders) for word in shlex.split(command)]
    print("\n$ python", shlex.join(words), flush=True)
    subprocess.run([sys.executable, str(Path(__file__).parent / words[0]), *words[1:]], check=True)


if __name__ == "__main__":
    main()
