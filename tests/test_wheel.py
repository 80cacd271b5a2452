"""The wheel: what it contains, and that archnet works from it outside a clone, without network and in any folder."""

import json
import os
import subprocess
import sys
from zipfile import ZipFile

import pytest

from command_line import ROOT
from house import SOURCE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of the unpacked wheel."""
    folder = tmp_path_factory.mktemp("site")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def archnet(installed, tmp_path):
    """Run the command line of the wheel in an empty folder."""

    def command(*arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "archnet", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed), "COLUMNS": "80"},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        assert done.returncode == code, done.stderr
        return done

    return command


def test_the_wheel_contains_the_package_and_all_shipped_documents(installed):
    def files_of(folder):
        paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(folder).as_posix() for path in paths}

    patterns = ("archs/**/*.json", "experiments/*.json", "schemas/*.json")
    shipped = {f"shipped/{path.relative_to(ROOT).as_posix()}" for pattern in patterns for path in ROOT.glob(pattern)}
    assert len(shipped) > 40
    assert files_of(installed / "archnet") == files_of(SOURCE) | shipped


def test_the_code_of_the_wheel_is_the_one_that_runs(archnet, installed):
    files = [entry["file"] for entries in json.loads(archnet("list", "--json").stdout).values() for entry in entries]
    assert files
    assert all(name.startswith(f"{installed / 'archnet/shipped'}{os.sep}") for name in files)


def test_all_shipped_documents_are_valid_by_name_outside_a_clone(archnet):
    entries = json.loads(archnet("list", "--json").stdout)
    names = [entry["name"] for kind in entries.values() for entry in kind]
    assert len(names) > 40
    results = json.loads(archnet("check", "--json", *names).stdout)
    assert {result["file"]: result["valid"] for result in results} == dict.fromkeys(names, True)


def test_a_twin_of_a_shipped_architecture_names_the_schema_that_is_there(archnet, tmp_path):
    archnet("twin", "archsm", "--rank", "3", "--input", "64x64x10", "--out", tmp_path / "deep.json")
    twin = json.loads((tmp_path / "deep.json").read_text())
    schema = json.loads((tmp_path / twin["$schema"]).read_text())
    assert schema["title"] == "archnet architecture"
    archnet("check", "deep.json")


def test_a_new_project_is_valid_and_its_schemas_are_those_of_the_wheel(archnet, tmp_path):
    archnet("init", "mine")
    checked = archnet("check", "mine/my_net.json", "mine/experiment.json", "mine/sweep.json")
    assert [line.split(":")[1] for line in checked.stdout.splitlines()] == [" valid"] * 3
    assert (tmp_path / "mine/schemas/arch.schema.json").read_text(encoding="utf-8") == archnet("schema", "arch").stdout
    assert "already contains" in archnet("init", "mine", code=2).stderr
