"""Heat maps of a run's gallery: those of Grad-CAM case by case, whatever the batch, and none where there is no map."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

import archnet
from archnet.errors import DataError
from archnet.evaluation.integrity.manifest import RUN_FILES, record_run
from archnet.evaluation.integrity.verification import verify_run
from archnet.evaluation.predictions import Predictions
from archnet.files.strict_json import read_document
from archnet.network.explain import grad_cam
from archnet.network.trained_model import load_run_model
from archnet.report.gallery_file import Gallery, read_heat_maps, write_gallery_file
from archnet.report.run_files import read_run_files
from archnet.runs.gallery import saliency
from archnet.runs.gallery.feature_heat import heat_on_features
from archnet.runs.gallery.saliency import write_run_heat_maps
from archnet.spec.cost import network_summary
from archnet.spec.memory import MicroBatch
from archnet.spec.resolve import parse_experiments
from archnet.spec.view import input_shape, network_input
from finished_runs import NET_2D, NET_3D, experiment_on
from trained_runs import LAYERS, LAYERS_2D, write_trained_run

CUBES = {"name": "npz", "root": "cubes.npz", "range": "hu"}
VIEWS = [
    {"type": "VIEWS", "planes": "orthogonal", "layers": [LAYERS_2D[0], {"type": "GAP"}], "shared": True},
    {"type": "T"},
]


def run_with_gallery(tmp_path, layers, macs=1000, **options):
    """A run whose network was not trained, with a gallery of noise, and what `write_run_heat_maps` takes."""
    folder = write_trained_run(tmp_path / "net", data=CUBES, layers=layers, gain=3.0, **options)
    (experiment,) = parse_experiments(read_document(folder / "experiment.json"))
    plan = experiment.arch.plan(input_shape(experiment, (8, 8, 8)), len(options.get("classes", "ab")))
    micro = MicroBatch(batch_size=8, size=8, peak_bytes=1, budget_bytes=None)
    (folder / "network.json").write_text(json.dumps({**network_summary(plan, micro), "macs": macs}))
    values = np.random.default_rng(0).integers(-1000, 400, (7, 8, 8, 8)).astype(np.int16)
    kinds = np.array(["sample", *["wrong"] * 4, *["right"] * 2])
    names = np.array([f"c{number}" for number in range(7)])
    scales = np.array([[1.0, 0.0]])
    gallery = Gallery(values=values, cases=names, kinds=kinds, scales=scales, window=(-1000, 400), is_hu=True)
    write_gallery_file(folder / "gallery.npz", gallery)
    return folder, load_run_model(folder), experiment, gallery


def predictions_of(names, probabilities, classes):
    labels = np.zeros(len(names), np.int64)
    sets = np.array(["test"] * len(names))
    return Predictions(
        cases=names, groups=names, sets=sets, y_true=labels, probabilities=probabilities, classes=classes
    )


@pytest.mark.slow
@pytest.mark.parametrize("layers", [LAYERS, LAYERS_2D, VIEWS], ids=["3D", "2D", "views"])
def test_the_maps_of_the_gallery_are_those_of_grad_cam_for_the_positive_class(tmp_path, layers, monkeypatch):
    monkeypatch.setattr(saliency, "_MAX_BATCH", 4)
    folder, model, experiment, gallery = run_with_gallery(tmp_path, layers)
    predictions = predictions_of(gallery.cases, np.full((7, 2), 0.5), ("0", "1"))
    write_run_heat_maps(folder, model, experiment, predictions, 1)
    maps = read_heat_maps(folder / "heat_maps.npz")
    assert maps.cases.tolist() == gallery.cases[1:].tolist()
    assert maps.labels.tolist() == [1] * 6
    assert maps.slice == (4 if layers is LAYERS_2D else -1)
    found = experiment.arch.feature_map((8, 8, 8) if layers is not LAYERS_2D else (8, 8))
    assert maps.grid.tolist() == [[axis.start, axis.step] for axis in found.grid]
    images = network_input(gallery.values[1:], experiment)
    assert maps.heat.max() == 255
    for heat, image in zip(maps.heat, images, strict=True):
        expected = heat_on_features(grad_cam(model, experiment.arch, image, 1), found)
        np.testing.assert_allclose(heat, expected / (expected.max() or 1) * 255, atol=0.51)


def test_of_more_than_two_classes_the_predicted_one_is_explained(tmp_path, caplog):
    caplog.set_level("INFO", "archnet")
    folder, model, experiment, gallery = run_with_gallery(tmp_path, LAYERS, classes=["a", "b", "c"])
    probabilities = np.eye(3)[[0, 1, 2, 0, 1, 2, 0]]
    write_run_heat_maps(folder, model, experiment, predictions_of(gallery.cases, probabilities, ("a", "b", "c")), 1)
    assert read_heat_maps(folder / "heat_maps.npz").labels.tolist() == [1, 2, 0, 1, 2, 0]
    assert caplog.messages == []  # no case is left out


def test_an_expensive_network_explains_as_many_cases_as_its_multiply_adds_allow(tmp_path, caplog):
    caplog.set_level("INFO", "archnet")
    folder, model, experiment, gallery = run_with_gallery(tmp_path, LAYERS, macs=6 * 10**11)
    predictions = predictions_of(gallery.cases, np.full((7, 2), 0.5), ("0", "1"))
    write_run_heat_maps(folder, model, experiment, predictions, 1)
    assert read_heat_maps(folder / "heat_maps.npz").cases.tolist() == ["c1", "c2", "c3"]
    assert caplog.messages == ["Heat maps: of 3 of the 6 cases, 2.0e+12 multiply-adds in all"]


def test_a_network_without_a_feature_map_has_no_heat_maps(tmp_path):
    layers = [{"type": "FC", "num_output": 4}, {"type": "T"}]
    folder, model, experiment, gallery = run_with_gallery(tmp_path, layers, rank=3)
    predictions = predictions_of(gallery.cases, np.full((7, 2), 0.5), ("0", "1"))
    write_run_heat_maps(folder, model, experiment, predictions, 1)
    assert not (folder / "heat_maps.npz").exists()


@pytest.mark.long
def test_heat_maps_change_no_result_of_the_networks_that_are_trained_after_them(finished_runs, tmp_path, monkeypatch):
    monkeypatch.setattr(saliency, "MAX_MACS", 0)
    path = finished_runs / "cubes.npz"
    archnet.run_all(archnet.load_experiments(experiment_on(path, NET_2D, NET_3D)), out=tmp_path / "out")
    for name in ("flat", "deep"):
        before, after = (root / "out" / name for root in (finished_runs, tmp_path))
        assert (before / "heat_maps.npz").exists()
        assert not (after / "heat_maps.npz").exists()
        assert (after / "predictions.csv").read_bytes() == (before / "predictions.csv").read_bytes()
        assert (after / "gallery.npz").read_bytes() == (before / "gallery.npz").read_bytes()
        weights = [load_run_model(folder).get_weights() for folder in (before, after)]
        for one, other in zip(*weights, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_lost_heat_maps_are_made_again_from_the_network_and_the_gallery(finished_runs, tmp_path):
    shutil.copytree(finished_runs / "out/flat", tmp_path / "flat")
    path = tmp_path / "flat/heat_maps.npz"
    before = read_heat_maps(path)
    path.unlink()
    remedy = f"To regenerate it from model.keras and gallery.npz: archnet report --repair {tmp_path / 'flat'}."
    with pytest.raises(
        DataError, match=f"^{re.escape(f'{path}: is missing, but is part of the finished run. {remedy}')}$"
    ):
        archnet.write_report(tmp_path / "flat")
    archnet.write_report(tmp_path / "flat", repair=True)
    after = read_heat_maps(path)
    count = len(after.cases)
    assert after.cases.tolist() == before.cases[:count].tolist()
    np.testing.assert_array_equal(after.heat, before.heat[:count])


@pytest.mark.slow
def test_repaired_heat_maps_again_include_the_errors_of_the_other_runs_of_the_experiment(finished_runs, tmp_path):
    shutil.copytree(finished_runs / "out", tmp_path / "out")
    folder, other = tmp_path / "out/flat", tmp_path / "out/deep"
    before, others_bytes = read_heat_maps(folder / "heat_maps.npz"), (other / "heat_maps.npz").read_bytes()
    run, others = read_run_files(folder), read_run_files(other).gallery
    evaluated = run.predictions.cases[run.predictions.sets != "train"]
    errors = np.intersect1d(others.cases[others.kinds == "wrong"], evaluated)
    gallery = run.gallery
    is_kept = ~np.isin(gallery.cases, errors)  # here each gallery has all cases
    parts = {name: getattr(gallery, name)[is_kept] for name in ("values", "cases", "kinds")}
    write_gallery_file(folder / "gallery.npz", replace(gallery, **parts))
    record_run(folder)
    (folder / "heat_maps.npz").unlink()
    archnet.write_report(folder, repair=True)
    after = read_heat_maps(folder / "heat_maps.npz")
    assert len(errors)
    assert set(after.cases.tolist()) == set(before.cases.tolist())
    assert set(after.cases[-len(errors) :].tolist()) == set(errors.tolist())
    order = [before.cases.tolist().index(case) for case in after.cases.tolist()]
    np.testing.assert_array_equal(after.heat, before.heat[order])
    assert (other / "heat_maps.npz").read_bytes() == others_bytes
    verify_run(folder, RUN_FILES)


@pytest.mark.slow
def test_a_repair_without_a_readable_gallery_of_another_run_reports_the_missing_heat_maps(
    finished_runs, tmp_path, caplog
):
    shutil.copytree(finished_runs / "out", tmp_path / "out")
    path, gallery = tmp_path / "out/flat/heat_maps.npz", tmp_path / "out/deep/gallery.npz"
    path.unlink()
    gallery.write_bytes(b"no archive")
    archnet.write_report(tmp_path / "out/flat", repair=True)
    assert path.exists()
    assert (
        f"{tmp_path / 'out'}: heat maps of the errors of the other runs are not added: {gallery}: it is truncated, or not "
        "a zip archive."
    ) in caplog.text


def test_runs_of_one_experiment_share_the_heat_maps_of_their_errors(finished_runs):
    folders = [finished_runs / "out" / name for name in ("flat", "deep")]
    maps = [set(read_heat_maps(folder / "heat_maps.npz").cases.tolist()) for folder in folders]
    for folder in folders:
        run = read_run_files(folder)
        evaluated = set(run.predictions.cases[run.predictions.sets != "train"].tolist())
        errors = set(run.gallery.cases[run.gallery.kinds == "wrong"].tolist()) & evaluated
        assert errors
        assert all(errors <= one for one in maps)
    verify_run(folders[0], RUN_FILES)


@pytest.mark.slow
def test_the_report_of_a_run_whose_heat_maps_were_deleted_is_drawn_without_them(finished_runs, tmp_path):
    shutil.copytree(finished_runs / "out/flat", tmp_path / "flat")
    (tmp_path / "flat/heat_maps.npz").write_bytes(b"no archive")
    record_run(tmp_path / "flat")
    message = (
        f"{tmp_path / 'flat/heat_maps.npz'}: it is truncated, or not a zip archive. To report without heat maps, delete "
        f"it and run: archnet report --accept-edits {tmp_path / 'flat'}"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        archnet.write_report(tmp_path / "flat")
    (tmp_path / "flat/heat_maps.npz").unlink()
    archnet.write_report(tmp_path / "flat", accept_edits=True)
    assert read_run_files(tmp_path / "flat").heat_maps is None
