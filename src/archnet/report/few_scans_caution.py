"""The caution about percentile intervals of a FROC curve from few scans, which are too narrow."""

from __future__ import annotations

from archnet.errors import pluralize
from archnet.evaluation.uncertainty.few_groups import ENOUGH_GROUPS, are_few


def few_scans_caution(num_scans: int | None) -> list[str]:
    """A sentence if a FROC curve comes from few scans.

    >>> few_scans_caution(20), few_scans_caution(50)
    (['The FROC curve comes from only 20 scans: with fewer than 50, its 95% intervals are too narrow.'], [])

    Args:
        num_scans: The number of scans; None if unknown.
    """
    if num_scans is None or not are_few(num_scans):
        return []
    scans = pluralize(num_scans, "scan")
    return [
        f"The FROC curve comes from only {scans}: with fewer than {ENOUGH_GROUPS}, its 95% intervals are too narrow."
    ]
