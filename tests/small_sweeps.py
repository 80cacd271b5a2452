"""A small sweep on an .npz of generated crops, whose runs are made by `fake_sweep_run.py` or in earnest."""

import json
import sys
from pathlib import Path

import numpy as np

from archnet.files.strict_json import Document
from archnet.spec.sweeps.document import parse_sweep
from archnet.sweep.feasibility import TrialPlanner
from archnet.sweep.results.trials import trial_folder
from archnet.sweep.schedule import Job, TrialSchedule
from archnet.sweep.trial_process import TASKS
from archnet.sweep.tune import TuneRunner
from plain_training import PLAIN

FAKE = (sys.executable, str(Path(__file__).with_name("fake_sweep_run.py")))
LAYERS = [
    {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu", "drop_out": 0},
    {"type": "P", "pool": "max", "kernel_size": [2, 2], "padding": "valid"},
    {"type": "FC", "num_output": 6, "activation": "relu"},
    {"type": "T"},
]
WIDTH, DROP_OUT, POOL = "arch.layers[0].num_output", "arch.layers[0].drop_out", "arch.layers[1].kernel_size"


def write_cubes(folder, count=120):
    """Crops whose positives hold a bright square."""
    y = (np.arange(count) % 3 == 0).astype(np.int64)
    x = np.random.default_rng(0).integers(0, 150, (count, 12, 12, 4), dtype=np.uint8)
    x[y == 1, 4:8, 4:8, 1:3] += 70
    np.savez(folder / "cubes.npz", x=x[..., np.newaxis], y=y, group=np.arange(count) // 4)
    return str(folder / "cubes.npz")


def sweep_document(folder, **keys):
    base = {
        "arch": {"name": "net", "layers": LAYERS},
        "data": {"name": "npz", "root": write_cubes(folder)},
        "training": {**PLAIN, "epochs": 4, "learning_rate": 0.01},
        "evaluation": {"bootstraps": 10},
    }
    return json.loads(json.dumps({"name": "small", "base": base, "metric": "auc", "space": {WIDTH: [2, 4, 8]}, **keys}))


def small_sweep(folder, **keys):
    return parse_sweep(Document(value=sweep_document(folder, **keys), source="small.json"))


def make_schedule(sweep, folder, ended=None):
    ended = [] if ended is None else ended
    return TrialSchedule(
        sweep, folder, TrialPlanner(sweep=sweep), lambda trial: ended.append((trial.number, trial.state)), lambda: 5.0
    )


class SerialRunner:
    """Carries out the runs of a sweep in this process, one after the other: for tests that are not about Ray.

    No scheduler stops a run, so none waits for permission to continue.
    """

    def run(self, schedule):
        while isinstance(job := schedule.next_job(), Job):
            schedule.mark_running(job)
            task = json.loads(TuneRunner().job_config(schedule, job)["order"])
            TASKS[task["task"]]({**task, "asks": False}, lambda result: None)
            schedule.finish_job(job, "finished", None)


def write_run(folder, job, values, *, is_finished=True):
    """What a run leaves."""
    run = trial_folder(folder, job.number) / job.run
    run.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{epoch},0.5,{value}\n" for epoch, value in enumerate(values, start=1))
    (run / "history.csv").write_text("epoch,seconds,validation_auc\n" + rows)
    (run / "experiment.json").write_text(json.dumps({"training": {"epochs": 9, "best_metric": "auc"}}))
    if is_finished:
        (run / "metrics.json").write_text("{}")
        (run / "report.html").touch()
