import os
from pathlib import Path

import nibabel
import numpy as np
import pytest

from archnet.errors import DataError
from archnet.imaging import scan_files
from archnet.imaging.scan_files import find_scans, scans_by_name, subset_number
from dicom_files import write_series
from trained_runs import write_chest


def _touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def _found(root, **options):
    """The names of the scans below a folder, and the kinds of what is left out."""
    tree = find_scans(root, **options)
    names = [path.relative_to(root).as_posix() for path in tree.scans]
    return names, {path.relative_to(root).as_posix(): kind for path, kind in tree.left_out.items()}


def _series(folder, number=2):
    folder.mkdir(parents=True)
    write_series(folder, number)


def test_scans_are_found_at_any_depth_and_sorted(tmp_path):
    _touch(tmp_path, "b/p2/ct.nii.gz", "a.nrrd", "b/p1/s/x.mha", "b/p10/CT.NII")
    _series(tmp_path / "b/p3/study/series")
    scans, left_out = _found(tmp_path)
    assert scans == ["a.nrrd", "b/p1/s/x.mha", "b/p10/CT.NII", "b/p2/ct.nii.gz", "b/p3/study/series"]
    assert left_out == {}


def test_what_is_not_read_is_left_out_by_kind(tmp_path):
    _touch(tmp_path, "ct.nii.gz", "p/a.hdr", "p/a.img", "p/b.NHDR", "p/c.gipl.gz", "p/d.vtk", "p/1.2.840.113", "p/IM1")
    assert _found(tmp_path) == (
        ["ct.nii.gz"],
        {
            "p/1.2.840.113": "file without an extension",
            "p/IM1": "file without an extension",
            "p/a.hdr": ".hdr",
            "p/a.img": ".img",
            "p/b.NHDR": ".nhdr",
            "p/c.gipl.gz": ".gipl.gz",
            "p/d.vtk": ".vtk",
        },
    )


def test_what_file_managers_leave_behind_and_documents_are_neither_scans_nor_left_out(tmp_path):
    _touch(tmp_path, "._ct.nii.gz", ".DS_Store", "Thumbs.db", "desktop.ini", "p/._a.mhd", ".cache/b.nii", "ct.nii.gz")
    _touch(
        tmp_path, "__MACOSX/p/ct.nii.gz", "README", "p/notes.txt", "p/report.pdf", "LICENSE.md", "DICOMDIR", "go.exe"
    )
    assert _found(tmp_path) == (["ct.nii.gz"], {})


def test_the_data_files_of_scans_are_not_files_of_their_own(tmp_path):
    write_chest(tmp_path / "p/scan.mhd")
    _touch(tmp_path, "p/other.raw")
    assert _found(tmp_path) == (["p/scan.mhd"], {"p/other.raw": ".raw"})


def test_loose_slices_in_a_folder_that_may_be_no_series_are_left_out(tmp_path):
    write_series(tmp_path, 2)
    _series(tmp_path / "p")
    assert _found(tmp_path, may_be_series=False) == (["p"], {"0.dcm": ".dcm", "1.dcm": ".dcm"})


def test_a_scan_file_next_to_slices_is_left_out(tmp_path):
    _series(tmp_path / "p")
    _touch(tmp_path, "p/converted.nii.gz", "p/report.txt")
    assert _found(tmp_path) == (["p"], {"p/converted.nii.gz": ".nii.gz next to DICOM slices"})


@pytest.mark.parametrize(
    ("names", "masks"),
    [
        (["p/ct.nii.gz", "p/mask.nii.gz"], ["p/mask.nii.gz"]),
        (["p/ct.nii.gz", "p/ct_label.nrrd"], ["p/ct_label.nrrd"]),
        (["lung1_image.nrrd", "lung1_label.nrrd", "lung2_image.nrrd"], ["lung1_label.nrrd"]),
        (["CT-7.nii", "CT-7-Seg.nii", "CT-8-seg.nii"], ["CT-7-Seg.nii"]),
        (["p/labelled.nii", "p/masked.nii", "p/segment_1.nii"], []),
        (["mask_1.nii", "mask_2.nii"], []),
        (["a_mask.nii", "b.nii"], []),
    ],
)
def test_a_mask_is_distinguished_from_a_scan_by_its_name_and_by_the_files_next_to_it(tmp_path, names, masks):
    _touch(tmp_path, *names)
    assert _found(tmp_path) == (sorted(set(names) - set(masks)), dict.fromkeys(masks, "mask"))


