"""Terminal output of a versus: its plan, and its answers with costs, thresholds and Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archnet.errors import pluralize
from archnet.report.tables import titled_table
from archnet.report.wording import SET_NAMES, count, duration, short_count, word_list
from archnet.versus.plan.form_names import FORMS
from archnet.versus.plan.variants import Variant
from archnet.versus.plan.versus_plan import VersusPlan
from archnet.versus.report.versus_rows import COST_LABELS, VariantRow, short_match_text, variant_rows
from archnet.versus.report.versus_sentences import (
    answer_badge,
    answer_sentence,
    further_sentences,
    uncertainty_sentence,
    versus_cautions,
)
from archnet.versus.results.versus_result import VersusResult


def plan_table(
    plan: VersusPlan, document: dict[str, Any], num_finished: int = 0, seconds_left: float | None = None
) -> RenderableType:
    """The plan: variants with their costs, the number of runs, and the expected hours.

    Args:
        plan: The plan.
        document: The content of plan.json.
        num_finished: Number of finished runs.
        seconds_left: Estimated time of the remaining runs; None estimates all runs.
    """
    table = titled_table(f"{plan.experiment.arch.name} as {word_list([FORMS[form] for form in plan.options.forms])}")
    table.add_column("network", overflow="fold")
    for name in ("form", "same"):
        table.add_column(name, no_wrap=True)
    for name in ("width", "parameters", "mult-adds", "a run"):
        table.add_column(name, justify="right", no_wrap=True)
    for variant, entry in zip(plan.variants, document["variants"], strict=True):
        table.add_row(*_plan_cells(variant, entry["run"]))
    notes = [Text(f"{variant.name}: {note}", style="dim") for variant in plan.variants for note in variant.notes]
    return Group(table, *notes, Text(plan_line(plan, document, num_finished, seconds_left), style="bold"))


def _plan_cells(variant: Variant, run: dict[str, Any]) -> list[str]:
    names = [variant.name, variant.form_text, short_match_text(variant), f"x {variant.factor:.3g}"]
    return [*names, count(variant.parameters), short_count(variant.macs), duration(run["seconds"])]


def plan_line(
    plan: VersusPlan, document: dict[str, Any], num_finished: int = 0, seconds_left: float | None = None
) -> str:
    """The number of runs and the expected hours, in one line."""
    options = plan.options
    parts = [pluralize(len(plan.variants), "network"), pluralize(options.seeds, "seed")]
    parts += [pluralize(options.folds, "fold")] if options.folds else []
    epochs = document["variants"][0]["run"]["epochs"]  # of all variants, which share their training options
    left = document["seconds"] if seconds_left is None else seconds_left
    finished = f", {num_finished:,} of them finished" if num_finished else ""
    runs = f"{pluralize(plan.num_runs, 'run')} ({' x '.join(parts)}){finished}, each of {pluralize(epochs, 'epoch')}"
    time = f"about {hours_text(left)} on this machine, estimated from a few training steps"
    return f"{runs}, {document['runs_at_once']} at once: {time}."


def hours_text(seconds: float) -> str:
    """An estimate of time, in hours from one hour on.

    >>> hours_text(200), hours_text(5400), hours_text(200_000)
    ('3 min 20 s', '1.5 hours', '56 hours')
    """
    if seconds < 3600:
        return duration(seconds)
    hours = seconds / 3600
    return f"{hours:.1f} hours" if hours < 10 else f"{hours:.0f} hours"


def versus_table(result: VersusResult) -> RenderableType:
    """The answers, then costs, thresholds, the frontier and cautions."""
    rows = variant_rows(result)
    parts: list[RenderableType] = []
    for question in result.questions:
        badge = answer_badge(question)
        parts.append(Text.assemble((f"{badge}. " if badge else "", "bold"), answer_sentence(question)))
        parts += [Text(f"  {sentence}") for sentence in further_sentences(question)]
        parts.append("")
    parts.append(Text(uncertainty_sentence(result), style="dim"))
    parts += ["", _cost_table(rows)]
    if any(one.threshold for one in result.variants):
        parts.append(_threshold_table(rows, result))
    if result.frontier:
        frontier = " < ".join(one.variant.name for one in result.frontier)
        parts.append(Text(f"Frontier of cost and AUC, the cheapest first: {frontier}"))
    parts += [Text(f"Caution: {caution}", style="yellow") for caution in versus_cautions(result)]
    return Group(*parts)


def _cost_table(rows: Sequence[VariantRow]) -> Table:
    table = titled_table("AUC and costs, means over the seeds")
    table.add_column("network", overflow="fold")
    table.add_column("same", no_wrap=True)
    table.add_column("AUC, 95% CI", justify="right", no_wrap=True)
    for name in COST_LABELS:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(row.name, row.short_match, f"{row.auc}\n{row.auc_interval}", *row.costs)
    return table


def _threshold_table(rows: Sequence[VariantRow], result: VersusResult) -> Table:
    rule = next(one.threshold.rule for one in result.variants if one.threshold)
    compared_set = next(iter(result.comparisons.values())).set
    table = titled_table(f"Threshold chosen for the {rule}, over the seeds")
    table.add_column("network", overflow="fold")
    table.add_column("threshold", justify="right", no_wrap=True)
    table.add_column(f"false-positive rate, {SET_NAMES[compared_set]} set", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.name, _spread_text(row.threshold), _spread_text(row.rate))
    return table


def _spread_text(texts: tuple[str, str, str]) -> str:
    """Mean, range and standard deviation."""
    mean, bounds, deviation = texts
    return f"{mean}  ({bounds}, SD {deviation})"
