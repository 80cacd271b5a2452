"""Warnings about scans unlike those of the training: the ranges, and how far a scan may be outside them."""

from types import SimpleNamespace

import numpy as np
import pytest

from archnet.data.scan_ranges import ScanRanges
from archnet.imaging import Volume
from archnet.inference.suitability import geometry_warnings, intensity_warnings

RANGES = ScanRanges(
    count=2,
    spacing_mm=((3.0, 3.0, 3.0), (4.0, 3.0, 3.0)),
    size_mm=((60.0, 60.0, 60.0), (80.0, 90.0, 60.0)),
    mean_hu=(-100.0, 0.0),
)


def run_of(kind="whole scans", ranges=RANGES, spacing_mm=None):
    data = SimpleNamespace(spacing_mm=spacing_mm)
    return SimpleNamespace(kind=kind, scan_ranges=ranges, experiment=SimpleNamespace(data=data))


def scan_of(shape=(20, 20, 20), spacing_mm=(3.0, 3.0, 3.0)):
    hu = np.zeros(shape, np.int16)
    return Volume(hu=hu, spacing_mm=spacing_mm, origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))


@pytest.mark.parametrize(
    ("scan", "warnings"),
    [
        (scan_of(), []),
        (scan_of((20, 30, 30), (2.0, 2.0, 3.0)), []),  # two thirds of the smallest spacing
        (scan_of((20, 20, 20), (6.0, 4.5, 3.0)), []),  # one and a half times the largest one
        (
            scan_of((20, 30, 20), (1.99, 2.0, 3.0)),
            [
                "its voxels are 1.99 mm along x; in training they were 3 to 4 mm.",
                "it is 40 mm long along x; in training scans were 60 to 80 mm.",
            ],
        ),
        (
            scan_of((12, 20, 20), (3.0, 3.0, 4.52)),
            ["its voxels are 4.52 mm along z; in training they were 3 mm."],
        ),
        (scan_of((30, 45, 40)), []),  # 120, 135 and 90 mm along x, y and z
        (
            scan_of((13, 46, 41)),
            [
                "it is 123 mm long along x; in training scans were 60 to 80 mm.",
                "it is 138 mm long along y; in training scans were 60 to 90 mm.",
                "it is 39 mm long along z; in training scans were 60 mm.",
            ],
        ),
    ],
)
def test_spacings_and_extents_may_leave_the_range_of_the_training_by_half(scan, warnings):
    assert geometry_warnings(scan, run_of()) == warnings
    assert geometry_warnings(scan, run_of(ranges=None)) == []


def test_a_run_on_candidates_has_no_extent_and_on_a_grid_of_millimetres_no_spacing():
    scan = scan_of((13, 20, 20), (9.0, 3.0, 3.0))
    (text,) = geometry_warnings(scan, run_of("candidates"))
    assert text == "its voxels are 9 mm along x; in training they were 3 to 4 mm."
    assert geometry_warnings(scan, run_of("candidates", spacing_mm=(1.0, 1.0, 1.0))) == []


@pytest.mark.parametrize(("mean", "is_far"), [(-240, False), (-241, True), (140, False), (141, True)])
def test_the_mean_may_leave_the_range_of_the_training_by_a_tenth_of_the_window(mean, is_far):
    text = f"the network sees a mean of {mean} HU; in training it was -100 to 0 HU."
    assert intensity_warnings(mean, RANGES, (-1000.0, 400.0)) == [text] * is_far
    assert intensity_warnings(mean, None, (-1000.0, 400.0)) == []
