"""The page of a versus: the answers first, then frontier, costs and thresholds, then each comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archnet.evaluation.comparison.verdict import Verdict
from archnet.evaluation.run_costs import COMPARED_COSTS
from archnet.files.documents.house_style import compact_json
from archnet.report.comparison_wording import difference_names, p_value_texts
from archnet.report.figures.svg import Drawing
from archnet.report.figures.theme import network_name
from archnet.report.html.page import write_page
from archnet.report.verdict.provenance import provenance
from archnet.report.verdict.verdict_section import Fact, case_facts, group_facts
from archnet.report.wording import SET_NAMES, duration, signed, signed_bounds, word_list
from archnet.spec.metrics import METRICS
from archnet.versus.plan.form_names import FORMS, MATCHES, QUESTION_FOLDERS
from archnet.versus.report.answer_drawing import answer_drawing, answer_measure
from archnet.versus.report.frontier_drawing import FrontierPoint, frontier_drawing
from archnet.versus.report.versus_rows import variant_rows
from archnet.versus.report.versus_sentences import (
    answer_badge,
    answer_kind,
    answer_sentence,
    further_sentences,
    question_text,
    uncertainty_sentence,
    versus_cautions,
)
from archnet.versus.results.questions import Question
from archnet.versus.results.versus_result import VariantResult, VersusResult


def write_versus_page(folder: Path, result: VersusResult, plan: dict[str, Any]) -> Path:
    """Write report.html.

    Args:
        folder: The folder of the versus.
        result: Its result.
        plan: The content of plan.json.
    """
    return write_page(folder / "report.html", "versus.html", _template_values(folder, result, plan))


def _template_values(folder: Path, result: VersusResult, plan: dict[str, Any]) -> dict[str, Any]:
    first = result.answered[0]
    comparison, verdict = first.comparison, first.result
    if comparison is None or verdict is None:
        raise RuntimeError("unreachable")
    run_folders = [Path(path) for one in result.variants for path in one.row.folders]
    forms = word_list([FORMS[form] for form in result.plan.options.forms])
    thresholds = [one.threshold for one in result.variants if one.threshold]
    return {
        "title": f"{result.plan.experiment.arch.name}: {forms}",
        "origin": provenance(folder, run_folders),
        "num_cases": verdict.num_cases,
        "set_name": SET_NAMES[verdict.set],
        "questions": [_question_values(question) for question in result.questions],
        "uncertainty": uncertainty_sentence(result),
        "facts": _facts(result, verdict),
        "cautions": versus_cautions(result),
        "differences": answer_drawing(result.answered, result.plan.options.forms),
        "measure": answer_measure(first),
        "quality": METRICS["auc"].summary_label(verdict.num_classes),
        "frontier": _frontier_drawing(result, verdict),
        "rows": variant_rows(result),
        "hues": [network_name(place) for place in range(len(FORMS))],
        "cost_labels": [cost.terminal_label for cost in COMPARED_COSTS],
        "threshold_rule": thresholds[0].rule if thresholds else "",
        "architectures": [_architecture(folder, one) for one in result.variants],
        "failures": result.failures,
        "plan": plan,
        "plan_time": duration(plan["seconds"]),
    }


def _facts(result: VersusResult, verdict: Verdict) -> list[Fact]:
    options = result.plan.options
    folds = [(str(options.folds), "folds, whose test cases are pooled")] if options.folds else []
    return [
        *group_facts(verdict.num_groups, verdict.num_scans),
        *case_facts(verdict.num_cases, verdict.num_positives, verdict.positive, verdict.num_classes),
        (str(options.seeds), "training seeds per network" if options.seeds > 1 else "training seed per network"),
        *folds,
        (str(result.plan.num_runs), "runs"),
    ]


def _question_values(question: Question) -> dict[str, Any]:
    """One question in words, with the table of its differences."""
    pairs = question.comparison.pairs if question.comparison else ()
    num_classes = len(question.comparison.classes) if question.comparison else 2
    return {
        "id": question.match,
        "text": question_text(question),
        "condition": MATCHES[question.match],
        "badge": answer_badge(question),
        "kind": answer_kind(question),
        "sentence": answer_sentence(question),
        "further": further_sentences(question),
        "link": f"{QUESTION_FOLDERS[question.match]}/report.html" if question.comparison else "",
        "rows": [
            {"label": label, "cells": [_difference_cell(pair.differences[name]) for pair in pairs]}
            for name, label in difference_names(num_classes).items()
            if pairs and all(name in pair.differences for pair in pairs)
        ],
        "others": [pair.other for pair in pairs],
        "reference": pairs[0].reference if pairs else "",
    }


def _difference_cell(entry: dict[str, Any]) -> dict[str, str]:
    p, corrected = p_value_texts(entry)
    return {
        "value": signed(entry["difference"]),
        "interval": signed_bounds(entry["interval"]),
        "p": ", ".join(filter(None, [f"p {p}" if p else "", f"Holm {corrected}" if corrected else ""])),
    }


def _frontier_drawing(result: VersusResult, verdict: Verdict) -> Drawing | None:
    points = [
        FrontierPoint(
            number=number,
            label=f"{one.variant.name} ({one.variant.form_text})",
            place=result.place(one.variant),
            cost=one.row.costs["macs"],
            value=one.auc,
            interval=one.auc_interval,
            is_on_frontier=one.is_on_frontier,
        )
        for number, one in enumerate(result.variants, start=1)
        if one.auc is not None and one.row.costs["macs"]
    ]
    label = METRICS["auc"].summary_label(verdict.num_classes)
    return frontier_drawing(points, f"{SET_NAMES[verdict.set]} {label}") if points else None


def _architecture(folder: Path, one: VariantResult) -> dict[str, Any]:
    return {
        "name": one.variant.name,
        "form": one.variant.form_text,
        "notes": one.variant.notes,
        "text": compact_json(one.variant.arch.to_document()),
        "links": _links(folder, one.row.folders),
    }


def _links(folder: Path, run_folders: Sequence[str]) -> list[tuple[str, str]]:
    """Name and relative address of the report of each run."""
    reports = [Path(path).resolve() / "report.html" for path in run_folders]
    root = folder.resolve()
    return [(report.parent.name, quote(report.relative_to(root).as_posix())) for report in reports if report.exists()]
