"""Notebook tables: run, comparison and data check as HTML without colours, to fit any theme."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from archnet.errors import pluralize
from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.paired_comparison import PairedComparison
from archnet.evaluation.confusion import class_report
from archnet.evaluation.metric_entry import macro_estimate
from archnet.evaluation.run_costs import COMPARED_COSTS
from archnet.report.comparison_wording import (
    difference_names,
    errors_text,
    p_value_text,
    p_value_texts,
    runs_text,
    uncertainty_text,
)
from archnet.report.data_check_wording import check_findings, check_sentence, set_rows, summary_rows
from archnet.report.html.notebook_elements import Row, paragraph, table
from archnet.report.run_files import RunFiles, require_results
from archnet.report.sentences.comparison_cautions import comparison_cautions
from archnet.report.sentences.comparison_sentence import comparison_sentence
from archnet.report.sentences.document_difference import difference_texts
from archnet.report.sentences.run_cautions import cautions
from archnet.report.sentences.run_headline import headline
from archnet.report.strata.strata_rows import StrataRow, strata_rows
from archnet.report.strata.strata_wording import (
    choose_columns,
    column_label,
    measure_label,
    size_text,
    strata_sentence,
    stratum_label,
)
from archnet.report.wording import (
    SET_NAMES,
    bounds,
    cost_text,
    decimals,
    mean_count,
    percent,
    reported_set,
    signed,
    signed_bounds,
)
from archnet.spec.metrics import EVALUATED_METRICS, METRICS, metrics_shown_in

MAX_STRATA: Final = 24
"""Rows of all tables of strata."""


def run_html(run: RunFiles) -> str:
    """The results of a run: conclusion, cautions, confusion matrix, metrics and costs.

    Raises:
        DataError: A result is missing from the run of an older version.
    """
    require_results(run)
    name = reported_set(run.sets)
    matrix = run.metrics[name]["confusion_matrix"]
    matrix_rows = [
        (entry["class"], *(f"{number:,}" for number in row), percent(entry["recall"]))
        for entry, row in zip(class_report(matrix, run.classes), matrix, strict=True)
    ]
    costs = [
        (cost.label, cost_text(cost, run.metrics.get(cost.name)), "")
        for cost in COMPARED_COSTS
        if run.metrics.get(cost.name) is not None
    ]
    parts = [
        paragraph(headline(run), is_strong=True),
        *_cautions(cautions(run)),
        table(
            f"Confusion matrix, {SET_NAMES[name]} set",
            ("true class ↓ predicted →", *run.classes, "recall"),
            matrix_rows,
        ),
        table(
            f"{SET_NAMES[name].capitalize()} set and costs",
            ("", "value", "95% interval"),
            [*_metrics(run, name), *costs],
        ),
        *_strata_parts(run.metrics.get("strata", {}), [run.name]),
        paragraph(f"Report: {run.folder / 'report.html'}"),
    ]
    return "".join(parts)


def _metrics(run: RunFiles, set_name: str) -> Iterator[Row]:
    for name in EVALUATED_METRICS:
        value, interval = macro_estimate(run.metrics[set_name], name)
        yield METRICS[name].summary_label(len(run.classes)), decimals(value), bounds(interval)


def comparison_html(comparison: Comparison) -> str:
    """A comparison: conclusion, cautions, architectures side by side, and paired differences from the reference."""
    parts = [
        paragraph(comparison_sentence(comparison), is_strong=True),
        *_cautions(comparison_cautions(comparison)),
        table(
            f"Comparison on the {SET_NAMES[comparison.set]} set",
            ("", *(row.run for row in comparison.rows)),
            _comparison_rows(comparison),
        ),
        *(part for pair in comparison.pairs for part in _pair_parts(pair, len(comparison.classes))),
        *_strata_parts(comparison.strata, [row.run for row in comparison.rows]),
    ]
    return "".join(parts)


def _comparison_rows(comparison: Comparison) -> Iterator[Row]:
    if any(len(row.folders) > 1 for row in comparison.rows):
        yield "runs", *map(runs_text, comparison.rows)
    for metric in metrics_shown_in("comparison"):
        values = ((row.value(metric.name), uncertainty_text(row, metric.name)) for row in comparison.rows)
        label = metric.summary_label(len(comparison.classes))
        yield label, *(_with_note(decimals(value), note) for value, note in values)
    for cost in COMPARED_COSTS:
        yield cost.label, *(cost_text(cost, row.costs[cost.name]) for row in comparison.rows)
    yield "confusion matrix (rows: true class)", *(_matrix(row.metrics["confusion_matrix"]) for row in comparison.rows)


def _pair_parts(pair: PairedComparison, num_classes: int) -> Iterator[str]:
    rows = [
        (
            label,
            decimals(entry["reference"]),
            decimals(entry["other"]),
            _with_note(signed(entry["difference"]), signed_bounds(entry["interval"])),
            _with_note(*p_value_texts(entry)),
        )
        for name, label in difference_names(num_classes).items()
        if (entry := pair.differences.get(name))
    ]
    header = ("", pair.reference, pair.other, "difference (95%)", "p (Holm)")
    yield table(f"{pair.other} against {pair.reference}", header, rows)
    yield from map(paragraph, errors_text(pair))
    if pair.document:
        documents = [difference_texts(difference) for difference in pair.document]
        yield table("Differences in their documents", ("", pair.reference, pair.other), documents, num_texts=3)


def _strata_parts(strata: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """A table for each attribute other than geometry, with its conclusion, up to a number of rows."""
    num_rows, num_left = 0, 0
    for column in choose_columns(strata):
        num_rows += len(column["strata"])
        if num_rows > MAX_STRATA:
            num_left += 1
            continue
        yield _strata_table(column, names, strata["measure"])
        if sentence := strata_sentence(column):
            yield paragraph(sentence)
    if num_left:
        yield paragraph(f"Results by {pluralize(num_left, 'other attribute')} are in the report and in strata.csv.")


def _strata_table(column: Mapping[str, Any], names: Sequence[str], measure: str) -> str:
    """A row for each stratum: the result of each network, then the differences from the first."""
    label, metric = column_label(column["name"]), measure_label(measure)
    by_stratum = [list(group) for _, group in groupby(strata_rows(column, names), key=lambda row: row.stratum["name"])]
    header = [label, "size", *(names if len(names) > 1 else (metric,))]
    for name in names[1:]:
        header += [f"{name} − {names[0]} (95%)", "p (Holm)"]
    body = [_stratum_row(column["name"], rows, measure) for rows in by_stratum]
    return table(f"{metric.capitalize()} by {label}", header, body, num_texts=2)


def _stratum_row(column: str, rows: Sequence[StrataRow], measure: str) -> Row:
    stratum = rows[0].stratum
    results = [_with_note(decimals(row.results[measure]), bounds(row.results["intervals"][measure])) for row in rows]
    differences = [
        cell
        for row in rows
        if (entry := row.differences.get(measure))
        for cell in (
            _with_note(signed(entry["difference"]), signed_bounds(entry["interval"])),
            p_value_text(entry["p_holm"]),
        )
    ]
    return (stratum_label(column, stratum["name"]), size_text(stratum, measure), *results, *differences)


def data_check_html(check: Mapping[str, Any]) -> str:
    """A data check: conclusion, contents and sets of the data set, and findings.

    Args:
        check: The document of a `DataCheck`.
    """
    findings = [
        (one.label, one.check, " ".join(filter(None, [one.message, one.remedy])), one.cases)
        for one in check_findings(check)
    ]
    sets = [(name, cases, groups, *counts) for name, cases, groups, counts in set_rows(check)]
    parts = [
        paragraph(check_sentence(check), is_strong=True),
        table(check["data"], ("", ""), summary_rows(check), num_texts=2),
        table("Sets", ("set", "cases", "groups", *check["summary"]["classes"]), sets) if sets else "",
        table("Findings", ("severity", "check", "finding", "cases"), findings, num_texts=4) if findings else "",
    ]
    return "".join(parts)


def message_html(text: str) -> str:
    """A message instead of a table."""
    return paragraph(text)


def _with_note(value: str, note: str) -> str:
    return f"{value} ({note})" if note else value


def _matrix(matrix: Iterable[Iterable[float]]) -> str:
    return " / ".join(" ".join(map(mean_count, line)) for line in matrix)


def _cautions(texts: Iterable[str]) -> list[str]:
    return [paragraph(f"Warning: {text}") for text in texts]
