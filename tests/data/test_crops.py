"""Which candidates lie inside their scan."""

import re
from pathlib import Path

import numpy as np
import pytest

from archnet.data.crops import CandidateCrops
from archnet.errors import DataError
from archnet.imaging import Volume

SIZES = {"x": 6, "y": 5, "z": 4}
SPACING_MM = {"x": 1.0, "y": 1.0, "z": 2.0}


def cut(**point):
    """The crop of one voxel around a point, in a scan whose values are the indices zyx."""
    hu = np.array([[[100 * z + 10 * y + x for x in range(6)] for y in range(5)] for z in range(4)], np.int16)
    volume = Volume(hu=hu, spacing_mm=(1.0, 1.0, 2.0), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))
    points = np.array([[1.0, 1.0, 2.0], [point.get("x", 0), point.get("y", 0), point.get("z", 0)]])
    scans = [Path("/scans/a.mhd")] * 2
    crops = CandidateCrops("list", np.array(["a", "b"]), scans, points, lambda row: f"list.csv line {row}", (1, 1, 1))
    ((_, values),) = crops.cut_volume(0, volume)
    return int(values[1].item())


@pytest.mark.parametrize("axis", "xyz")
def test_a_candidate_is_inside_up_to_half_a_voxel_beyond_the_outer_centres(axis):
    step, last = SPACING_MM[axis], SIZES[axis] - 1
    factor = {"x": 1, "y": 10, "z": 100}[axis]
    assert cut(**{axis: -0.49 * step}) == 0
    assert cut(**{axis: (last + 0.49) * step}) == factor * last
    for index in (-0.51, last + 0.5):
        point = {"x": 0.0, "y": 0.0, "z": 0.0} | {axis: round(index * step, 3)}
        shown = "({x}, {y}, {z})".format(**point)
        with pytest.raises(
            DataError, match=f"^{re.escape(f'list.csv line 1: the point {shown} mm is outside scan a.mhd.')}$"
        ):
            cut(**point)


def test_crops_have_the_nearest_whole_hounsfield_units_that_16_bits_hold():
    hu = np.array([[[0.6, -0.6, 2.4, -1.5, 40000.0, -40000.0]]], np.float32)
    volume = Volume(hu=hu, spacing_mm=(1.0, 1.0, 2.0), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))
    ids, scans = np.array(["a"]), [Path("/scans/a.mhd")]
    crops = CandidateCrops("list", ids, scans, np.array([[3.0, 0, 0]]), str, (1, 6, 1))
    ((_, values),) = crops.cut_volume(0, volume)
    assert values.dtype == np.int16
    assert values.ravel().tolist() == [1, -1, 2, -2, 32767, -32768]


def test_the_location_of_a_point_is_rounded_to_a_thousandth_of_a_millimetre():
    with pytest.raises(DataError, match=re.escape("the point (99.123, 0.0, 0.0) mm is outside scan a.mhd.")):
        cut(x=99.1234)


def test_values_beyond_16_bits_are_clipped_and_others_rounded():
    hu = np.array([-1e6, -32768.4, -0.6, 1.4, 32767.4, 1e6], np.float32).reshape(1, 1, 6)
    volume = Volume(hu=hu, spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))
    points = np.array([[float(x), 0.0, 0.0] for x in range(6)])
    scans = [Path("/scans/a.mhd")] * 6
    crops = CandidateCrops("list", np.array(list("abcdef")), scans, points, lambda row: f"line {row}", (1, 1, 1))
    found = np.concatenate([values for _, values in crops.cut_volume(0, volume)])
    assert found.ravel().tolist() == [-32768, -32768, -1, 1, 32767, 32767]
