"""The page of a data check: conclusion, findings with pictures of their cases, and contents of the data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archnet.report.data_check_wording import check_findings, check_sentence, set_rows, summary_rows
from archnet.report.figures.histogram import histogram_drawing
from archnet.report.figures.montage import Picture
from archnet.report.html.gallery import cards
from archnet.report.html.page import write_page
from archnet.spec.experiment import ranges_of


def write_data_check(
    path: Path, check: Mapping[str, Any], samples: Sequence[Picture], of_findings: Sequence[Sequence[Picture]]
) -> Path:
    """Write the page of a data check.

    Args:
        path: The HTML file.
        check: The document of a `DataCheck`.
        samples: Example cases of all classes.
        of_findings: Cases that each finding names, in the order of the findings.

    Returns:
        Path of the page.
    """
    num_pictures = len(samples) + sum(map(len, of_findings))
    summary, findings = check["summary"], check_findings(check)
    values = {
        "title": check["data"],
        "headline": check_sentence(check),
        "cautions": [],
        "findings": [
            (finding, cards(pictures, num_pictures)) for finding, pictures in zip(findings, of_findings, strict=True)
        ],
        "classes": list(summary["classes"]),
        "summary_rows": summary_rows(check),
        "set_rows": set_rows(check),
        "histogram": histogram_drawing(summary["values"], ranges_of(summary["limits"])[0])
        if summary.get("values")
        else None,
        "shown": summary.get("pictures", ""),
        "samples": cards(samples, num_pictures),
    }
    return write_page(path, "check.html", values)
