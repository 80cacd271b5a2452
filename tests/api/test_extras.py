"""The core works without the packages of the extras, and each command that needs one names its extra."""

import json
import subprocess
import sys
import tomllib

import pytest

from command_line import ROOT

MODULES = {
    "export": {"tf2onnx", "onnx", "onnxruntime"},
    "lidc": {"pylidc"},
    "sweep": {"ray", "optuna"},
    "tensorboard": {"tensorboard"},
    "track": {"mlflow", "sqlalchemy", "alembic"},
}
"""The modules of the packages of each extra for users."""

FOR_DEVELOPERS = {"dev", "docs"}
FOR_HARDWARE = {"cuda"}

PROGRAM = """\
import json, sys
modules, commands = json.loads(sys.argv[1])
for name in modules:
    sys.modules[name] = None  # as if it were not installed
from typer.testing import CliRunner
from archnet.cli import app
from archnet.errors import ArchnetError
for command in commands:
    done = CliRunner().invoke(app, command)
    if done.exception and not isinstance(done.exception, (ArchnetError, SystemExit)):
        raise done.exception
    print(json.dumps([done.exit_code, done.stdout + done.stderr, str(done.exception)]))
"""


def without_extras(folder, *commands):
    """The exit code, the printed text and the error of each command."""
    modules = sorted(set().union(*MODULES.values()))
    task = json.dumps([modules, [[str(word) for word in command] for command in commands]])
    process = [sys.executable, "-c", PROGRAM, task]
    done = subprocess.run(process, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_modules_of_every_extra_are_listed_here():
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    assert extras - FOR_DEVELOPERS - FOR_HARDWARE == set(MODULES)


@pytest.mark.slow
def test_a_run_and_its_report_need_no_extra(finished_runs, tmp_path):
    (tmp_path / "net.json").write_text('{"name": "net", "rank": 3, "layers": [{"type": "GAP"}, {"type": "T"}]}')
    settings = ["--set", "training.epochs=1", "--set", "evaluation.bootstraps=10"]
    data = ["--data", f"npz:{finished_runs / 'cubes.npz'}", "--out", "out"]
    ran, reported, predicted = without_extras(
        tmp_path,
        ["run", "net.json", *data, *settings],
        ["report", "out/net"],
        ["data", "check", f"npz:{finished_runs / 'cubes.npz'}", "--quick"],
    )
    assert [ran[0], reported[0], predicted[0]] == [0, 0, 0]
    assert (
        'no TensorBoard logs; to add them: pip install "archnet[tensorboard]"'
        in (tmp_path / "out/net/log.txt").read_text()
    )
    assert (tmp_path / "out/net/report.html").is_file()
    assert not (tmp_path / "out/net/tensorboard").exists()


@pytest.mark.long
def test_each_command_that_needs_an_extra_names_it(finished_runs, luna16_phantom, tmp_path):
    run = finished_runs / "out/flat"
    lidc = ["--data", "luna16", "--root", luna16_phantom, "--set", "data.task=malignancy"]
    results = without_extras(
        tmp_path,
        ["sweep", ROOT / "experiments/sweep_width.json", "--out", "sweep"],
        ["export", run, "--format", "onnx"],
        ["run", ROOT / "archs/archsm.json", "--data", "phantom", "--track", "mlflow", "--out", "tracked"],
        ["run", ROOT / "archs/archsm.json", *lidc, "--out", "malignancy"],
    )
    for (code, _, error), extra in zip(results, ("sweep", "export", "track", "lidc"), strict=True):
        assert code != 0
        assert f'pip install "archnet[{extra}]"' in error
