import json
import re

import pytest

from archnet.sweep import ray_session
from archnet.versus.plan import duration
from command_line import invoked
from plain_training import PLAIN
from small_sweeps import LAYERS, write_cubes
from versus_folders import FakeRunner, durations_of

SKILLS = {"net": 1.0, "net_25d": 1.5, "net_3d": 3.5}


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    """The arguments of a versus whose training steps take 60 s and whose runs are fake."""
    experiment = {"archs": ["net.json"], "training": PLAIN, "evaluation": {"bootstraps": 20}}
    (tmp_path / "net.json").write_text(json.dumps({"name": "net", "layers": LAYERS}))
    (tmp_path / "experiment.json").write_text(json.dumps(experiment))
    monkeypatch.setattr(duration, "measure_durations", lambda plan, **_: durations_of(plan))
    monkeypatch.setattr(duration, "usable_cores", lambda: 2)
    out = tmp_path / "out"
    cubes = f"npz:{write_cubes(tmp_path)}"
    return ["versus", tmp_path / "experiment.json", "--data", cubes, "--seeds", "2", "--forms", "2d,3d", "--out", out]


@pytest.fixture
def fake_runner(monkeypatch):
    """Runs are written by `FakeRunner`; the runners in the order in which they were made."""
    from archnet.versus import run_versus

    runners = []
    original = run_versus.run_versus

    def run(plan, folder, document, *, runner, **options):
        runners.append((runner.address, FakeRunner(plan, SKILLS)))
        return original(plan, folder, document, runner=runners[-1][1], **options)

    monkeypatch.setattr(run_versus, "run_versus", run)
    assert ray_session.SessionRunner().address is None
    return runners


def test_a_dry_run_prints_the_plan_and_writes_nothing(arguments, tmp_path):
    before = set(tmp_path.rglob("*"))
    result = invoked(*arguments, "--dry-run")
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert text.startswith("net as 2D and 3D network form same width parameters mult-adds a run")
    assert "net 2D original x 1 " in text
    assert "net_3d 3D widths x 1 " in text
    assert text.endswith(
        "4 runs (2 networks x 2 seeds), each of 1 epoch, 2 at once: about 2 min 0 s on this machine, estimated from a "
        "few training steps."
    )
    assert set(tmp_path.rglob("*")) == before


def test_a_dry_run_gives_its_plan_as_json(arguments):
    plan = json.loads(invoked(*arguments, "--dry-run", "--json").stdout)
    assert (plan["runs"], plan["runs_at_once"], plan["seconds"]) == (4, 2, 120.0)
    assert [(one["name"], one["form"], one["run"]["seconds"]) for one in plan["variants"]] == [
        ("net", "2D", 60.0),
        ("net_3d", "3D", 60.0),
    ]


@pytest.mark.slow
def test_a_versus_prints_its_answer_and_the_files(arguments, fake_runner):
    result = invoked(*arguments, "--sweep-address", "auto")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    folder = arguments[-1]
    document = json.loads((folder / "versus.json").read_text())
    assert text.startswith(f"3D better. {document['questions'][0]['sentence']} AUC: 3D minus 2D")
    assert "AUC and costs, means over the seeds" in text
    assert "Threshold chosen for the best MCC in validation, over the seeds" in text
    assert "Frontier of cost and AUC, the cheapest first: net < net_3d" in text
    assert text.endswith(f"{folder}/versus.json {folder}/report.html")
    assert [(address, len(runner.names)) for address, runner in fake_runner] == [("auto", 4)]


@pytest.mark.slow
def test_a_second_start_is_refused_before_anything_is_measured_and_resume_prints_what_is_left(
    arguments, fake_runner, monkeypatch
):
    assert invoked(*arguments).exit_code == 0
    monkeypatch.setattr(duration, "measure_durations", None)
    message = f"{arguments[-1]}: already contains results of archnet versus. Resume it with --resume, or use a different --out."
    with pytest.raises(Exception, match=f"^{re.escape(message)}$"):
        raise invoked(*arguments).exception
    result = invoked(*arguments, "--resume", "--json")
    assert "4 runs (2 networks x 2 seeds), 4 of them finished, each of 1 epoch, 2 at once: about 0.0 s" in " ".join(
        result.stderr.split()
    )
    assert json.loads(result.stdout)["folder"] == str(arguments[-1])
    assert fake_runner[-1][1].names == []


@pytest.mark.parametrize("is_retried", [True, False])
def test_failed_runs_are_reset_before_a_versus_is_resumed_if_that_is_asked_for(arguments, monkeypatch, is_retried):
    from archnet.sweep import run as sweep_run
    from archnet.versus import run_versus

    calls = []

    def run(*_, **__):
        calls.append("run")
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep_run, "reset_failed_runs", calls.append)
    monkeypatch.setattr(run_versus, "run_versus", run)
    invoked(*arguments, "--resume", *(["--retry"] if is_retried else []))
    assert calls == [*([arguments[-1]] if is_retried else []), "run"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--noninferior", "0"], "--noninferior 0: expected a margin above 0 and below 1, such as 0.02."),
        (["--noninferior", "1"], "--noninferior 1: expected a margin above 0 and below 1, such as 0.02."),
        (["--gpus", "1.5"], "--gpus 1.5: expected a number from 0 to 1, or a whole number of GPUs."),
        (["--forms", "3d"], "--forms 3d: a comparison needs two forms or more. Add another form, such as 2d,3d."),
    ],
)
def test_invalid_options_are_refused(arguments, options, message):
    with pytest.raises(Exception, match=f"^{re.escape(message)}$"):
        raise invoked(*arguments, *options).exception


@pytest.mark.parametrize(("option", "limit"), [("--folds", 1000), ("--cpus", 4096), ("--gpus", 64)])
def test_resources_and_folds_have_the_limits_of_a_sweep(arguments, option, limit):
    result = invoked(*arguments, option, str(limit + 1))
    assert result.exit_code == 2
    assert f"Invalid value for '{option}': Input should be less than or equal to {limit}" in result.stderr
