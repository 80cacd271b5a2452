import nibabel
import numpy as np
import pytest
import SimpleITK
from scipy import ndimage

from archnet.data import open_dataset
from archnet.data.recipe import store_name
from archnet.data.scan_ranges import measure_scan_ranges
from archnet.errors import DataError
from archnet.imaging import read_volume, resize_volume
from archnet.imaging.scan_files import series_to_read
from archnet.spec.experiment import Data
from dicom_files import OTHER_UID, UID, save_slice, slice_of
from dicom_files import write_series as write_dicom

LAS = np.diag([-0.7, 0.7, 5.0, 1.0])


def _save(path, seed, affine=LAS):
    path.parent.mkdir(parents=True, exist_ok=True)
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
    low, high = dataset.limits.hull
    found = (dataset.crops(np.array([3, 0])).values - low) / (high - low)
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
    crops = _open(tmp_path, name="folder", crop_size=(12, 12, 6)).crops(np.arange(2)).values
    np.testing.assert_array_equal(crops[0], crops[1])


def test_one_class_folder_is_refused(tmp_path):
    _save(tmp_path / "CT-0/one.nii", 0)
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    assert str(caught.value) == f"{tmp_path}: expected at least two class folders with scans, found only CT-0."


def test_an_incomplete_fetch_is_named_with_the_command_that_resumes_it(tmp_path):
    (tmp_path / ".fetch").mkdir()
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: expected at least two class folders with scans, found none. A fetch into this folder is "
        f"incomplete. Resume it: archnet data fetch mosmed --root {tmp_path}"
    )


def test_a_class_without_scans_is_refused(tmp_path):
    _save(tmp_path / "CT-0/one.nii", 0)
    (tmp_path / "CT-23").mkdir()
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'CT-23'}: a class needs scans (.mhd, .mha, .nii, .nii.gz, .nrrd, DICOM folders), found none. "
        "Add scans, or remove the folder."
    )


def test_one_scan_of_each_class_can_be_looked_at(tmp_path):
    for name in ("CT-0/one.nii", "CT-23/two.nii"):
        _save(tmp_path / name, 0)
    assert _open(tmp_path).cases.ids.tolist() == ["CT-0/one", "CT-23/two"]


def test_the_same_scan_in_two_formats_is_refused(tmp_path):
    for name in ("CT-0/one.nii", "CT-0/one.nii.gz"):
        _save(tmp_path / name, 0)
    (tmp_path / "CT-23").mkdir()
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    path = tmp_path / "CT-0/one.nii"
    assert str(caught.value) == f"{path}: the folder contains this scan in two formats. Remove one of them."


def _series(root, patients):
    """DICOM scans by their name, each of a patient; the folders of those."""
    for name, patient in patients.items():
        (root / name).mkdir(parents=True)
        write_dicom(root / name, 4, PatientID=patient)


def test_a_folder_with_a_dicom_series_is_a_scan_next_to_files(tmp_path):
    _series(tmp_path, {"a/one": "7", "b/v1.0": "8"})
    (tmp_path / "a/one/report.txt").write_text("no slice")
    (tmp_path / "a/.cache").mkdir()
    (tmp_path / "a/notes").mkdir()
    (tmp_path / "a/notes/read.txt").write_text("no scan")
    _save(tmp_path / "a/two.nii", 0)
    _save(tmp_path / "b/two.nii", 1)
    dataset = _open(tmp_path, name="folder", crop_size=(10, 8, 4))
    assert dataset.cases.ids.tolist() == ["a/one", "a/two", "b/two", "b/v1.0"]
    assert dataset.findings == ()
    rows = [SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / f"a/one/{k}.dcm")))[0] for k in range(4)]
    expected = np.clip(np.stack(rows, axis=-1), -1000, 400)  # rows of 8 x 10 are turned to 10 x 8 and cut to fit
    found = dataset.crops(np.array([0])).values[0]
    assert np.isin(found[1:9], np.append(expected, -1000)).all()
    np.testing.assert_array_equal(found[1:9], expected[:, 1:9])


def test_a_slice_needs_neither_ending_nor_mark_in_its_name(tmp_path):
    _series(tmp_path, dict.fromkeys(("a/1", "a/2", "b/1", "b/2"), ""))
    for path in tmp_path.glob("a/*/*.dcm"):
        path.rename(path.with_suffix(""))
    assert _open(tmp_path, name="folder").cases.ids.tolist() == ["a/1", "a/2", "b/1", "b/2"]


