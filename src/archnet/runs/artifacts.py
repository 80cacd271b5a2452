"""Write the files of a run folder except predictions and metrics: setup, environment, model and history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archnet.files.atomic import atomic_write, write_json, write_text
from archnet.files.attribute_values import ATTRIBUTES_FILE
from archnet.files.csv_rows import csv_text
from archnet.machine import environment
from archnet.runs.folders.unchanged_data import check_data_of_started_run
from archnet.runs.preparation import PreparedData
from archnet.runs.preparation.training_scans import TRAINING_SCANS_FILE, list_training_scans

if TYPE_CHECKING:
    import keras


def write_run_setup(folder: Path, document: Mapping[str, Any], prepared: PreparedData, split: str) -> None:
    """Start a run folder: write experiment.json, data.json, training_scans.json, split.csv and cases.csv.

    Args:
        folder: The run folder.
        document: The content of experiment.json.
        prepared: The run's data.
        split: The text of split.csv, from `split_text`.

    Raises:
        RunError: The folder contains the checkpoint of a run on different data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = prepared.to_document()
    check_data_of_started_run(folder, split, data)
    write_json(folder / "experiment.json", document)
    write_json(folder / "data.json", data)
    write_json(folder / TRAINING_SCANS_FILE, list_training_scans(prepared).to_document())
    write_text(folder / "split.csv", split)
    write_attributes(folder, prepared)


def write_environment(folder: Path, execution: Mapping[str, Any] | None = None) -> None:
    """Write environment.json: versions, machine, command, and the setup of training.

    Args:
        folder: The run folder.
        execution: Backend, devices, precision and micro-batch; None for a run without a network.
    """
    write_json(folder / "environment.json", {**environment(), **({"execution": execution} if execution else {})})


def write_model(
    folder: Path, model: keras.Model, history: Sequence[dict[str, float]], summary: Mapping[str, Any]
) -> None:
    """Write model.keras, history.csv and network.json.

    Args:
        folder: The run folder.
        model: The trained model: raw values in, probabilities out.
        history: One row for each epoch.
        summary: Result of `network_summary`.
    """
    with atomic_write(folder / "model.keras") as path:
        model.save(path)
    write_history(folder / "history.csv", history)
    write_json(folder / "network.json", summary)


def split_text(prepared: PreparedData) -> str:
    """The text of split.csv: case, group, label and set of every case."""
    cases = prepared.cases
    labels = np.asarray(cases.classes)[cases.labels]
    rows = zip(cases.ids, cases.groups, labels, prepared.sets, strict=True)
    return csv_text(["case", "group", "label", "set"], rows)


def write_attributes(folder: Path, prepared: PreparedData) -> None:
    """Write cases.csv: the attributes of every case, in the order of split.csv; no file without attributes."""
    cases = prepared.cases
    if not cases.attributes:
        (folder / ATTRIBUTES_FILE).unlink(missing_ok=True)
        return
    rows = zip(cases.ids, *cases.attributes.values(), strict=True)
    write_text(folder / ATTRIBUTES_FILE, csv_text(["case", *cases.attributes], rows))


def write_history(path: Path, history: Sequence[dict[str, float]]) -> None:
    """Write history.csv: one row for each epoch; fields are empty if an epoch lacks a column."""
    columns = list(dict.fromkeys(name for row in history for name in row))
    write_text(path, csv_text(columns, ([row.get(name, "") for name in columns] for row in history)))
