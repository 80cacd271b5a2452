"""The scripts of `experiments/` answer --help."""

import json
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from experiment_scripts import EXPERIMENTS

SCRIPTS = sorted(path for path in EXPERIMENTS.glob("*.py") if '__name__ == "__main__"' in path.read_text("utf-8"))

HELP_OF_ALL = """
import contextlib, io, json, runpy, sys
from pathlib import Path

answers = {}
for path in map(Path, sys.argv[1:]):
    sys.argv = [str(path), "--help"]
    sys.path.insert(0, str(path.parent))
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            runpy.run_path(str(path), run_name="__main__")
        code = "no exit"
    except SystemExit as end:
        code = end.code
    answers[path.name] = [code, out.getvalue()]
print(json.dumps(answers))
"""


@pytest.mark.slow
def test_every_script_answers_help():
    command = [sys.executable, "-c", HELP_OF_ALL, *map(str, SCRIPTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    answers = json.loads(done.stdout.splitlines()[-1])
    assert len(answers) == len(SCRIPTS) > 20
    for name, (code, text) in answers.items():
        assert code == 0, name
        assert text.startswith(f"usage: {name} [-h]")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_parses_its_options(path):
    assert ".parse_args(" in path.read_text("utf-8")


@pytest.mark.slow
def test_no_script_has_the_name_of_a_package():
    """A script's folder comes first where Python looks for modules; mutation_score.py needs coverage."""
    packages = {*sys.stdlib_module_names, *packages_distributions(), "coverage"}
    assert not packages & {path.stem for path in EXPERIMENTS.glob("*.py")}
