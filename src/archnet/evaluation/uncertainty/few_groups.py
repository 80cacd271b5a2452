"""The number of scans or patients below which results need a caution.

Between 20 and 50 groups are few (Cameron and Miller 2015, doi:10.3368/jhr.50.2.317, section VI).
"""

from __future__ import annotations

from typing import Final

ENOUGH_GROUPS: Final = 50


def are_few(num_groups: int) -> bool:
    """Whether a number of groups, or of scans of a FROC curve, needs a caution.

    >>> are_few(49), are_few(50)
    (True, False)
    """
    return num_groups < ENOUGH_GROUPS
