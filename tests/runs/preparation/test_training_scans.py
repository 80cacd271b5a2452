"""What a run keeps of the scans that it was trained on."""

import hashlib
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from archnet.data.checks.scan_records import record_scan
from archnet.data.dataset import Cases
from archnet.errors import DataError
from archnet.imaging.scan_identity import ScanIdentity
from archnet.runs.artifacts import write_run_setup
from archnet.runs.preparation import PreparedData
from archnet.runs.preparation.training_scans import (
    TrainingScan,
    TrainingScans,
    case_digest,
    find_known_cases,
    hash_text,
    hashed_training_scans,
    list_training_scans,
    read_training_scans,
)
from archnet.spec.view import InputLimits
from trained_runs import chest

SETS = ["train", "train", "validation", "test", "test", "validation"]
RECORDS = tuple(record_scan(Path(f"1.{number}.mhd"), chest(number)) for number in range(4))


def prepared(values=None, scan_numbers=None):
    count = len(SETS)
    cases = Cases(
        ids=np.arange(count).astype(str),
        groups=np.arange(count).astype(str),
        labels=np.arange(count) % 2,
        classes=("0", "1"),
    )
    return PreparedData(
        cases=cases,
        sets=np.array(SETS),
        values=np.zeros((count, 2, 2)) if values is None else values,
        rows=np.arange(count)[::-1].copy(),
        limits=InputLimits.of(0, 1),
        scan_records=() if scan_numbers is None else RECORDS,
        scan_numbers=None if scan_numbers is None else np.array(scan_numbers),
    )


def test_scans_of_the_training_and_validation_sets_are_listed():
    known = list_training_scans(prepared(scan_numbers=[1, 0, 0, 2, 1, 3]))
    assert [(scan.identity, scan.sets) for scan in known.scans] == [
        (RECORDS[0].identity, ("train", "validation")),
        (RECORDS[1].identity, ("train",)),
        (RECORDS[3].identity, ("validation",)),
    ]
    assert known.cases == {}
    assert known.sets_of(RECORDS[0].identity) == ("train", "validation")
    assert known.sets_of(RECORDS[2].identity) == ()


def test_a_scan_is_recognized_by_its_uid_or_by_its_voxels():
    known = list_training_scans(prepared(scan_numbers=[1, 0, 0, 2, 1, 3]))
    digest = RECORDS[1].identity.digest
    assert known.sets_of(ScanIdentity(series_uid=None, digest=digest)) == ("train",)
    assert known.sets_of(ScanIdentity(series_uid="9.9", digest=digest)) == ("train",)
    assert known.sets_of(ScanIdentity(series_uid="1.1", digest="0")) == ("train",)
    assert known.sets_of(ScanIdentity(series_uid=None, digest="0")) == ()
    unnamed = TrainingScans(
        scans=(TrainingScan(identity=ScanIdentity(series_uid=None, digest="1"), sets=("train",)),), cases={}
    )
    assert unnamed.sets_of(ScanIdentity(series_uid=None, digest="0")) == ()


def test_cases_of_arrays_are_listed_by_their_values_whatever_their_type():
    values = np.random.default_rng(0).integers(0, 255, (6, 3, 3)).astype(np.uint8)
    known = list_training_scans(prepared(values))
    rows = np.arange(6)[::-1]
    assert known.scans == ()
    assert known.cases == {
        "train": tuple(case_digest(values[row].astype(np.float64)) for row in rows[:2]),
        "validation": tuple(case_digest(values[row]) for row in rows[[2, 5]]),
    }
    assert case_digest(values[0]) != case_digest(values[0].reshape(1, 9))


def test_the_list_is_written_read_and_hashed(tmp_path):
    data = prepared(scan_numbers=[1, 0, 0, 2, 1, 3])
    write_run_setup(tmp_path, {}, data, "case,group,label,set\n")
    known = list_training_scans(data)
    assert read_training_scans(tmp_path) == known
    document = hashed_training_scans(tmp_path).to_document()
    assert [entry["sets"] for entry in document["scans"]] == [["train", "validation"], ["train"], ["validation"]]
    assert document["scans"][0]["series_uid"] == hashlib.sha256(b"1.0").hexdigest()[:32]
    assert document["scans"][0]["digest"] == hash_text(RECORDS[0].identity.digest)
    text = json.dumps(document)
    assert not any(record.identity.digest in text or f'"{record.identity.series_uid}"' in text for record in RECORDS)


def test_the_uids_of_scans_are_those_that_are_known():
    unnamed = TrainingScan(identity=ScanIdentity(series_uid=None, digest="1"), sets=("train",))
    named = TrainingScan(identity=ScanIdentity(series_uid="1.2", digest="2"), sets=("train",))
    assert TrainingScans(scans=(unnamed, named, named), cases={}).series_uids == {"1.2"}


def known_cases(tmp_path, listed, data):
    """The finding on cases of a test set, for a run that starts from the weights of one with these scans."""
    (tmp_path / "training_scans.json").write_text(json.dumps(listed.to_document()))
    experiment = SimpleNamespace(training=SimpleNamespace(init=SimpleNamespace(weights=str(tmp_path))))
    return list(find_known_cases(experiment, data))


def test_test_cases_of_scans_that_gave_the_initial_weights_are_found(tmp_path):
    data = prepared(scan_numbers=[1, 0, 0, 2, 3, 3])
    assert known_cases(tmp_path, list_training_scans(prepared(scan_numbers=[1] * 6)), data) == []
    (finding,) = known_cases(tmp_path, list_training_scans(prepared(scan_numbers=[1, 3, 3, 2, 2, 0])), data)
    assert (finding.check, finding.severity, finding.cases) == ("starting_weights", "warning", ("4",))
    assert finding.text == (
        "1 of 2 test cases come from scans or cases on which the initial weights were trained or validated, so the test "
        "results are optimistic: 4. Use initial weights from different scans, or the same split in both runs."
    )


def test_test_cases_of_arrays_that_gave_the_initial_weights_are_found(tmp_path):
    values = np.random.default_rng(0).integers(0, 255, (6, 3, 3)).astype(np.uint8)
    assert known_cases(tmp_path, list_training_scans(prepared(values)), prepared(values)) == []
    listed = list_training_scans(prepared(np.roll(values, 1, axis=0)))
    (finding,) = known_cases(tmp_path, listed, prepared(values))
    assert finding.cases == ("3",)


def test_without_initial_weights_or_a_list_of_scans_nothing_is_known(tmp_path):
    without, unlisted = (
        SimpleNamespace(training=SimpleNamespace(init=init)) for init in (None, SimpleNamespace(weights=str(tmp_path)))
    )
    assert [*find_known_cases(without, prepared()), *find_known_cases(unlisted, prepared())] == []


def test_a_run_of_an_older_archnet_does_not_know(tmp_path):
    assert read_training_scans(tmp_path) is None
    assert hashed_training_scans(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"scans": []}', '$: the key "cases" is missing.'),
        ('{"scans": [1], "cases": {}}', "$.scans[0]: expected an object, got 1."),
        ('{"scans": [], "cases": []}', "$.cases: expected an object, got []."),
    ],
)
def test_a_damaged_list_is_reported(tmp_path, content, problem):
    path = tmp_path / "training_scans.json"
    path.write_text(content)
    message = f"{path}:1 {problem} Restore the file, or run the experiment again."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_training_scans(tmp_path)
