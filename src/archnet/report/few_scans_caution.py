"""The caution about a FROC curve of few scans, whose percentile intervals are then too narrow."""

from __future__ import annotations

from archnet.errors import pluralize
from archnet.evaluation.uncertainty.few_groups import ENOUGH_GROUPS, are_few


def few_scans_caution(num_scans: int | None) -> list[str]:
    """A sentence if a FROC curve is of few scans.

    >>> few_scans_caution(20), few_scans_caution(50)
    (['The FROC curve is of only 20 scans: below 50, its 95% intervals are too narrow.'], [])

    Args:
        num_scans: The scans; None where they are not known.
    """
    if num_scans is None or not are_few(num_scans):
        return []
    scans = pluralize(num_scans, "scan")
    return [f"The FROC curve is of only {scans}: below {ENOUGH_GROUPS}, its 95% intervals are too narrow."]
