"""The input section of a model card: shape, values, scaling and voxel size, each as the model has them."""

import json
from dataclasses import replace

import pytest

from archnet.export.card import model_card
from archnet.report.run_files import read_run
from archnet.spec.view import InputLimits
from synthetic_runs import write_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run on 2D crops, and one on volumes."""
    folder = tmp_path_factory.mktemp("card")
    return {depth: read_run(write_run(folder / f"net{depth}", depth=depth)) for depth in (None, 10)}


LUNG = InputLimits.of(-1000, 400)


def input_lines(run, shape, limits=LUNG, **data):
    """The lines of a card on the model's input."""
    experiment = {**run.experiment, "data": {**run.experiment["data"], **data}}
    card = model_card(replace(run, experiment=experiment), shape, limits, "model.keras")
    section = card.partition("## Input and output\n\n")[2].partition("\n\n")[0]
    return [line.removeprefix("- ") for line in section.splitlines()]


AXES = "Height runs along the scan's y axis (to the back), width along x (to the left), depth along z (up)."
HU = "The values are Hounsfield units, not rescaled. "
OWN = "The values are the data's own values, not rescaled. "


def test_a_2d_input_of_candidates(runs):
    assert input_lines(runs[None], (64, 64, 1), spacing_mm=[0.5, 0.5, 1.25]) == [
        "`model.keras` takes float32 of shape (cases, 64, 64, 1): any number of cases, then height, width, channels.",
        AXES,
        f"{HU}The model itself maps -1000 to 0 and 400 to 1 and clips values outside this range.",
        "A voxel is 0.5 × 0.5 × 1.25 mm along x, y, z.",
    ]


def test_a_volume_of_arrays_in_several_channels(runs):
    limits = InputLimits(windows=(((0, 10), (5, 20)), ((0, 1), (2, 3))))
    assert input_lines(runs[10], (32, 32, 16, 2), limits, name="npz") == [
        "`model.keras` takes float32 of shape (cases, 32, 32, 16, 2): any number of cases, then height, width, depth, "
        "channels.",
        f"{OWN}The model itself scales them to 4 channels from 0 to 1, in this order: 0 to 10 of channel 0, 5 to 20 of "
        "channel 1, 0 to 1 of channel 0 and 2 to 3 of channel 1. Values outside a range are clipped.",
        "Voxels keep the size of the source data; cases are not resampled to a common spacing.",
    ]


def test_windows_of_hounsfield_units(runs):
    windows = {"window_hu": [[-1000, 400], [-160, 240]]}
    both = InputLimits(windows=(((-1000, 400),), ((-160, 240),)))
    scaling = "The model itself scales them to 2 channels from 0 to 1, in this order: -1000 to 400 and -160 to 240. "
    (values,) = [
        line for line in input_lines(runs[None], (64, 64, 1), both, **windows) if line.startswith("The values")
    ]
    assert values == f"{HU}{scaling}Values outside a range are clipped."
    lines = input_lines(runs[None], (64, 64, 1), InputLimits.of(0, 255), **windows)
    assert any(line.startswith(OWN) for line in lines)


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        ("slices-as-channels", "Its channels are the axial slices of a volume, from index 0 on."),
        ("slice", "It reads the central axial slice of a volume (index depth // 2)."),
    ],
)
def test_a_2d_network_on_volumes_says_which_slices_it_reads(runs, view, sentence):
    assert sentence in input_lines(runs[10], (64, 64, 10), view=view)
    assert sentence not in input_lines(runs[10], (64, 64, 10, 1), view=view)
    assert sentence not in input_lines(runs[None], (64, 64, 10), view=view)
    assert sentence not in input_lines(replace(runs[10], gallery=None), (64, 64, 10), view=view)


def test_whole_scans_are_resized_in_numbered_steps(runs):
    scans = {"name": "mosmed", "crop_size": [64, 64, 32]}
    lines = input_lines(runs[10], (64, 64, 32, 1), **scans)
    assert lines[-1] == "Voxels have no fixed size: every scan is resized to one shape."
    experiment = {**runs[10].experiment, "data": {**runs[10].experiment["data"], **scans}}
    card = model_card(replace(runs[10], experiment=experiment), (64, 64, 32, 1), InputLimits.of(-1000, 400), "model")
    steps = card.partition("To convert a scan to the input of the model:\n\n")[2].partition("\n\n")[0].splitlines()
    assert [step.partition(". ")[0] for step in steps] == [str(number) for number in range(1, len(steps) + 1)]
    assert len(steps) > 3


def test_hashes_of_training_scans_are_listed_or_said_to_be_unknown(tmp_path):
    folder = write_run(tmp_path / "net")
    run = read_run(folder)

    def section():
        card = model_card(run, (64, 64, 1), InputLimits.of(-1000, 400), "model.keras")
        return card.partition("## Training scans\n\n")[2].partition("\n\n##")[0]

    assert section() == "Unknown: the archnet version that made the run did not record them."
    scans = [
        {"series_uid": "1.2", "digest": "aa", "sets": ["train", "validation"]},
        {"series_uid": None, "digest": "bb", "sets": ["validation"]},
    ]
    (folder / "training_scans.json").write_text(json.dumps({"scans": scans, "cases": {}}))
    rows = [line.split(" | ") for line in section().splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows if "`" in row[1]] == ["| train, validation", "| validation"]
    assert "unknown" in rows[-1][-1]
    document = {"scans": [], "cases": {"train": ["aa", "bb"], "validation": ["cc"]}}
    (folder / "training_scans.json").write_text(json.dumps(document))
    assert section() == (
        "The model was trained on arrays. `training_scans.json` lists the hash of each case's values: 2 cases of train; "
        "1 case of validation."
    )