def test_series_of_one_patient_are_one_group_that_does_not_tell_the_patients_number(tmp_path):
    patients = {"a/1": "P-17", "a/2": "P-18", "b/1": " P-17", "b/2": "P-19", "b/3": "p-17"}
    _series(tmp_path, patients)
    _save(tmp_path / "a/0.nii", 0)
    dataset = _open(tmp_path, name="folder")
    assert dataset.cases.ids.tolist() == ["a/0", "a/1", "a/2", "b/1", "b/2", "b/3"]
    assert dataset.cases.groups.tolist() == ["a/0", "a/1", "a/2", "a/1", "b/2", "b/3"]


@pytest.mark.parametrize("word", ["", "ANONYMOUS", "anonymized", "Anon^", "DE-IDENTIFIED", "N/A", "xxxx", "Patient ID"])
def test_a_word_for_nobody_makes_no_group(tmp_path, word):
    _series(tmp_path, {"a/1": word, "a/2": "5", "b/1": word, "b/2": word})
    dataset = _open(tmp_path, name="folder")
    assert dataset.cases.groups.tolist() == dataset.cases.ids.tolist()
    assert dataset.findings == ()


@pytest.mark.parametrize("name", ["Anonymous 12", "0", "nobody"])
def test_what_may_be_a_patient_makes_a_group(tmp_path, name):
    _series(tmp_path, {"a/1": name, "a/2": "5", "b/1": name, "b/2": name})
    assert _open(tmp_path, name="folder").cases.groups.tolist() == ["a/1", "a/2", "a/1", "a/1"]


def test_one_number_for_all_scans_names_no_patient(tmp_path):
    _series(tmp_path, dict.fromkeys(("a/1", "a/2", "b/1", "b/2"), "STUDY 9"))
    dataset = _open(tmp_path, name="folder")
    assert dataset.cases.groups.tolist() == dataset.cases.ids.tolist()
    assert [(finding.check, finding.severity, finding.message) for finding in dataset.findings] == [
        (
            "patients",
            "warning",
            "All 4 scans have the same PatientID, so it does not identify a patient: each scan is its own group.",
        )
    ]


def test_a_list_of_patients_is_believed_before_dicom(tmp_path):
    _series(tmp_path, {"a/1": "5", "a/2": "5", "b/1": "5", "b/2": "Smith"})
    _save(tmp_path / "a/0.nii", 0)
    _save(tmp_path / "b/0.nii", 1)
    (tmp_path / "patients.csv").write_text("seriesuid,patient\na/0,Smith\na/2,Jones\nb/0,Jones\n")
    dataset = _open(tmp_path, name="folder")
    assert dataset.cases.ids.tolist() == ["a/0", "a/1", "a/2", "b/0", "b/1", "b/2"]
    assert dataset.cases.groups.tolist() == ["a/0", "a/1", "a/2", "a/2", "a/1", "a/0"]


def test_a_list_that_names_one_patient_for_all_is_believed(tmp_path):
    for name in ("a/1", "a/2", "b/1", "b/2"):
        _save(tmp_path / f"{name}.nii", 0)
    (tmp_path / "patients.csv").write_text("seriesuid,patient\na/1,P\na/2,P\nb/1,P\nb/2,P\n")
    dataset = _open(tmp_path, name="folder")
    assert set(dataset.cases.groups.tolist()) == {"a/1"}
    assert dataset.findings == ()


def test_a_list_of_patients_that_names_another_scan_is_refused(tmp_path):
    for name in ("a/1", "a/2", "b/1", "b/2"):
        _save(tmp_path / f"{name}.nii", 0)
    (tmp_path / "patients.csv").write_text("seriesuid,patient\na/3,P\n")
    with pytest.raises(DataError) as caught:
        _open(tmp_path, name="folder")
    assert str(caught.value) == (
        f'{tmp_path / "patients.csv"} line 2: the data have no series "a/3". The ids of these data look like "a/1". '
        "Correct it or remove the line."
    )


