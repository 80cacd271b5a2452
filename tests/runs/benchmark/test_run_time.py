from types import SimpleNamespace

import numpy as np
import pytest

from archnet.files.strict_json import Document
from archnet.runs.benchmark import run_time
from archnet.runs.benchmark.run_time import RunTime, measure_run
from archnet.spec.resolve import parse_experiments
from plain_training import PLAIN
from small_sweeps import LAYERS, write_cubes


def test_the_time_of_a_run_is_that_of_its_steps_and_of_its_predictions():
    run = RunTime(epochs=10, steps_per_epoch=6, step_seconds=0.5, forward_steps_per_epoch=1.5, forward_steps=9.0)
    assert run.seconds == pytest.approx(10 * 6 * 0.5 + 0.5 / 3 * (10 * 1.5 + 9))
    assert run.to_document()["seconds"] == run.seconds


def test_the_steps_and_cases_of_all_members_count_after_a_first_step(tmp_path, monkeypatch):
    timed, workloads = [], []

    def measure_seconds(trainer, steps):
        timed.append((trainer, steps))
        return 3.0

    class FakeTimedTraining:
        trainer, steps = "trainer", SimpleNamespace(steps_per_epoch=3)

        def __init__(self, workload):
            workloads.append(workload)

        def iterate_steps(self, first, count):
            return first, count

    monkeypatch.setattr(run_time, "measure_seconds", measure_seconds)
    monkeypatch.setattr(run_time, "TimedTraining", FakeTimedTraining)
    value = {
        "archs": [{"name": "net", "layers": LAYERS}],
        "data": {"name": "npz", "root": write_cubes(tmp_path)},
        "training": {**PLAIN, "epochs": 7, "members": 2},
    }
    (experiment,) = parse_experiments(Document(value=value, source="command line"))
    assert measure_run(experiment, 4) == RunTime(
        epochs=14, steps_per_epoch=3, step_seconds=0.75, forward_steps_per_epoch=12 / 32, forward_steps=2 * 120 / 32
    )
    assert timed == [("trainer", (0, 1)), ("trainer", (1, 4))]
    (workload,) = workloads
    assert (workload.data, workload.num_classes, workload.positive) == ("npz", 2, 1)
    assert workload.examples.images.shape[:3] == (32, 12, 12)
    assert workload.examples.rows.tolist() == [*range(32), *range(32), *range(20)]
    assert np.bincount(workload.examples.labels).tolist() == [56, 28]


@pytest.mark.slow
@pytest.mark.parametrize("rank", [2, 3])
def test_steps_are_measured_on_the_sizes_of_the_data_without_reading_them(tmp_path, monkeypatch, rank):
    layers = [{**LAYERS[0], "kernel_size": [3] * rank}, *LAYERS[2:]]
    value = {
        "archs": [{"name": "net", "layers": layers}],
        "data": {"name": "npz", "root": write_cubes(tmp_path)},
        "training": {**PLAIN, "epochs": 7},
    }
    (experiment,) = parse_experiments(Document(value=value, source="command line"))
    monkeypatch.setattr("archnet.data.dataset.Dataset.crops", None)
    run = measure_run(experiment, 2)
    assert (run.epochs, run.steps_per_epoch) == (7, 3)  # 84 training cases in batches of 32
    assert run.forward_steps == 120 / 32
    assert run.forward_steps_per_epoch == 12 / 32
    assert 0 < run.step_seconds < 60
    assert np.isfinite(run.seconds)
