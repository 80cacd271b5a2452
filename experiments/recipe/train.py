"""Train recipes on the tasks of the study, and store the probabilities of their validation cases, or also of test
cases.

    python experiments/recipe/train.py TASK_FOLDER OUT --recipes experiments/recipe/screen.json --folds 0 1 --seeds 0
    python experiments/recipe/train.py TASK_FOLDER OUT --recipes experiments/recipe/luna16.json --folds 0 --seeds 0 1 2
    python experiments/recipe/train.py TASK_FOLDER OUT --recipes experiments/recipe/baselines.json --only phantom --test

OUT/scores.jsonl receives one line per finished training; those that it contains are skipped. The test cases are
predicted only with `--test`.
"""

import argparse
import json
import multiprocessing
import os
import queue
import tempfile
import time
from itertools import product
from pathlib import Path

TASKS = ("luna16", "lidc_nodule", "lidc_malignancy", "lidc_texture", "phantom")
FOLD_LAG = 5
"""Number of recipes after which the next fold follows, which then finds its programs compiled."""


def main() -> None:
    """Train everything that is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path, help="folder of the tasks")
    parser.add_argument("out", type=Path, help="folder of the results")
    parser.add_argument("--recipes", type=Path, required=True, help="JSON file of recipes")
    parser.add_argument("--names", nargs="*", help="names of recipes (default: all)")
    parser.add_argument("--only", nargs="*", help="names of tasks (default: those of each recipe)")
    parser.add_argument("--folds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--test", action="store_true", help="also predict the test cases")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=float, help="seconds after which no training is started")
    options = parser.parse_args()
    recipes = json.loads(options.recipes.read_text())
    if unknown := set(options.names or ()) - {recipe["name"] for recipe in recipes}:
        parser.error(f"{options.recipes} has no recipe {', '.join(sorted(unknown))}")
    recipes = [recipe for recipe in recipes if not options.names or recipe["name"] in options.names]
    options.out.mkdir(parents=True, exist_ok=True)
    scores = options.out / "scores.jsonl"
    done = {json.loads(line)["job"] for line in scores.read_text().splitlines()} if scores.exists() else set()
    jobs = [job for job in list_jobs(recipes, options) if job["job"] not in done]
    print(f"{len(jobs)} trainings, {len(done)} finished before", flush=True)
    carry_out(jobs, scores, options)


def place_in_order(pair):
    """A number by which folds and recipes, both enumerated, are sorted."""
    (fold_number, _), (recipe_number, _) = pair
    return FOLD_LAG * fold_number + recipe_number


def list_jobs(recipes, options):
    """All trainings: recipes with their tasks, folds and seeds, most informative first."""
    order = sorted(product(enumerate(options.folds), enumerate(recipes)), key=place_in_order)
    return [
        {
            "job": f"{recipe['name']}/{task}/fold{fold}/seed{seed}",
            "recipe": recipe,
            "task": task,
            "fold": fold,
            "seed": seed,
            "sets": ["validation", "test"] if options.test else ["validation"],
            "file": str((options.tasks / f"{task}_fold{fold}.npz").resolve()),
        }
        for seed in options.seeds
        for (_, fold), (_, recipe) in order
        for task in recipe.get("tasks", TASKS)
        if not options.only or task in options.only
    ]


def carry_out(jobs, scores, options):
    """Distribute the trainings over processes."""
    context = multiprocessing.get_context("spawn")
    todo, results = context.Queue(), context.Queue()
    for job in jobs:
        todo.put(job)
    todo.cancel_join_thread()  # with a limit, trainings may be left, and the exit would wait until they are read
    start = time.monotonic()
    workers = [
        context.Process(target=work, args=(todo, results, options.limit), daemon=True) for _ in range(options.processes)
    ]
    for worker in workers:
        worker.start()
    num_done = 0
    with scores.open("a") as file:
        while num_done < len(jobs):
            try:
                result = results.get(timeout=1)
            except queue.Empty:
                if not any(worker.is_alive() for worker in workers):
                    break
                continue
            num_done += 1
            error = result.pop("error", None)
            if error:
                print(f"{result['job']}: {error}", flush=True)
            else:
                file.write(json.dumps(result) + "\n")
                file.flush()
            if num_done % 20 == 0:
                print(f"{num_done} of {len(jobs)} after {time.monotonic() - start:.0f} s", flush=True)
    print(f"{num_done} of {len(jobs)} after {time.monotonic() - start:.0f} s", flush=True)


def work(todo, results, limit):
    """Carry out trainings until none is left, the time is up, or the main process has ended."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    start = time.monotonic()
    while multiprocessing.parent_process().is_alive() and (limit is None or time.monotonic() - start < limit):
        try:
            job = todo.get(timeout=1)
        except queue.Empty:
            return
        try:
            results.put(train(job))
        except Exception as error:
            results.put({"job": job["job"], "error": f"{type(error).__name__}: {error}"[:400]})


