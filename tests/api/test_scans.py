"""`predict`, `explain` and `export_model` from Python: what the commands do, as values."""

import json
import logging
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import archnet
from archnet.files.progress import no_progress
from command_line import invoked
from trained_runs import CANDIDATES, write_chest, write_trained_run

LIST = "seriesuid,coordX,coordY,coordZ\nscan0,0,10,130\nscan1,3,-5,120\nother,0,0,0\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_trained_run(tmp_path_factory.mktemp("whole") / "ct", gain=4)


@pytest.fixture(scope="module")
def nodules(tmp_path_factory):
    return write_trained_run(tmp_path_factory.mktemp("nodules") / "net", CANDIDATES, gain=4)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    return [write_chest(folder / f"scan{n}.mhd", seed=n) for n in range(2)]


@pytest.fixture
def bad_scan(tmp_path):
    path = tmp_path / "bad.nrrd"
    path.write_bytes(b"no scan")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("tta", [False, True])
def test_predict_is_the_command(tmp_path, scans, tta):
    run = write_trained_run(tmp_path / "ct", gain=4, augmentation=[{"type": "flip"}])
    result = archnet.predict(archnet.Run(run), scans[0].parent, tta=tta, progress=False)
    assert result.to_document() == json.loads(
        invoked("predict", run, scans[0].parent, "--json", *(["--tta"] if tta else [])).stdout
    )
    assert result.tta == tta
    assert result.scans == tuple(scans)
    assert result.probabilities.shape == (2, 2)
    assert result.by_scan[scans[1]] == dict(zip(result.classes, result.probabilities[1].tolist(), strict=True))


@pytest.mark.slow
def test_several_runs_are_averaged(whole, scans, tmp_path):
    other = write_trained_run(tmp_path / "other", seed=1, gain=4)
    single = [archnet.predict(run, scans[0]).probabilities for run in (whole, other)]
    for together in (archnet.predict([whole, other], scans[0]), archnet.predict(whole, scans[0], also=other)):
        np.testing.assert_allclose(together.probabilities, np.mean(single, axis=0))
        assert together.runs == (whole, other)


@pytest.mark.slow
def test_candidates_are_predicted_with_and_without_a_submission(nodules, scans, tmp_path):
    (tmp_path / "list.csv").write_text(LIST)
    result = archnet.predict(nodules, scans, candidates=str(tmp_path / "list.csv"), out=tmp_path / "python.csv")
    done = invoked(
        "predict", nodules, *scans, "--candidates", tmp_path / "list.csv", "--out", tmp_path / "cli.csv", "--json"
    )
    assert {**json.loads(done.stdout), "out": str(tmp_path / "python.csv")} == result.to_document()
    assert (tmp_path / "python.csv").read_text() == (tmp_path / "cli.csv").read_text()
    assert result.series == ("scan0", "scan1")
    assert result.points_mm.tolist() == [[0, 10, 130], [3, -5, 120]]
    assert (result.num_candidates, result.num_left_out, result.num_scans, result.positive) == (2, 1, 2, "nodule")
    alone = archnet.predict(nodules, scans, candidates=tmp_path / "list.csv")
    assert alone.out is None
    np.testing.assert_array_equal(alone.probabilities, result.probabilities)


def test_every_option_reaches_the_prediction(monkeypatch, tmp_path):
    calls = []
    result = SimpleNamespace(
        findings=(), warnings={}, trained_on={}, rejected={}, undefined={}, is_predicted=np.array([True])
    )

    def record(name):
        def predict(runs, scans, *given, **options):
            calls.append((name, runs, scans.paths, scans.series, *given, options))
            return result

        monkeypatch.setattr(f"archnet.inference.predict_files.{name}", predict)

    def wraps(items, description, total):
        return items

    record("predict_scan_files")
    record("predict_candidate_files")
    monkeypatch.setattr("archnet.inference.trained_run.read_trained_runs", lambda paths: paths)
    monkeypatch.setattr("archnet.inference.trained_run.check_case_kind", lambda run, *given: calls.append(given))
    monkeypatch.setattr(
        "archnet.inference.scan_paths.find_named_scans",
        lambda paths, series: SimpleNamespace(paths=paths, series=series),
    )
    out, remedy = tmp_path / "out.csv", "Pass their list as candidates=."
    archnet.predict("a", "s")
    archnet.predict(["a", "b"], "s", tta=False, progress=wraps)
    archnet.predict("a", "s", candidates="list.csv")
    options = {"tta": True, "strict": True, "progress": wraps}
    archnet.predict("a", "s", also="b", candidates="list.csv", out=out, series="2", **options)
    one, two, scans, candidates = [Path("a")], [Path("a"), Path("b")], [Path("s")], Path("list.csv")
    assert calls == [
        ({"candidates": None}, remedy),
        ("predict_scan_files", one, scans, None, {"tta": None, "progress": no_progress}),
        ({"candidates": None}, remedy),
        ("predict_scan_files", two, scans, None, {"tta": False, "progress": wraps}),
        ({"candidates": "list.csv"}, remedy),
        (
            *("predict_candidate_files", one, scans, None, candidates, None),
            {"tta": None, "strict": False, "progress": no_progress},
        ),
        ({"candidates": "list.csv", "out": out}, remedy),
        ("predict_candidate_files", two, scans, "2", candidates, out, options),
    ]


