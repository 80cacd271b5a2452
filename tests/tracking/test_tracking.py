"""Tracking: TensorBoard and MLflow show what the run folder holds, once."""

import csv
import io
import json
import logging
import math
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

import archnet
from archnet.cli import app
from archnet.errors import DataError, RunError
from archnet.evaluation.integrity.manifest import record_run
from archnet.files.locks import hold_lock
from archnet.report.images.event_images import draw_matrix, event_images
from archnet.report.run_files import read_run_files
from archnet.tracking import mlflow_store, tensorboard
from archnet.tracking.mlflow_store import MlflowStore
from archnet.tracking.tensorboard import TensorBoardCallback, open_tensorboard_callback, write_event_images
from archnet.tracking.tracked_values import set_parameters
from plain_training import PLAIN
from synthetic_runs import write_run

pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:mlflow\.")  # it uses what SQLAlchemy will drop
COMMAND = CliRunner()
NET = {
    "name": "flat",
    "layers": [
        {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu", "drop_out": 10},
        {"type": "GAP"},
        {"type": "T"},
    ],
}


@pytest.fixture
def slices(tmp_path):
    """60 slices of 8x8 from 20 scans."""
    generator = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = generator.integers(0, 90, (60, 8, 8), dtype=np.uint8) + (60 * y[:, np.newaxis, np.newaxis]).astype(np.uint8)
    np.savez(tmp_path / "slices.npz", x=x, y=y, group=np.repeat(np.arange(20), 3))
    return tmp_path / "slices.npz"


def experiments(path):
    training = {**PLAIN, "epochs": 4, "batch_size": 8}
    return archnet.load_experiments({"archs": [NET], "data": {"name": "npz", "root": str(path)}, "training": training})


def rows_of(path):
    with path.open() as stream:
        return [{key: float(value or "nan") for key, value in row.items()} for row in csv.DictReader(stream)]


def points_of(folder):
    """What TensorBoard itself reads."""
    accumulator = EventAccumulator(str(folder)).Reload()
    return {
        tag: [(event.step, event.value) for event in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]
    }


def expected_points(history, name):
    columns = {key.removeprefix(f"{name}_"): key for key in history[0] if key.startswith(f"{name}_")}
    columns |= {"learning_rate": "learning_rate", "seconds": "seconds"} if name == "train" else {}
    return {
        tag: [(row["epoch"], pytest.approx(row[key], nan_ok=True)) for row in history] for tag, key in columns.items()
    }


class Interrupts:
    def on_step(self, epoch, step, num_steps, logs):
        if (epoch, step) == (3, 2):
            raise KeyboardInterrupt

    def on_epoch(self, row):
        pass


def test_tensorboard_draws_the_columns_of_history_csv_of_both_sets(finished_runs):
    run = finished_runs / "out/flat"
    history = rows_of(run / "history.csv")
    assert len(history) == 4
    for name in ("train", "validation"):
        points = points_of(run / "tensorboard" / name)
        assert points == expected_points(history, name)
        assert {"loss", "accuracy", "recall"} <= points.keys()


def test_tensorboard_shows_the_confusion_matrices_and_cases_of_a_finished_run(finished_runs):
    run = finished_runs / "out/flat"
    accumulator = EventAccumulator(str(run / "tensorboard/results")).Reload()
    expected = event_images(read_run_files(run))
    assert {"confusion_matrix/train", "confusion_matrix/test", "samples/01"} <= expected.keys()
    assert accumulator.Tags()["images"] == list(expected)
    for tag, png in expected.items():
        (shown,) = accumulator.Images(tag)
        assert (shown.encoded_image_string, shown.step) == (png, 4)
        assert (shown.width, shown.height) == Image.open(io.BytesIO(png)).size


def test_images_replace_those_of_an_earlier_evaluation(tmp_path):
    png = draw_matrix([[1, 2], [3, 4]], ["a", "b"])
    write_event_images(tmp_path, {"first": png, "second": png}, 3)
    write_event_images(tmp_path, {"first": png}, 5)
    (folder,) = (tmp_path / "tensorboard").iterdir()
    assert len(list(folder.iterdir())) == 1
    accumulator = EventAccumulator(str(folder)).Reload()
    assert accumulator.Tags()["images"] == ["first"]
    assert [image.step for image in accumulator.Images("first")] == [5]


def test_epochs_have_the_times_at_which_they_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "time", SimpleNamespace(time=lambda: 1000.0, time_ns=lambda: 1))
    history = [{"epoch": epoch, "seconds": 2.0 + epoch, "train_loss": 0.5} for epoch in (1, 2, 3)]
    callback = TensorBoardCallback(tmp_path, history[:2])  # of a run that is resumed now
    callback.on_epoch(history[2])
    callback.close()
    events = EventAccumulator(str(tmp_path / "train")).Reload().Scalars("loss")
    assert [(event.step, event.wall_time) for event in events] == [(1, 996.0), (2, 1000.0), (3, 1005.0)]


