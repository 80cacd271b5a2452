"""The choice of a recipe with one source of data left out, `experiments/recipe/choose_recipe.py`."""

import importlib
import json
import sys

import numpy as np
import pytest

from archnet.evaluation.uncertainty.seed_variance import MeanEstimate
from experiment_scripts import EXPERIMENTS

pytestmark = pytest.mark.slow

TASKS = ("luna16", "lidc_nodule", "lidc_malignancy", "lidc_texture", "phantom")
RECIPES = [{"name": "base"}, {"name": "depth", "tasks": list(TASKS[1:])}, {"name": "flat"}]


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(EXPERIMENTS / "recipe"))
    yield importlib.import_module("choose_recipe")
    sys.path.remove(str(EXPERIMENTS / "recipe"))


@pytest.fixture
def study(tmp_path):
    """Two folds of each task, whose cases alternate between the classes: 20 of validation and 20 of test."""
    for task in TASKS:
        for fold in range(2):
            np.savez(tmp_path / f"{task}_fold{fold}.npz", y=np.arange(40) % 2, group=np.arange(40) // 2)
    return tmp_path


def probabilities(rows, num_wrong):
    """Those of a network that errs on the first cases."""
    p = np.where(np.asarray(rows) % 2, 0.8, 0.2) + np.arange(len(rows)) / 1000
    p[:num_wrong] = 1 - p[:num_wrong]
    return p.tolist()


def write_scores(study, errors, *, folds=(0, 1), test_errors=None):
    """Write one training per recipe, task and fold; `errors` has the number of errors by recipe and task."""
    sets = {"validation": range(20), "test": range(20, 40)}
    lines = [
        {
            "recipe": recipe,
            "task": task,
            "fold": fold,
            "seed": 0,
            "scores": {
                name: {
                    "cases": list(map(str, rows)),
                    "p": probabilities(
                        rows, num_wrong if name == "validation" else (test_errors or errors)[recipe][task]
                    ),
                }
                for name, rows in sets.items()
            },
        }
        for recipe, by_task in errors.items()
        for task, num_wrong in by_task.items()
        for fold in folds
    ]
    path = study / "scores.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def choose(script, study, scores, monkeypatch, *options, recipes=RECIPES):
    (study / "recipes.json").write_text(json.dumps(recipes))
    arguments = [str(study), str(scores), "--recipes", str(study / "recipes.json"), "--keep", str(study / "kept.json")]
    monkeypatch.setattr(sys, "argv", ["choose_recipe.py", *arguments, *options])
    script.main()
    return json.loads((study / "kept.json").read_text())


def errors_of(**errors):
    return {name: dict(zip(TASKS, numbers, strict=True)) for name, numbers in errors.items()}


ERRORS = errors_of(base=(4, 4, 4, 4, 4), depth=(4, 2, 2, 2, 4), flat=(0, 6, 6, 6, 4))
del ERRORS["depth"]["luna16"]


def test_a_recipe_that_helps_only_on_the_source_left_out_is_not_chosen_for_it(script, study, monkeypatch, capsys):
    kept = choose(script, study, write_scores(study, ERRORS), monkeypatch)
    assert [(row["left_out"], row["chosen"]) for row in kept["left_out"]] == [
        ("LUNA16", "depth"),
        ("LIDC", "flat"),
        ("phantom", "depth"),
    ]
    luna, lidc, phantom = kept["left_out"]
    assert luna["on_the_source"] == {"value": 0, "interval": None}
    assert luna["on_the_others"]["value"] > 0 > lidc["on_the_source"]["value"]
    assert phantom["on_the_source"]["value"] == 0
    printed = capsys.readouterr().out
    assert "| LUNA16 | depth | +0." in printed
    assert printed.count("\n| ") == 3 + 1 + 3


def test_without_a_gain_the_first_recipe_is_chosen(script, study, monkeypatch):
    scores = write_scores(study, errors_of(base=(2, 2, 2, 2, 2), flat=(4, 2, 2, 2, 2)))
    kept = choose(script, study, scores, monkeypatch, recipes=[RECIPES[0], RECIPES[2]])
    assert {row["chosen"] for row in kept["left_out"]} == {"base"}
    assert [row["rank"] for row in kept["recipes"]] == pytest.approx([(1 + 1.5 + 1.5) / 3, (2 + 1.5 + 1.5) / 3])


def test_test_cases_give_the_difference_but_do_not_choose(script, study, monkeypatch):
    reverse = errors_of(base=(0, 0, 0, 0, 0), depth=(0, 4, 4, 4, 4), flat=(6, 0, 0, 0, 0))
    validation = choose(script, study, write_scores(study, ERRORS), monkeypatch)
    test = choose(script, study, write_scores(study, ERRORS, test_errors=reverse), monkeypatch, "--test")
    for before, after in zip(validation["left_out"], test["left_out"], strict=True):
        assert (before["chosen"], before["on_the_others"]) == (after["chosen"], after["on_the_others"])
    assert test["set"] == "test"
    assert test["left_out"][1]["on_the_source"]["value"] == 0
    assert validation["left_out"][1]["on_the_source"]["value"] < 0


def test_a_recipe_with_missing_trainings_is_named_and_not_chosen(script, study, monkeypatch, capsys):
    errors = {**ERRORS, "flat": dict.fromkeys(TASKS[:-1], 0)}
    kept = choose(script, study, write_scores(study, errors), monkeypatch)
    assert kept["unfinished"] == ["flat"]
    assert {row["recipe"] for row in kept["recipes"]} == {"base", "depth"}
    assert "Left out, because trainings are missing: flat." in capsys.readouterr().out


def test_differences_are_paired_by_fold_and_seed_whatever_their_order(script, study):
    scores = write_scores(study, ERRORS)
    lines = scores.read_text().splitlines()
    scores.write_text("\n".join(reversed(lines)) + "\n")
    turned = script.read_trainings(scores)["lidc_nodule"]
    scores.write_text("\n".join(lines) + "\n")
    plain = script.read_trainings(scores)["lidc_nodule"]
    first, second = (script.auc_difference(study, "lidc_nodule", one["base"], one["depth"]) for one in (plain, turned))
    assert first == second
    assert first.standard_error > 0


def test_tasks_of_the_same_scans_do_not_count_as_independent(script):
    estimates = [MeanEstimate(value=v, standard_error=e, degrees_of_freedom=d) for v, e, d in ((1, 2, 5), (3, 4, 9))]
    together, apart = script.mean_of_correlated(estimates), script.mean_of_independent(estimates)
    assert (together.value, together.standard_error, together.degrees_of_freedom) == (2, 3, 5)
    assert (apart.value, apart.standard_error) == (2, pytest.approx((1 + 4) ** 0.5))
    assert apart.degrees_of_freedom == pytest.approx(25 / (1 / 5 + 16 / 9))
