"""The section "For a paper" of a comparison's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archnet.evaluation.comparison.comparison import Comparison
from archnet.report.paper.acquisition_rows import acquisition_rows
from archnet.report.paper.comparison.comparison_methods import comparison_methods
from archnet.report.paper.flow_diagram import flow_drawing, run_flow
from archnet.report.run_files import read_run_files
from archnet.report.wording import word_list


def comparison_paper(comparison: Comparison, *, has_froc: bool) -> dict[str, Any]:
    """What the template "paper.html" is filled with: flow and acquisition once for networks that share them.

    Args:
        comparison: The comparison.
        has_froc: Whether the FROC curves are compared as well.

    Raises:
        DataError: A file of a run is damaged.
    """
    runs = {row.run: read_run_files(Path(row.folders[0]), with_pictures=False) for row in comparison.rows}
    names_by_content: dict[Any, list[str]] = {}
    for name, run in runs.items():
        rows = tuple((row.label, tuple(row.texts.items())) for row in acquisition_rows(run))
        names_by_content.setdefault((run_flow(run), rows), []).append(name)
    parts = [
        {
            "title": word_list(names) if len(names_by_content) > 1 else "",
            "flow": flow_drawing(run_flow(runs[names[0]])),
            "acquisition": acquisition_rows(runs[names[0]]),
            "sets": runs[names[0]].sets,
        }
        for names in names_by_content.values()
    ]
    methods = comparison_methods(comparison, runs, has_froc=has_froc)
    text = "\n\n".join(f"{heading}. {paragraph}" for heading, paragraph in methods.items())
    return {"parts": parts, "methods": methods, "text": text, "is_comparison": True}
