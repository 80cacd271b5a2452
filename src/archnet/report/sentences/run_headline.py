"""The headline of one run: how many positive cases it finds, and how many false positives that takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from archnet.evaluation.confusion import detection_counts
from archnet.evaluation.metric_entry import class_estimate
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, percent, reported_set


def headline(run: RunFiles) -> str:
    """The one sentence of a run: how many positive cases it finds, and how many false positives that takes."""
    name = reported_set(run.sets)
    metrics = run.metrics[name]
    if len(run.classes) == 2:
        return _detection_sentence(run.name, metrics, run.classes, run.positive, name)
    right = int(np.trace(metrics["confusion_matrix"]))
    return (
        f"{run.name} names the right one of {len(run.classes)} classes for {right:,} of {metrics['n']:,} "
        f"{SET_NAMES[name]} cases: accuracy {percent(metrics['accuracy'])}"
        f"{_interval_words(metrics['intervals']['accuracy'])}. "
    ) + _detection_sentence("It", metrics, run.classes, run.positive, name)


def _detection_sentence(
    subject: str, metrics: dict[str, Any], classes: tuple[str, ...], positive: int, set_name: str
) -> str:
    counts = detection_counts(metrics["confusion_matrix"], positive)
    name = classes[positive]
    if counts["positives"] == 0:
        return f"The {SET_NAMES[set_name]} set contains no “{name}” cases, so the recall is undefined."
    recall = class_estimate(metrics, "recall", name)
    return (
        f"{subject} finds {counts['true_positives']:,} of {counts['positives']:,} “{name}” cases in the "
        f"{SET_NAMES[set_name]} set: recall {percent(recall.value)}"
        f"{_interval_words(recall.interval)}, "
        f"with {_false_positives_text(counts['false_positives'])} among {counts['others']:,} other cases."
    )


def _interval_words(interval: list[float] | None) -> str:
    return "" if interval is None else f" (95% interval {percent(interval[0])} to {percent(interval[1])})"


def _false_positives_text(number: int) -> str:
    return f"{number:,} false positive{'' if number == 1 else 's'}"
