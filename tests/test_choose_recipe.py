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


def test_tasks_of_one_source_have_a_difference_each(script, study, monkeypatch, capsys):
    scores, only = write_scores(study, ERRORS), ("lidc_malignancy", "lidc_texture")
    kept = choose(script, study, scores, monkeypatch, "--only", *only)
    assert kept["left_out"] == []
    difference = script.auc_difference
    trainings = script.read_trainings(scores)
    flat = kept["recipes"][2]
    each = [difference(study, task, trainings[task]["base"], trainings[task]["flat"]) for task in only]
    assert [flat[task]["value"] for task in only] == [one.value for one in each]
    assert flat["mean"]["value"] == pytest.approx(np.mean([one.value for one in each]))
    assert flat["mean"]["interval"] == pytest.approx(script.mean_of_correlated(each).interval)
    printed = capsys.readouterr().out
    assert printed.startswith("| changed | mean rank | lidc_malignancy | lidc_texture | mean |\n")
    assert "left out" not in printed


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


def test_the_best_recipes_are_stored_with_the_first_one(script, study, monkeypatch):
    recipes = [*RECIPES, {"name": "worst"}]
    scores = write_scores(study, {**ERRORS, "worst": dict.fromkeys(TASKS, 9)})
    written = study / "best.json"
    choose(script, study, scores, monkeypatch, "--best", "1", "--write", str(written), recipes=recipes)
    means = {row["recipe"]: row["mean"]["value"] for row in json.loads((study / "kept.json").read_text())["recipes"]}
    best = max(("depth", "flat", "worst"), key=means.get)
    assert [recipe["name"] for recipe in json.loads(written.read_text())] == ["base", best]


def test_recipes_trained_on_some_folds_are_compared_on_these(script, study, monkeypatch):
    scores = write_scores(study, {name: by_task for name, by_task in ERRORS.items() if name != "flat"})
    lines = scores.read_text()
    write_scores(study, {"flat": ERRORS["flat"]}, folds=(0,))
    scores.write_text(lines + scores.read_text())
    assert choose(script, study, scores, monkeypatch)["unfinished"] == ["flat"]
    assert choose(script, study, scores, monkeypatch, "--folds", "0")["unfinished"] == []


def test_a_training_on_a_task_that_its_recipe_does_not_name_counts(script, study, monkeypatch):
    errors = {**ERRORS, "depth": dict(zip(TASKS, (8, 2, 2, 2, 4), strict=True))}
    kept = choose(script, study, write_scores(study, errors), monkeypatch)
    depth = next(row for row in kept["recipes"] if row["recipe"] == "depth")
    assert depth["LUNA16"]["value"] < 0


def test_a_single_source_cannot_be_left_out(script, study, monkeypatch):
    errors = {name: {"luna16": by_task.get("luna16", 4)} for name, by_task in ERRORS.items()}
    assert choose(script, study, write_scores(study, errors), monkeypatch)["left_out"] == []


def test_recipes_are_compared_with_a_named_one_on_the_test_cases(script, study, monkeypatch, capsys):
    compare = importlib.import_module("compare_recipes")
    reverse = errors_of(base=(0, 0, 0, 0, 0), depth=(0, 4, 4, 4, 4), flat=(6, 0, 0, 0, 0))
    scores = write_scores(study, ERRORS, test_errors=reverse)
    lines = [json.loads(line) for line in scores.read_text().splitlines()]
    costs = {"parameters": 1, "macs": 1, "epochs": 1, "batch_size": 1, "seconds": 60}
    scores.write_text("".join(json.dumps({**line, **costs}) + "\n" for line in lines))
    options = ["--first", "flat", "--names", "base", "--only", "luna16", "--folds", "1", "--test", "--keep"]
    monkeypatch.setattr(
        sys, "argv", ["compare_recipes.py", str(study), str(scores), *options, str(study / "rows.json")]
    )
    compare.main()
    ((task, rows),) = json.loads((study / "rows.json").read_text()).items()
    assert task == "luna16"
    assert [(row["recipe"], row["folds"]) for row in rows] == [("flat", 1), ("base", 1)]
    assert rows[1]["auc"]["mean"] == 1 > rows[0]["auc"]["mean"]
    assert rows[1]["auc_difference"]["value"] > 0
    assert "| base | 1 | 1.000 | 1.000 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (["--first", "depth"], "depth on luna16"),
        (["--names", "flta"], "flta"),
        (["--only", "luna61"], "any recipe on luna61"),
    ],
)
def test_a_comparison_without_trainings_is_refused(script, study, monkeypatch, capsys, options, missing):
    monkeypatch.setattr(sys, "argv", ["compare_recipes.py", str(study), str(write_scores(study, ERRORS)), *options])
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module("compare_recipes").main()
    assert capsys.readouterr().err.endswith(f"scores.jsonl has no training of {missing}\n")
