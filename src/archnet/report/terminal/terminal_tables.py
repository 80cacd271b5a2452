"""Results of a run and a comparison as rich renderables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.evaluation.comparison.paired_comparison import PairedComparison
from archnet.evaluation.confusion import class_report
from archnet.evaluation.kept_epoch import training_ends
from archnet.evaluation.metric_values import macro_report
from archnet.evaluation.run_costs import COMPARED_COSTS, RunCost
from archnet.report.comparison_wording import (
    difference_names,
    errors_text,
    p_value_texts,
    runs_text,
    uncertainty_text,
)
from archnet.report.run_files import RunFiles
from archnet.report.sentences.badge import badge_text
from archnet.report.sentences.comparison_cautions import comparison_cautions
from archnet.report.sentences.comparison_sentence import (
    comparison_sentence,
    cost_sentences,
    main_sentence,
    other_sentences,
)
from archnet.report.sentences.document_difference import difference_texts
from archnet.report.sentences.run_cautions import cautions, collapse_text
from archnet.report.sentences.run_headline import headline
from archnet.report.sentences.training_sentence import training_sentences
from archnet.report.tables import name_lines, titled_table
from archnet.report.terminal.confusion_table import confusion_table
from archnet.report.wording import (
    SET_NAMES,
    cost_text,
    count,
    decimals,
    mean_count,
    percent,
    reported_set,
    short_count,
    signed,
    signed_bounds,
)
from archnet.spec.experiment import SETS
from archnet.spec.metrics import metrics_shown_in

_MAX_COLUMNS = 3

MAX_WIDTH = 80
"""Columns of a terminal that a comparison with confusion matrices fits."""

_LABEL_WIDTH = 24
"""Width of a comparison's labels, in characters."""


def run_summary(run: RunFiles) -> RenderableType:
    """The summary of `archnet run`: headline, kept epoch, confusion matrix, errors, class report and cautions."""
    name = reported_set(run.sets)
    matrix, classes = run.metrics[name]["confusion_matrix"], run.metrics["classes"]
    tables = Columns([confusion_table(matrix, classes, SET_NAMES[name]), error_table(run.metrics)], padding=(0, 2))
    return Group(
        *([Text(collapse_text(run.metrics["collapsed"]), style="bold red")] if "collapsed" in run.metrics else []),
        Text(headline(run), style="bold"),
        *map(Text, training_sentences(training_ends(run.history, run.experiment))),
        "",
        tables,
        "",
        classification_report(matrix, classes, SET_NAMES[name]),
        *_warnings(caution for caution in cautions(run) if not _is_collapse(caution, run)),
    )


def _is_collapse(caution: str, run: RunFiles) -> bool:
    return "collapsed" in run.metrics and caution == collapse_text(run.metrics["collapsed"])


def _warnings(cautions: Iterable[str]) -> list[Text]:
    return [Text(f"Warning: {caution}", style="bold yellow") for caution in cautions]


def error_table(metrics: Mapping[str, Any]) -> Table:
    """The error rate of each set."""
    table = titled_table("Error")
    table.add_column("set")
    table.add_column("wrong", justify="right")
    table.add_column("cases", justify="right")
    for name in SETS:
        if name in metrics:
            accuracy = metrics[name]["accuracy"]
            wrong = percent(None if accuracy is None else 1 - accuracy)
            table.add_row(SET_NAMES[name], Text(wrong, style="bold"), count(metrics[name]["n"]))
    return table


def classification_report(matrix: Sequence[Sequence[int]], classes: Sequence[str], set_name: str) -> Table:
    """The metrics and the support of each class, and the accuracy."""
    metrics = metrics_shown_in("class_report")
    table = titled_table(f"Classification report, {set_name} set")
    table.add_column("class")
    for label in (*(metric.label for metric in metrics), "support"):
        table.add_column(label, justify="right")
    for entry in class_report(matrix, classes):
        numbers = [decimals(entry[metric.name]) for metric in metrics]
        table.add_row(Text(entry["class"], style="bold"), *numbers, count(entry["support"]))
    total = sum(map(sum, matrix))
    right = sum(row[k] for k, row in enumerate(matrix))
    table.add_section()
    if len(classes) > 2:
        macro = macro_report(matrix)
        table.add_row("macro average", *(decimals(macro[metric.name]) for metric in metrics), count(total))
    blanks = [""] * (len(metrics) - 1)
    table.add_row("accuracy", *blanks, decimals(right / total if total else None), count(total))
    return table


def comparison_table(comparison: Comparison) -> RenderableType:
    """The conclusions of a comparison, the architectures side by side, and the paired differences."""
    is_narrow = len(comparison.rows) <= _MAX_COLUMNS
    table = _runs_as_columns(comparison) if is_narrow else _runs_as_lines(comparison)
    pairs = [part for pair in comparison.pairs for part in ("", *_paired_parts(pair, comparison, is_narrow))]
    return Group(*_verdict_lines(comparison), "", table, *pairs, *_warnings(comparison_cautions(comparison)))


def _verdict_lines(comparison: Comparison) -> list[Text]:
    """The badge, the main sentence, a line for each other architecture, and the cost."""
    result = comparison.verdict
    if not result.conclusions:
        return [Text(comparison_sentence(comparison), style="bold")]
    return [
        Text(badge_text(result), style="bold reverse"),
        Text(main_sentence(result), style="bold"),
        *(Text(f"• {sentence}") for sentence in other_sentences(result)),
        *map(Text, cost_sentences(result)),
    ]


