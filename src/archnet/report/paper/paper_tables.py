"""Tables of a run for a paper, as csv and as LaTeX with booktabs rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archnet.evaluation.metric_entry import macro_estimate
from archnet.evaluation.operating_points import operating_point_text
from archnet.files.atomic import write_text
from archnet.files.csv_rows import csv_text
from archnet.report.paper.acquisition_rows import acquisition_rows
from archnet.report.run_files import RunFiles
from archnet.report.verdict.latex_rows import latex_table
from archnet.report.wording import CONFIGURED_THRESHOLD, SET_NAMES, bounds, count, decimals, reported_set, threshold
from archnet.spec.metrics import EVALUATED_METRICS, METRICS, metrics_shown_in


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTable:
    """A table of texts.

    Attributes:
        header: Of the columns.
        rows: Their cells.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_csv(self) -> str:
        """The table as csv."""
        return csv_text(self.header, self.rows)

    def to_latex(self) -> str:
        """The table as LaTeX, with the first column left-aligned and the others centred."""
        return latex_table(self.header, self.rows, "l" + "c" * (len(self.header) - 1))


def paper_tables(run: RunFiles) -> dict[str, PaperTable]:
    """The tables of a run by file name.

    Raises:
        DataError: cases.csv is damaged.
    """
    tables = {
        "metrics": _metrics(run),
        "confusion_matrix": _confusion_matrix(run),
        "operating_points": _operating_points(run),
        "sets": _sets(run),
    }
    return {name: table for name, table in tables.items() if table.rows}


def write_tables(run: RunFiles) -> list[Path]:
    """Write the tables to the folder `tables` of a run, as csv and as tex.

    Raises:
        DataError: cases.csv is damaged.
    """
    folder = run.folder / "tables"
    folder.mkdir(exist_ok=True)
    return [
        write_text(folder / f"{name}.{suffix}", text)
        for name, table in paper_tables(run).items()
        for suffix, text in (("csv", table.to_csv()), ("tex", table.to_latex()))
    ]


def _estimate(entry: Mapping[str, Any], name: str) -> str:
    value, interval = macro_estimate(entry, name)
    return decimals(value) + (f" ({bounds(interval)})" if interval else "")


def _metrics(run: RunFiles) -> PaperTable:
    """All measures with their intervals in all sets."""
    sets = run.sets[::-1]
    labels = {
        name: METRICS[name].label if len(run.classes) == 2 else METRICS[name].macro_label for name in EVALUATED_METRICS
    }
    rows = [(labels[name], *(_estimate(run.metrics[one], name) for one in sets)) for name in EVALUATED_METRICS]
    return PaperTable(header=("Measure (95% CI)", *(SET_NAMES[name] for name in sets)), rows=tuple(rows))


def _confusion_matrix(run: RunFiles) -> PaperTable:
    """The confusion matrix of the reported set."""
    matrix = run.metrics[reported_set(run.sets)]["confusion_matrix"]
    rows = [(name, *map(count, row)) for name, row in zip(run.classes, matrix, strict=True)]
    return PaperTable(header=("True class", *(f"predicted {name}" for name in run.classes)), rows=tuple(rows))


def _operating_points(run: RunFiles) -> PaperTable:
    """The measures of the reported set at each threshold chosen on the validation set."""
    entry = run.metrics[reported_set(run.sets)]
    points = entry.get("operating_points", {})
    shown: Sequence[Any] = metrics_shown_in("operating_points")
    chosen = [(operating_point_text(key, point), point) for key, point in points.items()]
    rows = [
        (why, threshold(point["threshold"]), *(_estimate(point, metric.name) for metric in shown))
        for why, point in ([(CONFIGURED_THRESHOLD, entry), *chosen] if chosen else [])
    ]
    header = ("Threshold chosen for", "Threshold", *(f"{metric.label} (95% CI)" for metric in shown))
    return PaperTable(header=header, rows=tuple(rows))


def _sets(run: RunFiles) -> PaperTable:
    """Sizes of the sets, and the acquisition of their scans."""
    rows = [(row.label, *(row.texts.get(name, "") for name in run.sets)) for row in acquisition_rows(run)]
    return PaperTable(header=("", *(SET_NAMES[name] for name in run.sets)), rows=tuple(rows))