def test_a_folder_of_masks_is_left_out_as_one_unless_it_is_named_itself(tmp_path):
    _touch(tmp_path, "ct.nii", "masks/ct.nii", "seg-lungs-LUNA16/a.mhd", "lungs/b.nii", "case_mask/c.nii")
    assert _found(tmp_path) == (
        ["case_mask/c.nii", "ct.nii", "lungs/b.nii"],
        {"masks": "folder of masks", "seg-lungs-LUNA16": "folder of masks"},
    )
    assert _found(tmp_path / "masks") == (["ct.nii"], {})


def test_of_a_folder_with_subsets_only_these_are_searched(tmp_path):
    _touch(
        tmp_path,
        "subset0/a.mhd",
        "subset1/subset1/b.mha",
        "subset12/d.mhd",
        "resampled/a.mhd",
        "evaluation/tool.c",
        "c.nii.gz",
    )
    scans, left_out = _found(tmp_path)
    assert scans == ["c.nii.gz", "subset0/a.mhd", "subset1/subset1/b.mha", "subset12/d.mhd"]
    assert left_out == {"resampled": "folder next to the subsets"}


def test_links_are_followed_once_and_a_loop_ends(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    _touch(root, "a/ct.nii", "b/ct.nii")
    _touch(elsewhere, "deep/ct.nii")
    links = {
        "0": root / "a",
        "again": root,
        "loop": tmp_path,
        "out": elsewhere,
        "out2": elsewhere,
        "b/self": root / "b",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    (elsewhere / "back").symlink_to(root)
    (root / "file.nii").symlink_to(elsewhere / "deep/ct.nii")
    (root / "gone.nii").symlink_to(tmp_path / "nowhere")
    (root / "self.nii").symlink_to(root / "self.nii")
    searched, above = "link to a folder that is searched anyway", "link to a folder above"
    assert _found(root) == (
        ["a/ct.nii", "b/ct.nii", "file.nii", "out/deep/ct.nii"],
        {
            "0": searched,
            "again": searched,
            "b/self": searched,
            "gone.nii": "broken link",
            "loop": above,
            "out/back": searched,
            "out2": searched,
            "self.nii": "broken link",
        },
    )


def test_links_back_make_no_folder_of_a_series_one_above_series(tmp_path):
    _series(tmp_path / "p", 1)
    (tmp_path / "p/sub").mkdir()
    for number in range(6):
        (tmp_path / f"p/sub/{number}").symlink_to(tmp_path / "p")
        (tmp_path / f"p/back{number}").symlink_to(tmp_path)
    scans, left_out = _found(tmp_path)
    assert scans == ["p"]
    assert set(left_out.values()) == {"link to a folder that is searched anyway"}


def test_a_pipe_is_not_opened(tmp_path):
    _touch(tmp_path, "ct.nii")
    os.mkfifo(tmp_path / "pipe.nii")
    assert _found(tmp_path) == (["ct.nii"], {"pipe.nii": "file that cannot be opened"})


def test_a_folder_that_cannot_be_opened_is_left_out(tmp_path, monkeypatch):
    _touch(tmp_path, "a/ct.nii", "secret/ct.nii", "z/ct.nii")
    iterdir = Path.iterdir

    def refuse_secrets(folder):
        if folder.name == "secret":
            raise PermissionError(13, "Permission denied", str(folder))
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", refuse_secrets)
    assert _found(tmp_path) == (["a/ct.nii", "z/ct.nii"], {"secret": "folder that cannot be opened"})


def test_too_many_folders_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(scan_files, "_MAX_FOLDERS", 3)
    _touch(tmp_path, "a/ct.nii", "b/ct.nii")
    assert len(find_scans(tmp_path).scans) == 2
    _touch(tmp_path, "c/ct.nii")
    with pytest.raises(DataError) as caught:
        find_scans(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: more than 3 folders found. Give a folder that contains only scans, and remove links that lead "
        "elsewhere."
    )


def test_the_nearest_subset_folder_counts(tmp_path):
    paths = {"subset3/a.mhd": 3, "subset3/subset3/a.mhd": 3, "x/subset4/y/a.mhd": 4, "subset5/subset6/a.mhd": 6}
    others = {"a.mhd": None, "subset10/a.mhd": None, "mysubset1/a.mhd": None}
    for name, number in (paths | others).items():
        assert subset_number(tmp_path / "subset9" / name, tmp_path / "subset9") == number


def test_scans_have_the_names_of_their_files_and_series_their_uid_as_well(tmp_path):
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)), tmp_path / "1.2.nii.gz")
    _series(tmp_path / "p")
    found = scans_by_name([tmp_path / "1.2.nii.gz", tmp_path / "p"])
    assert found == {
        "1.2": tmp_path / "1.2.nii.gz",
        "p": tmp_path / "p",
        "1.2.826.0.1.3680043.8.498.1": tmp_path / "p",
    }
