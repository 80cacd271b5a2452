"""The results: the tables of the documentation and of the README are the files under experiments/results."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from statistics import mean

import pytest

from archnet.files.strict_json import Document
from archnet.spec.auto import refresh_reasons
from archnet.spec.auto_rules import AUTO_RULES, Symmetry, TrainingSet
from archnet.spec.resolve import parse_experiments
from experiment_scripts import EXPERIMENTS, load_script

RESULTS = EXPERIMENTS / "results"


def lines_of(path):
    return set(path.read_text(encoding="utf-8").splitlines())


def rows_of(path):
    rows = {line for line in lines_of(path) if "experiments/results/" in line and line[0] == "|"}
    return {row for row in rows if "results/versus/" not in row}


def read_ablation(name):
    return json.loads((RESULTS / name / "ablation.json").read_text())


RESULTS_PAGE = EXPERIMENTS.parent / "docs/pages/results/index.md"


def test_the_tables_of_the_results_page_are_the_results_or_their_means_over_seeds():
    collect, expected, lines = load_script("collect_results"), set(), rows_of(RESULTS_PAGE)
    for path in RESULTS.glob("*.json"):
        alone, name = collect.table_row(path.stem, json.loads(path.read_text())), path.stem.rpartition("_seed")[0]
        expected.add(alone if alone in lines or not name else collect.mean_row(name))
    assert expected == lines


def test_the_table_of_the_readme_has_rows_of_the_results_page():
    prefix = load_script("collect_results").FOLDER
    rows = rows_of(EXPERIMENTS.parent / "README.md")
    assert len(rows) > 5
    assert {row.replace("](experiments/results", f"]({prefix}") for row in rows} <= rows_of(RESULTS_PAGE)


def test_each_result_reports_its_command_and_its_resolved_experiment():
    for path in RESULTS.rglob("*.json"):
        if path.name not in ("ablation.json", "comparison.json") and "versus" not in path.parts:
            result = json.loads(path.read_text())
            assert result["command"].startswith("archnet "), path
            assert result["experiment"]["split"], path
            assert {"validation", "test"} & set(result["metrics"]), path


@pytest.mark.parametrize("name", ["sweep_recipe", "sweep_batch_norm"])
def test_the_ablations_tables_are_what_their_sweeps_came_to(name):
    ablation, lines = load_script("ablation_table"), lines_of(EXPERIMENTS / "README.md")
    rows = read_ablation(name)
    (values,) = json.loads((EXPERIMENTS / f"{name}.json").read_text())["space"].values()
    assert [next(iter(row["values"].values())) for row in rows] == values
    for number, row in enumerate(rows):
        assert ablation.table_row(row) in lines, row
        runs = [json.loads(path.read_text()) for path in (RESULTS / name).glob(f"{number:03}_seed*.json")]
        for metric in ablation.METRICS:
            assert row[metric] == pytest.approx(mean(run["metrics"]["validation"][metric] for run in runs)), number


def test_the_recipes_chosen_with_a_source_left_out_are_their_results(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS / "recipe"))
    script, lines = load_script("recipe/choose_recipe"), lines_of(EXPERIMENTS / "README.md")
    validation, test = (read_ablation(name) for name in ("recipe_screen", "recipe_screen_test"))
    assert lines >= {*script.recipe_lines(validation["recipes"]), *script.left_out_lines(validation)}
    assert lines >= set(script.left_out_lines(test))
    assert (validation["set"], test["set"], test["recipes"]) == ("validation", "test", validation["recipes"])
    names = [recipe["name"] for recipe in json.loads((EXPERIMENTS / "recipe" / "screen.json").read_text())]
    assert sorted([*(row["recipe"] for row in validation["recipes"]), *validation["unfinished"]]) == sorted(names)


def test_the_table_of_all_recipes_on_the_small_tasks_is_its_results(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS / "recipe"))
    script, rows = load_script("recipe/choose_recipe"), read_ablation("recipe_small")
    assert lines_of(EXPERIMENTS / "README.md") >= set(script.recipe_lines(rows["recipes"]))
    recipes = json.loads((EXPERIMENTS / "recipe" / "screen.json").read_text())
    names = [recipe["name"] for recipe in recipes if "lidc_texture" in recipe["tasks"]]
    trained = [row["recipe"] for row in rows["recipes"]]
    assert trained == [name for name in names if name in trained]
    assert {*trained, *rows["unfinished"]} >= set(names)


@pytest.mark.parametrize(("name", "first"), [("recipe_folds", "base"), ("recipe_forest", "random forest")])
def test_the_tables_of_several_tasks_are_their_results(name, first):
    rows = read_ablation(name)
    assert lines_of(EXPERIMENTS / "README.md") >= set(load_script("recipe/compare_recipes").table_lines(rows))
    assert {task_rows[0]["recipe"] for task_rows in rows.values()} == {first}


@pytest.mark.parametrize("name", ["recipe_luna16", "recipe_luna16_test"])
def test_the_table_of_recipes_on_luna16_is_its_results(name):
    lines = lines_of(EXPERIMENTS / "README.md")
    rows = read_ablation(name)["luna16_groups"]
    names = [recipe["name"] for recipe in json.loads((EXPERIMENTS / "recipe" / "luna16.json").read_text())]
    assert {row["recipe"] for row in rows} == set(names)
    assert rows[0]["recipe"] == names[0]
    assert "auc_difference" not in rows[0]
    assert lines >= {load_script("recipe/compare_recipes").table_row(row) for row in rows}
    assert all(row["parameters"] <= 500_000 for row in rows)


@pytest.mark.parametrize(
    ("difference", "cell"),
    [
        ({"difference": 0.0123, "interval": [-0.01, 0.03]}, "+0.0123 (-0.0100 to +0.0300)"),
        ({"difference": 0.0123, "interval": None}, "+0.0123"),
        ({"difference": None, "interval": None}, "–"),
    ],
)
def test_a_difference_in_an_ablation_s_table_may_have_no_interval(difference, cell):
    figure = {"values": {"learning_rate": 0.1}, "auc": 0.9, "mcc": None, "recall": 0.5, "auc_difference": difference}
    figure["deviations"] = {"auc": 0.01, "mcc": None, "recall": 0.02}
    row = load_script("ablation_table").table_row(figure)
    assert row == f"| `learning_rate` 0.1 | 0.900 ± 0.010 | – | 0.500 ± 0.020 | {cell} |"


def test_a_comparison_s_table_may_have_no_deviation_and_no_interval():
    metrics = {"n": 40, "recall": 0.5, "mcc": None, "auc": 0.9, "intervals": dict.fromkeys(("recall", "mcc", "auc"))}
    row = {"run": "net", "metrics": metrics, "spread": None}
    document = {"runs": [row], "positive": "nodule", "sentence": "No difference is shown.", "cautions": []}
    keep, cells = load_script("keep_comparison"), "| lidc | net | 40 | 0.500 | – | 0.900 |"
    assert keep.table_lines("lidc", document) == [cells, "lidc: No difference is shown."]
    row["spread"] = {"recall": None, "mcc": None, "auc": None}
    assert keep.table_lines("lidc", document)[0] == cells


def test_the_table_of_versus_results_is_what_their_files_say():
    keep, readme = load_script("keep_versus"), lines_of(EXPERIMENTS.parent / "README.md")
    rows = [row for path in sorted(RESULTS.glob("versus/*/versus.json")) for row in keep.table_rows(path)]
    assert len(rows) > 5
    assert lines_of(EXPERIMENTS / "README.md") >= {*keep.HEADER, *rows}
    assert {row for row in readme if "](experiments/results/versus/" in row} == {
        row.replace("](results/", "](experiments/results/") for row in rows
    }


def test_the_tables_of_comparisons_are_what_archnet_compare_says():
    keep, lines = load_script("keep_comparison"), lines_of(EXPERIMENTS / "README.md")
    comparisons = sorted(RESULTS.rglob("comparison.json"))
    assert len(comparisons) > 1
    for path in comparisons:
        name = str(path.parent.relative_to(RESULTS))
        assert lines >= set(keep.table_lines(name, json.loads(path.read_text()))), name


OTHER_RECIPES = (
    r"luna16_(archsm_published_|published_protocol|by_group|small_)|phantom_|random_forest|logistic_regression"
)
SHAPES = {
    "luna16_candidates_2d.npz": (50, 50),
    "lidc_nodule_vs_background_3d.npz": (24, 24, 24),
    "lidc_malignancy.npz": (51, 51, 51),
}


def _values(reasons: Mapping[str, str]) -> dict[str, str]:
    """The chosen values, without the reasons, whose wording may differ between versions."""
    return {key: reason.partition(": ")[0] for key, reason in reasons.items()}


def test_the_results_of_the_default_recipe_have_the_automatic_choices_for_their_cases():
    checked = 0
    for path in RESULTS.rglob("*.json"):
        result = json.loads(path.read_text())
        if (
            path.name in ("ablation.json", "comparison.json")
            or "versus" in path.parts
            or re.match(OTHER_RECIPES, path.stem)
        ):
            continue
        (experiment,) = parse_experiments(Document(value=result["experiment"], source=str(path)))
        counts = tuple(sum(row) for row in result["metrics"]["train"]["confusion_matrix"])
        shape = experiment.data.crop_size or SHAPES[Path(experiment.data.root).name]
        known = TrainingSet(counts=counts, shape=shape, positive=1, symmetry=Symmetry(reason="-"))
        if "training.augmentation" in experiment.auto_reasons:
            assert AUTO_RULES["augmentation"](experiment, known)[0] == experiment.training.augmentation, path
        reasons = refresh_reasons(experiment, known).auto_reasons
        assert _values(reasons) == _values(result["experiment"]["picked"]) != {}, path
        checked += 1
    assert checked > 20


def test_the_table_of_the_gpu_is_its_results():
    rows = [json.loads(line) for line in (RESULTS / "gpu_h200.jsonl").read_text().splitlines()]
    speeds = {(row["network"], row["precision"]): row for row in rows if row["kind"] == "speed"}

    def cells(row):
        return f"{row['steps_per_second']:.0f} | {row['peak_share']:.2%}" if row else "not measured | "

    expected = {
        f"| `{network}` | {row['batch_size']} | {cells(row)} | {cells(speeds.get((network, 'bfloat16')))} |"
        for (network, precision), row in speeds.items()
        if precision == "float32"
    }
    lines = lines_of(EXPERIMENTS / "README.md")
    start = "| network | batch | float32 steps/s | share of peak | bfloat16 steps/s | share of peak |"
    assert start in lines
    assert expected <= lines
    checks = [row for row in rows if row["kind"] in ("layer", "kernel")]
    num_layers, num_networks = (sum(row["kind"] == kind for row in checks) for kind in ("layer", "kernel"))
    assert all(row["agrees"] for row in checks)
    text = (EXPERIMENTS / "README.md").read_text()
    assert (
        f"all {num_layers} examples of layer types and all convolutions and dense layers of {num_networks} networks"
        in text
    )
    assert f"largest relative error is {max(row['error'] for row in checks):.1%}" in text
    ratios = [[row[form] for row in rows if row["kind"] == "form"] for form in ("archnet_ratio", "keras_ratio")]
    shown = [number for form in ratios for number in (f"{min(form):.1f}", f"{max(form):.1f}")]
    assert re.search(
        r"takes (\S+) to (\S+) times as long\nas the dense one, and one of Keras's (\S+) to (\S+) times", text
    ).groups() == tuple(shown)
