"""`archnet init`: the files of a new project."""

import json
from pathlib import Path

import numpy as np
import pytest

from archnet.spec.schema import SCHEMAS, schema_path
from archnet.spec.shipped.new_project import PROJECT_FILES, create_project
from command_line import invoked

FILES = [*PROJECT_FILES, *(f"schemas/{name}.schema.json" for name in SCHEMAS)]


def test_a_project_has_an_architecture_an_experiment_a_sweep_a_readme_and_the_schemas(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoked("init", "mine")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [f"mine/{name}" for name in FILES]
    assert (
        done.stderr == "Next: cd mine, then archnet run experiment.json, or archnet studio. README.md explains both.\n"
    )
    assert sorted(path.as_posix() for path in Path("mine").rglob("*") if path.is_file()) == sorted(
        f"mine/{name}" for name in FILES
    )
    assert json.loads(invoked("init", "other", "--json").stdout) == [f"other/{name}" for name in FILES]


def test_the_created_documents_are_valid(tmp_path, monkeypatch):
    create_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = invoked("check", "my_net.json", "experiment.json", "sweep.json")
    assert (done.exit_code, done.stderr) == (0, "")
    starts = [
        "my_net.json: valid: 3D, ",
        "experiment.json: valid: an experiment with my_net",
        "sweep.json: valid: a sweep of 6 ",
    ]
    lines = done.stdout.splitlines()
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts


def test_the_schemas_are_where_the_documents_and_the_schemas_say(tmp_path):
    create_project(tmp_path)
    for name, schema in {"my_net": "arch", "experiment": "experiment", "sweep": "sweep"}.items():
        path = tmp_path / json.loads((tmp_path / f"{name}.json").read_text())["$schema"]
        assert path.read_bytes() == schema_path(schema).read_bytes()
    references = {
        value
        for path in (tmp_path / "schemas").iterdir()
        for value in _references(json.loads(path.read_text(encoding="utf-8")))
        if not value.startswith("#")
    }
    assert references == {"arch.schema.json"}


def _references(value):
    if isinstance(value, dict):
        yield from (entry for key, entry in value.items() if key == "$ref")
    for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _references(entry)


def test_the_readme_names_the_files_and_commands_that_exist(tmp_path):
    create_project(tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert all(name in text for name in PROJECT_FILES if name != "README.md")
    lines = [line.split("#")[0].split() for line in text.split("```")[1].splitlines() if line.startswith("archnet ")]
    assert [line[1] for line in lines] == ["studio", "check", "run", "sweep"]
    assert all((tmp_path / name).is_file() for line in lines for name in line[2:])


def test_no_file_is_overwritten(tmp_path):
    (tmp_path / "my_net.json").write_text("mine")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/arch.schema.json").symlink_to(tmp_path / "nowhere")
    done = invoked("init", tmp_path)
    assert str(done.exception) == (
        f"{tmp_path}: already contains my_net.json, schemas/arch.schema.json. "
        "No file is overwritten: choose a different folder."
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my_net.json", "schemas"]
    assert (tmp_path / "my_net.json").read_text() == "mine"


def test_a_file_in_place_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "schemas").write_text("")
    message = (
        f"DIR={str(tmp_path / 'schemas')!r}: {tmp_path / 'schemas'} is a file, not a folder. Use a different folder."
    )
    assert str(invoked("init", tmp_path).exception) == message


def test_the_twin_that_the_readme_suggests_fits_the_experiment(tmp_path, monkeypatch):
    create_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "`archnet twin my_net.json --rank 2 --out my_net_2d.json`" in Path("README.md").read_text(encoding="utf-8")
    assert invoked("twin", "my_net.json", "--rank", "2", "--out", "my_net_2d.json").exit_code == 0
    document = json.loads(Path("experiment.json").read_text(encoding="utf-8"))
    Path("both.json").write_text(json.dumps(document | {"archs": ["my_net.json", "my_net_2d.json"]}))
    done = invoked("check", "both.json")
    assert (done.stdout, done.stderr) == ("both.json: valid: an experiment with my_net, my_net_2d\n", "")


@pytest.mark.slow
def test_the_created_experiment_runs(tmp_path, monkeypatch):
    create_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    labels = np.arange(40) % 2
    cubes = np.random.default_rng(0).random((40, 32, 32, 10), np.float32) / 2 + labels[:, None, None, None] / 2
    np.savez("cubes.npz", x=cubes.astype(np.float32), y=labels)
    settings = ("--set", "training.epochs=1", "--set", "evaluation.bootstraps=10")
    done = invoked("run", "experiment.json", "--data", "npz:cubes.npz", *settings)
    assert done.exit_code == 0, done.exception
    assert (tmp_path / "runs/my_experiment/my_net/report.html").is_file()
