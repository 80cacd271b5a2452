"""Attributes from the headers of scans."""

import numpy as np

from archnet.data.attributes.scan_columns import scan_columns
from archnet.imaging import Volume
from archnet.imaging.volume import placeholder_voxels


def frame(shape, spacing_mm, **acquisition):
    return Volume(
        hu=placeholder_voxels(shape),
        spacing_mm=spacing_mm,
        origin_mm=(0.0, 0.0, 0.0),
        direction=np.eye(3),
        acquisition=acquisition,
    )


def test_every_case_has_what_the_header_of_its_scan_states():
    frames = [frame((30, 64, 80), (0.7, 0.9, 2.5)), frame((7, 8, 9), (0.7031254, 0.703125, 1.25), scanner="S 64")]
    columns = scan_columns(frames, np.array([1, 0, 1]))
    assert {name: values.tolist() for name, values in columns.items()} == {
        "slice_spacing_mm": ["1.25", "2.5", "1.25"],
        "pixel_spacing_mm": ["0.703125", "0.8", "0.703125"],
        "num_slices": ["7", "30", "7"],
        "num_rows": ["8", "64", "8"],
        "num_columns": ["9", "80", "9"],
        "scanner": ["S 64", "", "S 64"],
    }


def test_without_scans_there_are_no_columns():
    assert scan_columns([], np.array([], np.int64)) == {}
