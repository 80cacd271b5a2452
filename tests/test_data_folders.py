import nibabel
import numpy as np
import pytest
import SimpleITK
from scipy import ndimage

from archnet.data import open_dataset
from archnet.errors import DataError
from archnet.spec.experiment import Data

LAS = np.diag([-0.7, 0.7, 5.0, 1.0])


def _save(path, seed, affine=LAS):
    path.parent.mkdir(exist_ok=True)
    stored = np.random.default_rng(seed).integers(-1200, 700, (24, 24, 6)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(stored, affine), path)
    return stored


def _open(root, name="mosmed", **options):
    return open_dataset(Data(name=name, root=str(root), **options))


def test_class_folders_become_cases(tmp_path):
    for number, name in enumerate(["CT-23/study_2.nii", "CT-0/study_7.nii.gz", "CT-0/study_1.nii.gz", "CT-23/a.b.nii"]):
        _save(tmp_path / name, number)
    (tmp_path / "CT-0/notes.txt").write_text("not a scan")
    (tmp_path / ".cache").mkdir()
    dataset = _open(tmp_path)
    assert dataset.cases.ids.tolist() == ["CT-0/study_1", "CT-0/study_7", "CT-23/a.b", "CT-23/study_2"]
    assert dataset.cases.groups.tolist() == dataset.cases.ids.tolist()
    assert dataset.cases.classes == ("CT-0", "CT-23")
    assert dataset.cases.labels.tolist() == [0, 0, 1, 1]
    assert dataset.cases.positive == 1
    assert dataset.shape == (128, 128, 64)


def test_a_case_scaled_by_the_limits_is_what_the_tutorial_makes_of_the_file(tmp_path):
    stored = [_save(tmp_path / f"CT-{number // 2}/scan{number}.nii", number) for number in range(4)]
    dataset = _open(tmp_path, crop_size=(16, 16, 8))
    low, high = dataset.limits
    found = (dataset.crops(np.array([3, 0])) - low) / (high - low)
    for case, values in zip(found, (stored[3], stored[0]), strict=True):
        scaled = ((np.clip(values, -1000, 400) + 1000) / 1400).astype("float32")
        turned = ndimage.rotate(scaled, 90, reshape=False)
        np.testing.assert_allclose(case, ndimage.zoom(turned, (16 / 24, 16 / 24, 8 / 6), order=1), atol=1e-5)


def test_a_folder_may_mix_formats_that_hold_the_same_scan(tmp_path):
    _save(tmp_path / "a/one.nii", 0)
    _save(tmp_path / "b/one.nii", 1)
    _save(tmp_path / "b/two.nii", 2)
    image = SimpleITK.ReadImage(str(tmp_path / "a/one.nii"))
    SimpleITK.WriteImage(image, str(tmp_path / "a/two.mhd"))
    crops = _open(tmp_path, name="folder", crop_size=(12, 12, 6)).crops(np.arange(2))
    np.testing.assert_array_equal(crops[0], crops[1])


def test_one_class_folder_is_refused(tmp_path):
    _save(tmp_path / "CT-0/one.nii", 0)
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    assert str(caught.value) == f"{tmp_path}: at least two class folders with scans are needed, there is only CT-0."


@pytest.mark.parametrize(("count", "found"), [(0, "are none"), (1, "is one")])
def test_a_class_with_fewer_than_two_scans_is_refused(tmp_path, count, found):
    for name in ("CT-0/one.nii", "CT-0/two.nii", *["CT-23/one.nii"][:count]):
        _save(tmp_path / name, 0)
    (tmp_path / "CT-23").mkdir(exist_ok=True)
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'CT-23'}: a class needs at least two scans (.mhd, .mha, .nii, .nii.gz, .nrrd), there {found}. "
        "Add scans, or move the folder away."
    )


def test_the_same_scan_in_two_formats_is_refused(tmp_path):
    for name in ("CT-0/one.nii", "CT-0/one.nii.gz"):
        _save(tmp_path / name, 0)
    (tmp_path / "CT-23").mkdir()
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    path = tmp_path / "CT-0/one.nii"
    assert str(caught.value) == f"{path}: the folder holds this scan in two formats. Remove one of them."