def test_a_submission_does_not_replace_the_voxels_of_a_scan(nodules, tmp_path):
    scan = write_chest(tmp_path / "scan0.mhd")
    voxels = tmp_path / "scan0.raw"
    (tmp_path / "list.csv").write_text(LIST)
    before = voxels.read_bytes()
    message = f"--out {voxels}: is also an input and would be overwritten. Choose a different name."
    with pytest.raises(archnet.ArchnetError, match=f"^{re.escape(message)}$"):
        archnet.predict(nodules, scan, candidates=tmp_path / "list.csv", out=voxels)
    assert voxels.read_bytes() == before


def test_a_rejected_scan_is_a_warning_and_only_rejected_ones_are_an_error(whole, scans, bad_scan, caplog):
    result = archnet.predict(whole, [bad_scan, scans[0]])
    assert np.isnan(result.probabilities).all(axis=1).tolist() == [True, False]
    assert list(result.by_scan) == [scans[0]]
    (reason,) = result.rejected.values()
    assert caplog.messages == [f"rejected: {reason}"]
    with pytest.raises(archnet.ArchnetError, match=f"^{re.escape(reason)}$"):
        archnet.predict(whole, bad_scan)


def test_options_that_do_not_fit_are_refused(whole, nodules, scans):
    expected = {
        lambda: archnet.predict(nodules, scans): f"{nodules}: this run classifies candidates, not whole scans. Pass "
        "their list as candidates=.",
        lambda: archnet.predict(whole, scans, candidates="a.csv"): f"{whole}: this run classifies whole scans, not "
        "candidates. Leave out candidates.",
        lambda: archnet.predict(whole, scans, out="a.csv"): f"{whole}: this run classifies whole scans, not "
        "candidates. Leave out candidates and out.",
        lambda: archnet.explain(nodules, scans[0], at=(1, 2)): "at=(1, 2): expected three numbers in mm, such as "
        "at=(-100.6, 67.3, -231.8).",
        lambda: archnet.explain(whole, scans[0], method="grad"): '--method "grad": unknown. Did you mean "gradcam"? '
        "Known: gradcam, occlusion.",
        lambda: archnet.explain(whole, scans[0], class_name="x"): '--class: no class "x". The run has CT-0, CT-23.',
        lambda: archnet.export_model(whole, "onx"): '--format onx: unknown. Did you mean "onnx"? Known: keras, '
        "saved_model, onnx.",
    }  # fmt: skip
    for call, message in expected.items():
        with pytest.raises(archnet.ArchnetError, match=f"^{re.escape(message)}$"):
            call()


@pytest.mark.slow
def test_explain_is_the_command(nodules, scans, tmp_path):
    found = archnet.explain(nodules, scans[0], at=(0.5, 10, 130), method="occlusion", out=tmp_path / "python")
    options = ("--at=0.5,10,130", "--method", "occlusion", "--out", tmp_path / "cli", "--json")
    told = json.loads(invoked("explain", nodules, scans[0], *options).stdout)
    assert {key: value for key, value in told.items() if key != "files"} == {
        "class": "nodule",
        "probability": found.probability,
        "warnings": [],
        "trained_on": [],
    }
    assert [file.name for file in found.files] == [file.rpartition("/")[2] for file in told["files"]]
    for file, other in zip(found.files, told["files"], strict=True):
        if file.suffix == ".gz":
            assert file.read_bytes() == (tmp_path / "cli" / file.name).read_bytes()
        assert (tmp_path / "cli" / file.name) == tmp_path / other
    assert found.image.shape == found.heat.shape == (12, 12, 4)
    assert found.scan_heat.shape == (20, 32, 32)
    assert found._repr_png_().startswith(b"\x89PNG")


def test_explain_writes_nothing_unless_it_is_asked_to(whole, scans, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert archnet.explain(whole, scans[0]).files == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_empty_heat_map_is_warned_about(tmp_path, scans, caplog):
    caplog.set_level(logging.WARNING, "archnet")
    dark = write_trained_run(
        tmp_path / "dark", knows=lambda network: network.set_weights([0 * w for w in network.get_weights()])
    )
    archnet.explain(dark, scans[0])
    message = "the heat map is empty: no evidence for CT-23 was found. Choose a different class with class_name=."
    assert caplog.messages[-1] == message
