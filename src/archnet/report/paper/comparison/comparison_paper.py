"""The section "For a paper" of a comparison's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archnet.evaluation.comparison.comparison import Comparison
from archnet.report.paper.acquisition_rows import acquisition_rows
from archnet.report.paper.comparison.comparison_methods import comparison_methods
from archnet.report.paper.flow_diagram import run_flow
from archnet.report.paper.paper_section import paper_part
from archnet.report.run_files import read_run_files
from archnet.report.wording import word_list


def comparison_paper(comparison: Comparison, *, has_froc: bool) -> dict[str, Any]:
    """The values of the template "paper.html": flow and acquisition once for networks that share them.

    Args:
        comparison: The comparison.
        has_froc: Whether the FROC curves are compared as well.

    Raises:
        DataError: A file of a run is damaged.
    """
    runs = {row.run: read_run_files(Path(row.folders[0]), with_pictures=False) for row in comparison.rows}
    contents = {name: (run_flow(run), acquisition_rows(run), run.sets) for name, run in runs.items()}
    groups: list[list[str]] = []
    for name, content in contents.items():
        same = next((group for group in groups if contents[group[0]] == content), None)
        if same is None:
            groups.append([name])
        else:
            same.append(name)
    parts = [paper_part(word_list(group) if len(groups) > 1 else "", *contents[group[0]]) for group in groups]
    methods = comparison_methods(comparison, runs, has_froc=has_froc)
    text = "\n\n".join(f"{heading}. {paragraph}" for heading, paragraph in methods.items())
    return {"parts": parts, "methods": methods, "text": text, "is_comparison": True}