def train(job):
    """Train one network or fit one baseline with archnet, and return its probabilities."""
    from archnet.evaluation.predictions import read_predictions
    from archnet.files.strict_json import Document
    from archnet.runs.baselines import run_baselines
    from archnet.runs.runner import run_single
    from archnet.spec.resolve import parse_experiments

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        document = experiment_document(job)
        if "pretrain" in job["recipe"]:
            (first,) = parse_experiments(Document(value=pretraining_document(job), source=job["job"]))
            weights = run_single(first, Path(folder) / "pretraining", evaluated_sets=("validation",)).folder
            document["training"]["init"] = {"weights": str(weights)}
        (experiment,) = parse_experiments(Document(value=document, source=job["job"]))
        if baseline := job["recipe"].get("baseline"):
            runs = run_baselines([experiment], out=Path(folder) / "runs")
            (run,) = (one for one in runs if one.folder.name.startswith(baseline))
        else:
            run = run_single(experiment, Path(folder) / "runs", evaluated_sets=tuple(job["sets"]))
        predictions = read_predictions(run.folder / "predictions.csv")
        resolved = json.loads((run.folder / "experiment.json").read_text())["training"]
        metrics = json.loads((run.folder / "metrics.json").read_text())
    scores = {}
    for name in job["sets"]:
        rows = predictions.sets == name
        scores[name] = {
            "cases": predictions.cases[rows].tolist(),
            "p": [round(float(value), 5) for value in predictions.probabilities[rows, 1]],
        }
    return {
        **{key: job[key] for key in ("job", "task", "fold", "seed")},
        "recipe": job["recipe"]["name"],
        "parameters": metrics["parameters"],
        "macs": metrics.get("macs"),
        "epochs": resolved.get("epochs"),
        "batch_size": resolved.get("batch_size"),
        "seconds": round(time.monotonic() - start, 1),
        "scores": scores,
    }


def experiment_document(job):
    """The experiment of one training as archnet reads it. The precision does not depend on the machine's speed."""
    from networks import ResidualNetwork

    recipe = job["recipe"]
    options = recipe.get("networks", {}).get(job["task"], {})
    form = options.get("form", recipe.get("form", "2d" if job["task"].startswith("luna16") else "3d"))
    arch = ResidualNetwork(**{**recipe.get("network", {}), **options, "form": form}).to_document()
    view = {"view": "slices-as-channels"} if form == "channels" else {}
    training = {**recipe.get("training", {}), **recipe.get("training_of", {}).get(job["task"], {})}
    return {
        "name": "recipe",
        "archs": [arch],
        "data": {"name": "npz", "root": job["file"], **view},
        "split": {"by": "auto"},
        "training": {"precision": "float32", **training, "seed": job["seed"]},
    }


def pretraining_document(job):
    """The experiment whose weights a training starts with: `pretrain` replaces the task or the form of the network.

    The tasks of LIDC have one assignment of scans to folds, so it sees no test case either.
    """
    changes = dict(job["recipe"]["pretrain"])
    task = changes.pop("task", job["task"])
    file = job["file"].replace(f"{job['task']}_fold", f"{task}_fold")
    return experiment_document({**job, "task": task, "file": file, "recipe": {**job["recipe"], **changes}})


if __name__ == "__main__":
    main()
