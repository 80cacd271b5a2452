"""The kind of conclusion about the difference of two architectures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from archnet.evaluation.comparison.matched_recall import RECALL_AT_EQUAL_FALSE_POSITIVE_RATE
from archnet.evaluation.comparison.paired_comparison import PairedComparison

Kind = Literal[
    "other_better",
    "reference_better",
    "not_worse",
    "no_difference_shown",
    "neither_better_than_chance",
    "not_comparable",
]
"""Kinds of conclusions; "not_worse" means non-inferior within the margin."""

LEVEL: Final = 0.05
"""Significance level of p values."""


def conclusion_kind(
    entry: Mapping[str, Any], are_better_than_chance: tuple[bool | None, bool | None], *, is_noninferior: bool
) -> Kind:
    """The conclusion from a difference.

    A network is better if the 95% interval of the difference excludes 0, with several architectures after Holm's
    correction of its p value.
    """
    if entry["difference"] is None:
        return "not_comparable"
    if are_better_than_chance == (False, False):
        return "neither_better_than_chance"
    if is_sure(entry):
        return "other_better" if entry["difference"] > 0 else "reference_better"
    return "not_worse" if is_noninferior else "no_difference_shown"


def is_sure(entry: Mapping[str, Any]) -> bool:
    """Whether the interval of a difference excludes 0, also after Holm's correction of its p value."""
    interval, p_holm = entry["interval"], entry["p_holm"]
    return interval is not None and not interval[0] <= 0 <= interval[1] and (p_holm is None or p_holm <= LEVEL)


def contradicting_recall(kind: Kind, pair: PairedComparison, margin: float | None) -> dict[str, Any] | None:
    """The recall at equal rates in the compared set, where the better network has more false positives there.

    Thresholds with equal rates in validation may have different rates on other cases, and a higher recall at the cost
    of more false positives is neither a better nor an equal result. None if the difference at equal rates leads to the
    same conclusion.
    """
    points = pair.differences[pair.headline].get("operating_points")
    if kind not in ("other_better", "reference_better", "not_worse") or points is None:
        return None
    names = ("reference", "other") if kind == "reference_better" else ("other", "reference")
    better, worse = (points[name]["false_positives"] for name in names)
    entry = pair.differences[RECALL_AT_EQUAL_FALSE_POSITIVE_RATE]
    if better <= worse or _shows(kind, entry, margin):
        return None
    return {key: entry[key] for key in ("difference", "interval", "p_holm")}


def _shows(kind: Kind, entry: Mapping[str, Any], margin: float | None) -> bool:
    """Whether a difference leads to the same conclusion."""
    if kind == "not_worse":
        return entry["interval"] is not None and margin is not None and entry["interval"][0] > -margin
    return is_sure(entry) and (entry["difference"] > 0) == (kind == "other_better")
