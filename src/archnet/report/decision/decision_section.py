"""The section "Decisions" of a run's page, from metrics.json."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from archnet.report.decision.decision_curve import decision_curve_drawing
from archnet.report.wording import SET_NAMES, percent


def decision_section(metrics: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The values of the template.

    Args:
        metrics: The content of metrics.json.
        name: Name of the reported set.

    Returns:
        The values; None for more than two classes, and for a run of an older version.
    """
    entry = metrics[name].get("decision")
    if entry is None:
        return None
    return {
        "set": SET_NAMES[name],
        "threshold": metrics[name]["threshold"],
        "drawing": decision_curve_drawing(entry["decision_curve"], f"Decision curve, {SET_NAMES[name]} set", name),
        "rows": list(_rows(entry)),
        "predictive_values": [
            {**row, "prevalence": prevalence_text(row["prevalence"])} for row in entry["predictive_values"]
        ],
        "ratios": json.dumps(entry["likelihood_ratios"]),
    }


def _rows(entry: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Label and number of each row of the table."""
    for one in entry["sensitivity_at_specificity"]:
        yield f"sensitivity at specificity {one['specificity']:.2f}", one
    for one in entry["specificity_at_sensitivity"]:
        yield f"specificity at sensitivity {one['sensitivity']:.2f}", one
    for one in entry["partial_auc"]:
        yield f"partial AUC, false-positive rate up to {one['max_false_positive_rate']:.2f}", one
    yield "calibration slope (1 is ideal)", entry["calibration_slope"]
    yield "calibration intercept (0 is ideal)", entry["calibration_intercept"]


def prevalence_text(prevalence: float) -> str:
    """A prevalence in percent, without trailing zeros.

    >>> prevalence_text(0.05), prevalence_text(0.1734)
    ('5%', '17.3%')
    """
    return percent(prevalence).replace(".0%", "%")
