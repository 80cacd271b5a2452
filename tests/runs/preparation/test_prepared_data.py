from dataclasses import replace

import numpy as np

from archnet.data.checks.scan_records import ScanRecord
from archnet.data.dataset import Cases
from archnet.imaging.scan_identity import ScanIdentity
from archnet.runs.preparation.case_crops import _count_flow
from archnet.runs.preparation.case_split import CaseSplit
from archnet.runs.preparation.prepared_data import PreparedData
from archnet.spec.view import InputLimits


def prepared(values=(1, 2, 3), sets=("train", "test", "test"), **options):
    cases = Cases(
        ids=np.array(["a", "b", "c"]),
        groups=np.array(["p", "q", "q"]),
        labels=np.array([0, 1, 0]),
        classes=("no", "yes"),
    )
    array = np.array(values, np.int16).reshape(3, 1, 1)
    limits = InputLimits.of(0, 1)
    return PreparedData(cases=cases, sets=np.array(sets), values=array, rows=np.arange(3), limits=limits, **options)


def digest(data):
    return data.to_document()["digest"]


def test_the_digest_of_data_follows_their_voxels_labels_and_sets():
    first = prepared()
    assert digest(first) == digest(prepared())
    others = [
        prepared(values=(1, 2, 4)),
        prepared(sets=("test", "train", "test")),
        replace(first, cases=replace(first.cases, labels=np.array([0, 1, 1]))),
        replace(first, cases=replace(first.cases, groups=np.array(["p", "q", "r"]))),
    ]
    assert len({digest(first), *map(digest, others)}) == 5


def test_scans_stand_for_their_voxels_and_are_counted_in_each_set():
    def with_scans(second):
        records = [
            ScanRecord(values=None, identity=ScanIdentity(series_uid=None, digest=digest)) for digest in ("x", second)
        ]
        return prepared(scan_records=tuple(records), scan_numbers=np.array([0, 1, 1]))

    assert digest(with_scans("y")) != digest(with_scans("z"))
    assert with_scans("y").to_document()["num_scans"] == {"train": 1, "test": 1}
    assert prepared().to_document()["num_scans"] == {}


def test_scans_may_be_numbered_in_any_order():
    def numbered(names, numbers):
        records = [ScanRecord(values=None, identity=ScanIdentity(series_uid=None, digest=name)) for name in names]
        return prepared(scan_records=tuple(records), scan_numbers=np.array(numbers))

    assert digest(numbered("xy", [0, 1, 1])) == digest(numbered("yx", [1, 0, 0])) == digest(numbered("wyx", [2, 1, 1]))
    assert digest(numbered("xy", [0, 1, 1])) != digest(numbered("yx", [0, 1, 1]))


def test_the_flow_of_cases_is_recorded_for_each_set():
    sets = np.array(["train", "train", "train", "test", "test", "test"])
    split = CaseSplit(sets=sets, rows=np.array([0, 1, 3, 4]))
    assert _count_flow(split, np.array([True, False, True, True])) == {
        "train": {"found": 3, "not_drawn": 1, "lost": 1},
        "test": {"found": 3, "not_drawn": 1, "lost": 0},
    }
    assert prepared(flow={"train": {"found": 3, "not_drawn": 1, "lost": 1}}).to_document()["flow"] == {
        "train": {"found": 3, "not_drawn": 1, "lost": 1}
    }
