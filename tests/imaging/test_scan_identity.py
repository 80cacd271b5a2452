"""The digest of a scan depends on its voxels and not on their type."""

from pathlib import Path

import numpy as np
import pytest

from archnet.imaging import Volume
from archnet.imaging.scan_identity import identify_scan


def identify(values, name="scan.nii.gz", dtype=np.float32, series_uid=None):
    sample = np.array(values, dtype).reshape(1, 1, -1)
    volume = Volume(
        hu=sample,
        spacing_mm=(1.0, 1.0, 1.0),
        origin_mm=(0.0, 0.0, 0.0),
        direction=np.eye(3),
        series_uid=series_uid,
    )
    return identify_scan(Path(name), volume, sample)


def test_a_digest_has_128_bits_and_is_that_of_the_rounded_values():
    whole = identify([-1000, 0, 3071], dtype=np.int16)
    assert len(bytes.fromhex(whole.digest)) == 16
    assert identify([-999.7, 0.4, 3071.0]) == whole
    assert identify([-999.7, 0.6, 3071.0]) != whole


@pytest.mark.filterwarnings("error")
def test_values_of_any_size_have_a_digest():
    huge = identify([3e38, -3e38])
    assert huge == identify([2.0**30, -(2.0**30)])
    assert huge != identify([-3e38, 3e38])
    assert huge != identify([2.0**30 - 128, -(2.0**30) + 128])


@pytest.mark.parametrize(
    ("name", "series_uid", "expected"),
    [
        ("1.3.6.1.mhd", None, "1.3.6.1"),
        ("1.3.6.1.nii.gz", None, "1.3.6.1"),
        ("1.3.6.1.mhd", "1.2.3", "1.2.3"),
        ("series 1.2", None, None),
        ("study_0001.nii.gz", None, None),
    ],
)
def test_the_uid_is_that_of_the_series_or_of_the_name(name, series_uid, expected):
    assert identify([0.0], name, series_uid=series_uid).series_uid == expected
