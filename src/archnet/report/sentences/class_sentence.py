"""Sentences about results with more than two classes: macro averages, then the class with the lowest recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archnet.evaluation.metric_entry import Estimate, class_estimate, macro_estimate
from archnet.report.wording import SET_NAMES, decimals, mean_count, percent, word_list


def class_sentence(name: str, metrics: Mapping[str, Any], classes: Sequence[str], set_name: str) -> str:
    """Describe macro recall, macro AUC and accuracy with intervals, the weakest class, and classes without cases.

    Args:
        name: Name of the run or the network.
        metrics: Metrics of the set, as in `metrics.json`; means for several seeds.
        classes: Names of more than two classes.
        set_name: Name of the set.
    """
    right, total = mean_count(float(np.trace(metrics["confusion_matrix"]))), mean_count(metrics["n"])
    numbers = [
        f"macro recall {_share_text(macro_estimate(metrics, 'recall'))}",
        f"macro AUC {_number_text(macro_estimate(metrics, 'auc'))}",
        f"accuracy {_share_text(macro_estimate(metrics, 'accuracy'))}",
    ]
    return (
        f"{name} classifies {right} of {total} {SET_NAMES[set_name]} cases of {len(classes)} classes correctly: "
        f"{word_list(numbers)}.{_weakest_text(metrics, classes)}{_absent_text(metrics, classes, set_name)}"
    )


def _share_text(estimate: Estimate) -> str:
    ends = estimate.interval
    return percent(estimate.value) + (f" (95% CI {percent(ends[0])} to {percent(ends[1])})" if ends else "")


def _number_text(estimate: Estimate) -> str:
    ends = estimate.interval
    return decimals(estimate.value) + (f" (95% CI {decimals(ends[0])} to {decimals(ends[1])})" if ends else "")


def _weakest_text(metrics: Mapping[str, Any], classes: Sequence[str]) -> str:
    recalls = {name: class_estimate(metrics, "recall", name) for name in classes}
    defined = {name: recall for name, recall in recalls.items() if recall.value is not None}
    if not defined:
        return ""
    weakest = min(defined, key=lambda name: defined[name].value or 0.0)
    return f" The recall of “{weakest}” is the lowest: {_share_text(defined[weakest])}."


def _absent_text(metrics: Mapping[str, Any], classes: Sequence[str], set_name: str) -> str:
    absent = [f"“{name}”" for name, row in zip(classes, metrics["confusion_matrix"], strict=True) if not sum(row)]
    if not absent:
        return ""
    return f" The {SET_NAMES[set_name]} set contains no {word_list(absent)} cases; the macro averages exclude them."
