"""The records of scans in a store: statistics and identity, kept through interruptions and added to older stores."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from archnet.data.checks.scan_records import RECORDS_FILE, append_records, read_records, record_scan
from archnet.data.store import open_crops
from archnet.imaging import Volume, read_volume
from archnet.imaging.hounsfield import measure_hu, sample_voxels
from stored_scans import only_store, recipe
from trained_runs import as_four_formats, chest


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path / "store"))


def test_a_store_keeps_a_record_of_each_scan(tmp_path):
    wanted = recipe(tmp_path / "scans")
    crops = open_crops(wanted)
    assert len(crops.scan_records) == len(crops.scans) == 4
    for path, record in zip(crops.scans, crops.scan_records, strict=True):
        assert record == record_scan(path, read_volume(path))
        assert record.values == measure_hu(sample_voxels(np.asarray(read_volume(path).hu)))
    assert [crops.scans[number] for number in crops.scan_numbers] == [wanted.scans[row % 4] for row in range(30)]


def test_the_cases_of_a_damaged_scan_have_no_record(tmp_path):
    wanted = recipe(tmp_path / "scans")
    (tmp_path / "scans/scan1.raw").unlink()
    crops = open_crops(wanted)
    assert [path.stem for path in crops.scans] == ["scan0", "scan2", "scan3"]
    assert crops.scan_numbers[:6].tolist() == [0, -1, 1, 2, 0, -1]
    assert len(crops.scan_records) == 3


@pytest.mark.parametrize("damage", ["missing", "cut off", "another version"])
def test_an_older_store_is_measured_again_without_cutting_its_crops(tmp_path, monkeypatch, damage):
    wanted = recipe(tmp_path / "scans")
    expected = open_crops(wanted).scan_records
    path = only_store() / RECORDS_FILE
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "cut off":
        path.write_bytes(content[:-40])
    else:
        lines = content.decode().splitlines(keepends=True)
        path.write_text(lines[0] + '{"scan": 1, "values": {"low": 0}, "identity": {}}\n' + "".join(lines[2:]))
    monkeypatch.setattr("archnet.data.store.build_store", lambda *_: pytest.fail("crops were cut"))
    told = []
    found = open_crops(wanted, lambda items, text, total: (told.append((text, total)), items)[1])
    assert found.scan_records == expected
    assert told == [("Measuring scans", 4 if damage == "missing" else 1)]
    assert path.read_bytes() == content


def test_a_record_that_was_written_twice_counts_once(tmp_path):
    path = tmp_path / RECORDS_FILE
    first, second = (record_scan(tmp_path / "a.mhd", chest(seed)) for seed in (0, 1))
    append_records(path, {3: first, 1: first})
    append_records(path, {3: second})
    assert read_records(path) == {3: second, 1: first}


def test_a_scan_has_one_digest_in_every_format_and_orientation(tmp_path):
    image = SimpleITK.GetImageFromArray(chest().hu)
    image.SetSpacing((2.0, 2.0, 3.0))
    paths = as_four_formats(image, tmp_path / "scans")
    flipped = SimpleITK.Flip(image, (True, False, True))
    SimpleITK.WriteImage(flipped, str(tmp_path / "flipped.nrrd"))
    SimpleITK.WriteImage(SimpleITK.PermuteAxes(image, (2, 0, 1)), str(tmp_path / "turned.nrrd"))
    SimpleITK.WriteImage(SimpleITK.Cast(image, SimpleITK.sitkFloat64), str(tmp_path / "float.nrrd"))
    paths += [tmp_path / f"{name}.nrrd" for name in ("flipped", "turned", "float")]
    identities = [record_scan(path, read_volume(path)).identity for path in paths]
    assert len({identity.digest for identity in identities}) == 1
    assert [identity.series_uid for identity in identities] == [None] * 3 + ["1.2.826.0.1.3680043.2.1125.1.7"] + [
        None
    ] * 3


def test_another_scan_has_another_digest():
    volume = chest()
    changed = volume.hu.copy()
    changed[10, 16, 16] += 1
    others = [changed, volume.hu[:-1], volume.hu[::-1]]
    digests = {
        record_scan(
            Path("a.mhd"), Volume(hu=hu, spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0), direction=np.eye(3))
        ).identity.digest
        for hu in (volume.hu, *others)
    }
    assert len(digests) == 4


def test_a_file_named_like_a_uid_is_known_by_it_and_no_patient_is_kept(tmp_path):
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001"
    record = record_scan(tmp_path / f"{uid}.mhd", chest())
    assert record.identity.series_uid == uid
    append_records(tmp_path / RECORDS_FILE, {0: record})
    (line,) = (tmp_path / RECORDS_FILE).read_text().splitlines()
    assert set(json.loads(line)) == {"scan", "values", "identity", "notes", "warnings"}
    assert set(json.loads(line)["identity"]) == {"series_uid", "digest"}
