import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.integrity.manifest import record_run
from archnet.report.run_files import read_run
from archnet.report.sentences.badge import badge_text
from archnet.report.sentences.comparison_cautions import comparison_cautions
from archnet.report.sentences.comparison_sentence import (
    comparison_sentence,
    cost_sentences,
    main_sentence,
    other_sentences,
)
from archnet.report.sentences.run_cautions import cautions
from archnet.report.sentences.run_headline import headline
from archnet.report.terminal.terminal_tables import (
    classification_report,
    comparison_table,
    confusion_table,
    run_summary,
)
from synthetic_runs import edit, synthetic_predictions, write_run

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
    assert ["Rows:", "true", "class.", "Columns:", "predicted", "class."] in lines
    assert ["true", "class", "non-nodule", "nodule", "recall"] in lines
    assert ["non-nodule", "1,248", "90", "93.3%"] in lines
    assert ["nodule", "63", "218", "77.6%"] in lines


def test_the_classification_report_has_every_class_and_the_accuracy():
    lines = words(printed(classification_report(PUBLISHED, CLASSES, "test")))
    assert ["class", "precision", "recall", "F1", "support"] in lines
    assert ["non-nodule", "0.952", "0.933", "0.942", "1,338"] in lines
    assert ["nodule", "0.708", "0.776", "0.740", "281"] in lines
    assert ["accuracy", "0.905", "1,619"] in lines


def test_the_report_of_three_classes_has_their_macro_average():
    lines = words(printed(classification_report([[8, 2, 0], [1, 4, 0], [0, 2, 3]], ["a", "b", "c"], "test")))
    assert ["macro", "average", "0.796", "0.733", "0.736", "20"] in lines


def test_a_comparison_of_three_classes_shows_macro_averages_and_the_recall_of_each_class(tmp_path):
    classes = ("CT-0", "CT-1", "CT-23")
    runs = [write_run(tmp_path / name, classes=classes, skill=skill) for name, skill in (("flat", 1.0), ("deep", 2.0))]
    comparison = compare(runs)
    lines = printed(comparison_table(comparison))
    assert max(map(len, lines)) <= 80
    recalls = [f"{row.value('recall'):.3f}" for row in comparison.rows]
    assert ["macro", "recall", "(sensitivity)", *recalls] in words(lines)
    recalls = [f"{row.value('recall', 'CT-1'):.3f}" for row in comparison.rows]
    assert ["recall,", "CT-1", *recalls] in words(lines)
    many = printed(comparison_table(replace(comparison, rows=comparison.rows * 2)), width=140)
    assert any(line.strip() == "Comparison on the test set, means over 3 classes (macro)" for line in many)
    header = next(line.split() for line in many if line.split()[:1] == ["run"])
    assert header[-3:] == ["param.", "mult-adds", "time"]
    assert "matrix" not in header


def test_a_class_without_cases_has_an_undefined_recall():
    assert ["nodule", "0", "0", "undefined"] in words(printed(confusion_table([[3, 0], [0, 0]], CLASSES, "test")))


def test_the_summary_of_a_run_fits_80_columns_with_errors_next_to_the_matrix(tmp_path):
    run = read_run(write_run(tmp_path / "archsm"))
    metrics = run.metrics
    lines = printed(run_summary(run))
    heading = next(line for line in lines if "Confusion matrix" in line)
    assert heading.split() == ["Confusion", "matrix,", "test", "set", "Error"]
    for name, said in (("train", "training"), ("validation", "validation"), ("test", "test")):
        wrong = f"{100 * (1 - metrics[name]['accuracy']):.1f}%"
        assert any(line.split()[-3:] == [said, wrong, str(metrics[name]["n"])] for line in lines), name


def test_the_summary_of_a_run_begins_with_recall_and_kept_epoch_and_ends_with_its_cautions(tmp_path):
    run = read_run(write_run(tmp_path / "archsm"))
    text = " ".join(" ".join(printed(run_summary(run))).split())
    assert text.startswith(f"{headline(run)} Kept the weights of the last epoch (30 of 30). Confusion matrix")
    assert text.endswith(f"Warning: {cautions(run)[-1]}")


def test_a_collapsed_run_says_so_once_and_first(tmp_path):
    folder = write_run(tmp_path / "archsm")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    edit(folder, "metrics.json", json.dumps(metrics | {"collapsed": {"reason": "one_class", "class": "nodule"}}))
    text = " ".join(" ".join(printed(run_summary(read_run(folder)))).split())
    sentence = "Every case is predicted as “nodule”: no better than always saying “nodule”."
    assert text.startswith(f"{sentence} archsm finds ")
    assert text.count(sentence) == 1


def test_square_brackets_in_class_names_are_printed_unchanged():
    assert any("[red]x" in line for line in printed(confusion_table(PUBLISHED, ["[red]x", "y"], "test")))
    assert any("[red]x" in line for line in printed(classification_report(PUBLISHED, ["[red]x", "y"], "test")))


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """A comparison of four networks."""
    folder = tmp_path_factory.mktemp("four")
    return compare([write_run(folder / f"net{number}", skill=1 + number, macs=10**number) for number in range(4)])


def test_four_runs_have_a_line_each_with_metrics_matrix_and_short_costs(four):
    lines = printed(comparison_table(four), width=140)
    header = next(line.split() for line in lines if line.split()[:1] == ["run"])
    assert header[-4:] == ["matrix", "param.", "mult-adds", "time"]
    assert any(line.strip() == "Comparison on the test set" for line in lines)
    for row, macs in zip(four.rows, ("1", "10", "100", "1 k"), strict=True):
        (line,) = [" ".join(one.split()) for one in lines if one.split()[:1] == [row.run] and "99.9" in one]
        recall, (matrix, _) = row.metrics["recall"], row.metrics["confusion_matrix"]
        assert line.startswith(f"{row.run} {recall:.3f} ")
        assert (
            f" {matrix[0]} {matrix[1]} 99.9 k {macs} 83.4 s" in line
            or f" {matrix[0]} {matrix[1]} 99.9 k {macs} 1" in line
        )
    others = [f"• {sentence}" for sentence in other_sentences(four.verdict)]
    text = " ".join(" ".join(lines).split())
    assert len(others) == 2
    assert all(sentence in text for sentence in others)