def test_without_tensorboard_no_images_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    write_event_images(tmp_path, {"first": b""}, 3)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_a_resumed_run_draws_each_epoch_once(slices, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        archnet.run_all(experiments(slices), out=tmp_path / "out", callback=Interrupts())
    begun = tmp_path / "out/flat/tensorboard/train"
    assert [step for step, _ in points_of(begun)["loss"]] == [1, 2]
    (run,) = archnet.run_all(experiments(slices), out=tmp_path / "out", resume=True)
    assert points_of(begun) == expected_points(rows_of(run.folder / "history.csv"), "train")
    assert len(list(begun.iterdir())) == 1


def test_a_file_that_tensorboard_holds_open_on_windows_stays_and_the_run_continues(tmp_path, monkeypatch):
    (tmp_path / "train").mkdir()
    (tmp_path / "train/events.out.tfevents.1.archnet").touch()

    def refuse(self, missing_ok=False):
        raise PermissionError(13, "The process cannot access the file", str(self))

    monkeypatch.setattr(Path, "unlink", refuse)
    callback = TensorBoardCallback(tmp_path, [])
    callback.on_epoch({"epoch": 1, "seconds": 2.0, "train_loss": 0.5})
    callback.close()
    assert len(list((tmp_path / "train").iterdir())) == 2


def test_an_epoch_can_be_seen_while_the_next_one_trains(tmp_path):
    drawn = TensorBoardCallback(tmp_path, [])
    drawn.on_epoch({"epoch": 1, "seconds": 2.0, "train_loss": 0.5})
    assert points_of(tmp_path / "train")["loss"] == [(1, 0.5)]
    drawn.close()


def test_without_tensorboard_nothing_is_drawn_and_the_log_says_so(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    with caplog.at_level(logging.INFO, "archnet"), open_tensorboard_callback(tmp_path, []) as drawn:
        assert drawn == []
    assert caplog.messages == ['no TensorBoard logs; to add them: pip install "archnet[tensorboard]"']
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store in a file, and the folder of all experiments beside it; nothing is sent anywhere."""

    def refused(*given):
        raise AssertionError(f"a connection to {given}")

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setattr(socket.socket, "connect", refused)
        yield MlflowStore(tmp_path_factory.mktemp("mlflow") / "runs")


@pytest.fixture(scope="module")
def tracked(store, tmp_path_factory):
    """A run folder that was written into the store twice, and what the store then holds of it."""
    folder = write_run(tmp_path_factory.mktemp("runs") / "archsm")
    (folder / "report.html").write_text("<p>report</p>")
    (folder / "figures").mkdir()
    for name in ("confusion_matrix_test.svg", "wrong_cases.png"):
        (folder / "figures" / name).write_text("a figure")
    record_run(folder)
    store.add(folder)
    return folder, store.add(folder)


def client_of(store):
    return MlflowClient(tracking_uri=store.uri)


@pytest.mark.slow
def test_the_store_is_a_file_next_to_the_experiments(store):
    assert re.fullmatch(r"sqlite:////.*/runs/mlflow\.db", store.uri)


@pytest.mark.slow
def test_a_folder_is_one_run_however_often_it_is_written(store, tracked):
    experiment = client_of(store).get_experiment_by_name("luna16-2d")
    (run,) = client_of(store).search_runs([experiment.experiment_id])
    assert run.info.run_id == tracked[1]
    assert (run.info.run_name, run.info.status) == ("archsm", "FINISHED")
    assert run.data.tags["archnet.folder"].endswith(tracked[0].as_uri())


@pytest.mark.slow
def test_parameters_are_names_seed_and_what_is_not_the_default(store, tracked):
    assert client_of(store).get_run(tracked[1]).data.params == {
        "arch": "archsm",
        "data.name": "luna16",
        "data.root": "data/luna16",
        "split.by": "group",
        "training.optimizer": "adam",
        "training.learning_rate": "0.001",
        "training.epochs": "30",
        "training.batch_size": "300",
        "training.seed": "0",
        "evaluation.bootstraps": "200",
    }


def test_folds_objects_and_lists_are_parameters_where_they_were_set(slices):
    def parameters(**settings):
        first, *_ = archnet.load_experiments([NET], data=f"npz:{slices}", settings=settings)
        return set_parameters(first.to_document())

    unset = {"arch": "flat", "data.name": "npz", "data.root": str(slices), "data.view": "slice", "training.seed": "0"}
    assert parameters() == unset
    given = {
        "split.folds": 2,
        "training.epochs": 40,
        "training.schedule": {"type": "exponential"},
        "training.early_stopping": {"metric": "auc"},
        "training.augmentation": [{"type": "flip"}],
    }
    assert parameters(**given) == unset | {
        "split.test": "null",
        "split.folds": "2",
        "split.fold": "0",
        "training.epochs": "40",
        "training.schedule.type": "exponential",
        "training.early_stopping.metric": "auc",
        "training.early_stopping.patience": "10",
        "training.augmentation": '[{"type": "flip", "axes": ["height", "width"]}]',
    }


def test_values_that_were_chosen_automatically_are_not_parameters(finished_runs):
    document = json.loads((finished_runs / "out/flat/experiment.json").read_text())
    assert document["picked"]
    assert not set_parameters(document).keys() & {*document["picked"], "training.augmentation.0.type"}


def test_metrics_are_the_epochs_and_the_test_set_with_intervals(store, tracked):
    metrics = json.loads((tracked[0] / "metrics.json").read_text())
    history = rows_of(tracked[0] / "history.csv")
    data = client_of(store).get_run(tracked[1]).data.metrics
    assert data["test.recall"] == metrics["test"]["recall"]
    assert [data["test.auc.low"], data["test.auc.high"]] == metrics["test"]["intervals"]["auc"]
    assert data["parameters"] == 99_948
    points = client_of(store).get_metric_history(tracked[1], "validation_loss")
    assert [(point.step, point.value) for point in points] == [
        (row["epoch"], row["validation_loss"]) for row in history
    ]
    end = int((tracked[0] / "metrics.json").stat().st_mtime * 1000)
    info = client_of(store).get_run(tracked[1]).info
    assert (info.start_time, info.end_time) == (end - int(1000 * metrics["train_seconds"]), end)
    (final,) = client_of(store).get_metric_history(tracked[1], "test.recall")
    assert (final.step, final.timestamp) == (0, end)
    times = [point.timestamp for point in points]
    assert times[0] == info.start_time + int(1000 * history[0]["seconds"])
    assert math.isclose((times[-1] - times[0]) / 1000, sum(row["seconds"] for row in history[1:]), abs_tol=0.01)


def test_report_metrics_experiment_and_figures_are_its_artifacts(store, tracked):
    names = {artifact.path for artifact in client_of(store).list_artifacts(tracked[1])}
    assert names == {"report.html", "metrics.json", "experiment.json", "figures"}
    figures = {artifact.path for artifact in client_of(store).list_artifacts(tracked[1], "figures")}
    assert figures == {"figures/confusion_matrix_test.svg", "figures/wrong_cases.png"}


def test_more_than_two_classes_have_a_metric_each(store, tmp_path):
    folder = write_run(tmp_path / "many", classes=("a b", "c/d", "é(3)"))
    (folder / "report.html").write_text("")
    data = client_of(store).get_run(store.add(folder)).data.metrics
    recall = json.loads((folder / "metrics.json").read_text())["test"]["recall"]
    assert data["test.recall.macro"] == recall["macro"]
    assert data["test.recall.a b"] == recall["per_class"]["a b"]
    assert data["test.recall.é_3_"] == recall["per_class"]["é(3)"]


def test_a_long_parameter_is_cut_at_the_limit_of_mlflow(store, tmp_path):
    folder = write_run(tmp_path / "long")
    (folder / "report.html").write_text("")
    document = json.loads((folder / "experiment.json").read_text())
    document["data"]["root"] = "r" * 6001
    (folder / "experiment.json").write_text(json.dumps(document))
    record_run(folder)
    assert client_of(store).get_run(store.add(folder)).data.params["data.root"] == "r" * 6000


LONG = "".join(f"{number:04}" for number in range(75))


@pytest.mark.parametrize(
    ("name", "tracked_name"),
    [
        ("../../x", ".._.._x"),
        ("a//b", "a__b"),
        (LONG, LONG[:188] + LONG[-50:]),
        ("\x1b[2J<b>", "__2J_b_"),
        ("a\nb", "a_b"),
    ],
)
def test_a_class_of_any_name_has_a_metric(store, tmp_path, name, tracked_name):
    folder = write_run(tmp_path / "many", classes=("a", name, "c"))
    (folder / "report.html").write_text("")
    data = client_of(store).get_run(store.add(folder)).data.metrics
    recall = json.loads((folder / "metrics.json").read_text())["test"]["recall"]["per_class"]
    assert data[f"test.recall.{tracked_name}"] == recall[name]


@pytest.mark.slow
def test_the_command_tracks_its_runs_in_the_store_that_the_environment_names(store, slices, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    (tmp_path / "flat.json").write_text(json.dumps(NET))
    command = ["run", str(tmp_path / "flat.json"), "--data", f"npz:{slices}", "--out", str(tmp_path / "out")]
    told = COMMAND.invoke(app, [*command, "--set", "training.epochs=2", "--set", "name=tracked", "--track", "mlflow"])
    assert told.exit_code == 0, told.output
    experiment = client_of(store).get_experiment_by_name("tracked")
    (run,) = client_of(store).search_runs([experiment.experiment_id])
    metrics = json.loads((tmp_path / "out/flat/metrics.json").read_text())
    assert run.data.metrics["test.auc"] == metrics["test"]["auc"]
    assert run.info.artifact_uri.startswith((tmp_path / "mlartifacts/tracked").as_uri())


def test_missing_packages_are_reported_before_anything_is_trained(slices, tmp_path, monkeypatch):
    monkeypatch.setattr(mlflow_store, "find_spec", lambda name: None if name == "mlflow" else name)
    (tmp_path / "flat.json").write_text(json.dumps(NET))
    command = ["run", str(tmp_path / "flat.json"), "--data", f"npz:{slices}", "--out", str(tmp_path / "out")]
    told = COMMAND.invoke(app, [*command, "--track", "mlflow"])
    assert isinstance(told.exception, RunError)
    assert str(told.exception) == (
        '--track mlflow: needs mlflow, which is not installed. Install what is missing: pip install "archnet[track]"'
    )
    assert not (tmp_path / "out").exists()


def test_a_store_that_cannot_be_opened_is_reported_with_what_mlflow_says(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "databricks://nowhere")

    def refused(uri):
        raise MlflowException("  No such store.\nMore lines.")

    monkeypatch.setattr(mlflow_store, "_client", refused)
    message = "--track mlflow: databricks://nowhere cannot be used: No such store. Set MLFLOW_TRACKING_URI to a store."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        MlflowStore(tmp_path)


def test_a_run_that_the_store_rejects_gets_advice_on_how_to_log_it_again(store, tracked, monkeypatch):
    def refused(*given, **named):
        raise MlflowException("The disk is full.")

    monkeypatch.setattr(store._client, "log_batch", refused)
    message = (
        f"{tracked[0]}: the run is finished, but cannot be logged to {store.uri}: The disk is full. Repair the store, "
        "then run again with --resume to log the finished runs."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        store.add(tracked[0])


def test_a_database_that_another_process_uses_is_waited_for_and_then_named(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(mlflow_store, "_LOCK_SECONDS", 0)
    raised = []

    def open_store():
        try:
            MlflowStore(tmp_path)
        except RunError as error:
            raised.append(str(error))

    with hold_lock(tmp_path / ".mlflow.db.archnet-lock"):
        thread = threading.Thread(target=open_store)
        thread.start()
        thread.join()
    message = (
        rf"--track mlflow: sqlite:///{re.escape(str(tmp_path))}/mlflow\.db is in use by another archnet process: .* "
        rf"\(process {os.getpid()} on .*\)\. Wait for it to end, then run again with --resume to log the "
        r"finished runs\."
    )
    (text,) = raised
    assert re.fullmatch(message, text)
    assert list(tmp_path.iterdir()) == []


OPEN = """
import logging, sys
from pathlib import Path
import mlflow, mlflow.store.tracking.sqlalchemy_store
from archnet.tracking.mlflow_store import MlflowStore
print("ready", flush=True)
sys.stdin.readline()
MlflowStore(Path(sys.argv[1])).add(Path(sys.argv[2]))
"""


@pytest.mark.long
def test_processes_that_create_a_database_at_once_both_write_into_it(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folders = [write_run(tmp_path / "runs/out" / name) for name in ("archsm", "arch3dsm")]
    for folder in folders:
        (folder / "report.html").write_text("<p>report</p>")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(tmp_path / "runs"), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    client = client_of(MlflowStore(tmp_path / "runs"))
    (experiment,) = (one for one in client.search_experiments() if one.name != "Default")
    assert {run.info.run_name for run in client.search_runs([experiment.experiment_id])} == {"archsm", "arch3dsm"}
    assert not list((tmp_path / "runs").glob(".*"))


def test_a_changed_run_is_not_tracked(store, tracked):
    (tracked[0] / "metrics.json").write_text("{}")
    message = f"{tracked[0] / 'metrics.json'}: changed since the run finished ("
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        store.add(tracked[0])
