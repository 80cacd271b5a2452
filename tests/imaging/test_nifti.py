import gzip
import re

import nibabel
import numpy as np
import pytest
import SimpleITK

from archnet.errors import DataError
from archnet.imaging import read_frame, read_volume
from archnet.imaging.nifti import write_nifti
from archnet.imaging.volume import Volume

AXIAL = np.eye(3)
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
    hu = np.random.default_rng(0).integers(-1000, 400, (4, 15, 20)).repeat(3, axis=2).astype(np.int16)
    volume = Volume(hu=hu, spacing_mm=(1, 1, 2), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))
    write_nifti(tmp_path / "a.nii.gz", volume)
    image = nibabel.load(tmp_path / "a.nii.gz")
    assert nibabel.aff2axcodes(image.affine) == ("L", "A", "S")
    assert image.header.get_xyzt_units() == ("mm", "unknown")
    stored = (tmp_path / "a.nii.gz").read_bytes()
    assert stored[4:8] == bytes(4)
    assert stored == gzip.compress(image.to_bytes(), compresslevel=4, mtime=0)


def _save(path, unit="mm", codes=(1, 1), scale=1.0, turn=AXIAL):
    """A file whose voxels are 0.7 x 0.8 x 2.5 mm large in a unit of which `scale` make a millimetre."""
    affine = np.diag([-0.7 * scale, -0.8 * scale, 2.5 * scale, 1])
    affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = np.array([10.0, 20.0, -30.0]) * scale
    image = nibabel.Nifti1Image(np.arange(6000, dtype=np.int16).reshape(20, 30, 10) % 900, affine)
    image.header.set_xyzt_units(unit)
    image.set_sform(affine, codes[0])
    image.set_qform(affine, codes[1])
    nibabel.save(image, path)


@pytest.mark.parametrize("codes", [(1, 1), (1, 0), (0, 1)], ids=["both", "sform", "qform"])
@pytest.mark.parametrize(("unit", "scale"), [("mm", 1), ("meter", 1e-3), ("micron", 1e3), ("unknown", 1)])
def test_lengths_in_any_unit_become_the_millimetres_that_simpleitk_reads(tmp_path, unit, scale, codes):
    path = tmp_path / "a.nii"
    _save(path, unit, codes, scale)
    image = SimpleITK.ReadImage(str(path))
    volume, frame = read_volume(path), read_frame(path)
    np.testing.assert_allclose(volume.spacing_mm, (0.7, 0.8, 2.5), rtol=1e-5)
    np.testing.assert_allclose(volume.spacing_mm, image.GetSpacing(), rtol=1e-5)
    np.testing.assert_allclose(volume.origin_mm, image.GetOrigin(), rtol=1e-5)
    np.testing.assert_array_equal(volume.hu, SimpleITK.GetArrayFromImage(image))
    assert (frame.spacing_mm, frame.origin_mm) == (volume.spacing_mm, volume.origin_mm)
    assert volume.warnings == frame.warnings == ()


@pytest.mark.parametrize(
    ("unit", "name", "length"), [("meter", "metres", "25,000"), ("micron", "micrometres", "0.025")]
)
@pytest.mark.parametrize("turn", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
def test_a_unit_that_makes_a_scan_of_no_chest_is_refused(tmp_path, unit, name, length, turn):
    path = tmp_path / "a.nii"
    _save(path, unit, turn=turn)
    message = (
        f"{path}: its header gives lengths in {name}, which makes the scan {length} mm long; if they are millimetres, "
        'set the unit with nibabel: image.header.set_xyzt_units("mm").'
    )
    for read in (read_volume, read_frame):
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            read(path)
    image = nibabel.load(path)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / "b.nii")
    np.testing.assert_allclose(read_volume(tmp_path / "b.nii").spacing_mm, (0.7, 0.8, 2.5), rtol=1e-5)