def test_three_runs_are_columns_with_intervals_and_four_are_not(four):
    assert not any("95% intervals below" in line for line in printed(comparison_table(four), 140)[:8])
    three = replace(four, rows=four.rows[:3])
    assert any(
        "Comparison on the test set, 95% intervals below" in line for line in printed(comparison_table(three), 140)
    )


def test_one_architecture_alone_has_its_sentence_in_the_place_of_a_verdict(four):
    verdict = replace(four.verdict, conclusions=(), main=None)
    alone = replace(four, rows=four.rows[:1], pairs=(), verdict=verdict)
    text = " ".join(" ".join(printed(comparison_table(alone), 140)).split())
    assert text.startswith(f"{comparison_sentence(alone)} Comparison on the test set, 95% intervals below ")


def test_the_differences_of_documents_are_shown_next_to_few_runs_only(four):
    difference = {"place": "training.epochs", "reference": 30, "other": 40}
    pairs = tuple(replace(pair, document=(difference,)) for pair in four.pairs)
    assert not any(
        "Differences in their documents" in line for line in printed(comparison_table(replace(four, pairs=pairs)), 140)
    )
    few = replace(four, rows=four.rows[:3], pairs=pairs[:1])
    assert ["training.epochs", "30", "40"] in words(printed(comparison_table(few), 140))


@pytest.mark.slow
def test_few_runs_are_in_columns_with_intervals(tmp_path):
    comparison = compare([write_run(tmp_path / "archsm"), write_run(tmp_path / "arch3dsm", skill=2.5)])
    lines = words(printed(comparison_table(comparison)))
    assert ["archsm", "arch3dsm"] in lines
    recalls = [f"{row.metrics['recall']:.3f}" for row in comparison.rows]
    assert ["recall", "(sensitivity)", *recalls] in lines
    assert ["parameters", "99,948", "99,948"] in lines
    assert ["multiply-adds", "41.2", "M", "41.2", "M"] in lines


@pytest.mark.slow
def test_many_runs_are_in_lines(tmp_path):
    folders = [write_run(tmp_path / f"net{number}", skill=1 + number) for number in range(4)]
    comparison = compare(folders)
    lines = words(printed(comparison_table(comparison), width=110))
    for row in comparison.rows:
        assert any(line[:2] == [row.run, f"{row.metrics['recall']:.3f}"] for line in lines if line)


@pytest.mark.slow
def test_a_comparison_reports_the_sentence_the_paired_differences_and_what_differs(tmp_path):
    runs = [
        write_run(tmp_path / name, skill=skill, macs=macs)
        for name, skill, macs in (("flat", 1.6, 10), ("deep", 2.5, 90))
    ]
    path = runs[1] / "experiment.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["arch"]["layers"][0]["num_output"] = 64
    path.write_text(json.dumps(document), encoding="utf-8")
    record_run(path.parent)
    comparison = compare(runs)
    (pair,) = comparison.pairs
    lines = printed(comparison_table(comparison), width=100)
    result = comparison.verdict
    start = " ".join([badge_text(result), main_sentence(result), *cost_sentences(result), "Comparison on the test set"])
    assert " ".join(" ".join(lines).split()).startswith(start)
    entry = pair.differences["auc"]
    numbers = [f"{entry['reference']:.3f}", f"{entry['other']:.3f}", f"{entry['difference']:+.3f}"]
    assert any(line[:-1] == ["AUC", "(ROC)", *numbers] for line in words(lines))
    assert " to ".join(f"{end:+.3f}" for end in entry["interval"]) in "\n".join(lines).replace("\N{MINUS SIGN}", "-")
    assert ["arch.layers[0].num_output", "16", "64"] in words(lines)
    assert any("are classified correctly only by" in line for line in lines)


@pytest.mark.slow
def test_pooled_runs_say_how_many_they_are_and_how_far_apart(tmp_path):
    for seed in range(2):
        predictions = synthetic_predictions(skill=1.5 + seed)
        write_run(tmp_path / f"net-seed{seed}", seed=seed, predictions=predictions)
    write_run(tmp_path / "other")
    comparison = compare([tmp_path])
    lines = words(printed(comparison_table(comparison)))
    assert ["runs", "2", "seeds", "(mean)", "1", "run"] in lines
    deviation = comparison.rows[0].deviation("recall", "nodule")
    assert any({"SD", f"{deviation:.3f}"} <= set(line) for line in lines)


@pytest.mark.slow
def test_a_line_for_each_further_architecture_follows_the_sentence(tmp_path):
    folders = [write_run(tmp_path / f"net{number}", skill=1 + number) for number in range(3)]
    comparison = compare(folders)
    text = " ".join(" ".join(printed(comparison_table(comparison), width=110)).split())
    (other,) = other_sentences(comparison.verdict)
    assert f"{main_sentence(comparison.verdict)} • {other}" in text


@pytest.mark.slow
def test_cautions_are_in_their_own_lines(tmp_path):
    comparison = compare([write_run(tmp_path / name) for name in ("a", "b")])
    text = " ".join(" ".join(printed(comparison_table(comparison))).split())
    for caution in comparison_cautions(comparison):
        assert f"Warning: {caution}" in text
