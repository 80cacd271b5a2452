"""A run folder is a whole: damage is found by every reader, and repaired or accepted on request."""

import json
import re
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import archnet
from archnet.cli import app
from archnet.errors import ArchnetError, DataError, RunError
from archnet.evaluation.integrity.manifest import PAGES, RUN_FILES, read_manifest, record_run
from archnet.evaluation.integrity.verification import verify_run
from archnet.evaluation.run_folder import find_run_folders, is_finished
from archnet.files.atomic import write_json
from archnet.runs import evaluation
from archnet.runs.evaluation import evaluate_run
from finished_runs import NET_2D, experiment_on, write_cubes
from pages import page_of

RESULTS = [name for name in RUN_FILES if name not in PAGES]


@pytest.fixture
def out(finished_runs, tmp_path):
    return shutil.copytree(finished_runs / "out", tmp_path / "out")


@pytest.fixture
def flat(out):
    return out / "flat"


def cut_predictions(run, num_lines=28):
    path = run / "predictions.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:num_lines]))


def edit_probability(run):
    """Another probability for the first case."""
    path = run / "predictions.csv"
    header, first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([header, ",".join([*first.split(",")[:-2], "0.25", "0.75"]), *rest]) + "\n")


def flip_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def results(run):
    """The bytes of a run's files but its pages."""
    return {name: content for name, content in contents(run).items() if name in RESULTS}


def contents(run):
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}


def test_a_finished_run_has_recorded_all_its_files(flat):
    recorded = set(read_manifest(flat).files)
    written = {name for name in contents(flat) if not name.startswith(("events", "log.txt", "manifest.json"))}
    assert recorded == {name for name in written if "tfevents" not in name}
    assert not (flat / "checkpoint").exists()


def test_reporting_an_untouched_run_again_leaves_its_results_and_records(flat):
    before, records = results(flat), read_manifest(flat)
    archnet.write_report(flat)
    assert results(flat) == before
    assert read_manifest(flat).select(RESULTS) == records.select(RESULTS)
    verify_run(flat, RUN_FILES)


def test_cut_predictions_are_refused_by_every_reader_and_metrics_stay(out, flat):
    cut_predictions(flat)
    before = (flat / "metrics.json").read_bytes()
    message = f"{flat / 'predictions.csv'}: changed since the run finished"
    for read in (
        lambda: archnet.write_report(flat),
        lambda: archnet.compare(out),
        lambda: archnet.load_run(flat).predictions,
        lambda: archnet.export_model(flat, "keras"),
        lambda: resume(out),
    ):
        with pytest.raises(DataError, match=f"^{re.escape(message)}"):
            read()
    assert (flat / "metrics.json").read_bytes() == before
    assert not (flat / "export-keras").exists()


def resume(out):
    cubes = json.loads((out / "flat/experiment.json").read_text())["data"]["root"]
    return archnet.run_all(experiment_on(cubes, NET_2D), out=out, resume=True)


def test_a_finished_run_with_a_changed_model_is_not_skipped_by_resume(out, flat):
    flip_bit(flat / "model.keras")
    with pytest.raises(DataError, match=r"model\.keras: changed since the run finished"):
        resume(out)


def test_a_model_with_a_flipped_bit_is_refused_before_it_is_opened(flat):
    flip_bit(flat / "model.keras")
    message = (
        f"{flat / 'model.keras'}: changed since the run finished "
        f"(still {(flat / 'model.keras').stat().st_size:,} bytes, but with a different SHA-256). It cannot be regenerated "
        "without training: restore it from a copy, or run the experiment again. To accept your own change: "
        f"archnet report --accept-edits {flat}"
    )
    for read in (
        lambda: archnet.load_run(flat).model,
        lambda: evaluate_run(flat),
        lambda: archnet.export_model(flat, "keras"),
    ):
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            read()
    assert archnet.load_run(flat).metrics["classes"] == ["0", "1"]


def test_the_model_of_another_run_is_refused(out, flat):
    shutil.copy(out / "deep/model.keras", flat / "model.keras")
    with pytest.raises(DataError, match=r"model\.keras: changed since the run finished"):
        _ = archnet.load_run(flat).model


