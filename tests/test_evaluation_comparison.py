import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from archnet.errors import DataError, RunError
from archnet.evaluation.comparison import compare
from synthetic_runs import synthetic_predictions, write_run


def test_runs_stand_side_by_side_with_their_own_numbers(tmp_path):
    folders = [write_run(tmp_path / "archsm"), write_run(tmp_path / "arch3dsm", skill=2.5)]
    comparison = compare(folders)
    assert (comparison.classes, comparison.positive, comparison.set) == (("non-nodule", "nodule"), "nodule", "test")
    assert [row.run for row in comparison.rows] == ["archsm", "arch3dsm"]
    assert comparison.warnings == ()
    for row, folder in zip(comparison.rows, folders, strict=True):
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        assert row.value("recall", "nodule") == metrics["test"]["recall"]
        assert row.interval("auc", "nodule") == metrics["test"]["intervals"]["auc"]
        assert row.train_accuracy == metrics["train"]["accuracy"]
        assert row.costs["parameters"] == 99_948


def test_of_more_classes_the_positive_ones_numbers_are_compared(tmp_path):
    classes = ("CT-0", "CT-1", "CT-23")
    folders = [write_run(tmp_path / name, classes=classes) for name in ("a", "b")]
    metrics = json.loads((folders[0] / "metrics.json").read_text(encoding="utf-8"))["test"]
    row = compare(folders).rows[0]
    assert row.value("recall", "CT-1") == metrics["recall"]["per_class"]["CT-1"]
    assert row.interval("recall", "CT-1") == metrics["intervals"]["recall"]["per_class"]["CT-1"]
    assert row.value("mcc", "CT-1") == metrics["mcc"]


def test_an_experiments_folder_stands_for_its_runs(tmp_path):
    for name in ("b", "a"):
        write_run(tmp_path / "exp" / name)
    (tmp_path / "exp" / "unfinished").mkdir()
    assert [row.run for row in compare([tmp_path / "exp"]).rows] == ["a", "b"]


def test_runs_of_one_name_are_told_apart_by_their_parents(tmp_path):
    folders = [write_run(tmp_path / parent / "archsm") for parent in ("one", "two")]
    assert [row.run for row in compare(folders).rows] == ["one/archsm", "two/archsm"]


def test_the_comparison_is_json(tmp_path):
    comparison = compare([write_run(tmp_path / "a"), write_run(tmp_path / "b")])
    document = comparison.as_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert [row["run"] for row in document["runs"]] == ["a", "b"]


def test_runs_on_other_test_cases_carry_a_warning_that_says_how_they_differ(tmp_path):
    predictions = synthetic_predictions()
    fewer_sets = predictions.sets.copy()
    fewer_sets[np.flatnonzero(fewer_sets == "test")[:20]] = "train"
    num_test = int(np.sum(predictions.sets == "test"))
    first = write_run(tmp_path / "a", predictions=predictions)
    other = write_run(tmp_path / "b", predictions=replace(predictions, sets=fewer_sets))
    assert compare([first, other]).warnings == (
        f"The test cases differ: b has {num_test - 20}, a has {num_test}, and they share {num_test - 20}. "
        "Their numbers cannot be compared; run both on the same split.",
    )


def test_runs_that_disagree_about_the_truth_carry_a_warning(tmp_path):
    predictions = synthetic_predictions()
    flipped = predictions.y_true.copy()
    flipped[np.flatnonzero(predictions.sets == "test")[:3]] ^= 1
    num_test = int(np.sum(predictions.sets == "test"))
    first = write_run(tmp_path / "a", predictions=predictions)
    other = write_run(tmp_path / "b", predictions=replace(predictions, y_true=flipped))
    assert compare([first, other]).warnings == (
        f"The test cases differ: b has {num_test}, a has {num_test}, and they share {num_test}, 3 of them with another "
        "true class. Their numbers cannot be compared; run both on the same split.",
    )


def test_without_test_sets_the_validation_sets_are_compared(tmp_path):
    predictions = synthetic_predictions()
    sets = np.where(predictions.sets == "test", "validation", predictions.sets)
    folders = [write_run(tmp_path / name, predictions=replace(predictions, sets=sets)) for name in ("a", "b")]
    assert compare(folders).set == "validation"


def test_runs_without_a_common_set_are_refused(tmp_path):
    predictions = synthetic_predictions()
    only = {name: write_run(tmp_path / name, predictions=predictions.only(name)) for name in ("test", "validation")}
    message = (
        f"{only['validation']}: has no test cases, and not every run has validation cases, so that there is no set to "
        "compare on. Run it again with split.test above 0."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([only["test"], only["validation"]])


def test_one_run_is_no_comparison(tmp_path):
    folder = write_run(tmp_path / "a")
    message = f"{folder}: a comparison needs two runs or more. Name another one."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([folder, folder])


def test_a_missing_or_unfinished_run_is_named(tmp_path):
    message = f"{tmp_path / 'none'}: no such folder. Name a run folder, as `archnet run` printed it."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([tmp_path / "none"])
    message = (
        f"{tmp_path}: no metrics.json here or one level down, so there is no finished run. "
        "Run the experiment to its end, or name another folder."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([tmp_path])


def test_runs_of_other_classes_or_another_positive_class_are_refused(tmp_path):
    first, other = write_run(tmp_path / "a"), write_run(tmp_path / "b", classes=("CT-0", "CT-23"))
    message = (
        f'{other}: classes are "CT-0", "CT-23", but classes are "non-nodule", "nodule" in {first}. '
        "Compare runs of the same classes and the same positive class."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([first, other])
    turned = write_run(tmp_path / "c")
    metrics = json.loads((turned / "metrics.json").read_text(encoding="utf-8"))
    (turned / "metrics.json").write_text(json.dumps(metrics | {"positive": "non-nodule"}), encoding="utf-8")
    message = (
        f'{turned}: positive is "non-nodule", but positive is "nodule" in {first}. '
        "Compare runs of the same classes and the same positive class."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        compare([first, turned])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "{path}:1: not JSON (Expecting property name enclosed in double quotes). Restore the file, or run the "
              "experiment again."),
        ("[]", "{path}: holds [], not a JSON object. Run the experiment again."),
        ("{}", '{path}: has no "classes". Recompute it with `archnet report {folder}`.'),
        ('{"classes": ["a", "b"], "positive": "b", "test": {"n": 1}}',
         '{path}: test has no "confusion_matrix". Recompute it with `archnet report {folder}`.'),
    ],
)  # fmt: skip
def test_a_damaged_metrics_file_is_refused(tmp_path, text, message):
    first, other = write_run(tmp_path / "a"), write_run(tmp_path / "b")
    path = other / "metrics.json"
    path.write_text(text, encoding="utf-8")
    expected = message.replace("{path}", str(path)).replace("{folder}", str(other))
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        compare([first, other])


def test_comparing_imports_nothing_heavy():
    code = (
        "import sys; import archnet.evaluation.comparison, archnet.evaluation.metrics, archnet.report.terminal; "
        "heavy = {'keras', 'tensorflow', 'sklearn', 'scipy', 'pandas', 'matplotlib', 'jinja2', 'SimpleITK'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