@pytest.mark.parametrize(
    ("unit", "scale", "spacing_mm"), [("micron", 400.0, (0.28, 0.32, 1.0)), ("meter", 0.4, (280.0, 320.0, 1000.0))]
)
def test_in_other_units_a_scan_may_be_from_one_centimetre_to_ten_metres_long(tmp_path, unit, scale, spacing_mm):
    path = tmp_path / "a.nii"
    _save(path, unit, scale=scale)
    np.testing.assert_allclose(read_frame(path).spacing_mm, spacing_mm, rtol=1e-5)
    _save(path, unit, scale=scale * (0.999 if unit == "micron" else 1.001))
    with pytest.raises(DataError, match="its header gives lengths in "):
        read_frame(path)


def test_a_scan_that_nothing_places_is_read_with_a_note(tmp_path):
    path = tmp_path / "a.nii.gz"
    _save(path, codes=(0, 0))
    volume, frame = read_volume(path), read_frame(path)
    note = (
        "Neither sform nor qform gives the orientation of the scan: its axes are assumed to point left, anterior and "
        "superior."
    )
    assert volume.warnings == frame.warnings == (note,)
    assert nibabel.aff2axcodes(nibabel.load(path).affine) == ("L", "A", "S")
    np.testing.assert_allclose(volume.spacing_mm, (0.7, 0.8, 2.5), rtol=1e-6)


def test_a_sheared_scan_is_read_after_what_its_message_says(tmp_path):
    from nibabel.processing import resample_to_output

    affine = np.array([[-0.7, 0.3, 0, 0], [0, -0.8, 0, 0], [0, 0, 2.5, 0], [0, 0, 0, 1]])
    image = nibabel.Nifti1Image(np.arange(240, dtype=np.int16).reshape(6, 8, 5), affine)
    nibabel.save(image, tmp_path / "a.nii")
    with pytest.raises(DataError, match=r"straighten it with nibabel: nibabel.processing.resample_to_output\(image\)"):
        read_volume(tmp_path / "a.nii")
    nibabel.save(resample_to_output(nibabel.load(tmp_path / "a.nii")), tmp_path / "b.nii")
    assert read_volume(tmp_path / "b.nii").warnings == ()


def test_a_scan_with_nan_is_read_after_what_its_message_says(tmp_path):
    hu = np.zeros((4, 5, 6), np.float32)
    hu[0, 0, 0], hu[1, 1, 1] = np.nan, np.inf
    affine = np.diag([-1.0, -1, 1, 1])
    nibabel.save(nibabel.Nifti1Image(hu, affine), tmp_path / "a.nii")
    with pytest.raises(DataError, match=re.escape("numpy.nan_to_num(hu, nan=-1000, posinf=-1000, neginf=-1000).")):
        read_volume(tmp_path / "a.nii")
    mended = np.nan_to_num(hu, nan=-1000, posinf=-1000, neginf=-1000)
    nibabel.save(nibabel.Nifti1Image(mended, affine), tmp_path / "b.nii")
    assert np.count_nonzero(read_volume(tmp_path / "b.nii").hu) == 2


def test_files_under_each_others_name_are_read_after_renaming(tmp_path):
    _save(tmp_path / "a.nii")
    _save(tmp_path / "b.nii.gz")
    (tmp_path / "a.nii").rename(tmp_path / "c.nii.gz")
    (tmp_path / "b.nii.gz").rename(tmp_path / "d.nii")
    for name, reason, other in (
        ("c.nii.gz", "its name ends in .nii.gz but it is not compressed; rename it to c.nii", "c.nii"),
        ("d.nii", "its name ends in .nii but it is compressed; rename it to d.nii.gz", "d.nii.gz"),
    ):
        path = tmp_path / name
        for read in (read_volume, read_frame):
            with pytest.raises(DataError, match=f"^{re.escape(f'{path}: {reason}.')}$"):
                read(path)
        assert read_volume(path.rename(tmp_path / other)).hu.shape == (10, 30, 20)
