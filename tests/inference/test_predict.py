"""`archnet predict`: scans and candidates judged as in training, whatever their format; what is unlike them is told."""

import csv
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread
from typer.testing import CliRunner

import archnet
from archnet.cli import app
from archnet.data.checks.scan_records import record_scan
from archnet.data.scan_ranges import parse_scan_ranges
from archnet.errors import DataError, RunError
from archnet.evaluation.froc.lists import read_marks
from archnet.evaluation.integrity.acceptance import accept_edits
from archnet.evaluation.integrity.manifest import record_run
from archnet.files.atomic import write_json
from archnet.imaging import read_volume, resize_volume
from archnet.imaging.hounsfield import evaluate_hu
from archnet.imaging.metaimage import write_mhd
from archnet.inference.predict import Ensemble
from archnet.inference.trained_run import read_trained_run
from archnet.network.trained_model import load_model
from archnet.runs.preparation.training_scans import (
    TRAINING_SCANS_FILE,
    TrainingScan,
    TrainingScans,
    read_training_scans,
)
from archnet.spec.experiment import SETS
from plain_training import PLAIN
from trained_runs import (
    CANDIDATES,
    LAYERS,
    LAYERS_2D,
    WHOLE,
    as_four_formats,
    chest,
    overflow_where_bright,
    write_chest,
    write_nan,
    write_trained_run,
)

COMMAND = CliRunner()
LIKE_CHEST = {
    "count": 2,
    "spacing_mm": [[2.0, 2.0, 3.0], [2.0, 2.0, 3.0]],
    "size_mm": [[64.0, 64.0, 60.0], [64.0, 64.0, 60.0]],
    "mean_hu": [-900.0, -500.0],
}


def predict(*arguments):
    return COMMAND.invoke(app, ["predict", *map(str, arguments)], catch_exceptions=True)


def told(*arguments):
    """What `archnet predict --json` prints."""
    done = predict(*arguments, "--json")
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


def probabilities_of(run, *scans, options=()):
    return [row["probabilities"] for row in told(run, *scans, *options)["scans"]]


def shown_scans(done):
    """The scans in the table of a finished command."""
    return re.findall(r"([\w/]+\.mhd) +[0-9.]+% +[0-9.]+% *$", done.stdout, re.MULTILINE)


