"""FROC results on a terminal: a summary, the seven sensitivities with the CPM, and counts of marks."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archnet.errors import pluralize
from archnet.evaluation.froc.curve import RATE_NAMES, Froc
from archnet.report.few_scans_caution import few_scans_caution
from archnet.report.tables import titled_table
from archnet.report.wording import bounds, count, decimals


def froc_summary(froc: Froc) -> RenderableType:
    """The output of `archnet froc`."""
    warnings = [] if froc.band is None else few_scans_caution(len(froc.hits.num_nodules))
    texts = [Text(f"Warning: {warning}", style="bold yellow") for warning in warnings]
    return Group(Text(froc_sentence(froc)), "", sensitivity_table(froc), counts_table(froc), *texts)


def froc_sentence(froc: Froc) -> str:
    """The number of detected nodules and of scans, and the CPM."""
    results, ends = froc.to_document(), bounds(froc.cpm_interval)
    interval = f" (95% interval {ends})" if ends else ""
    return (
        f"The marks find {results['num_true_positives']:,} of "
        f"{pluralize(results['num_nodules'], 'nodule')} in {pluralize(results['num_scans'], 'scan')}: "
        f"CPM {decimals(results['cpm'])}{interval}."
    )


def sensitivity_table(froc: Froc) -> Table:
    """The sensitivity at each of the seven rates, and their mean, the CPM."""
    table, results = titled_table("FROC"), froc.to_document()
    table.add_column("false positives\nper scan", justify="right")
    table.add_column("sensitivity", justify="right")
    rows = list(zip(RATE_NAMES, results["sensitivities"], froc.intervals, strict=True))
    if froc.band is not None:
        table.add_column("95% interval", justify="right")
    for name, value, interval in (*rows, ("CPM", results["cpm"], froc.cpm_interval)):
        table.add_row(name, decimals(value), *([bounds(interval)] if interval else []), end_section=name == "8")
    return table


def counts_table(froc: Froc) -> Table:
    """Counts of nodules and marks."""
    hits, table = froc.hits, titled_table("Nodules and marks")
    table.add_column("")
    table.add_column("number", justify="right")
    table.add_row("nodules found", count(hits.num_true_positives))
    table.add_row("nodules missed", count(hits.num_false_negatives))
    table.add_section()
    table.add_row("marks", count(hits.num_marks))
    table.add_row("false positives", count(hits.num_false_positives))
    table.add_row("ignored, hit only excluded findings", count(hits.num_ignored))
    table.add_row("double, not the best on their nodule", count(hits.num_double))
    return table
