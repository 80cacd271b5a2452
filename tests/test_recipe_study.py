"""The study of the default recipe, `experiments/recipe/study.py`, and the trainings that start with other weights."""

import importlib
import json
import os
import subprocess
import sys

import pytest

from experiment_scripts import EXPERIMENTS

RECIPES = EXPERIMENTS / "recipe"
DATA = "tasks/lidc_texture_fold3.npz"


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(RECIPES)
    return {name: importlib.import_module(name) for name in ("study", "train")}


@pytest.fixture
def commands(monkeypatch, scripts, tmp_path):
    """The commands that the study runs on trainings which are named after their folder."""
    found = []
    for part in ("luna16", "screen", "forest"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "scores.jsonl").write_text(f"{part}\n")
    monkeypatch.setattr(subprocess, "run", lambda command, check: found.append(command))
    monkeypatch.setattr(sys, "argv", ["study.py", "data", str(tmp_path)])
    scripts["study"].main()
    return found


def test_one_command_trains_all_recipes_and_keeps_every_table(commands, tmp_path):
    scripts = {command[1] for command in commands}
    assert scripts == {str(RECIPES / f"{name}.py") for name in ("tasks", "train", "compare_recipes", "choose_recipe")}
    assert all(map(os.path.exists, scripts))
    files = {command[command.index("--recipes") + 1] for command in commands if "--recipes" in command}
    assert files == {str(RECIPES / f"{name}.json") for name in ("luna16", "screen", "baselines")}
    kept = {command[command.index("--keep") + 1] for command in commands if "--keep" in command}
    tables = {path.name for path in (EXPERIMENTS / "results").glob("recipe_*")}
    assert kept == {str(tmp_path / "results" / table / "ablation.json") for table in tables}
    assert all((tmp_path / "results" / table).is_dir() for table in tables)


def test_tables_of_several_parts_see_all_trainings_those_of_the_forest_first(commands, tmp_path):
    assert any(str(tmp_path / "scores.jsonl") in command for command in commands)
    first, *others = (tmp_path / "scores.jsonl").read_text().split()
    assert (first, sorted(others)) == ("forest", ["luna16", "screen"])


def pretrained(scripts, **keys):
    recipe = {"name": "mine", "network": {"widths": [4, 8]}, **keys}
    job = {"job": "mine", "recipe": recipe, "task": "lidc_texture", "fold": 3, "seed": 5, "file": DATA}
    return scripts["train"].pretraining_document(job), scripts["train"].experiment_document(job)


def test_a_training_starts_with_the_weights_of_another_task_of_the_same_fold(scripts):
    first, second = pretrained(scripts, pretrain={"task": "lidc_nodule"})
    assert first["data"]["root"] == "tasks/lidc_nodule_fold3.npz"
    assert {**first, "data": second["data"]} == second


def test_a_training_starts_with_the_weights_of_a_2d_network(scripts):
    first, second = pretrained(scripts, pretrain={"form": "2d"})
    assert first["data"] == second["data"]
    kernels = [document["archs"][0]["layers"][0]["kernel_size"] for document in (first, second)]
    assert kernels == [[3, 3], [3, 3, 3]]
    assert first["archs"][0]["layers"][0]["num_output"] == second["archs"][0]["layers"][0]["num_output"] == 4


def test_every_pretraining_is_of_a_task_and_form_of_the_study(scripts):
    recipes = [one for one in json.loads((RECIPES / "screen.json").read_text()) if "pretrain" in one]
    assert {tuple(one["pretrain"].items()) for one in recipes} == {(("form", "2d"),), (("task", "lidc_nodule"),)}
    assert all(one["tasks"] for one in recipes)