def submission(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on whole scans."""
    return write_trained_run(tmp_path_factory.mktemp("runs") / "whole", scans=LIKE_CHEST, gain=4)


@pytest.fixture(scope="module")
def nodules(tmp_path_factory):
    """A run on candidates."""
    return write_trained_run(tmp_path_factory.mktemp("runs") / "nodules", CANDIDATES, scans=LIKE_CHEST, gain=4)


@pytest.mark.slow
def test_each_scan_is_a_row_of_class_probabilities_with_two_decimals(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scans = [write_chest(tmp_path / "scans" / f"patient_{seed}.mhd", seed=seed) for seed in (1, 2)]
    done = predict(run, "scans")
    first, second = probabilities_of(run, *scans)
    assert done.exit_code == 0
    assert done.stderr == ""
    lines = [line.split() for line in done.stdout.splitlines() if line.strip(" ─")]
    assert "".join(map("".join, lines[:-3])) == f"Classprobabilitiesof2scansinscans{run}"
    assert lines[-3:] == [
        ["scan", "CT-0", "CT-23"],
        ["patient_1.mhd", *(f"{100 * value:.2f}%" for value in first.values())],
        ["patient_2.mhd", *(f"{100 * value:.2f}%" for value in second.values())],
    ]


@pytest.mark.slow
def test_a_scan_reaches_the_network_as_in_training(run, tmp_path):
    scan = write_chest(tmp_path / "scan.mhd", seed=3)
    volume = resize_volume(read_volume(scan), (24, 24, 12), (-1000, 400))
    expected = np.asarray(load_model(run / "model.keras")(volume[np.newaxis, ..., np.newaxis]))[0]
    (found,) = probabilities_of(run, scan)
    assert list(found.values()) == pytest.approx(expected.tolist(), abs=1e-6)


WINDOWS = [[-160, 240], [-1350, 150]]


def by_hand(run, values):
    """Class probabilities of cases (N, height, width[, depth]) in HU, each window scaled by NumPy."""
    model = load_model(run / "model.keras")
    channels = [np.clip((values - low) / (high - low), 0, 1) for low, high in WINDOWS]
    logits = np.asarray(model.get_layer(model.name)(np.stack(channels, axis=-1).astype(np.float32)))
    logits = logits if logits.shape[1] > 1 else np.concatenate([0 * logits, logits], axis=1)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.mark.slow
def test_each_window_of_a_whole_scan_is_a_channel_of_the_network(tmp_path):
    run = write_trained_run(tmp_path / "run", WHOLE | {"window_hu": WINDOWS}, channels=2, gain=4)
    scan = write_chest(tmp_path / "scan.mhd", seed=3)
    volume = resize_volume(read_volume(scan), (24, 24, 12), (-1350, 240))
    (found,) = probabilities_of(run, scan)
    assert list(found.values()) == pytest.approx(by_hand(run, volume[np.newaxis])[0].tolist(), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "rank"), [(LAYERS, 3), (LAYERS_2D, 2)], ids=["3D", "2D"])
def test_each_window_of_a_crop_is_a_channel_of_the_network(tmp_path, layers, rank):
    run = write_trained_run(tmp_path / "run", CANDIDATES | {"window_hu": WINDOWS}, layers, channels=2, gain=4)
    scan, point = write_chest(tmp_path / "scan0.mhd"), (0.0, 10.0, 130.0)
    (tmp_path / "list.csv").write_text("seriesuid,coordX,coordY,coordZ\nscan0,0,10,130\n")
    told(run, scan, "--candidates", tmp_path / "list.csv", "--out", tmp_path / "out.csv")
    image = SimpleITK.ReadImage(str(scan))
    x, y, z = image.TransformPhysicalPointToIndex(point)
    crop = SimpleITK.GetArrayFromImage(image)[z - 2 : z + 2, y - 6 : y + 6, x - 6 : x + 6].transpose(1, 2, 0)
    expected = by_hand(run, (crop if rank == 3 else crop[..., 2])[np.newaxis].astype(np.float64))[0, 1]
    assert float(submission(tmp_path / "out.csv")[0]["probability"]) == pytest.approx(expected, abs=1e-5)


def test_runs_on_whole_scans_with_other_windows_are_not_averaged(tmp_path):
    write_trained_run(tmp_path / "all/a", WHOLE | {"window_hu": WINDOWS}, channels=2)
    write_trained_run(tmp_path / "all/b", WHOLE)
    done = predict(tmp_path / "all", write_chest(tmp_path / "scan.mhd"))
    assert str(done.exception) == (
        f"{tmp_path / 'all/b'}: cannot be averaged with {tmp_path / 'all/a'}: window_hu -1000, 400 here, "
        "(-160, 240), (-1350, 150) there. Name runs with the same preprocessing."
    )


@pytest.mark.slow
def test_real_scans_get_the_same_probability_in_every_format(real_data, tmp_path):
    run = write_trained_run(tmp_path / "whole", gain=8)
    found = []
    for name in ("lung1", "lung2"):
        image = SimpleITK.ReadImage(str(real_data / f"ct/{name}_image.nrrd"))
        rows = probabilities_of(run, *as_four_formats(image, tmp_path / name))
        found.append([row["CT-23"] for row in rows])
        assert max(found[-1]) - min(found[-1]) < 1e-6
    assert abs(found[0][0] - found[1][0]) > 1e-3


@pytest.mark.slow
def test_candidates_become_a_submission_in_luna16s_form(nodules, tmp_path):
    scans = [write_chest(tmp_path / f"scans/subset{n}/scan{n}.mhd", seed=n) for n in range(2)]
    points = [("scan1", -10.5, 3.25, 120.0), ("scan0", 0.0, 10.0, 130.0), ("gone", 0, 0, 0), ("scan1", 5, 5, 110)]
    rows = [",".join(map(str, row)) for row in points]
    (tmp_path / "candidates.csv").write_text("\n".join(["seriesuid,coordX,coordY,coordZ", *rows]) + "\n")
    out = tmp_path / "new/submission.csv"
    done = predict(nodules, tmp_path / "scans", "--candidates", tmp_path / "candidates.csv", "--out", out)
    assert done.exit_code == 0
    assert done.stdout == f"Wrote {out}: the probability of nodule of 3 candidates in 2 scans.\n"
    assert done.stderr == "1 candidate of scans that were not given are left out.\n"
    found = submission(out)
    assert [(row["seriesuid"], float(row["coordX"])) for row in found] == [("scan1", -10.5), ("scan0", 0), ("scan1", 5)]
    images = [SimpleITK.ReadImage(str(scan)) for scan in scans]
    model = load_model(nodules / "model.keras")
    for row in found:
        point = [float(row[f"coord{axis}"]) for axis in "XYZ"]
        image = images[int(row["seriesuid"][-1])]
        x, y, z = image.TransformPhysicalPointToIndex(point)
        array = SimpleITK.GetArrayFromImage(image)[z - 2 : z + 2, y - 6 : y + 6, x - 6 : x + 6].transpose(1, 2, 0)
        expected = float(np.asarray(model(array[np.newaxis, ..., np.newaxis].astype(np.float32)))[0, 1])
        assert float(row["probability"]) == pytest.approx(expected, abs=1e-6)
    assert len({row["probability"] for row in found}) == 3


@pytest.mark.slow
@pytest.mark.parametrize("windows", [[[-1000, 400]], WINDOWS], ids=["one window", "two windows"])
def test_a_run_predicts_its_own_cases_as_it_did_itself(tmp_path, windows):
    layers = [{"type": "C", "num_output": 2, "kernel_size": [3, 3, 3]}, {"type": "GAP"}, {"type": "T"}]
    names = [f"scan{n}" for n in range(8)]
    for seed, name in enumerate(names):
        write_chest(tmp_path / f"data/{name}.mhd", seed=seed)
    rows = [f"{name},{x},{x},{120 + x},{x // 3}" for name in names for x in (0, 3, 5)]
    (tmp_path / "data/candidates.csv").write_text("\n".join(["seriesuid,coordX,coordY,coordZ,class", *rows]) + "\n")
    data = {"name": "luna16", "root": str(tmp_path / "data"), "crop_size": [8, 8, 4], "spacing_mm": [1.5, 1.5, 2.0]}
    data["window_hu"], arch = windows, {"name": "tiny", "channels": len(windows), "layers": layers}
    training = {**PLAIN, "epochs": 1, "learning_rate": 0.1}
    experiment = {"name": "t", "archs": [arch], "data": data, "training": training}
    run = archnet.run(experiment, out=tmp_path / "out")
    out = tmp_path / "submission.csv"
    told(run.folder, tmp_path / "data", "--candidates", tmp_path / "data/candidates.csv", "--out", out)
    probabilities = [float(row["probability"]) for row in submission(out)]
    predictions = run.predictions
    places = [int(case.partition("#")[2]) for case in predictions.cases.tolist()]
    np.testing.assert_allclose(np.array(probabilities)[places], predictions.probabilities[:, 1], atol=1e-6)
    known = read_training_scans(run.folder)
    sets = {name: {case.partition("#")[0] for case in predictions.select(name).cases.tolist()} for name in SETS}
    assert len(known.scans) == len(sets["train"] | sets["validation"])
    for name in names:
        record = record_scan(tmp_path / f"data/{name}.mhd", read_volume(tmp_path / f"data/{name}.mhd"))
        assert known.sets_of(record.identity) == tuple(part for part in SETS[:2] if name in sets[part])
    ranges = json.loads((run.folder / "data.json").read_text())["scans"]
    assert ranges["count"] == 8
    assert ranges["spacing_mm"] == [[2.0, 2.0, 3.0], [2.0, 2.0, 3.0]]
    assert ranges["size_mm"] == [[64.0, 64.0, 60.0], [64.0, 64.0, 60.0]]
    assert -900 < ranges["mean_hu"][0] < ranges["mean_hu"][1] < 0
    assert parse_scan_ranges(ranges).to_document() == {
        key: value if key == "count" else tuple(tuple(part) if isinstance(part, list) else part for part in value)
        for key, value in ranges.items()
    }


TURNS_AND_FLIPS = [{"type": "right_angles"}, {"type": "flip", "axes": ["width"]}]


@pytest.mark.slow
@pytest.mark.parametrize("is_evaluated_so", [False, True])
def test_tta_is_the_mean_over_the_views_of_the_training(tmp_path, is_evaluated_so):
    folder = write_trained_run(tmp_path / "run", CANDIDATES, gain=4, augmentation=TURNS_AND_FLIPS, tta=is_evaluated_so)
    values = np.random.default_rng(0).uniform(-1000, 400, (3, *CANDIDATES["crop_size"])).astype(np.float32)
    model = load_model(folder / "model.keras")
    views = [np.rot90(one, turns, (1, 2)) for one in (values, values[:, :, ::-1]) for turns in range(4)]
    expected = np.mean([np.asarray(model(np.ascontiguousarray(view)[..., np.newaxis])) for view in views], axis=0)
    plain, augmented, default = (
        Ensemble([read_trained_run(folder)], tta=tta).probabilities(values) for tta in (False, True, None)
    )
    np.testing.assert_allclose(augmented, expected, atol=1e-6)
    assert np.abs(augmented - plain).max() > 1e-4
    np.testing.assert_array_equal(default, augmented if is_evaluated_so else plain)


def test_views_of_a_network_that_was_trained_on_none_are_refused(tmp_path):
    run = write_trained_run(tmp_path / "run", augmentation=[{"type": "shift"}])
    done = predict(run, write_chest(tmp_path / "scan.mhd"), "--tta")
    assert isinstance(done.exception, RunError)
    assert str(done.exception) == (
        f"{run}: test-time augmentation (tta) averages over the flips and rotations by right angles on which a network "
        "was trained, and this network was trained on none. Omit tta, or train with flips in training.augmentation."
    )


@pytest.mark.slow
def test_several_runs_are_averaged_also_2d_with_3d_ones(nodules, tmp_path):
    flat = write_trained_run(tmp_path / "all/flat", CANDIDATES, LAYERS_2D, gain=4)
    write_trained_run(tmp_path / "all/other", CANDIDATES, seed=1, gain=4)
    scan = write_chest(tmp_path / "scan.mhd")
    (tmp_path / "list.csv").write_text("seriesuid,coordX,coordY,coordZ\nscan,0,10,130\n")
    found = {}
    for name, runs in {
        "a": [nodules],
        "b": [flat],
        "c": [tmp_path / "all/other"],
        "all": [nodules, tmp_path / "all"],
    }.items():
        also = ["--also", runs[1]] if len(runs) > 1 else []
        done = told(runs[0], scan, "--candidates", tmp_path / "list.csv", "--out", tmp_path / "out.csv", *also)
        found[name] = float(submission(tmp_path / "out.csv")[0]["probability"])
    assert done["runs"] == [str(nodules), str(flat), str(tmp_path / "all/other")]
    assert found["all"] == pytest.approx((found["a"] + found["b"] + found["c"]) / 3, abs=1e-6)
    assert len(set(found.values())) == 4


@pytest.mark.slow
def test_the_mean_of_several_models_says_that_it_is_one(run, tmp_path):
    write_trained_run(tmp_path / "other", seed=1)
    done = predict(run, write_chest(tmp_path / "scan.mhd"), "--also", tmp_path / "other")
    assert "mean of 2 runs" in map(str.strip, done.stdout.splitlines())


@pytest.mark.slow
def test_runs_that_see_other_cases_are_not_averaged(run, tmp_path):
    wide = write_trained_run(tmp_path / "wide", {"name": "mosmed", "crop_size": [24, 24, 16]})
    other = write_trained_run(tmp_path / "other", classes=["CT-0", "CT-4"])
    scan = write_chest(tmp_path / "scan.mhd")
    ending = "Name runs with the same preprocessing."
    expected = {
        wide: f"{wide}: cannot be averaged with {run}: crop_size 24, 24, 16 here, 24, 24, 12 there. {ending}",
        other: f"{other}: cannot be averaged with {run}: classes CT-0, CT-4 here, CT-0, CT-23 there. {ending}",
    }
    for folder, message in expected.items():
        error = predict(run, scan, "--also", folder).exception
        assert isinstance(error, RunError)
        assert str(error) == message


NO_CT = {
    "scaled": (0.0, 1.0, "0.0794 and 0.968", "They look scaled to 0..1: use the scan before scaling."),
    "centred": (-1.0, 1.0, "-0.841 and 0.935", "They look scaled to -1..1: use the scan before scaling."),
    "standardized": (-2.0, 3.0, "-1.6 and "
                                "2.84", "They look standardized (z-scores): use the scan before standardization."),
    "picture": (0, 255, "20 and "
                        "247", "They look like the grey values of a picture: use the scan that it was made from."),
    "stored": (0, 2000, "159 and "
                        "1940", "This is not a CT, or its rescale intercept is missing: use the original scan from "
                                "the scanner."),
    "unsigned": (0, 1100, "87 and "
                          "1060", "They are about 1,024 too high, as if the rescale intercept is missing: use the "
                                  "original scan from the scanner."),
    "clipped": (-160, 240, "-128 and "
                           "227", "They have been clipped or scaled, or this is not a chest CT: use the original scan "
                                  "from the scanner."),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("low", "high", "values", "guess"), NO_CT.values(), ids=NO_CT)
def test_non_ct_input_is_rejected_and_the_other_scans_are_predicted(run, tmp_path, low, high, values, guess):
    hu = chest().hu.astype(np.float32)
    strange = (hu - hu.min()) / (hu.max() - hu.min()) * (high - low) + low
    image = SimpleITK.GetImageFromArray(strange if high < 10 else strange.round().astype(np.int16))
    SimpleITK.WriteImage(image, str(tmp_path / "a.nrrd"))
    write_chest(tmp_path / "b.mhd")
    done = predict(run, tmp_path)
    message = (
        f"{tmp_path / 'a.nrrd'}: most of its values lie between {values}, but a chest CT in Hounsfield units "
        f"holds air, near -1000. {guess}"
    )
    assert isinstance(done.exception, DataError)
    assert str(done.exception) == message
    assert shown_scans(done) == ["b.mhd"]


def test_an_out_of_distribution_scan_is_predicted_with_a_warning(run, tmp_path):
    scan = write_chest(tmp_path / "scan.mhd", spacing_mm=(2.0, 2.0, 7.5))
    done = predict(run, scan)
    begin = f"Warning: {scan} is out of distribution: "
    assert done.stderr == (
        f"{begin}its voxels are 7.5 mm along z; in training they were 3 mm.\n"
        f"{begin}it is 150 mm long along z; in training scans were 60 mm.\n"
    )
    assert shown_scans(done) == ["scan.mhd"]


def test_values_far_from_those_of_training_are_warned_about(tmp_path):
    ranges = {**LIKE_CHEST, "mean_hu": [-100.0, 0.0]}
    run = write_trained_run(tmp_path / "run", scans=ranges)
    scan = write_chest(tmp_path / "scan.mhd")
    mean = resize_volume(read_volume(scan), (24, 24, 12), (-1000, 400)).mean()
    assert told(run, scan)["warnings"] == {
        str(scan): [f"the network sees a mean of {mean:.0f} HU; in training it was -100 to 0 HU."]
    }


@pytest.mark.slow
def test_crops_on_a_grid_of_millimetres_may_come_from_any_spacing(tmp_path):
    scan = write_chest(tmp_path / "scan.mhd", spacing_mm=(2.0, 2.0, 7.5))
    (tmp_path / "list.csv").write_text("seriesuid,coordX,coordY,coordZ\nscan,0,10,130\n")
    found = {}
    for name, spacing in {"own": None, "mm": [2.0, 2.0, 3.0]}.items():
        run = write_trained_run(tmp_path / name, {**CANDIDATES, "spacing_mm": spacing}, scans=LIKE_CHEST)
        done = told(run, scan, "--candidates", tmp_path / "list.csv", "--out", tmp_path / "out.csv")
        found[name] = done["warnings"]
    assert found == {
        "own": {str(scan): ["its voxels are 7.5 mm along z; in training they were 3 mm."]},
        "mm": {},
    }


@pytest.mark.slow
def test_options_that_do_not_fit_the_run_are_refused(run, nodules, tmp_path):
    scan, lists = write_chest(tmp_path / "scan.mhd"), ["--candidates", tmp_path / "a.csv", "--out", tmp_path / "b.csv"]
    arrays = write_trained_run(tmp_path / "arrays", {"name": "npz", "root": "cubes.npz"})
    expected = {
        (nodules, scan): f"{nodules}: this run classifies candidates, not whole scans. Name their list with "
                         f"--candidates "
        "and the file to write with --out.",
        (run, scan, *lists): f"{run}: this run classifies whole scans, not candidates. Leave out --candidates and "
                             f"--out.",
        (arrays, scan): f"{arrays}: this run was trained on arrays of an .npz file, which does not record how they "
        "were extracted from scans, so new scans cannot be preprocessed in the same way. Name a run on "
        "luna16, mosmed or folder data.",
        (nodules, scan, *lists): f"{tmp_path / 'a.csv'}: no such file. Name a list with the columns seriesuid, coordX, "
        "coordY, coordZ.",
        (run, tmp_path / "none.mhd"): f"{tmp_path / 'none.mhd'}: no such file. Give a scan (.mhd, .mha, .nii, "
        ".nii.gz, .nrrd), a DICOM folder, or a folder of scans.",
        (run, arrays): f"{arrays}: contains no scans. Not used: 1 .keras (model.keras). Give a scan (.mhd, .mha, .nii, "
        ".nii.gz, .nrrd), a DICOM folder, or a folder of scans.",
    }  # fmt: skip
    for arguments, message in expected.items():
        assert str(predict(*arguments).exception) == message


DIVERGED = (
    "Its training has diverged: run the experiment again with a lower training.learning_rate, or with "
    "training.clip_norm=1."
)


def write_bright_chest(path):
    """A scan with a large bright box in the middle."""
    volume = chest()
    volume.hu[6:14, 8:24, 8:24] = 390
    write_mhd(path, volume)
    return path


@pytest.mark.slow
def test_a_network_that_gives_nan_for_a_scan_is_an_error_and_no_probability(tmp_path):
    run = write_trained_run(tmp_path / "whole", knows=overflow_where_bright)
    scan = write_bright_chest(tmp_path / "scan.mhd")
    message = f"{scan}: the model outputs NaN instead of probabilities. {DIVERGED}"
    done = predict(run, scan)
    assert (done.exit_code, done.stdout) == (1, "")
    assert str(done.exception) == message
    document = json.loads(predict(run, scan, "--json").stdout)
    assert (document["scans"], document["undefined"]) == ([], {str(scan): message})
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        archnet.predict(run, scan)


def test_candidates_for_which_a_network_gives_nan_are_counted_and_named(tmp_path):
    run = write_trained_run(tmp_path / "nodules", CANDIDATES, knows=overflow_where_bright)
    hu = np.full((20, 32, 32), -850, np.int16)
    hu[:, :4] = hu[:, -4:] = 40
    hu[8:12, 10:14, 10:14] = 390
    scan = tmp_path / "scan.mhd"
    write_mhd(scan, replace(chest(), hu=hu, origin_mm=(0.0, 0.0, 0.0), spacing_mm=(1.0, 1.0, 1.0)))
    listed = tmp_path / "candidates.csv"
    listed.write_text("seriesuid,coordX,coordY,coordZ\nscan,22,22,4\nscan,11.5,11.5,9.5\nscan,24,22,4\n")
    out = tmp_path / "out.csv"
    done = predict(run, scan, "--candidates", listed, "--out", out)
    assert str(done.exception) == (
        f"{scan}: the model outputs NaN instead of probabilities for 1 of 3 candidates: scan#3. {DIVERGED}"
    )
    assert [row["coordX"] for row in submission(out)] == ["22.0", "24.0"]


@pytest.mark.slow
def test_a_model_with_weights_that_are_not_numbers_is_refused(tmp_path):
    run = write_trained_run(tmp_path / "whole", knows=write_nan)
    message = (
        f"{run / 'model.keras'}: contains NaN or infinite weights. Its training has diverged: run the experiment "
        "again with a lower training.learning_rate, or with training.clip_norm=1."
    )
    scan = write_chest(tmp_path / "scan.mhd")
    for command in (["predict", run, scan], ["explain", run, scan, "--out", tmp_path]):
        done = COMMAND.invoke(app, list(map(str, command)))
        assert isinstance(done.exception, RunError)
        assert str(done.exception) == message
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        load_model(run / "model.keras")


def test_a_prediction_that_is_nan_is_not_explained(tmp_path):
    run = write_trained_run(tmp_path / "whole", knows=overflow_where_bright)
    scan = write_bright_chest(tmp_path / "scan.mhd")
    done = COMMAND.invoke(app, ["explain", str(run), str(scan), "--out", str(tmp_path)])
    assert str(done.exception) == (
        f"{run / 'model.keras'}: outputs NaN instead of probabilities for {scan}. Its training has diverged: run the "
        "experiment again with a lower training.learning_rate, or with training.clip_norm=1."
    )


BAD_LISTS = {
    "scan,0,x,0\n": '{path} line 2: coordY must be a finite number, got "x".',
    "scan,0,inf,0\n": '{path} line 2: coordY must be a finite number, got "inf".',
    "\nscan,0,0,9999\n": "1 of the 1 candidates in {path} lies outside its scan: line 3, (0.0, 0.0, 9999.0) mm in "
    "scan.mhd. That is 100% of all candidates. It is 100% of the candidates in scan.mhd. Usual causes: RAS coordinates instead of LPS, "
    "axes in a different order, voxel indices instead of millimetres, or the list of a different scan. Correct the "
    "list (positions in mm, LPS).",
    "other,0,0,0\n": "{path}: none of its candidates (1) is in a given scan. The first one is in scan "
    "other; a given scan is scan.",
    "": "{path}: none of its candidates (0) is in a given scan. It is empty.",
}


@pytest.mark.parametrize(("rows", "message"), BAD_LISTS.items(), ids=map(str, range(len(BAD_LISTS))))
def test_a_damaged_candidate_list_is_reported_with_its_line(nodules, tmp_path, rows, message):
    path = tmp_path / "list.csv"
    path.write_text("seriesuid,coordX,coordY,coordZ\n" + rows)
    scan = write_chest(tmp_path / "scan.mhd")
    done = predict(nodules, scan, "--candidates", path, "--out", tmp_path / "out.csv")
    with pytest.raises(DataError, match=f"^{re.escape(message.format(path=path))}$"):
        raise done.exception
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.slow
def test_candidates_of_a_dicom_series_name_it_by_its_folder_or_its_uid(nodules, tmp_path):
    volume = chest(shape=(8, 16, 16))
    image = SimpleITK.GetImageFromArray(volume.hu)
    image.SetSpacing(volume.spacing_mm)
    nrrd, _, _, folder = as_four_formats(image, tmp_path / "scans")
    found = []
    for scan, name in [(nrrd, "a"), (folder, "dicom"), (folder, "1.2.826.0.1.3680043.2.1125.1.7")]:
        (tmp_path / "list.csv").write_text(f"seriesuid,coordX,coordY,coordZ\n{name},12.5,10,9\n")
        told(nodules, scan, "--candidates", tmp_path / "list.csv", "--out", tmp_path / "out.csv")
        (row,) = submission(tmp_path / "out.csv")
        assert row["seriesuid"] == name
        found.append(float(row["probability"]))
    assert np.ptp(found) < 1e-6


def test_two_scans_of_one_name_are_refused(nodules, tmp_path):
    paths = [write_chest(tmp_path / f"{part}/scan.mhd") for part in ("a", "b")]
    (tmp_path / "list.csv").write_text("seriesuid,coordX,coordY,coordZ\nscan,0,10,130\n")
    done = predict(nodules, *paths, "--candidates", tmp_path / "list.csv", "--out", tmp_path / "out.csv")
    assert str(done.exception) == f"{paths[1]}: the same scan is also at {paths[0]}. Name one of them."


def test_a_run_folder_that_is_damaged_is_reported(run, tmp_path):
    broken = write_trained_run(tmp_path / "broken")
    (broken / "metrics.json").write_text('{"classes": ["a", "b"], "positive": "c"}')
    record_run(broken)
    message = (
        f'{broken / "metrics.json"}: positive is "c", not one of the classes ["a", "b"]. '
        "Restore the file, or run the experiment again."
    )
    assert str(predict(broken, tmp_path).exception) == message


@pytest.mark.slow
def test_a_baseline_is_left_out_of_its_experiment_and_refused_by_itself(tmp_path):
    write_trained_run(tmp_path / "all/net")
    forest = write_trained_run(tmp_path / "all/random_forest")
    document = {"arch": {"name": "random_forest", "baseline": {}}, "training": {"seed": 0}}
    (forest / "experiment.json").write_text(json.dumps(document), encoding="utf-8")
    record_run(forest)
    scan = write_chest(tmp_path / "scan.mhd")
    assert told(tmp_path / "all", scan)["runs"] == [str(tmp_path / "all/net")]
    message = f"{forest}: is a baseline, which has no model file. Name a run of a network."
    assert str(predict(forest, scan).exception) == message
    for name in ("manifest.json", "metrics.json"):
        (tmp_path / "all/net" / name).unlink()
    message = f"{tmp_path / 'all'}: contains only baselines, which have no model file. Name a run of a network."
    assert str(predict(tmp_path / "all", scan).exception) == message


def test_a_submission_does_not_replace_the_list_that_it_is_made_from(nodules, tmp_path):
    scan, path = write_chest(tmp_path / "scan.mhd"), tmp_path / "candidates.csv"
    path.write_text("seriesuid,coordX,coordY,coordZ,class\nscan,0,0,110,1\n")
    done = predict(nodules, scan, "--candidates", path, "--out", tmp_path / "../" / tmp_path.name / "candidates.csv")
    assert str(done.exception) == (
        f"--out {tmp_path / '../' / tmp_path.name / 'candidates.csv'}: is also an input and would be overwritten. "
        "Choose a different name."
    )
    assert path.read_text().endswith(",1\n")


@pytest.mark.slow
def test_a_few_candidates_outside_their_scan_keep_their_rows_without_a_probability(nodules, tmp_path):
    scan, path, out = write_chest(tmp_path / "scan.mhd"), tmp_path / "list.csv", tmp_path / "out.csv"
    rows = [f"scan,{number / 10},10,130\n" for number in range(120)]
    path.write_text("seriesuid,coordX,coordY,coordZ\n" + "".join([*rows[:5], "scan,0,0,9999\n", *rows[5:]]))
    done = predict(nodules, scan, "--candidates", path, "--out", out)
    assert done.exit_code == 0
    assert done.stdout == f"Wrote {out}: the probability of nodule of 120 candidates in 1 scan.\n"
    found = f"1 of the 121 candidates in {path} lies outside its scan: line 7, (0.0, 0.0, 9999.0) mm in scan.mhd."
    assert done.stderr == f"Warning: {found} Their probabilities are empty; --strict makes them an error.\n"
    lines = submission(out)
    assert [number for number, row in enumerate(lines) if row["probability"] == ""] == [5]
    assert lines[5]["coordZ"] == "9999.0"
    assert len(lines) == 121
    assert len(read_marks(out).series) == 120
    told_again = told(nodules, scan, "--candidates", path, "--out", out)
    assert (told_again["num_candidates"], told_again["num_outside"]) == (120, 1)
    assert [finding["check"] for finding in told_again["findings"]] == ["outside_candidates"]
    strict = predict(nodules, scan, "--candidates", path, "--out", tmp_path / "strict.csv", "--strict")
    assert isinstance(strict.exception, DataError)
    assert str(strict.exception) == f"{found} Correct the list, or omit --strict."
    assert not (tmp_path / "strict.csv").exists()


def test_what_is_left_out_of_a_folder_is_counted_and_named(run, tmp_path):
    for name in ("a/ct.mhd", "b/ct.mhd"):
        write_chest(tmp_path / name)
    for name in ("a/ct_mask.nii.gz", "a/loose.hdr", "b/._ct.mhd"):
        (tmp_path / name).write_bytes(b"")
    done = predict(run, tmp_path)
    assert done.exit_code == 0
    assert done.stderr == (
        f"Warning: Not used in {tmp_path}: 1 .hdr (a/loose.hdr), 1 mask (a/ct_mask.nii.gz). Convert other files to a "
        f"supported format (.mhd, .mha, .nii, .nii.gz, .nrrd, DICOM folders).\n"
    )
    assert shown_scans(done) == ["a/ct.mhd", "b/ct.mhd"]
    assert told(run, tmp_path)["findings"][0]["cases"] == ["a/ct_mask.nii.gz", "a/loose.hdr"]


def know(run, scans, sets=("train",)):
    """Makes a run know that it was trained on scans."""
    known = [TrainingScan(identity=record_scan(scan, read_volume(scan)).identity, sets=sets) for scan in scans]
    write_json(run / TRAINING_SCANS_FILE, TrainingScans(scans=tuple(known), cases={}).to_document())
    record_run(run)
    return run


@pytest.mark.slow
def test_a_scan_that_was_trained_on_is_named_in_whatever_format_it_comes(tmp_path):
    image = SimpleITK.GetImageFromArray(chest().hu)
    image.SetSpacing((2.0, 2.0, 3.0))
    scans = as_four_formats(image, tmp_path / "scans")
    new = write_chest(tmp_path / "new.mhd", seed=1)
    run = know(write_trained_run(tmp_path / "run"), scans[:1], ("train", "validation"))
    other = know(write_trained_run(tmp_path / "other", seed=1), [new])
    done = predict(run, *scans, new, "--also", other)
    assert done.stderr.splitlines() == [
        *(f"Warning: {scan} was in the training set and the validation set of {run}." for scan in scans),
        f"Warning: {new} was in the training set of {other}.",
    ]
    found = told(run, scans[1], new, "--also", other)
    assert found["trained_on"] == {
        str(scans[1]): [{"run": str(run), "sets": ["train", "validation"]}],
        str(new): [{"run": str(other), "sets": ["train"]}],
    }
    assert found["unknown_training"] == []


def test_a_run_that_does_not_know_its_scans_says_so_to_machines(run, tmp_path):
    found = told(run, write_chest(tmp_path / "scan.mhd"))
    assert (found["trained_on"], found["unknown_training"]) == ({}, [str(run)])


def test_a_series_that_was_trained_on_is_known_by_its_uid_even_resampled(tmp_path):
    known = write_chest(tmp_path / "a/1.2.3.mhd")
    resampled = write_chest(tmp_path / "b/1.2.3.mhd", shape=(10, 32, 32))
    run = know(write_trained_run(tmp_path / "run"), [known])
    assert list(told(run, resampled)["trained_on"]) == [str(resampled)]


@pytest.mark.slow
def test_candidates_of_scans_that_were_trained_on_are_left_out_of_an_evaluation(tmp_path):
    scans = [write_chest(tmp_path / f"scans/scan{n}.mhd", seed=n) for n in range(3)]
    run = know(write_trained_run(tmp_path / "run", CANDIDATES), scans[:2])
    rows = [f"scan{n},0,10,130" for n in (0, 2)]
    (tmp_path / "list.csv").write_text("\n".join(["seriesuid,coordX,coordY,coordZ", *rows]) + "\n")
    out, listed = tmp_path / "out.csv", tmp_path / "out.training_scans.csv"
    done = predict(run, tmp_path / "scans", "--candidates", tmp_path / "list.csv", "--out", out)
    assert done.stderr == f"Warning: {scans[0]} was in the training set of {run}.\n"
    assert listed.read_text() == "seriesuid\nscan0\n"
    (run / TRAINING_SCANS_FILE).unlink()
    record_run(run)
    predict(run, tmp_path / "scans", "--candidates", tmp_path / "list.csv", "--out", out)
    assert not listed.exists()


def test_a_damaged_list_of_training_scans_is_reported(tmp_path):
    run = write_trained_run(tmp_path / "run")
    write_json(run / TRAINING_SCANS_FILE, {"scans": [{"digest": "0"}], "cases": {}})
    record_run(run)
    done = predict(run, write_chest(tmp_path / "scan.mhd"))
    assert str(done.exception) == (
        f'{run / TRAINING_SCANS_FILE}:3 $.scans[0]: the key "series_uid" is missing. '
        "Restore the file, or run the experiment again."
    )


def test_a_scan_with_unclear_values_is_predicted_with_a_warning(run, tmp_path):
    volume = chest()
    write_mhd(tmp_path / "scan.mhd", replace(volume, hu=volume.hu + np.int16(150)))
    judgement = evaluate_hu(record_scan(tmp_path / "scan.mhd", read_volume(tmp_path / "scan.mhd")).values)
    assert judgement.kind == "unclear"
    warning = f"Warning: {tmp_path / 'scan.mhd'} is out of distribution: {judgement.reason}"
    assert predict(run, tmp_path / "scan.mhd").stderr.splitlines()[0] == warning


@pytest.mark.slow
def test_of_two_series_in_a_folder_the_one_that_was_named_is_predicted(run, nodules, tmp_path):
    folders = {}
    for name, seed in (("thick", 0), ("thin", 1)):
        volume = chest(seed=seed, shape=(8, 16, 16))
        image = SimpleITK.GetImageFromArray(volume.hu)
        image.SetSpacing(volume.spacing_mm)
        folders[name] = as_four_formats(image, tmp_path / name)[3]
    both = tmp_path / "both"
    both.mkdir()
    for name, uid in (("thick", "1.2.3.4.5"), ("thin", "1.2.3.4.6")):
        for path in sorted(folders[name].iterdir()):
            header = dcmread(path)
            header.SeriesInstanceUID, header.SeriesDescription = uid, name
            header.save_as(both / f"{name}{path.name}")
    alone = [list(row.values()) for name in ("thick", "thin") for row in probabilities_of(run, folders[name])]
    assert abs(alone[0][0] - alone[1][0]) > 1e-4
    for number, choices in enumerate([("thick", "1.2.3.4.5"), ("THIN", "1.2.3.4.6")]):
        for series in choices:
            (found,) = probabilities_of(run, both, options=["--series", series])
            assert list(found.values()) == pytest.approx(alone[number], abs=1e-6)
    message = str(predict(run, both).exception)
    assert message.startswith(f"{both}: contains 2 series: 1.2.3.4.5 ")
    assert "with data.series or --series" in message
    message = (
        '--series "1.2.3.4.7": no given DICOM folder contains this series. Remove --series, or give such a folder.'
    )
    assert str(predict(run, both, "--series", "1.2.3.4.7").exception) == message
    (tmp_path / "list.csv").write_text("seriesuid,coordX,coordY,coordZ\n1.2.3.4.6,12.5,10,9\n")
    options = ("--candidates", tmp_path / "list.csv", "--out", tmp_path / "out.csv", "--series", "thin")
    assert told(nodules, both, *options)["num_candidates"] == 1


@pytest.mark.slow
def test_the_series_that_was_named_is_explained_on_its_own_grid(run, tmp_path):
    paths = []
    for name, slices, uid in (("thick", 8, "1.2.3.4.5"), ("thin", 12, "1.2.3.4.6")):
        image = SimpleITK.GetImageFromArray(chest(shape=(slices, 16, 16)).hu)
        image.SetSpacing((2.0, 2.0, 3.0))
        paths += [(name, uid, path) for path in sorted(as_four_formats(image, tmp_path / name)[3].iterdir())]
    (tmp_path / "both").mkdir()
    for name, uid, path in paths:
        header = dcmread(path)
        header.SeriesInstanceUID, header.SeriesDescription = uid, name
        header.save_as(tmp_path / "both" / f"{name}{path.name}")
    found = archnet.explain(run, tmp_path / "both", series="thin", out=tmp_path / "out")
    assert found.scan_heat.shape == (12, 16, 16)
    assert SimpleITK.ReadImage(str(found.files[1])).GetSize() == (16, 16, 12)


@pytest.mark.slow
def test_a_changed_model_is_refused_before_it_is_opened_and_an_accepted_one_is_named(tmp_path, caplog):
    run = write_trained_run(tmp_path / "whole", scans=LIKE_CHEST)
    for name in ("split.csv", "predictions.csv"):
        (run / name).touch()
    record_run(run)
    scan = write_chest(tmp_path / "scan.mhd")
    shutil.copy(write_trained_run(tmp_path / "other", seed=1) / "model.keras", run / "model.keras")
    message = f"{run / 'model.keras'}: changed since the run finished ("
    assert str(predict(run, scan).exception).startswith(message)
    accept_edits(run, "2026-11-26", check=lambda folder: None)
    told(run, scan)
    assert f"{run}: model.keras was edited after the run and accepted on 2026-11-26." in caplog.messages


def test_a_file_that_prediction_does_not_read_may_have_changed(tmp_path):
    run = write_trained_run(tmp_path / "whole", scans=LIKE_CHEST)
    (run / "report.html").write_text("one page")
    record_run(run)
    (run / "report.html").write_text("another page")
    assert len(told(run, write_chest(tmp_path / "scan.mhd"))["scans"]) == 1
