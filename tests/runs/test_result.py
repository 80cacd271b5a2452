"""Run: the content of a run folder in Python, and the messages about missing files."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

import archnet
from archnet.errors import RunError
from command_line import invoked
from synthetic_runs import write_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "archsm")


def raised(function):
    with pytest.raises(RunError) as error:
        function()
    return str(error.value)


def test_a_run_reads_its_files(finished):
    run = archnet.load_run(finished)
    assert run.folder == finished
    assert run.metrics == json.loads((finished / "metrics.json").read_text())
    assert len(run.predictions.cases) == 600
    assert set(run.history) >= {"epoch", "train_loss", "validation_recall"}
    assert run.history["epoch"].tolist() == [*range(1, len(run.history["epoch"]) + 1)]
    assert {column.dtype for column in run.history.values()} == {np.dtype(np.float64)}
    assert repr(run) == f"Run('{finished}')"


def test_predictions_are_columns_as_in_their_file(finished):
    columns = archnet.load_run(finished).predictions.to_columns()
    with (finished / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(columns) == list(rows[0])
    for name, column in columns.items():
        values = [row[name] for row in rows]
        assert column.tolist() == ([float(value) for value in values] if name.startswith("p_") else values)


def test_a_run_is_a_path_for_every_function(finished):
    assert Path(archnet.Run(str(finished))) == finished
    assert archnet.load_run(finished.parent).folder == finished


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def test_a_missing_file_is_reported_with_the_remedy(tmp_path, finished):
    no_folder = archnet.Run(tmp_path / "none")
    no_run = archnet.Run(tmp_path)
    interrupted, unfinished = archnet.Run(tmp_path / "interrupted"), archnet.Run(tmp_path / "unfinished")
    (interrupted.folder / "checkpoint").mkdir(parents=True)
    for run in (interrupted, unfinished):
        write_json(run.folder / "experiment.json", {})
        write_json(run.folder / "arch.json", {})
    baseline = archnet.Run(tmp_path / "forest")
    write_json(baseline.folder / "experiment.json", {"arch": {"name": "random_forest", "baseline": {}}})
    write_json(baseline.folder / "metrics.json", {})
    lost = archnet.Run(tmp_path / "lost")
    write_json(lost.folder / "experiment.json", {"arch": {}})
    write_json(lost.folder / "metrics.json", {})
    resume = "this run was interrupted. Run the same experiment with resume=True (--resume) to finish it."
    to_the_end = "this run is not finished. Finish its experiment, or choose a different run folder."
    no_model = "is a baseline, which has no model. Choose a run of a network."
    no_history = "is a baseline, which has no training history. Choose a run of a network."
    restore = "is missing, although the run is finished. Restore the file, or run the experiment again."
    expected = {
        (no_folder, "metrics"): "no such folder. Pass the folder of a finished run.",
        (
            no_run,
            "metrics",
        ): "is not a run folder: metrics.json is missing. Pass the folder of a finished run.",
        (interrupted, "metrics"): resume,
        (interrupted, "model"): resume,
        (interrupted, "report"): resume,
        (unfinished, "history"): to_the_end,
        (baseline, "model"): no_model,
        (baseline, "history"): no_history,
        (lost, "model"): f"model.keras {restore}",
        (lost, "predictions"): f"predictions.csv {restore}",
        (lost, "report"): f'report.html is missing. Write it with archnet.write_report("{lost.folder}").',
    }
    for (run, name), message in expected.items():
        assert raised(lambda run=run, name=name: getattr(run, name)) == f"{run.folder}: {message}"
    assert raised(lambda: archnet.load_run(interrupted.folder)) == f"{interrupted.folder}: {resume}"
    assert raised(lambda: archnet.load_run(unfinished.folder)) == f"{unfinished.folder}: {to_the_end}"
    for name in ("forest", "lost"):
        assert archnet.load_run(tmp_path / name).folder == tmp_path / name
    message = f"{tmp_path}: contains 2 runs. Choose one, such as {tmp_path / 'forest'}."
    assert raised(lambda: archnet.load_run(tmp_path)) == message
    assert archnet.Run(no_folder.folder)._repr_html_() == (
        f"<p>Run(&#x27;{no_folder.folder}&#x27;): {no_folder.folder}: no such folder. Pass the folder of a finished "
        "run.</p>"
    )


@pytest.mark.slow
def test_write_report_writes_what_the_command_writes(tmp_path):
    write_run(tmp_path / "a")
    assert archnet.write_report(tmp_path / "a") == [tmp_path / "a/report.html"]
    page = (tmp_path / "a/report.html").read_bytes()
    assert archnet.load_run(tmp_path / "a").report.read_bytes() == page
    assert invoked("report", tmp_path / "a").stdout == f"{tmp_path / 'a/report.html'}\n"
    assert (tmp_path / "a/report.html").read_bytes() == page


@pytest.mark.slow
def test_compare_is_the_command(tmp_path):
    for name, macs in (("cheap", 1000), ("dear", 5000)):
        write_run(tmp_path / name, macs=macs)
    comparison = archnet.compare([archnet.load_run(tmp_path / "dear"), str(tmp_path / "cheap")])
    told = json.loads(invoked("compare", tmp_path / "dear", tmp_path / "cheap", "--json").stdout)
    assert {**told, **comparison.to_document()} == told
    assert str(comparison) == told["sentence"]
    assert repr(comparison) == "Comparison(dear, cheap; test set)"
    message = f"{tmp_path / 'dear'}: a comparison needs at least two runs. Name another run."
    with pytest.raises(archnet.ArchnetError, match=f"^{re.escape(message)}$"):
        archnet.compare(tmp_path / "dear")
