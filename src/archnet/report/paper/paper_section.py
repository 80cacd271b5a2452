"""The section "For a paper" of a run's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archnet.report.paper.acquisition_rows import AcquisitionRow, acquisition_rows
from archnet.report.paper.flow_diagram import Flow, flow_drawing, run_flow
from archnet.report.paper.methods_text import methods_paragraphs, methods_text
from archnet.report.run_files import RunFiles


def paper_part(title: str, flow: Flow, acquisition: Sequence[AcquisitionRow], sets: Sequence[str]) -> dict[str, Any]:
    """The flow and acquisition of a run, or of several runs that share them, for the template."""
    return {"title": title, "flow": flow_drawing(flow), "acquisition": acquisition, "sets": sets}


def paper_section(run: RunFiles) -> dict[str, Any]:
    """The values of the template "paper.html".

    Raises:
        DataError: cases.csv is damaged.
    """
    return {
        "parts": [paper_part("", run_flow(run), acquisition_rows(run), run.sets)],
        "methods": methods_paragraphs(run),
        "text": methods_text(run),
        "is_comparison": False,
    }