@pytest.mark.slow
def test_readers_need_no_permission_to_write(out, flat, tmp_path):
    before = contents(out)
    folders = [path for path in (out, *out.rglob("*")) if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        archnet.compare(out)
        archnet.load_run(flat)._repr_html_()
        archnet.export_model(flat, "keras", out=tmp_path / "exported")
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert contents(out) == before


@pytest.mark.slow
def test_a_repair_makes_metrics_and_architecture_bit_identical_and_the_network_but_for_the_free_memory(flat, caplog):
    before = results(flat)
    document = json.loads((flat / "metrics.json").read_text())
    document["test"]["recall"] = 0.123
    (flat / "metrics.json").write_text(json.dumps(document))
    (flat / "network.json").unlink()
    (flat / "arch.json").write_text("{}")
    with pytest.raises(DataError, match=r"changed since the run finished"):
        archnet.write_report(flat)
    archnet.write_report(flat, repair=True)
    after = results(flat)
    networks = [json.loads(files.pop("network.json")) for files in (before, after)]
    assert after == before
    assert networks[1] == {**networks[0], "memory_bytes": None}  # the memory that was free is not known
    verify_run(flat, RUN_FILES)
    assert [message for message in caplog.messages if "regenerated" in message] == [
        f"{flat / 'arch.json'}: regenerated from experiment.json.",
        f"{flat / 'network.json'}: regenerated from experiment.json, environment.json, gallery.npz and predictions.csv.",
        f"{flat / 'metrics.json'}: regenerated from predictions.csv, members/, split.csv, cases.csv, experiment.json, network.json and history.csv.",
    ]


def test_a_missing_metrics_file_is_made_again_without_the_peak_memory(flat, caplog):
    before = json.loads((flat / "metrics.json").read_text())
    (flat / "metrics.json").unlink()
    message = (
        f"{flat / 'metrics.json'}: is missing, but is part of the finished run. To regenerate it from "
        f"predictions.csv: archnet report --repair {flat}."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        archnet.write_report(flat)
    archnet.write_report(flat, repair=True)
    assert json.loads((flat / "metrics.json").read_text()) == {**before, "peak_memory_bytes": None}
    assert f"{flat / 'metrics.json'}: the peak memory of the training cannot be restored." in caplog.messages


@pytest.mark.slow
def test_a_repair_predicts_the_cases_again_and_draws_the_gallery(flat):
    before = contents(flat)
    cut_predictions(flat)
    (flat / "gallery.npz").unlink()
    archnet.write_report(flat, repair=True)
    assert (flat / "predictions.csv").read_bytes() == before["predictions.csv"]
    assert (flat / "metrics.json").read_bytes() == before["metrics.json"]
    with np.load(flat / "gallery.npz") as arrays:
        assert sorted(arrays) == ["case", "is_hu", "kind", "scales", "values", "window"]
    verify_run(flat, RESULTS)


def test_a_repair_makes_the_gallery_alone_from_the_data(flat):
    before = contents(flat)
    flip_bit(flat / "gallery.npz")
    archnet.write_report(flat, repair=True)
    assert contents(flat)["predictions.csv"] == before["predictions.csv"]
    verify_run(flat, RESULTS)


def test_a_repair_names_what_it_cannot_make_and_from_what_the_rest_would_be_made(flat):
    flip_bit(flat / "model.keras")
    cut_predictions(flat)
    expected = (
        f"{flat / 'model.keras'}: has changed and cannot be regenerated without training. Restore it from a copy, or "
        f"remove {flat} and run the experiment again.\n"
        f"{flat / 'predictions.csv'}: has changed. It is regenerated from model.keras, experiment.json, split.csv, network.json, "
        "metrics.json and the data, which must be intact. Restore these first."
    )
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        archnet.write_report(flat, repair=True)


def take_fewer(arrays):
    return {name: array[:57] for name, array in arrays.items()}


def brighten_one_voxel(arrays):
    values = arrays["x"].copy()
    values[-1, -1, -1] += 1
    return {**arrays, "x": values}


@pytest.mark.parametrize(("change", "file"), [(take_fewer, "split.csv"), (brighten_one_voxel, "data.json")])
def test_predictions_are_not_made_again_from_changed_data(flat, tmp_path, change, file):
    cut_predictions(flat)
    document = json.loads((flat / "experiment.json").read_text())
    with np.load(document["data"]["root"]) as arrays:
        np.savez(tmp_path / "changed.npz", **change(dict(arrays)))
    document["data"]["root"] = str(tmp_path / "changed.npz")
    (flat / "experiment.json").write_text(json.dumps(document))
    cut = (flat / "predictions.csv").read_text()
    manifest = json.loads((flat / "manifest.json").read_text())
    record_run(flat)
    fresh = json.loads((flat / "manifest.json").read_text())
    fresh["files"]["predictions.csv"] = manifest["files"]["predictions.csv"]
    (flat / "manifest.json").write_text(json.dumps(fresh))
    message = (
        f"{flat / file}: the data have changed since this run, so its cases cannot be predicted again. "
        "Restore the data, or run the experiment again."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        archnet.write_report(flat, repair=True)
    assert (flat / "predictions.csv").read_text() == cut


@pytest.mark.slow
def test_an_accepted_edit_is_said_by_page_comparison_and_terminal_ever_after(out, flat, caplog):
    edit_probability(flat)
    result = CliRunner().invoke(app, ["report", str(flat), "--accept-edits"])
    assert result.exit_code == 0
    manifest = json.loads((flat / "manifest.json").read_text())
    day = manifest["files"]["predictions.csv"]["edited"][0]["date"]
    sentence = f"predictions.csv was edited after the run and accepted on {day}."
    for _ in range(2):
        caplog.clear()
        archnet.write_report(out)
        assert caplog.messages == [f"{flat}: {sentence}"]
        assert sentence in page_of(flat).text
    comparison = archnet.compare(out)
    assert f"flat: {sentence}" in json.loads((out / "comparison.json").read_text())["cautions"]
    assert f"flat: {sentence}" in comparison._repr_html_()
    printed = CliRunner().invoke(app, ["compare", str(out)], env={"COLUMNS": "300"}).stdout
    assert f"flat: {sentence}" in " ".join(printed.split())


def test_accepted_predictions_must_still_be_about_the_cases_of_the_split(flat):
    cut_predictions(flat)
    with pytest.raises(DataError, match=r"predictions\.csv: has 27 cases, but split\.csv lists 60; "):
        archnet.write_report(flat, accept_edits=True)


def write_wreck(run, name):
    path = run / name
    if name == "history.csv":
        path.unlink()
        path.mkdir()
    elif name == "network.json":
        path.write_text(json.dumps({"macs": 1}))
    elif name == "predictions.csv":
        path.write_text(re.sub(r",[^,]+$", ",0.99", path.read_text().rstrip()) + "\n")
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("history.csv", "cannot be read: Is a directory"),
        ("network.json", 'the key "input_shape" is missing'),
        ("predictions.csv", "sum"),
        ("gallery.npz", "it is truncated, or not a zip archive"),
        ("model.keras", "cannot be read as an archnet model: it is truncated"),
        ("training_scans.json", "not JSON"),
    ],
)
def test_a_damaged_file_is_not_accepted_and_can_still_be_restored(flat, name, problem):
    before = contents(flat)
    write_wreck(flat, name)
    with pytest.raises(DataError, match=rf"{re.escape(name)}.*{problem}"):
        archnet.write_report(flat, accept_edits=True)
    assert (flat / "manifest.json").read_bytes() == before["manifest.json"]
    if name == "history.csv":
        (flat / name).rmdir()
    (flat / name).write_bytes(before[name])
    verify_run(flat, RUN_FILES)


def test_repairing_and_accepting_exclude_each_other(flat):
    message = "--repair and --accept-edits: choose one. A repair discards edits."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        archnet.write_report(flat, repair=True, accept_edits=True)


def test_a_report_that_was_interrupted_is_written_by_the_next(flat, monkeypatch):
    before = results(flat)
    with monkeypatch.context() as patch:
        patch.setattr("archnet.runs.rereport.write_report", interrupt)
        with pytest.raises(KeyboardInterrupt):
            archnet.write_report(flat)
    assert "metrics.json" in read_manifest(flat).rewriting
    archnet.write_report(flat)
    assert results(flat) == before
    assert read_manifest(flat).rewriting == {}
    verify_run(flat, RUN_FILES)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["write_json", "write_report"])
