"""Pictures of cases for the page of a data check: examples of each class, and cases named by findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from archnet.data.checks.findings import Finding
from archnet.report.figures.montage import Picture
from archnet.runs.preparation.prepared_data import PreparedData
from archnet.spec.view import scale_picture

_NUM_SAMPLES: Final = 12
"""Number of example cases, alternating between the classes."""

_NUM_OF_FINDING: Final = 4
"""Maximum number of cases shown below a finding."""


def draw_cases(data: PreparedData | None, findings: Sequence[Finding]) -> tuple[list[Picture], list[list[Picture]]]:
    """Draw samples of all classes, and the cases that each finding names.

    Args:
        data: The crops; None for no pictures.
        findings: The findings; names other than cases, such as files, have no picture.
    """
    if data is None:
        return [], [[] for _ in findings]
    places = zip(data.cases.ids.tolist(), data.sets.tolist(), strict=True)
    rows = {name: row for row, (case, part) in enumerate(places) for name in (case, f"{case} ({part})")}
    shown = [[rows[case] for case in finding.cases if case in rows][:_NUM_OF_FINDING] for finding in findings]
    of_findings = [[_picture(data, row) for row in part] for part in shown]
    members = [np.flatnonzero(data.cases.labels == label) for label in range(len(data.cases.classes))]
    turns = [part[place] for place in range(_NUM_SAMPLES) for part in members if place < part.size]
    return [_picture(data, int(row)) for row in turns[:_NUM_SAMPLES]], of_findings


def _picture(data: PreparedData, row: int) -> Picture:
    """The first channel of a case as in the network's input, with its class and name."""
    scaled = scale_picture(data.values[data.rows[row]], data.limits)
    return Picture(
        image=(scaled * 255).round().astype(np.uint8),
        case=str(data.cases.ids[row]),
        truth=data.cases.classes[int(data.cases.labels[row])],
    )
