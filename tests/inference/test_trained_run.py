"""Runs for inference: which ones can be averaged, what cases they need, and on which scans they were trained."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from archnet.errors import RunError
from archnet.imaging.scan_identity import ScanIdentity
from archnet.inference.predict import predicted_views
from archnet.inference.trained_run import (
    TrainedOn,
    check_case_kind,
    find_trainings,
    read_trained_run,
    read_trained_runs,
)
from archnet.runs.preparation.training_scans import TrainingScan, TrainingScans
from synthetic_runs import edit, write_run


def refused(call, message):
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        call()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """An experiment with two networks and a baseline."""
    folder = tmp_path_factory.mktemp("trained")
    for name in ("a", "b", "forest"):
        write_run(folder / name, baseline=name == "forest")
    return folder


@pytest.fixture
def folder(written, tmp_path):
    """A copy of it."""
    return shutil.copytree(written, tmp_path / "out")


def change(run, section, **options):
    """Change a section of the experiment of a run; None removes an option."""
    document = json.loads((run / "experiment.json").read_text())
    changed = document[section] | options
    document[section] = {key: value for key, value in changed.items() if value is not None}
    edit(run, "experiment.json", json.dumps(document))


def test_the_networks_of_an_experiment_are_averaged_without_its_baselines(folder):
    assert [run.folder.name for run in read_trained_runs([folder])] == ["a", "b"]
    refused(
        lambda: read_trained_runs([folder / "forest"]),
        f"{folder / 'forest'}: is a baseline, which has no model file. Name a run of a network.",
    )
    refused(lambda: read_trained_runs([]), "no run is given. Name a run folder.")


def test_an_experiment_of_baselines_alone_has_no_network(folder):
    for name in ("a", "b"):
        shutil.rmtree(folder / name)
    shutil.copytree(folder / "forest", folder / "other")
    refused(
        lambda: read_trained_runs([folder]),
        f"{folder}: contains only baselines, which have no model file. Name a run of a network.",
    )


@pytest.mark.parametrize(
    ("data", "difference"),
    [
        ({"spacing_mm": [1, 1, 2]}, "spacing_mm 1, 1, 2 here, None there"),
        ({"crop_size": [32, 32, 8]}, "crop_size 32, 32, 8 here, 64, 64, 10 there"),
        (
            {"name": "npz", "window_hu": None, "negatives_per_positive": None},
            "trained on arrays here, candidates there",
        ),
    ],
)
def test_runs_of_other_preprocessing_are_not_averaged(folder, data, difference):
    change(folder / "b", "data", **data)
    refused(
        lambda: read_trained_runs([folder]),
        f"{folder / 'b'}: cannot be averaged with {folder / 'a'}: {difference}. Name runs with the same preprocessing.",
    )


def test_each_kind_of_run_needs_its_own_cases(folder):
    run = read_trained_run(folder / "a")
    options = {"--candidates": "list.csv", "--out": None}
    remedy = "Pass their list with --candidates."
    refused(
        lambda: check_case_kind(run, options, remedy),
        f"{run.folder}: this run classifies candidates, not whole scans. {remedy}",
    )
    check_case_kind(run, {"--candidates": "list.csv", "--out": "out.csv"}, remedy)
    scans = replace(run, experiment=replace(run.experiment, data=replace(run.experiment.data, name="mosmed")))
    refused(
        lambda: check_case_kind(scans, options, remedy),
        f"{run.folder}: this run classifies whole scans, not candidates. Leave out --candidates and --out.",
    )
    check_case_kind(scans, dict.fromkeys(options), remedy)


def test_a_run_on_arrays_predicts_no_scans_and_has_no_crop_size(folder):
    run = read_trained_run(folder / "a")
    assert run.crop_size == (64, 64, 10)
    data = replace(run.experiment.data, name="npz", crop_size=None)
    arrays = replace(run, experiment=replace(run.experiment, data=data))
    with pytest.raises(RunError, match=r"this run was trained on arrays of an \.npz file, which does not record how"):
        check_case_kind(arrays, {}, "")
    with pytest.raises(RunError, match="this run has no crop size, because it was trained on arrays, not on scans"):
        _ = arrays.crop_size


def test_scans_are_known_to_the_runs_that_were_trained_on_them(folder):
    one, other = read_trained_runs([folder])
    scan = TrainingScan(identity=ScanIdentity(series_uid=None, digest="1"), sets=("train", "validation"))
    runs = [one, replace(other, training_scans=TrainingScans(scans=(scan,), cases={}))]
    found = find_trainings(runs, scan.identity)
    assert found == [TrainedOn(run=other.folder, sets=("train", "validation"))]
    assert found[0].sentence == f"was in the training set and the validation set of {other.folder}."
    assert found[0].to_document() == {"run": str(other.folder), "sets": ["train", "validation"]}
    assert TrainedOn(run=Path("a"), sets=("validation",)).sentence == "was in the validation set of a."
    assert find_trainings(runs, ScanIdentity(series_uid=None, digest="2")) == []


def test_views_are_those_of_the_evaluation_unless_others_are_asked_for(folder):
    change(folder / "a", "training", augmentation=[])
    change(folder / "b", "training", augmentation=[{"type": "flip", "axes": ["height", "width"]}])
    change(folder / "b", "evaluation", tta=True)
    plain, flipped = read_trained_runs([folder])
    assert [len(predicted_views(flipped, tta)) for tta in (None, True, False)] == [4, 4, 1]
    assert [len(predicted_views(plain, tta)) for tta in (None, False)] == [1, 1]
    text = "test-time augmentation (tta) averages over the flips and rotations by right angles on which a network was"
    with pytest.raises(RunError, match=re.escape(f"{plain.folder}: {text}")):
        predicted_views(plain, True)