def _runs_as_columns(comparison: Comparison) -> Table:
    has_seeds = any(row.spread for row in comparison.rows)
    below = "95% intervals (SD: standard deviation over seeds) below" if has_seeds else "95% intervals below"
    table = titled_table(f"Comparison on the {SET_NAMES[comparison.set]} set, {below}")
    table.add_column("")
    for row in comparison.rows:
        table.add_column(name_lines(row.run), justify="right", overflow="fold")
    if any(len(row.folders) > 1 for row in comparison.rows):
        table.add_row("runs", *(runs_text(row) for row in comparison.rows))
    for metric in metrics_shown_in("comparison"):
        label = metric.summary_label(len(comparison.classes))
        table.add_row(label, *(_metric_cell(row, metric.name) for row in comparison.rows))
    table.add_section()
    for name in comparison.classes if len(comparison.classes) > 2 else ():
        table.add_row(Text(f"recall, {name}"), *(_metric_cell(row, "recall", name) for row in comparison.rows))
    table.add_section()
    matrices = [_matrix_text(row) for row in comparison.rows]
    if sum(len(text.partition("\n")[0]) + 2 for text in matrices) <= MAX_WIDTH - _LABEL_WIDTH:
        table.add_row("confusion matrix\nrows truth", *matrices)
        table.add_section()
    for cost in COMPARED_COSTS:
        table.add_row(cost.terminal_label, *(cost_text(cost, row.costs[cost.name]) for row in comparison.rows))
    return table


def _metric_cell(row: ComparisonRow, name: str, class_name: str | None = None) -> Text:
    text = Text(decimals(row.value(name, class_name)), style="bold")
    below = uncertainty_text(row, name, class_name)
    return text.append(f"\n{below}", style="not bold dim") if below else text


def _matrix_text(row: ComparisonRow) -> str:
    """A confusion matrix as aligned lines."""
    matrix = [[mean_count(number) for number in line] for line in row.metrics["confusion_matrix"]]
    width = max(len(text) for line in matrix for text in line)
    return "\n".join("  ".join(text.rjust(width) for text in line) for line in matrix)


def _paired_parts(pair: PairedComparison, comparison: Comparison, is_full: bool) -> Iterator[RenderableType]:
    """One architecture against the reference; with many, without the differences of their documents."""
    yield _paired_table(pair, len(comparison.classes))
    yield from (Text(line) for line in errors_text(pair))
    if is_full and pair.document:
        yield ""
        yield _document_table(pair)


def _paired_table(pair: PairedComparison, num_classes: int) -> Table:
    table = titled_table(f"{pair.other} against {pair.reference}, 95% intervals below")
    table.add_column("")
    for name in (pair.reference, pair.other):
        table.add_column(name_lines(name), justify="right", overflow="fold")
    table.add_column("difference", justify="right")
    table.add_column("p (Holm)", justify="right")
    for name, label in difference_names(num_classes).items():
        if name in pair.differences:
            entry = pair.differences[name]
            numbers = (decimals(entry["reference"]), decimals(entry["other"]))
            difference = Text(signed(entry["difference"]), style="bold")
            if entry["interval"]:
                difference.append(f"\n{signed_bounds(entry['interval'])}", style="not bold dim")
            table.add_row(label, *numbers, difference, _p_values(entry))
    return table


def _p_values(entry: Mapping[str, Any]) -> Text:
    """The p value, with Holm's corrected value below it."""
    p, corrected = p_value_texts(entry)
    return Text.assemble(p, (f"\n({corrected})" if corrected else "", "dim"))


def _document_table(pair: PairedComparison) -> Table:
    table = titled_table("Differences in their documents")
    for name in ("", pair.reference, pair.other):
        table.add_column(Text(name), overflow="fold")
    for difference in pair.document:
        table.add_row(*map(Text, difference_texts(difference)))
    return table


def _runs_as_lines(comparison: Comparison) -> Table:
    is_binary = len(comparison.classes) == 2
    means = "" if is_binary else f", means over {len(comparison.classes)} classes (macro)"
    table = titled_table(f"Comparison on the {SET_NAMES[comparison.set]} set{means}")
    table.add_column("run", overflow="fold")
    metrics = metrics_shown_in("comparison")
    costs = [cost for cost in COMPARED_COSTS if cost.abbreviation]
    labels = [metric.short_label for metric in metrics], [cost.abbreviation for cost in costs]
    matrix_label = ["matrix"] if is_binary else []
    for label in (*labels[0], *matrix_label, *labels[1]):
        table.add_column(label, justify="right")
    for row in comparison.rows:
        numbers = [decimals(row.value(metric.name)) for metric in metrics]
        matrix = [_matrix_text(row)] if is_binary else []
        cost_texts = [_short_cost_text(cost, row.costs[cost.name]) for cost in costs]
        table.add_row(Text(row.run), *numbers, *matrix, *cost_texts)
    return table


def _short_cost_text(cost: RunCost, value: float | None) -> str:
    return short_count(value) if cost.unit == "weights" else cost_text(cost, value)
