"""The steps of the card: who follows them gets the array that the network saw."""

import re

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from archnet.data import open_dataset
from archnet.export.scan_steps import describe_whole_scan
from archnet.spec.section_options import parse_data

DIRECTIONS = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
"""NIfTI's, in which right, anterior and superior are positive."""


def follow(steps, path):
    """The array that the steps describe, from nibabel's voxels with NumPy and SciPy alone."""
    text = " ".join(steps)
    size = tuple(map(int, re.search(r"Resize it to (\d+) × (\d+) × (\d+) \(height × width × depth\)", text).groups()))
    low, high = map(float, re.search(r"values below (\S+) become \1, those above (\S+) become \2\.", text).groups())
    fill = float(re.search(r"all of them (\S+);", text)[1])
    order = ["Read", "Reorient", "Only where", "Clip", "Resize", "Add"]
    assert [step.partition(" ")[0].rstrip(":") for step in steps] == [word.split()[0] for word in order]
    assert "m be min(R, C) and s = (R - C) // 2, rounded down; B has C rows and R columns" in text
    assert "with a = max(s, 0) and b = max(-s, 0), B[b:b+m, a:a+m] = A[a:a+m, b:b+m]." in text
    image = nibabel.load(path)
    to_lps = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(image.affine), nibabel.orientations.axcodes2ornt("LPS")
    )
    xyz = nibabel.orientations.apply_orientation(image.get_fdata(dtype=np.float32), to_lps)
    a = xyz.transpose(1, 0, 2)
    rows, columns = a.shape[:2]
    if rows != columns:
        side, shift = min(rows, columns), (rows - columns) // 2
        first, second = max(shift, 0), max(-shift, 0)
        b = np.full((columns, rows, a.shape[2]), fill, np.float32)
        b[second : second + side, first : first + side] = a[first : first + side, second : second + side]
        a = b
    factors = [new / old for new, old in zip(size, a.shape, strict=True)]
    return ndimage.zoom(np.clip(a, low, high), factors, order=1, grid_mode=False)[..., np.newaxis]


@pytest.mark.parametrize("codes", ["LPS", "RAS", "LAS", "SAR", "PIL"])
@pytest.mark.parametrize(
    ("shape", "window_hu"),
    [((20, 20, 9), [-900, 350]), ((15, 22, 8), [-900, 350]), ((23, 16, 6), [[-160, 240], [-900, 100]])],
    ids=str,
)
def test_whoever_follows_the_steps_gets_the_case_of_the_data_set(tmp_path, codes, shape, window_hu):
    generator = np.random.default_rng(0)
    for name in ("CT-0/a", "CT-0/b", "CT-23/c", "CT-23/d"):
        path = tmp_path / f"{name}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        voxels = generator.integers(-2000, 1500, shape).astype(np.int16)
        affine = np.eye(4)
        affine[:3, :3] = np.transpose([DIRECTIONS[code] for code in codes]) * (0.7, 0.8, 2.5)
        nibabel.Nifti1Image(voxels, affine).to_filename(path)
        assert nibabel.aff2axcodes(nibabel.load(path).affine) == tuple(codes)
    options = {"name": "mosmed", "root": str(tmp_path), "crop_size": [17, 12, 7], "window_hu": window_hu}
    dataset = open_dataset(parse_data(options))
    steps = describe_whole_scan(options)
    for row, case in enumerate(dataset.cases.ids.tolist()):
        expected = dataset.crop(row)[..., np.newaxis]
        rebuilt = follow(steps, tmp_path / f"{case}.nii.gz")
        assert rebuilt.dtype == expected.dtype == np.float32
        np.testing.assert_allclose(rebuilt, expected, rtol=0, atol=0.01)


def test_a_single_slice_of_the_result_is_the_first_of_the_scan(tmp_path):
    for name in ("a/1", "a/2", "b/3", "b/4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        voxels = np.arange(5 * 5 * 4, dtype=np.int16).reshape(5, 5, 4)
        nibabel.Nifti1Image(voxels, np.diag([-1.0, -1.0, 1.0, 1.0])).to_filename(tmp_path / f"{name}.nii.gz")
    options = {"name": "folder", "root": str(tmp_path), "crop_size": [5, 5, 1], "window_hu": [-900, 350]}
    np.testing.assert_array_equal(open_dataset(parse_data(options)).crop(0)[..., 0], voxels[:, :, 0].T)
    assert (
        "of n voxels that become k, voxel i of the result is at i · (n - 1) / (k - 1), and a single one at 0"
        in (describe_whole_scan(options)[4])
    )


def test_the_steps_name_the_window_or_the_range_of_all_windows():
    options = {"crop_size": [8, 8, 4], "window_hu": [[-160, 240], [-900, 100]]}
    assert describe_whole_scan(options)[3] == (
        "Clip to the range of all windows: values below -900 become -900, those above 240 become 240. Clip before "
        "resizing."
    )
    assert describe_whole_scan(options | {"window_hu": [-900, 100]})[3].startswith("Clip to the window: ")
