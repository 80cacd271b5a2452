"""Wording: numbers as a reader wants them, and the sentences that stand at the top of a report."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from archnet.errors import pluralize
from archnet.evaluation.confusion import detection_counts
from archnet.evaluation.metric_entry import class_estimate
from archnet.evaluation.run_costs import RunCost
from archnet.evaluation.run_folder import allowed_errors
from archnet.report.integrity_wording import run_integrity_texts
from archnet.report.run_files import RunFiles
from archnet.report.units import bytes_text, count_text

UNDEFINED = "undefined"
UNKNOWN = "–"
"""Stands for a cost that a run does not have, such as the multiply-adds of a baseline."""

SET_NAMES = {"train": "training", "validation": "validation", "test": "test"}
CONFIGURED_THRESHOLD = "configured threshold"
"""The experiment's own operating point."""

UNCALIBRATED = "uncalibrated"
"""Probabilities as the network gives them."""

OPTIMISTIC_VALIDATION = (
    "The validation set may have chosen the weights and the time to stop, so these figures are optimistic."
)


def decimals(value: float | None) -> str:
    """A metric with three decimals.

    >>> decimals(0.77580), decimals(None)
    ('0.776', 'undefined')
    """
    return UNDEFINED if value is None else f"{value:.3f}".replace("-", "\N{MINUS SIGN}")


def bounds(interval: list[float] | None) -> str:
    """An interval's ends with three decimals, or nothing.

    >>> bounds([0.7234, 0.8207])
    '0.723 to 0.821'
    """
    return "" if interval is None else f"{decimals(interval[0])} to {decimals(interval[1])}"


def threshold(value: float) -> str:
    """A threshold; near 0 and 1 with as many decimals as tell it from them.

    >>> threshold(0.5), threshold(0.00012), threshold(0.99965), threshold(1.0)
    ('0.500', '0.00012', '0.99965', '1.000')
    """
    gap = min(value, 1 - value)
    places = min(9, 1 - math.floor(math.log10(gap))) if 0 < gap < 0.01 else 3
    return f"{value:.{places}f}"


def signed(value: float | None) -> str:
    """A difference with its sign and three decimals.

    >>> signed(0.0391), signed(-0.2), signed(None)
    ('+0.039', '−0.200', 'undefined')
    """
    return UNDEFINED if value is None else f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def signed_bounds(interval: list[float] | None) -> str:
    """The ends of a difference's interval, or nothing.

    >>> signed_bounds([-0.0212, 0.0676])
    '−0.021 to +0.068'
    """
    return "" if interval is None else f"{signed(interval[0])} to {signed(interval[1])}"


def percent(value: float | None) -> str:
    """A share with one decimal.

    >>> percent(0.7758)
    '77.6%'
    """
    return UNDEFINED if value is None else f"{100 * value:.1f}%"


def count(value: float | None) -> str:
    """A whole number in groups of three digits.

    >>> count(196108)
    '196,108'
    """
    return UNKNOWN if value is None else f"{value:,.0f}"


def mean_count(value: float) -> str:
    """A number of cases that may be a mean over runs.

    >>> mean_count(1248), mean_count(39.6667)
    ('1,248', '39.7')
    """
    return f"{value:,.0f}" if abs(value - round(value)) < 1e-6 else f"{value:,.1f}"


def short_count(value: float | None) -> str:
    """A large number with a unit prefix.

    >>> short_count(1_269_052), short_count(812)
    ('1.27 M', '812')
    """
    return UNKNOWN if value is None else count_text(value)


def memory(value: float | None) -> str:
    """Bytes in decimal units.

    >>> memory(412_000_000)
    '412 MB'
    """
    return UNKNOWN if value is None else bytes_text(value)


def duration(seconds: float | None) -> str:
    """Seconds as a reader says them.

    >>> duration(200), duration(4.25), duration(7260)
    ('3 min 20 s', '4.2 s', '2 h 1 min')
    """
    if seconds is None:
        return UNKNOWN
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def cost_text(cost: RunCost, value: float | None, *, is_exact: bool = False) -> str:
    """A cost of a run in its unit.

    Args:
        cost: What is counted.
        value: How much; None where a run does not know it.
        is_exact: Write out all digits of a number of operations.
    """
    if cost.unit == "operations" and is_exact:
        return count(value)
    return _COST_FORMATTERS[cost.unit](value)


_COST_FORMATTERS: Mapping[str, Callable[[float | None], str]] = {
    "weights": count,
    "operations": short_count,
    "bytes": memory,
    "seconds": duration,
    "cases per second": count,
}


def temperature_text(temperature: float) -> str:
    """A calibration after temperature scaling.

    >>> temperature_text(1.2345)
    'temperature 1.23'
    """
    return f"temperature {temperature:.2f}"


