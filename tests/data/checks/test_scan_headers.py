"""What the readers noted, gathered over scans."""

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np

import archnet
from archnet.data.checks.scan_headers import check_scan_headers
from archnet.data.checks.scan_records import record_scan
from archnet.imaging import Volume
from archnet.imaging.volume import placeholder_voxels

PLAIN = Volume(
    hu=placeholder_voxels((4, 4, 4)), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3)
)


def records(*volumes):
    scans = [Path(f"scan{number}.nii") for number in range(len(volumes))]
    return scans, [record_scan(scan, volume) for scan, volume in zip(scans, volumes, strict=True)]


def test_scans_without_remarks_have_no_finding():
    assert list(check_scan_headers(*records(PLAIN, PLAIN))) == []


def test_equal_texts_are_stated_once_and_the_most_frequent_first():
    odd = replace(PLAIN, warnings=("It is odd.",), notes=("A mask is left out.",))
    volumes = [replace(PLAIN, warnings=("It is rare.",)), odd, PLAIN, odd]
    warning, note = check_scan_headers(*records(*volumes))
    assert (warning.severity, warning.check, warning.cases) == (
        "warning",
        "scan_headers",
        ("scan0.nii", "scan1.nii", "scan3.nii"),
    )
    assert warning.message == ("2 scans, such as scan1.nii: It is odd. 1 scan, such as scan0.nii: It is rare.")
    assert (note.severity, note.message) == ("note", "2 scans, such as scan1.nii: A mask is left out.")
    assert warning.remedy
    assert not note.remedy


def test_many_texts_are_cut_short():
    volumes = [replace(PLAIN, notes=(f"Note {number}.",)) for number in range(5)]
    (note,) = check_scan_headers(*records(*volumes))
    assert note.message.endswith("scan2.nii: Note 2. Other messages concern 2 scans.")
    assert len(note.cases) == 5


def test_scans_that_nothing_places_are_warned_about_when_they_are_loaded(tmp_path):
    for number in range(12):
        hu = np.random.default_rng(number).normal(-800, 60, (12, 12, 8)).astype(np.int16)
        hu[3:8, 3:8] += 830
        image = nibabel.Nifti1Image(hu, np.eye(4))
        if number == 5:
            image.set_qform(None, 0)
            image.set_sform(None, 0)
        folder = tmp_path / "ab"[number % 2]
        folder.mkdir(exist_ok=True)
        nibabel.save(image, folder / f"{number}.nii")
    for _ in range(2):  # cut, then read from the store
        data = archnet.load_data(
            {"name": "folder", "root": str(tmp_path), "crop_size": [8, 8, 4], "allow": ["near_duplicates"]},
            progress=False,
        )
        found = [finding for finding in data.findings if finding.check == "scan_headers"]
        assert [(finding.severity, finding.cases) for finding in found] == [("warning", (str(tmp_path / "b/5.nii"),))]
