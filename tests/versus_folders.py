"""Versus plans on generated cubes, and versus folders with synthetic runs."""

import json

import numpy as np

from archnet.evaluation.integrity.manifest import record_run
from archnet.evaluation.predictions import Predictions
from archnet.files.atomic import write_json
from archnet.files.strict_json import Document
from archnet.spec.resolve import parse_experiments
from archnet.sweep.results.trials import FAILED, FINISHED, Trial, TrialRun, trial_folder, write_trial
from archnet.sweep.schedule import Job
from archnet.versus.plan.duration import Duration
from archnet.versus.plan.plan_file import plan_document
from archnet.versus.plan.versus_files import PLAN_FILE
from archnet.versus.plan.versus_plan import VersusOptions, plan_versus
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
            write_variant_run(trial_folder(folder, number) / name, variant, seed, skills[variant.name])
        trial = Trial(number=number, values={"arch": variant.name}, runs=runs, arch=variant.name, parameters=1, macs=1)
        write_trial(folder, trial)
    return folder


def write_variant_run(run, variant, seed, skill):
    """A finished run of a variant."""
    predictions = seed_predictions(skill, 10 * seed + len(variant.name))
    rank = variant.arch.rank
    write_run(run, seed=seed, predictions=predictions, rank=rank, macs=variant.macs, depth=4 if rank == 3 else None)
    document = json.loads((run / "experiment.json").read_text())
    document["arch"]["name"] = variant.name
    (run / "experiment.json").write_text(json.dumps(document))
    if variant.form == "2.5d":
        _put_layers_on_planes(run / "network.json")
    (run / "report.html").write_text("<!doctype html>")
    record_run(run)


def _put_layers_on_planes(path):
    """Make the layers of a 3D network those of the planes of a volume."""
    network = json.loads(path.read_text())
    for layer in network["layers"]:
        if len(layer["output_shape"]) == 4:
            layer["output_shape"].pop(2)
    views = {**network["layers"][-1], "place": "$.layers[4]", "type": "VIEWS", "parameters": 0, "macs": 0}
    path.write_text(json.dumps({**network, "layers": [*network["layers"], views]}))


class FakeRunner:
    """Carries out the runs of a versus by writing them; interrupts after a number of runs."""

    def __init__(self, plan, skills, *, fails=(), interrupts_after=None):
        self.variants = {variant.name: variant for variant in plan.variants}
        self.skills, self.fails, self.interrupts_after = skills, fails, interrupts_after
        self.names, self.evaluated_sets = [], ()

    def run(self, schedule):
        self.evaluated_sets = schedule.evaluated_sets
        while isinstance(job := schedule.next_job(), Job):
            if len(self.names) == self.interrupts_after:
                raise KeyboardInterrupt
            schedule.mark_running(job)
            self.names.append(job.run)
            if job.run in self.fails:
                schedule.finish_job(job, FAILED, "the loss is nan in epoch 1")
                continue
            name, _, seed = job.run.partition("-seed")
            run = trial_folder(schedule.folder, job.number) / job.run
            write_variant_run(run, self.variants[name], int(seed or 0), self.skills[name])
            schedule.finish_job(job, FINISHED, None)
