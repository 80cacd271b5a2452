"""Tables of a comparison's page: metrics, costs, and each network against the reference."""

from __future__ import annotations

from typing import Any

from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.paired_comparison import PairedComparison
from archnet.evaluation.run_costs import COMPARED_COSTS
from archnet.report.comparison_wording import (
    cost_ratio,
    difference_names,
    errors_text,
    p_value_texts,
    ratio_text,
    uncertainty_text,
)
from archnet.report.sentences.document_difference import difference_texts
from archnet.report.wording import cost_text
from archnet.spec.metrics import EVALUATED_METRICS, METRICS


def metric_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Each metric of every row, with its uncertainty."""
    return [
        {
            "label": METRICS[name].summary_label(len(comparison.classes)),
            "cells": [(row.value(name), uncertainty_text(row, name)) for row in comparison.rows],
        }
        for name in EVALUATED_METRICS
    ]


def class_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """The recall of each of more than two classes."""
    return [
        {
            "label": name,
            "cells": [(row.value("recall", name), uncertainty_text(row, "recall", name)) for row in comparison.rows],
        }
        for name in (comparison.classes if len(comparison.classes) > 2 else ())
    ]


def cost_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Each cost of every row, with its ratio to that of the reference."""
    reference = comparison.rows[0]
    return [
        {
            "label": cost.label,
            "cells": [
                (
                    cost_text(cost, row.costs[cost.name]),
                    "" if row is reference else ratio_text(cost_ratio(reference, row, cost.name)),
                )
                for row in comparison.rows
            ],
        }
        for cost in COMPARED_COSTS
    ]


def pair_values(pair: PairedComparison, num_classes: int) -> dict[str, Any]:
    """One architecture against the reference, in words."""
    return {
        "reference": pair.reference,
        "other": pair.other,
        "rows": [
            {**pair.differences[name], "label": label, "p_texts": p_value_texts(pair.differences[name])}
            for name, label in difference_names(num_classes).items()
            if name in pair.differences
        ],
        "errors": errors_text(pair),
        "document": [difference_texts(difference) for difference in pair.document],
    }