def test_a_damaged_first_slice_hides_no_patient(tmp_path):
    _series(tmp_path, {"a/1": "5", "a/2": "6", "b/1": "5", "b/2": "7"})
    (tmp_path / "b/1/0.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)
    (tmp_path / "b/2/0.dcm").write_bytes(b"no DICOM")
    assert _open(tmp_path, name="folder").cases.groups.tolist() == ["a/1", "a/2", "a/1", "b/2"]


def test_two_series_in_one_folder_are_refused_by_the_reader(tmp_path):
    _series(tmp_path, dict.fromkeys(("a/1", "a/2", "b/1", "b/2"), ""))
    write_dicom(tmp_path / "a/2", 3, {1: {"SeriesInstanceUID": OTHER_UID}, 2: {"SeriesInstanceUID": OTHER_UID}})
    crops = _open(tmp_path, name="folder", crop_size=(4, 4, 4)).crops(np.arange(4))
    assert crops.is_there.tolist() == [True, False, True, True]
    (lost,) = crops.unreadable_scans
    assert lost.reason.startswith(f"{tmp_path / 'a/2'}: contains 2 series: ")
    assert lost.reason.endswith("with data.series or --series, or move each to its own folder.")


def _nested(root, *names):
    for number, name in enumerate(names):
        _save(root / name, number)
    return _open(root, name="folder", crop_size=(4, 4, 4))


def test_scans_in_folders_of_their_cases_are_named_by_their_path_below_the_class(tmp_path):
    _series(tmp_path, {"CT-23/p/study/series": "7"})
    dataset = _nested(tmp_path, "CT-0/b/ct.nii.gz", "CT-0/a/ct.nii.gz", "CT-0/c.nii", "CT-23/x/y/ct.nii")
    assert dataset.cases.ids.tolist() == ["CT-0/a/ct", "CT-0/b/ct", "CT-0/c", "CT-23/p/study/series", "CT-23/x/y/ct"]
    assert dataset.cases.groups.tolist() == dataset.cases.ids.tolist()
    assert dataset.cases.labels.tolist() == [0, 0, 0, 1, 1]
    assert dataset.findings == ()
    assert dataset.crops(np.arange(5)).is_there.all()


def test_patient_ids_make_groups_at_any_depth(tmp_path):
    patients = {"a/p/s/1": "P", "a/p/s/2": "P", "a/q/s/1": "Q", "b/p/s/3": "P", "b/r/1": "R"}
    _series(tmp_path, patients)
    dataset = _open(tmp_path, name="folder")
    assert dataset.cases.ids.tolist() == list(patients)
    assert dataset.cases.groups.tolist() == ["a/p/s/1", "a/p/s/1", "a/q/s/1", "a/p/s/1", "b/r/1"]
    assert dataset.findings == ()


def test_a_list_of_patients_names_cases_or_the_folders_around_them(tmp_path):
    names = ["a/p/1.nii", "a/p/2.nii", "a/q/ct.nii", "b/p/1.nii", "b/r/s/ct.nii"]
    (tmp_path / "patients.csv").write_text("seriesuid,patient\na/p,X\na/p/2,Y\na/q/ct,Y\nb/p,Y\nb/r,X\n")
    dataset = _nested(tmp_path, *names)
    assert dataset.cases.groups.tolist() == ["a/p/1", "a/p/2", "a/p/2", "a/p/2", "a/p/1"]
    assert dataset.findings == ()


def test_a_list_of_patients_names_no_class(tmp_path):
    (tmp_path / "patients.csv").write_text("seriesuid,patient\na,X\n")
    with pytest.raises(DataError, match=r'line 2: the data have no series "a"\.'):
        _nested(tmp_path, "a/p/1.nii", "a/q/2.nii", "b/r/3.nii")


def test_scans_of_one_case_folder_are_cases_of_one_group_and_named(tmp_path):
    names = ["a/p/ct.nii", "a/p/lesion.nii", "a/q/s/1.nii", "a/q/t/2.nii", "a/r/ct.nii", "b/p/ct.nii", "b/q.nii"]
    dataset = _nested(tmp_path, *names)
    assert dataset.cases.groups.tolist() == ["a/p/ct", "a/p/ct", "a/q/s/1", "a/q/s/1", "a/r/ct", "b/p/ct", "b/q"]
    (finding,) = dataset.findings
    assert (finding.check, finding.severity, finding.cases) == ("patients", "warning", ("a/p", "a/q"))
    assert finding.text == (
        "2 folders hold several scans without a known patient: a/p (ct, lesion); a/q (s/1, t/2). Each scan is a "
        "separate case; scans in one folder count as one patient. Remove scans that should not be classified, and "
        f"list the patients in {tmp_path / 'patients.csv'} (seriesuid, patient)."
    )


def test_a_folder_of_more_than_ten_scans_is_not_a_patient_and_neither_is_one_of_the_whole_class(tmp_path):
    names = [f"a/hospital/{number:02}.nii" for number in range(11)]
    wrapped = ["b/b/1.nii", "b/b/2.nii", "b/b/3.nii"]
    others = [f"a/other/{number}.nii" for number in range(10)]
    dataset = _nested(tmp_path, *names, *others, *wrapped)
    groups = dataset.cases.groups.tolist()
    assert groups[:11] == [f"a/hospital/{number:02}" for number in range(11)]
    assert groups[11:] == [*["a/other/0"] * 10, "b/b/1", "b/b/2", "b/b/3"]


def test_a_file_next_to_the_series_of_a_patient_is_of_that_patient(tmp_path):
    _series(tmp_path, {"a/p/s": "P", "a/q/s": "Q", "b/p/s": "P"})
    dataset = _nested(tmp_path, "a/p/t/ct.nii", "b/r.nii")
    assert dataset.cases.ids.tolist() == ["a/p/s", "a/p/t/ct", "a/q/s", "b/p/s", "b/r"]
    assert dataset.cases.groups.tolist() == ["a/p/s", "a/p/s", "a/q/s", "a/p/s", "b/r"]


def test_what_is_not_taken_is_counted_and_named(tmp_path):
    names = ["a/1.nii", "a/2.nii", "a/2_mask.nii", "b/1.nii", "b/2.nii", "masks/1.nii", "loose.nii"]
    for name in ("a/x.dcm", "a/y.dcm", "b/c/z.hdr", "b/c/z.img", "a/._1.nii", "b/Thumbs.db", "__MACOSX/a/1.nii"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    dataset = _nested(tmp_path, *names)
    assert dataset.cases.ids.tolist() == ["a/1", "a/2", "b/1", "b/2"]
    (finding,) = dataset.findings
    assert (finding.check, finding.severity) == ("left_out", "warning")
    assert finding.message == (
        f"Not used in {tmp_path}: 2 .dcm (a/x.dcm, a/y.dcm), 1 .hdr (b/c/z.hdr), 1 .img (b/c/z.img), "
        "1 .nii outside the class folders (loose.nii), 1 folder of masks (masks), 1 mask (a/2_mask.nii)."
    )


def test_a_class_whose_scans_are_not_read_says_what_is_left_out(tmp_path):
    for name in ("a/1.nii", "a/2.nii"):
        _save(tmp_path / name, 0)
    (tmp_path / "b").mkdir()
    for number in range(5):
        (tmp_path / f"b/{number}.dcm").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        _open(tmp_path)
    assert "found none. Not used: 5 .dcm (b/0.dcm, b/1.dcm, b/2.dcm, 2 more). Add scans" in str(caught.value)


def test_classes_that_are_called_like_masks_are_classes_where_there_are_no_others(tmp_path):
    assert _nested(tmp_path, "label/1.nii", "label/2.nii", "other/1.nii", "other/2.nii").cases.classes == (
        "label",
        "other",
    )


THICK, THIN = UID, OTHER_UID


def _two_series(root):
    """Four folders, of which a/2 and b/1 hold a thick series of 4 slices and a thin one of 3."""
    _series(root, dict.fromkeys(("a/1", "a/2", "b/1", "b/2"), ""))
    for name in ("a/2", "b/1"):
        for number in range(3):
            changes = {"SeriesInstanceUID": THIN, "SeriesDescription": "Thorax 1.0", "SeriesNumber": 3}
            save_slice(root / name / f"thin{number}.dcm", slice_of(number + 9, **changes))


@pytest.mark.parametrize(
    ("series", "is_there", "frames"),
    [
        (None, [True, False, False, True], [4, 4]),
        ("Thorax 5.0", [True, True, True, True], [4, 4, 4, 4]),
        ("thorax 1.0", [False, True, True, False], [3, 3]),
        ("3", [False, True, True, False], [3, 3]),
        (THIN, [True, True, True, True], [4, 3, 3, 4]),
        ("1.2.3.4.5", [True, False, False, True], [4, 4]),
    ],
)
def test_of_several_series_one_is_chosen_and_a_uid_concerns_only_the_folders_that_hold_it(
    tmp_path, series, is_there, frames
):
    _two_series(tmp_path)
    dataset = _open(tmp_path, name="folder", crop_size=(4, 4, 4), series=series)
    crops = dataset.crops(np.arange(4))
    assert crops.is_there.tolist() == is_there
    scans = [read_volume(path, series_to_read(path, series)) for path in crops.scans]
    assert [len(scan.hu) for scan in scans] == frames
    for values, scan in zip(crops.values[crops.is_there], scans, strict=True):
        np.testing.assert_array_equal(values, resize_volume(scan, (4, 4, 4), dataset.limits.hull))
    uids = [record.identity.series_uid for record in crops.scan_records]
    assert uids == [THIN if count == 3 else THICK for count in frames]
    ranges = measure_scan_ranges(scans, crops.values, dataset.limits.hull)
    assert [size for _, _, size in ranges.size_mm] == [5.0 * min(frames), 5.0 * max(frames)]


def test_the_choice_of_a_series_is_part_of_the_store(tmp_path):
    _two_series(tmp_path)
    choices = (None, "3", THIN)
    recipes = [_open(tmp_path, name="folder", series=series).recipe(np.arange(4)) for series in choices]
    assert len({store_name(recipe.description()) for recipe in recipes}) == 3
    assert "series" not in recipes[0].description()