def test_after_an_interrupted_report_only_what_it_wrote_is_accepted(flat, monkeypatch, moment):
    document = {**json.loads((flat / "metrics.json").read_text()), "peak_memory_bytes": 7}
    write_json(flat / "metrics.json", dict(reversed(document.items())))
    record_run(flat)
    with monkeypatch.context() as patch:
        patch.setattr(f"archnet.runs.rereport.{moment}", interrupt)
        with pytest.raises(KeyboardInterrupt):
            archnet.write_report(flat)
    whole = (flat / "metrics.json").read_text()
    (flat / "metrics.json").write_text(whole.replace('"peak_memory_bytes": 7', '"peak_memory_bytes": 5'))
    with pytest.raises(DataError, match=r"metrics\.json: changed since the run finished \(.*--accept-edits"):
        archnet.write_report(flat)
    (flat / "metrics.json").write_text(whole)
    archnet.write_report(flat)
    assert json.loads((flat / "metrics.json").read_text()) == document
    verify_run(flat, RUN_FILES)


@pytest.mark.slow
def test_an_interrupted_evaluation_is_completed_by_a_report_unless_its_files_are_edited(flat, monkeypatch):
    before = results(flat)
    path = flat / "predictions.csv"
    path.write_text(path.read_text().replace("\n", " \n", 1))
    record_run(flat)
    with monkeypatch.context() as patch:
        patch.setattr("archnet.runs.evaluation.write_gallery", interrupt)
        with pytest.raises(KeyboardInterrupt):
            evaluate_run(flat)
    assert path.read_bytes() == before["predictions.csv"]
    with pytest.raises(DataError, match=r"predictions\.csv: `archnet report` is rewriting this file"):
        archnet.compare(flat.parent)
    edit_probability(flat)
    with pytest.raises(DataError, match=r"predictions\.csv: changed since the run finished"):
        archnet.write_report(flat)
    path.write_bytes(before["predictions.csv"])
    archnet.write_report(flat)
    assert results(flat) == before
    verify_run(flat, RUN_FILES)


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_a_run_killed_between_metrics_and_manifest_is_unfinished_and_resumed_bit_identically(tmp_path, monkeypatch):
    experiment = experiment_on(write_cubes(tmp_path / "cubes.npz"), NET_2D)
    whole = archnet.run_all(experiment, out=tmp_path / "whole")[0].folder
    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "record_run", interrupt)
        with pytest.raises(KeyboardInterrupt):
            archnet.run_all(experiment, out=tmp_path / "out")
    run = tmp_path / "out/flat"
    assert (run / "metrics.json").exists()
    assert not is_finished(run)
    with pytest.raises(RunError):
        find_run_folders([tmp_path / "out"])
    with pytest.raises(ArchnetError, match=r"this run was interrupted\. Run the same experiment with resume=True"):
        archnet.load_run(run)
    archnet.run_all(experiment, out=tmp_path / "out", resume=True)
    assert is_finished(run)
    assert not (run / "checkpoint").exists()
    for name in ("predictions.csv", "split.csv"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()
    for weights in zip(archnet.load_run(run).model.weights, archnet.load_run(whole).model.weights, strict=True):
        np.testing.assert_array_equal(*weights)


@pytest.mark.slow
def test_a_baseline_killed_between_metrics_and_manifest_is_unfinished(tmp_path, monkeypatch):
    experiment = experiment_on(write_cubes(tmp_path / "cubes.npz"), NET_2D)
    from archnet.runs.baselines import run_baselines

    experiments = archnet.load_experiments(experiment)
    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "record_run", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_baselines(experiments, out=tmp_path / "out")
    (killed,) = [path.parent for path in (tmp_path / "out").glob("*/metrics.json")]
    assert not is_finished(killed)
    finished = run_baselines(experiments, out=tmp_path / "out")
    assert all(is_finished(run.folder) for run in finished)
    edit_probability(finished[0].folder)
    with pytest.raises(DataError, match=r"predictions\.csv: changed since the run finished"):
        run_baselines(experiments, out=tmp_path / "out")


@pytest.mark.slow
def test_a_finished_run_that_lost_its_page_gets_it_back_when_it_is_resumed(out, flat):
    before = results(flat)
    (flat / "report.html").unlink()
    resume(out)
    assert results(flat) == before
    verify_run(flat, RUN_FILES)