def word_list(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    >>> word_list(["accuracy", "recall", "MCC"]), word_list(["MCC"])
    ('accuracy, recall and MCC', 'MCC')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def shape(sizes: list[int]) -> str:
    """Sizes with the multiplication sign.

    >>> shape([64, 64, 10, 1])
    '64 × 64 × 10 × 1'
    """
    return " × ".join(str(size) for size in sizes)


def short_case(name: str, length: int = 24) -> str:
    """A case's name without its middle, when it is long.

    >>> short_case("1.3.6.1.4.1.14519.5.2.1.6279.6001.1000#812", 15)
    '1.3.6.1…1000#812'
    """
    return name if len(name) <= length else f"{name[: length // 2]}…{name[-(length - length // 2) :]}"


def reported_set(sets: list[str]) -> str:
    """The set that the headline is about: the test set, else the validation set, else the training set."""
    return next(name for name in ("test", "validation", "train") if name in sets)


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


def cautions(run: RunFiles) -> list[str]:
    """What a reader must know before trusting the headline; empty when nothing speaks against it."""
    name = reported_set(run.sets)
    texts = [collapse_text(run.metrics["collapsed"])] if "collapsed" in run.metrics else []
    if name == "validation":
        texts.append(f"There is no test set. {OPTIMISTIC_VALIDATION}")
    if name == "train":
        texts.append("There is neither a test nor a validation set: these figures are for the training cases.")
    texts += run_integrity_texts(run.manifest)
    return texts + _allowed_errors_caution(run) + _leakage_caution(run, name) + _lost_scans_caution(run)


def collapse_text(collapsed: Mapping[str, Any]) -> str:
    """Describe how a run has collapsed.

    >>> collapse_text({"reason": "one_class", "class": "nodule"})
    'Every case is predicted as “nodule”: no better than always saying “nodule”.'
    >>> collapse_text({"reason": "diverged", "losses": [0.7, 1234.5]})
    'Collapsed: the training loss grew from 0.7 to 1.23e+03. Lower the learning rate.'

    Args:
        collapsed: The entry of `metrics.json`.
    """
    if collapsed["reason"] == "diverged":
        first, last = (UNDEFINED if loss is None else f"{loss:.3g}" for loss in collapsed.get("losses", (None, None)))
        return f"Collapsed: the training loss grew from {first} to {last}. Lower the learning rate."
    name = collapsed.get("class", UNKNOWN)
    if collapsed["reason"] == "constant":
        return f"Collapsed: every case has the same probabilities and is predicted as “{name}”."
    # Not called collapsed: the network may rank the cases well, and only its threshold be wrong.
    return f"Every case is predicted as “{name}”: no better than always saying “{name}”."


def _allowed_errors_caution(run: RunFiles) -> list[str]:
    """A sentence if the data were used despite errors."""
    checks = allowed_errors(run.data)
    return [allowed_errors_text(checks)] if checks else []


def allowed_errors_text(checks: Sequence[str]) -> str:
    """The notice about data that were used despite errors.

    >>> allowed_errors_text(["near_duplicates"])
    'The data have an error that was allowed: near_duplicates. The results may be wrong; see the data checks.'
    """
    what = "an error that was allowed" if len(checks) == 1 else "errors that were allowed"
    return f"The data have {what}: {', '.join(checks)}. The results may be wrong; see the data checks."


def _lost_scans_caution(run: RunFiles) -> list[str]:
    """A sentence when scans could not be read."""
    unreadable_scans = (run.data or {}).get("lost", [])
    if not unreadable_scans:
        return []
    num_cases = sum(scan["num_cases"] for scan in unreadable_scans)
    cases, scans = pluralize(num_cases, "case"), pluralize(len(unreadable_scans), "scan")
    return [f"{cases} missing, because {scans} could not be read; see the data checks."]


def _leakage_caution(run: RunFiles, name: str) -> list[str]:
    """A sentence when scans or patients stand on both sides of the split, or may do so unseen."""
    evaluated_groups = set(run.predictions.select(name).groups.tolist())
    training_groups = set(run.predictions.select("train").groups.tolist())
    shared = len(evaluated_groups & training_groups)
    if name != "train" and shared:
        return [
            f"{shared:,} of the {len(evaluated_groups):,} {SET_NAMES[name]} groups (scans or patients) also have cases "
            "in the training set: the network has seen their neighbours, so these figures are optimistic."
        ]
    if name != "train" and _option(run, "split", "by") == "candidate":
        return ["The split is by candidate: neighbours of a test case may be in the training set, which is optimistic."]
    return []


def _option(run: RunFiles, part: str, key: str) -> object:
    value = (run.experiment or {}).get(part)
    return value.get(key) if isinstance(value, dict) else None
