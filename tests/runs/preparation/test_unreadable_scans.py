"""Scans that could not be read, among the findings of the data checks."""

from types import SimpleNamespace

import numpy as np
import pytest

from archnet.data.dataset import UnreadableScan
from archnet.runs.preparation.data_checks import check_scans


def crops_without(num_scans):
    """Crops of 10 cases, of which one was in each unreadable scan."""
    lost = tuple(UnreadableScan(scan=f"{n}.mhd", reason=f"{n}.mhd: damaged.", num_cases=1) for n in range(num_scans))
    return SimpleNamespace(unreadable_scans=lost, is_there=np.arange(10) >= num_scans, scan_numbers=None)


@pytest.mark.parametrize(("num_scans", "more"), [(1, ""), (3, ""), (4, " 1 more are listed in data.json.")])
def test_the_finding_names_three_scans_and_lists_all(num_scans, more):
    (finding,) = check_scans(None, crops_without(num_scans))
    assert (finding.check, finding.severity) == ("unreadable_scans", "warning")
    assert finding.cases == tuple(f"{number}.mhd" for number in range(num_scans))
    scans = "1 scan" if num_scans == 1 else f"{num_scans} scans"
    reasons = " ".join(f"{number}.mhd: damaged. It has 1 case." for number in range(min(num_scans, 3)))
    assert finding.message == f"{scans} could not be read: {num_scans} of 10 cases are missing. {reasons}{more}"


def test_no_finding_if_every_scan_was_read():
    assert list(check_scans(None, crops_without(0))) == []
