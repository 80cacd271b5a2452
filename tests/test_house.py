"""The house: who may import whom, and that README, schemas and shipped files stay true."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/archnet"

MAY_IMPORT = {
    "errors": set(),
    "spec": {"errors"},
    "imaging": {"errors"},
    "data": {"errors", "spec", "imaging"},
    "evaluation": {"errors", "spec"},
    "network": {"errors", "spec", "evaluation"},
    "report": {"errors", "spec", "evaluation"},
    "tracking": {"errors", "evaluation"},
    "froc_files": {"errors", "data", "evaluation"},
    "froc_run": {"errors", "spec", "data", "evaluation", "report", "froc_files"},
    "again": {"evaluation", "froc_run", "report"},
    "inference": {"errors", "spec", "imaging", "data", "evaluation", "network", "prepared"},
    "machine": set(),
    "console": set(),
    "prepared": {"errors", "spec", "data"},
    "placement": {"errors", "spec", "evaluation"},
    "records": {"errors", "spec", "data", "evaluation", "prepared"},
    "budget": {"errors", "spec", "machine"},
    "judging": {
        "errors",
        "spec",
        "data",
        "evaluation",
        "froc_run",
        "network",
        "report",
        "placement",
        "prepared",
        "records",
    },
    "trained": {"errors", "spec", "evaluation", "network", "machine", "placement", "prepared"},
    "runner": {
        "trained",
        "budget",
        "errors",
        "spec",
        "data",
        "evaluation",
        "froc_run",
        "judging",
        "network",
        "report",
        "machine",
        "placement",
        "prepared",
        "records",
        "tracking",
    },
    "baseline": {"data", "evaluation", "judging", "machine", "placement", "prepared", "records", "runner", "spec"},
    "bench": {"errors", "spec", "data", "network", "prepared", "machine", "budget"},
    "export": {"errors", "spec", "evaluation", "network", "prepared", "report"},
    "preview": {"errors", "spec", "data", "prepared", "evaluation", "network", "report"},
    "sweep": {
        "budget",
        "data",
        "errors",
        "evaluation",
        "froc_run",
        "judging",
        "placement",
        "prepared",
        "records",
        "report",
        "runner",
        "spec",
    },
}
"""The command line, which comes last, may import everything; `spec` reaches into `network` at one place, see below."""

KERAS_ROOM = "network"
LAZY_DOOR = ("spec/arch.py", "network")
"""`Arch.build` is the public way to a Keras model; it imports the compiler when it is called."""


def room_of(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_what_it_may(path):
    room = room_of(path)
    if room in ("cli", "__init__"):
        return
    used = {name.split(".")[1] for name in imports_of(path) if name.startswith("archnet.")} - {room}
    if str(path.relative_to(SOURCE)) == LAZY_DOOR[0]:
        used -= {LAZY_DOOR[1]}
    assert used <= MAY_IMPORT[room]


def test_keras_stays_behind_one_door_and_each_of_its_backends_behind_a_file_of_its_own():
    owners = {"tensorflow": "on_tensorflow.py", "jax": "on_jax.py"}
    for path in SOURCE.rglob("*.py"):
        lazily = "if TYPE_CHECKING" in path.read_text()
        packages = {name.split(".")[0] for name in imports_of(path)}
        assert all(path.name == owner for package, owner in owners.items() if package in packages), path
        if room_of(path) != KERAS_ROOM and not lazily:
            assert "keras" not in packages, path


def test_the_wheel_carries_schemas_and_templates(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )
    import zipfile

    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"archnet/schemas/{name}.schema.json" for name in ("arch", "experiment", "sweep")} <= names
    templates = {f"archnet/report/templates/{path.name}" for path in (SOURCE / "report/templates").iterdir()}
    assert templates
    assert templates <= names


def readme_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_the_readme_names_only_options_and_files_that_exist():
    from typer.main import get_command

    from archnet.cli import app

    def options_of(command):
        names = {name for parameter in command.params for name in parameter.opts}
        for inner in getattr(command, "commands", {}).values():
            names |= options_of(inner)
        return names

    known = options_of(get_command(app)) | {"--help"}
    lines = [line for block in readme_blocks("sh") for line in block.splitlines() if line.startswith("archnet ")]
    assert len(lines) > 5
    for line in lines:
        assert set(re.findall(r"(?<=\s)--[a-z-]+", line)) <= known, line
        for name in re.findall(r"(?:archs|experiments)/\S+\.json", line):
            assert (ROOT / name).is_file(), line


def test_the_readme_example_in_python_runs(tmp_path, monkeypatch):
    import numpy as np

    generator = np.random.default_rng(0)
    y = np.arange(40) % 2
    x = generator.random((40, 64, 64, 10), np.float32) * 0.4 + 0.5 * y[:, None, None, None]
    np.savez(tmp_path / "cubes.npz", x=x.astype(np.float32), y=y)
    (example,) = readme_blocks("python")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archs").symlink_to(ROOT / "archs")
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    assert 0 <= names["run"].metrics["test"]["recall"] <= 1
    assert names["model"].count_params() == 196_108


def test_every_layer_type_has_its_row_in_the_readme():
    from archnet.spec.layers import LAYERS

    rows = re.findall(r"^\| `([A-Z]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert rows == list(LAYERS)
