"""Run folders of archnet 0.1.0, which wrote no manifest, are read as they are, with a note."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

import archnet
from archnet.cli import app
from archnet.errors import DataError
from archnet.evaluation.run_folder import find_run_folders
from archnet.runs.evaluation import evaluate_run
from archnet.sweep.run import run_sweep
from old_runs.make import small_sweep, write_squares
from pages import page_of
from trained_runs import write_chest

OLD = Path(__file__).parents[1] / "old_runs"
NOTE = "Integrity not recorded: the run has no manifest.json, so later changes to its files cannot be detected."
RUNS = ("flat_2d/flat", "scans_3d/deep", "crossed/flat-fold0", "crossed/flat-fold1", "sweep/trials/001/flat")


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A copy of the old folders, as the working directory, with the arrays that they were trained on."""
    monkeypatch.chdir(tmp_path)
    for name in ("flat_2d", "scans_3d", "crossed", "sweep"):
        shutil.copytree(OLD / name, tmp_path / name)
    write_squares(Path("squares.npz"))
    return tmp_path


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def invoke(*words):
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "400"})


def test_the_old_folders_have_no_manifest_and_stay_small():
    files = [path for path in OLD.rglob("*") if path.is_file()]
    assert not [path for path in files if path.name == "manifest.json"]
    assert sum(path.stat().st_size for path in files) < 300_000


@pytest.mark.parametrize("run", RUNS)
def test_reading_an_old_run_writes_nothing(old, run):
    before = contents(old)
    loaded = archnet.load_run(run)
    assert loaded.metrics["classes"] == list(loaded.predictions.classes)
    assert len(loaded.history["train_loss"]) == 2
    assert NOTE in loaded._repr_html_()
    assert contents(old) == before


NEW_METHODS = ("intervals", "bins", "expected_calibration_error")


def values(part, keys):
    """The values of the keys that another document has, without those that are computed in another way than then."""
    if isinstance(keys, dict):
        return {name: values(part[name], entry) for name, entry in keys.items() if name not in NEW_METHODS}
    return part


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
def test_a_report_of_an_old_run_has_the_note_and_no_manifest_and_the_same_metrics(old, run):
    before = json.loads(Path(run, "metrics.json").read_text())
    archnet.write_report(run)
    assert NOTE in page_of(Path(run)).text
    after = json.loads(Path(run, "metrics.json").read_text())
    assert values(after, before) == values(before, before)
    assert not Path(run, "manifest.json").exists()


def test_old_folds_are_compared_with_the_note(old):
    shutil.copytree(old / "crossed", old / "other")
    before = contents(old)
    result = invoke("compare", "crossed", "other")
    assert result.exit_code == 0
    names = "flat-fold0, flat-fold1, flat-fold0, flat-fold1"
    assert f"Integrity not recorded: no manifest.json in {names}" in " ".join(result.stdout.split())
    assert contents(old) == before


def test_an_old_run_predicts_with_the_note(old, caplog):
    write_chest(old / "scan.mhd", spacing_mm=(1.0, 1.0, 1.0))
    Path("candidates.csv").write_text("seriesuid,coordX,coordY,coordZ\nscan,-20,-5,110\n")
    result = invoke("predict", "scans_3d/deep", "scan.mhd", "--candidates", "candidates.csv", "--out", "submission.csv")
    assert (result.exit_code, result.exception) == (0, None)
    assert f"scans_3d/deep: {NOTE}" in caplog.messages
    assert len(Path("submission.csv").read_text().splitlines()) == 2


def test_an_old_run_is_exported_with_the_note_in_its_card(old):
    before = contents(old / "flat_2d")
    exported = archnet.export_model("flat_2d/flat", "keras", out="exported")
    assert NOTE in exported.card.read_text()
    assert contents(old / "flat_2d") == before


def test_resuming_an_old_run_leaves_it_unchanged(old):
    before = contents(old / "flat_2d/flat")
    document = json.loads(Path("flat_2d/flat/experiment.json").read_text())
    (run,) = archnet.run_all(document, out="flat_2d", resume=True)
    assert run.folder == Path("flat_2d/flat")
    assert contents(old / "flat_2d/flat") == before


def test_the_status_of_an_old_sweep_is_read(old):
    before = contents(old / "sweep")
    result = invoke("sweep", "status", "sweep", "--json")
    assert result.exit_code == 0
    assert [row["trial"] for row in json.loads(result.stdout)["rows"]] == [1, 0]
    after = contents(old / "sweep")
    assert {path: after[path] for path in before} == before
    assert not list(Path("sweep").rglob("manifest.json"))


def test_an_old_sweep_is_resumed_by_writing_its_report(old):
    before = contents(old / "sweep")
    board = run_sweep(small_sweep(), Path("sweep"), resume=True)
    assert [row.trial.number for row in board.rows] == [1, 0]
    after = contents(old / "sweep")
    written = {str(path) for path in after if after[path] != before.get(path)}
    assert "sweep.html" in written
    assert not {name for name in written if name.startswith("trials")}


@pytest.mark.slow
def test_an_old_run_is_evaluated_again_without_a_manifest(old):
    before = json.loads(Path("sweep/trials/001/flat/metrics.json").read_text())
    evaluate_run(Path("sweep/trials/001/flat"))
    after = json.loads(Path("sweep/trials/001/flat/metrics.json").read_text())
    assert after["test"]["confusion_matrix"] == before["test"]["confusion_matrix"]
    assert not Path("sweep/trials/001/flat/manifest.json").exists()


@pytest.mark.slow
def test_an_old_run_is_recorded_on_request(old):
    archnet.write_report("flat_2d/flat", accept_edits=True)
    manifest = json.loads(Path("flat_2d/flat/manifest.json").read_text())
    day = manifest["recorded"]
    assert date.fromisoformat(day)
    assert (
        f"The files were recorded on {day}, after the run: earlier changes cannot be detected."
        in page_of(Path("flat_2d/flat")).text
    )


def test_old_predictions_cut_at_a_line_are_held_to_the_split(old):
    path = Path("flat_2d/flat/predictions.csv")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:20]))
    before = Path("flat_2d/flat/metrics.json").read_bytes()
    with pytest.raises(DataError, match=r"predictions\.csv: has 19 cases, but split\.csv lists 48; "):
        archnet.write_report("flat_2d")
    assert Path("flat_2d/flat/metrics.json").read_bytes() == before


def test_an_old_run_with_a_checkpoint_is_unfinished(old):
    Path("crossed/flat-fold0/checkpoint").mkdir()
    assert find_run_folders([Path("crossed")]) == [Path("crossed/flat-fold1")]
