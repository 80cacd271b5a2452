"""The ranges of scans and of the cases extracted from them."""

import numpy as np
import pytest

from archnet.data.scan_ranges import measure_scan_ranges, parse_scan_ranges
from archnet.imaging import Volume
from archnet.imaging.volume import placeholder_voxels


def frame(shape, spacing_mm):
    return Volume(hu=placeholder_voxels(shape), spacing_mm=spacing_mm, origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))


def test_ranges_are_rounded_to_a_thousandth_of_a_millimetre_along_each_axis():
    frames = [frame((30, 20, 10), (0.70312512, 1.0, 2.5)), frame((4, 50, 60), (0.5, 0.8124, 5.0))]
    cases = np.array([[-2000, 0], [10, 11], [400, 900]]).reshape(3, 1, 2, 1)
    ranges = measure_scan_ranges(frames, cases, (-1000, 400))
    assert ranges.count == 2
    assert ranges.spacing_mm == ((0.5, 0.812, 2.5), (0.703, 1.0, 5.0))
    assert ranges.size_mm == ((7.031, 20.0, 20.0), (30.0, 40.62, 75.0))
    assert ranges.mean_hu == (-500.0, 400.0)
    assert parse_scan_ranges(ranges.to_document()) == ranges


@pytest.mark.parametrize(
    ("num_cases", "outlier", "is_measured"), [(512, 256, True), (513, 256, False), (513, 512, True)]
)
def test_512_evenly_spaced_cases_are_measured(num_cases, outlier, is_measured):
    cases = np.zeros((num_cases, 1, 1, 1))
    cases[outlier] = 7
    ranges = measure_scan_ranges([frame((4, 4, 4), (1.0, 1.0, 1.0))], cases, (-1000, 400))
    assert ranges.mean_hu == (0.0, 7.0 if is_measured else 0.0)
