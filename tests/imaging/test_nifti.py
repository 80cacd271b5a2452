import gzip

import nibabel
import numpy as np
import pytest
import SimpleITK

from archnet.imaging import read_volume
from archnet.imaging.nifti import write_nifti
from archnet.imaging.volume import Volume

OBLIQUE = np.array(SimpleITK.Euler3DTransform((0.0, 0.0, 0.0), 0.21, -0.13, 0.4).GetMatrix()).reshape(3, 3)


@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE], ids=["axial", "oblique"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_itk_and_our_reader_find_the_voxels_where_they_were(tmp_path, direction, dtype):
    hu = np.random.default_rng(0).integers(-1000, 400, (4, 6, 5)).astype(dtype)
    volume = Volume(hu=hu, spacing_mm=(0.7, 0.8, 2.5), origin_mm=(-120.5, 33.0, -250.25), direction=direction)
    write_nifti(tmp_path / "a.nii.gz", volume)
    image = SimpleITK.ReadImage(str(tmp_path / "a.nii.gz"))
    for z, y, x in np.ndindex(hu.shape):
        point_mm = np.array(volume.origin_mm) + direction @ (np.array([x, y, z]) * volume.spacing_mm)
        index = image.TransformPhysicalPointToIndex(point_mm.tolist())
        assert image[index] == hu[z, y, x]
    again = read_volume(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(again.hu, hu)
    np.testing.assert_allclose(again.origin_mm, volume.origin_mm, atol=1e-4)
    np.testing.assert_allclose(again.direction, direction, atol=1e-6)


def test_the_file_is_stored_las_in_millimetres_and_bears_no_time(tmp_path):
    volume = Volume(
        hu=np.zeros((2, 3, 4), np.int16), spacing_mm=(1, 1, 2), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3)
    )
    write_nifti(tmp_path / "a.nii.gz", volume)
    image = nibabel.load(tmp_path / "a.nii.gz")
    assert nibabel.aff2axcodes(image.affine) == ("L", "A", "S")
    assert image.header.get_xyzt_units() == ("mm", "unknown")
    stored = (tmp_path / "a.nii.gz").read_bytes()
    assert stored[4:8] == bytes(4)
    assert stored == gzip.compress(image.to_bytes(), compresslevel=4, mtime=0)
