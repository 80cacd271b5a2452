"""The headline of one run: numbers of detected positive cases and of false positives."""

from __future__ import annotations

from typing import Any

from archnet.errors import pluralize
from archnet.evaluation.confusion import detection_counts
from archnet.evaluation.metric_entry import Estimate, class_estimate
from archnet.report.run_files import RunFiles
from archnet.report.sentences.amounts import positive_cases
from archnet.report.sentences.class_sentence import class_sentence
from archnet.report.wording import SET_NAMES, percent, reported_set


def headline(run: RunFiles) -> str:
    """The main sentence of a run: recall and false positives, or macro averages with more than two classes."""
    name = reported_set(run.sets)
    metrics = run.metrics[name]
    num_groups = len(set(run.predictions.select(name).groups.tolist()))
    if len(run.classes) == 2:
        return _detection_sentence(run, metrics, name, num_groups)
    return class_sentence(run.name, metrics, run.classes, name)


def _detection_sentence(run: RunFiles, metrics: dict[str, Any], set_name: str, num_groups: int) -> str:
    counts, positive = detection_counts(metrics["confusion_matrix"], run.positive), run.classes[run.positive]
    if counts["positives"] == 0:
        return f"The {SET_NAMES[set_name]} set contains no {positive_cases(positive)}, so the recall is undefined."
    recall = class_estimate(metrics, "recall", positive)
    return (
        f"{run.name} finds {counts['true_positives']:,} of {positive_cases(positive, counts['positives'])} in the "
        f"{SET_NAMES[set_name]} set: recall {_estimate_text(recall, num_groups)}, with "
        f"{pluralize(counts['false_positives'], 'false positive')} among "
        f"{pluralize(counts['others'], 'other case')}."
    )


def _estimate_text(estimate: Estimate, num_groups: int) -> str:
    """A share with its interval, or why it has none."""
    if estimate.interval is None:
        groups = pluralize(num_groups, "group")
        return f"{percent(estimate.value)} (95% CI cannot be estimated from {groups})"
    low, high = map(percent, estimate.interval)
    return f"{percent(estimate.value)} (95% CI {low} to {high})"
