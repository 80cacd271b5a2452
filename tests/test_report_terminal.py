import io
import json

from rich.console import Console

from archnet.evaluation.comparison import compare
from archnet.report.terminal import classification_report, comparison_table, confusion_table, metrics_table, run_summary
from synthetic_runs import synthetic_predictions, write_run

PUBLISHED = [[1248, 90], [63, 218]]
CLASSES = ["non-nodule", "nodule"]


def printed(renderable, width=80):
    console = Console(width=width, record=True, color_system=None, file=io.StringIO())
    console.print(renderable)
    return [line.rstrip() for line in console.export_text().splitlines()]


def words(lines):
    return [line.split() for line in lines]


def test_the_confusion_matrix_names_rows_columns_and_recalls():
    lines = words(printed(confusion_table(PUBLISHED, CLASSES, "test")))
    assert ["Confusion", "matrix,", "test", "set"] in lines
    assert ["truth", "↓", "pred.", "→", "non-nodule", "nodule", "recall"] in lines
    assert ["non-nodule", "1,248", "90", "93.3%"] in lines
    assert ["nodule", "63", "218", "77.6%"] in lines


def test_the_classification_report_has_every_class_and_the_accuracy():
    lines = words(printed(classification_report(PUBLISHED, CLASSES, "test")))
    assert ["class", "precision", "recall", "f1", "support"] in lines
    assert ["non-nodule", "0.952", "0.933", "0.942", "1,338"] in lines
    assert ["nodule", "0.708", "0.776", "0.740", "281"] in lines
    assert ["accuracy", "0.905", "1,619"] in lines


def test_a_class_without_cases_has_an_undefined_recall():
    assert ["nodule", "0", "0", "undefined"] in words(printed(confusion_table([[3, 0], [0, 0]], CLASSES, "test")))


def test_the_summary_of_a_run_fits_80_columns_with_errors_beside_the_matrix(tmp_path):
    folder = write_run(tmp_path / "archsm")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    lines = printed(run_summary(metrics))
    heading = next(line for line in lines if "Confusion matrix" in line)
    assert heading.split() == ["Confusion", "matrix,", "test", "set", "Error"]
    for name, said in (("train", "training"), ("validation", "validation"), ("test", "test")):
        wrong = f"{100 * (1 - metrics[name]['accuracy']):.1f}%"
        assert any(line.split()[-3:] == [said, wrong, str(metrics[name]["n"])] for line in lines), name


def test_the_metrics_table_has_every_set_with_its_interval(tmp_path):
    folder = write_run(tmp_path / "archsm")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    text = "\n".join(printed(metrics_table(metrics)))
    low, high = metrics["test"]["intervals"]["auc"]
    assert f"{metrics['test']['auc']:.3f}" in text
    assert f"{low:.3f} to {high:.3f}" in text


def test_square_brackets_in_class_names_are_printed_as_they_are():
    assert any("[red]x" in line for line in printed(confusion_table(PUBLISHED, ["[red]x", "y"], "test")))
    assert any("[red]x" in line for line in printed(classification_report(PUBLISHED, ["[red]x", "y"], "test")))


def test_few_runs_stand_in_columns_with_intervals(tmp_path):
    comparison = compare([write_run(tmp_path / "archsm"), write_run(tmp_path / "arch3dsm", skill=2.5)])
    lines = words(printed(comparison_table(comparison)))
    assert ["archsm", "arch3dsm"] in lines
    recalls = [f"{row.metrics['recall']:.3f}" for row in comparison.rows]
    assert ["recall", "(sensitivity)", *recalls] in lines
    assert ["parameters", "99,948", "99,948"] in lines
    assert ["multiply-adds", "41.2", "M", "41.2", "M"] in lines


def test_many_runs_stand_in_lines(tmp_path):
    folders = [write_run(tmp_path / f"net{number}", skill=1 + number) for number in range(4)]
    comparison = compare(folders)
    lines = words(printed(comparison_table(comparison), width=110))
    for row in comparison.rows:
        assert any(line[:2] == [row.run, f"{row.metrics['recall']:.3f}"] for line in lines if line)


def test_a_comparison_of_other_cases_warns_in_its_own_line(tmp_path):
    first = write_run(tmp_path / "a", predictions=synthetic_predictions(seed=0))
    other = write_run(tmp_path / "b", predictions=synthetic_predictions(seed=1))
    text = " ".join(" ".join(printed(comparison_table(compare([first, other])))).split())
    assert "Warning: The test cases differ: b has" in text
