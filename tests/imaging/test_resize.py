import nibabel
import numpy as np
import pytest
import SimpleITK
from scipy import ndimage

from archnet.imaging import Volume, read_volume, resize_volume

WINDOW = (-1000.0, 400.0)
LAS = np.diag([-0.7, 0.7, 5.0, 1.0])


def _tutorial(stored, size):
    """The CT tutorial's steps on a NIfTI array in its storage order, in [0, 1]."""
    values = np.clip(stored, *WINDOW).astype("float32")
    values = ((values + 1000) / 1400).astype("float32")
    values = ndimage.rotate(values, 90, reshape=False)
    return ndimage.zoom(values, [wanted / length for wanted, length in zip(size, values.shape, strict=True)], order=1)


def _ours(path, size):
    return (resize_volume(read_volume(path), size, WINDOW) + 1000) / 1400


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2])
def test_a_real_ct_stored_as_las_gives_what_the_tutorial_gives(tmp_path, real_data, number):
    ct = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(real_data / f"ct/lung{number}_image.nrrd")))
    stored = ct[:, ::-1].transpose(2, 1, 0)
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(stored), LAS), tmp_path / "scan.nii")
    found = _ours(tmp_path / "scan.nii", (128, 128, 64))
    np.testing.assert_allclose(found, _tutorial(stored, (128, 128, 64)), atol=1e-5)


@pytest.mark.parametrize("shape", [(40, 40, 7), (17, 17, 1), (30, 40, 9), (40, 30, 9), (8, 8, 80)])
@pytest.mark.parametrize("size", [(16, 16, 8), (20, 24, 12)])
def test_any_size_gives_what_the_tutorial_gives(tmp_path, shape, size):
    stored = np.random.default_rng(1).integers(-1500, 900, shape).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(stored, LAS), tmp_path / "scan.nii")
    np.testing.assert_allclose(_ours(tmp_path / "scan.nii", size), _tutorial(stored, size), atol=1e-5)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_copy_in_flipped_storage_gives_the_same_array(tmp_path, axes):
    stored = np.random.default_rng(2).integers(-1000, 400, (20, 20, 6)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(stored, LAS), tmp_path / "scan.nii")
    affine = LAS.copy()
    for axis in axes:
        affine[:3, 3] += affine[:3, axis] * (stored.shape[axis] - 1)
        affine[:, axis] *= -1
    nibabel.save(nibabel.Nifti1Image(np.flip(stored, axes), affine), tmp_path / "flipped.nii")
    size = (16, 16, 8)
    np.testing.assert_array_equal(_ours(tmp_path / "flipped.nii", size), _ours(tmp_path / "scan.nii", size))


def test_the_first_and_last_voxels_stay_where_they_are():
    hu = np.random.default_rng(3).integers(-900, 300, (5, 12, 12)).astype(np.int16)
    volume = Volume(hu=hu, spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))
    resized = resize_volume(volume, (6, 7, 8), WINDOW)
    assert resized[0, 0, 0] == hu[0, 0, 0]
    assert resized[-1, 0, -1] == hu[-1, -1, 0]
    assert resized[0, -1, 0] == hu[0, 0, -1]
