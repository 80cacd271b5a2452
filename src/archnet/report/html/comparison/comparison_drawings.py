"""Figures of a comparison's page: all metrics side by side, and the paired differences."""

from __future__ import annotations

from archnet.evaluation.comparison.comparison import Comparison
from archnet.report.comparison_wording import difference_names
from archnet.report.figures.paired import difference_drawing
from archnet.report.figures.side_by_side import interval_drawing
from archnet.report.figures.svg import Drawing
from archnet.report.wording import decimals
from archnet.spec.metrics import METRICS, metrics_shown_in


def paired_drawing(comparison: Comparison) -> Drawing | None:
    """The figure of all paired differences."""
    if not comparison.pairs:
        return None
    places = {row.run: place for place, row in enumerate(comparison.rows)}
    reference, others = comparison.pairs[0].reference, {pair.other: places[pair.other] for pair in comparison.pairs}
    rows = {
        label: [(pair.differences[name]["difference"], pair.differences[name]["interval"]) for pair in comparison.pairs]
        for name, label in difference_names(len(comparison.classes)).items()
        if name in comparison.pairs[0].differences
    }
    alt = (
        f"Differences of {', '.join(others)} from {reference} with 95% intervals; the numbers are in the tables below."
    )
    return difference_drawing(reference, others, rows, alt)


def metrics_drawing(comparison: Comparison) -> Drawing:
    """The figure of all metrics, with a panel for each."""
    names = [row.run for row in comparison.rows]
    panels = {
        metric.summary_label(len(comparison.classes)): [
            (row.value(metric.name), row.interval(metric.name)) for row in comparison.rows
        ]
        for metric in metrics_shown_in("comparison")
    }
    return interval_drawing(names, panels, _intervals_alt_text(comparison))


def _intervals_alt_text(comparison: Comparison) -> str:
    recalls = (f"{row.run} {decimals(row.value('recall'))}" for row in comparison.rows)
    label = METRICS["recall"].summary_label(len(comparison.classes))
    return f"Metrics of each run with 95% intervals. {label[0].upper()}{label[1:]}: {'; '.join(recalls)}."
