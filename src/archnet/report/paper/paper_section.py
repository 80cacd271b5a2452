"""The section "For a paper" of a run's page."""

from __future__ import annotations

from typing import Any

from archnet.report.paper.acquisition_rows import acquisition_rows
from archnet.report.paper.flow_diagram import flow_drawing, run_flow
from archnet.report.paper.methods_text import methods_paragraphs, methods_text
from archnet.report.run_files import RunFiles


def paper_section(run: RunFiles) -> dict[str, Any]:
    """What the template "paper.html" is filled with.

    Raises:
        DataError: cases.csv is damaged.
    """
    return {
        "parts": [
            {
                "title": "",
                "flow": flow_drawing(run_flow(run)),
                "acquisition": acquisition_rows(run),
                "sets": run.sets,
            }
        ],
        "methods": methods_paragraphs(run),
        "text": methods_text(run),
        "is_comparison": False,
    }
