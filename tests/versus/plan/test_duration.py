import json
import re
import sys
from types import SimpleNamespace

import pytest

from archnet.errors import RunError
from archnet.versus.plan import duration
from archnet.versus.plan.duration import NUM_STEPS, measure_durations
from versus_folders import make_plan

RESULT = {"epochs": 7, "steps_per_epoch": 3, "step_seconds": 0.5, "seconds": 40.0}


def command(program):
    return (sys.executable, "-c", f"import sys, json, os; task = json.loads(sys.stdin.readline()); {program}")


def test_each_variant_is_measured_with_the_threads_of_a_run_and_its_start_and_an_end_as_long_are_added(
    tmp_path, monkeypatch
):
    clock = iter([100.0, 109.0, 200.0, 200.1])
    monkeypatch.setattr(duration, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2)
    program = (
        f"print(json.dumps({json.dumps(RESULT)} | {{'epochs': len(task['experiment']['arch']['name']) * task['steps'] "
        "* int(os.environ['OMP_NUM_THREADS'])})); print(json.dumps({'ended': 'finished'}))"
    )
    durations = measure_durations(plan, command(program))
    assert [(one.name, one.epochs) for one in durations] == [("net", 3 * NUM_STEPS), ("net_3d", 6 * NUM_STEPS)]
    assert {(one.steps_per_epoch, one.step_seconds) for one in durations} == {(3, 0.5)}
    start_seconds = 9 - NUM_STEPS * 0.5
    found = [(one.start_seconds, one.seconds) for one in durations]
    assert found == [(start_seconds, 40.0 + 2 * start_seconds), (0.0, 40.0)]  # the second one started at once


def test_a_variant_that_cannot_be_trained_is_named(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2)
    message = (
        "net cannot be trained here; leave its form out of --forms, or its rule out of --match: 0.1 GB are too little"
    )
    program = "print(json.dumps({'ended': 'failed', 'reason': '0.1 GB are too little'}))"
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        measure_durations(plan, command(program))
