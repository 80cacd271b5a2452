"""A versus on generated cubes, and its folder with runs that nobody trained."""

import json

import numpy as np

from archnet.evaluation.integrity.manifest import record_run
from archnet.evaluation.predictions import Predictions
from archnet.files.atomic import write_json
from archnet.files.strict_json import Document
from archnet.spec.resolve import parse_experiments
from archnet.sweep.results.trials import FAILED, FINISHED, Trial, TrialRun, trial_folder, write_trial
from archnet.versus.duration import Duration
from archnet.versus.plan_file import PLAN_FILE, plan_document
from archnet.versus.versus_plan import VersusOptions, plan_versus
from plain_training import PLAIN
from small_sweeps import LAYERS, write_cubes
from synthetic_runs import synthetic_predictions, write_run


def versus_experiments(folder, **keys):
    document = {
        "archs": [{"name": "net", "layers": LAYERS}],
        "data": {"name": "npz", "root": write_cubes(folder)},
        "training": {**PLAIN, "epochs": 1, "learning_rate": 0.01},
        "evaluation": {"bootstraps": 20},
        **keys,
    }
    return parse_experiments(Document(value=json.loads(json.dumps(document)), source="command line"))


def make_plan(folder, *, experiment=None, **options):
    return plan_versus(versus_experiments(folder, **(experiment or {})), VersusOptions(**options))


def durations_of(plan, seconds=60.0):
    return tuple(
        Duration(name=one.name, epochs=1, steps_per_epoch=3, step_seconds=0.5, start_seconds=4.0, seconds=seconds)
        for one in plan.variants
    )


def seed_predictions(skill, seed):
    """The cases of all networks, with probabilities of one training of one network."""
    cases = synthetic_predictions(skill=1.0)
    noise = np.random.default_rng(100 + seed).normal(size=len(cases.y_true))
    odds = np.exp(skill * (cases.y_true - 0.5) + noise)
    positive = odds / (1 + odds)
    arrays = {name: getattr(cases, name) for name in ("cases", "groups", "sets", "y_true", "classes")}
    return Predictions(**arrays, probabilities=np.stack([1 - positive, positive], axis=1))


def write_versus(folder, plan, skills, *, failed=()):
    """The folder of a versus whose runs have ended: each variant has a skill; `failed` are names of runs."""
    folder.mkdir()
    write_json(folder / PLAN_FILE, plan_document(plan, durations_of(plan)))
    for number, variant in enumerate(plan.variants):
        runs = {}
        for seed in range(plan.options.seeds):
            name = variant.name + (f"-seed{seed}" if seed else "")
            if name in failed:
                runs[name] = TrialRun(state=FAILED, reason="the loss is nan in epoch 1")
                continue
            runs[name] = TrialRun(state=FINISHED, seconds=30.0)
            _write_variant_run(trial_folder(folder, number) / name, variant, seed, skills[variant.name])
        trial = Trial(number=number, values={"arch": variant.name}, runs=runs, arch=variant.name, parameters=1, macs=1)
        write_trial(folder, trial)
    return folder


def _write_variant_run(run, variant, seed, skill):
    predictions = seed_predictions(skill, 10 * seed + len(variant.name))
    rank = variant.arch.rank
    write_run(run, seed=seed, predictions=predictions, rank=rank, macs=variant.macs, depth=4 if rank == 3 else None)
    document = json.loads((run / "experiment.json").read_text())
    document["arch"]["name"] = variant.name
    (run / "experiment.json").write_text(json.dumps(document))
    record_run(run)
