"""Runs are resumed, evaluated and joined by others only on the data that they were made from."""

import json

import pytest

import archnet
from archnet.errors import DataError, RunError
from archnet.runs.folders.unchanged_data import (
    check_data_of_finished_run,
    check_data_of_other_runs,
    check_data_of_started_run,
)

SPLIT = "case,group,label,set\n"
DIGESTS = {"digest": "1a" * 32, "geometry": "2b" * 32}


def write_folder(folder, split=SPLIT, data=DIGESTS, document=None):
    folder.mkdir(parents=True)
    (folder / "split.csv").write_text(split)
    if data is not None:
        (folder / "data.json").write_text(json.dumps(data))
    if document is not None:
        (folder / "experiment.json").write_text(json.dumps(document))
    return folder


CHANGES = [
    ({"split": SPLIT + "a,a,0,train\n"}, "split.csv"),
    ({"data": {**DIGESTS, "digest": "1b" * 32}}, "data.json"),
    ({"data": {**DIGESTS, "geometry": "1b" * 32}}, "data.json"),
    ({"data": {"geometry": "1b" * 32}}, "data.json"),
    ({"data": {"digest": "1a" * 32}}, None),
    ({"data": None}, None),
    ({}, None),
]


def outcome(call, error):
    """The message of an error, or None."""
    try:
        call()
    except error as caught:
        return str(caught)
    return None


@pytest.mark.parametrize(("changes", "name"), CHANGES)
def test_a_finished_run_is_evaluated_on_its_own_data_alone(changes, name, tmp_path):
    folder = write_folder(tmp_path / "net", **changes)
    assert outcome(lambda: check_data_of_finished_run(folder, SPLIT, DIGESTS), DataError) == (
        name
        and f"{folder / name}: the data have changed since this run, so its cases cannot be predicted again. Restore the "
        "data, or run the experiment again."
    )


@pytest.mark.parametrize(("changes", "name"), CHANGES)
@pytest.mark.parametrize("is_begun", [True, False])
def test_an_interrupted_run_is_resumed_on_its_own_data_alone(changes, name, is_begun, tmp_path):
    folder = write_folder(tmp_path / "net", **changes)
    if is_begun:
        (folder / "checkpoint").mkdir()
    assert outcome(lambda: check_data_of_started_run(folder, SPLIT, DIGESTS), RunError) == (
        (name if is_begun else None)
        and f"{folder / name}: the data have changed since this run began, so it cannot be continued. Restore them, or "
        "choose a different folder with --out."
    )


@pytest.fixture
def experiment(tmp_path):
    (tmp_path / "net.json").write_text(json.dumps({"name": "net", "rank": 2, "layers": [{"type": "T"}]}))
    (one,) = archnet.load_experiments({"archs": [str(tmp_path / "net.json")], "data": {"name": "npz", "root": "a.npz"}})
    return one


def changed(document, section, **keys):
    return {**document, section: {**document[section], **keys}}


def test_the_first_run_on_the_same_data_decides_whether_another_joins_it(experiment, tmp_path):
    document = experiment.to_document()
    others = [
        changed(document, "data", root="b.npz"),
        changed(document, "split", seed=7),
        changed(document, "training", soft_labels=True),
        changed(document, "training", case_weights=True),
        None,
    ]
    folders = [
        write_folder(tmp_path / f"other{number}", split="other", document=other) for number, other in enumerate(others)
    ]
    same = changed(changed(document, "data", view="slices-as-channels"), "training", epochs=99)
    folders.append(write_folder(tmp_path / "same", document=same))
    folders.append(write_folder(tmp_path / "later", split="other", document=document))
    assert outcome(lambda: check_data_of_other_runs(folders, experiment, SPLIT, DIGESTS), RunError) is None
    message = outcome(
        lambda: check_data_of_other_runs(folders, experiment, SPLIT, {**DIGESTS, "digest": "9c" * 32}), RunError
    )
    assert message == (
        f"{tmp_path / 'same/data.json'}: the data have changed since this run, so other runs cannot be compared with it. "
        "Restore the data, or choose a different folder with --out."
    )
