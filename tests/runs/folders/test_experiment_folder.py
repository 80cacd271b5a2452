"""Which runs are made, continued, kept or refused."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import archnet
from archnet.errors import RunError
from archnet.evaluation.comparison.pools import read_pools
from archnet.files.atomic import write_json
from archnet.files.documents.json_text import json_text
from archnet.runs.folders.experiment_folder import check_shared_sections, shared_document
from plain_training import PLAIN

NET = {
    "name": "net",
    "rank": 2,
    "layers": [{"type": "FC", "num_output": 8, "activation": "relu", "drop_out": 30}, {"type": "T"}],
}
TRAINING = {
    **PLAIN,
    "epochs": 3,
    "batch_size": 8,
    "learning_rate": 0.01,
    "ema": 0.9,
    "balance": "oversample",
    "augmentation": [{"type": "right_angles"}, {"type": "noise"}],
}


@pytest.fixture
def cubes(tmp_path):
    x = np.random.default_rng(0).integers(0, 200, (60, 8, 8), dtype=np.uint8)
    y = np.arange(60) % 2
    x[y == 1, 2:6, 2:6] += 40
    np.savez(tmp_path / "cubes.npz", x=x, y=y, group=np.repeat(np.arange(20), 3))
    return tmp_path / "cubes.npz"


def experiments(path, seeds=(0,), **training):
    document = {"archs": [NET], "data": {"name": "npz", "root": str(path)}}
    return [
        one
        for seed in seeds
        for one in archnet.load_experiments({**document, "training": {**TRAINING, **training, "seed": seed}})
    ]


class Interrupts:
    """Ends a training in the middle of an epoch, as Ctrl-C does."""

    def __init__(self, epoch, step):
        self.place = (epoch, step)

    def on_step(self, epoch, step, num_steps, logs):
        if (epoch, step) == self.place:
            raise KeyboardInterrupt

    def on_epoch(self, row):
        pass


def interrupted(path, out, epoch=2, step=3, **training):
    with pytest.raises(KeyboardInterrupt):
        archnet.run_all(experiments(path, **training), out=out, callback=Interrupts(epoch, step))


@pytest.mark.slow
def test_a_resumed_run_ends_as_if_it_had_never_stopped(cubes, tmp_path):
    (whole,) = archnet.run_all(experiments(cubes), out=tmp_path / "whole")
    interrupted(cubes, tmp_path / "out")
    (resumed,) = archnet.run_all(experiments(cubes), out=tmp_path / "out", resume=True)
    for name in ("predictions.csv", "split.csv", "experiment.json"):
        assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    assert not (resumed.folder / "checkpoint").exists()
    log = (resumed.folder / "log.txt").read_text()
    assert [log.count(f" epoch={epoch} ") for epoch in (1, 2, 3)] == [1, 1, 1]


@pytest.mark.slow
def test_a_resumed_run_keeps_its_precision_without_another_trial(cubes, tmp_path, monkeypatch):
    trials = iter([("float32", "tried once")])
    monkeypatch.setattr("archnet.network.training.precision._choose_precision", lambda *_: next(trials))
    interrupted(cubes, tmp_path / "out", precision="auto")
    (resumed,) = archnet.run_all(experiments(cubes, precision="auto"), out=tmp_path / "out", resume=True)
    assert json.loads((resumed.folder / "environment.json").read_text())["execution"]["precision"] == "float32"


@pytest.mark.slow
def test_resume_makes_only_the_runs_that_are_missing(cubes, tmp_path):
    (first,) = archnet.run_all(experiments(cubes), out=tmp_path / "out")
    before = (first.folder / "model.keras").stat().st_mtime_ns
    runs = archnet.run_all(experiments(cubes, seeds=(0, 1)), out=tmp_path / "out", resume=True)
    assert [run.folder.name for run in runs] == ["net", "net-seed1"]
    assert (first.folder / "model.keras").stat().st_mtime_ns == before
    assert archnet.run_all(experiments(cubes, seeds=(0, 1)), out=tmp_path / "out", resume=True)[1].metrics


@pytest.mark.slow
def test_an_interrupted_run_is_neither_lost_nor_started_again_by_itself(cubes, tmp_path):
    interrupted(cubes, tmp_path / "out")
    place = tmp_path / "out/net"
    kept = (place / "checkpoint/training.npz").read_bytes()
    message = (
        f"{place}: this run was interrupted. Continue it with --resume, or train it from the start with --overwrite."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        archnet.run_all(experiments(cubes), out=tmp_path / "out")
    assert (place / "checkpoint/training.npz").read_bytes() == kept


@pytest.mark.slow
def test_a_run_is_not_continued_with_other_options(cubes, tmp_path):
    interrupted(cubes, tmp_path / "out")
    message = (
        f"{tmp_path / 'out/net'}: holds a run with different settings: training.learning_rate 0.01 -> 0.02. Choose a "
        "different folder with --out, or replace its runs with --overwrite."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        archnet.run_all(experiments(cubes, learning_rate=0.02), out=tmp_path / "out", resume=True)


def change_array(path, name, change):
    with np.load(path) as arrays:
        content = dict(arrays)
    content[name] = change(content[name].copy())
    np.savez(path, **content)


def brighten_one_voxel(values):
    values[-1, -1, -1] += 1
    return values


CHANGES_OF_DATA = pytest.mark.parametrize(
    ("array", "change", "file"),
    [
        ("group", lambda groups: groups[::-1], "split.csv"),
        ("x", brighten_one_voxel, "data.json"),
        ("weight", lambda weights: weights * 2, "data.json"),
    ],
)


@pytest.fixture
def weighted_cubes(cubes):
    with np.load(cubes) as arrays:
        np.savez(cubes, **arrays, weight=np.linspace(0.5, 1, 60))
    return cubes


@pytest.mark.slow
@CHANGES_OF_DATA
def test_a_run_is_not_continued_on_other_data(weighted_cubes, tmp_path, array, change, file):
    interrupted(weighted_cubes, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out/net").glob("*.*")}
    change_array(weighted_cubes, array, change)
    message = (
        f"{tmp_path / 'out/net' / file}: the data have changed since this run began, so it cannot be continued. "
        "Restore them, or choose a different folder with --out."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        archnet.run_all(experiments(weighted_cubes), out=tmp_path / "out", resume=True)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
@CHANGES_OF_DATA
def test_no_run_on_other_data_is_added_to_a_finished_one(weighted_cubes, tmp_path, array, change, file):
    archnet.run_all(experiments(weighted_cubes), out=tmp_path / "out")
    split = (tmp_path / "out/split.csv").read_bytes()
    change_array(weighted_cubes, array, change)
    message = (
        f"{tmp_path / 'out/net' / file}: the data have changed since this run, so other runs cannot be compared with "
        "it. Restore the data, or choose a different folder with --out."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        archnet.run_all(experiments(weighted_cubes, seeds=(1,)), out=tmp_path / "out")
    assert (tmp_path / "out/split.csv").read_bytes() == split
    assert not (tmp_path / "out/net-seed1").exists()


@pytest.mark.slow
def test_a_run_with_other_labels_of_the_same_data_is_added(weighted_cubes, tmp_path):
    archnet.run_all(experiments(weighted_cubes), out=tmp_path / "out")
    (other,) = archnet.run_all(experiments(weighted_cubes, seeds=(1,), case_weights=False), out=tmp_path / "out")
    assert other.metrics


def written(folder, change):
    """Change an experiment.json in place, in a run folder as an archnet without manifests left it."""
    (folder / "manifest.json").unlink(missing_ok=True)
    path = folder / "experiment.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def as_before_own_sets_were_kept(document):
    """The document of a version that split by group by default, and had fewer options of the data."""
    document["split"]["by"] = "group"
    document.get("picked", {}).pop("split.by", None)
    for key in ("allow", "classes"):
        document["data"].pop(key)


def add_own_sets(cubes, without=()):
    with np.load(cubes) as arrays:
        content = {name: values for name, values in arrays.items() if name not in without}
    np.savez(cubes, **content, split=np.repeat(["train", "val", "test"], 20))


def sets_of(run):
    return [line.split(",")[-1] for line in (run.folder / "split.csv").read_text().splitlines()[1:]]


@pytest.mark.slow
def test_a_run_says_how_its_cases_were_split_and_why(cubes, tmp_path):
    add_own_sets(cubes, without=["group"])  # some groups would be in two sets
    (run,) = archnet.run_all(experiments(cubes, epochs=1), out=tmp_path / "out")
    document = json.loads((run.folder / "experiment.json").read_text())
    assert document["split"]["by"] == "own"
    reason = "own: the data have their own training, validation and test sets"
    assert document["picked"] == {"split.by": reason}
    assert json.loads((tmp_path / "out/experiment.json").read_text())["split"] == {
        key: value for key, value in document["split"].items() if key != "fold"
    }
    assert sets_of(run) == ["train"] * 20 + ["validation"] * 20 + ["test"] * 20
    assert reason in (run.folder / "report.html").read_text()
    log = (run.folder / "log.txt").read_text()
    assert f"split by {reason}." in log
    assert "has its own training, validation and test sets, which are kept: 20 cases in the training set" in log


@pytest.mark.slow
def test_a_run_of_an_earlier_version_is_resumed_with_its_split(cubes, tmp_path):
    (whole,) = archnet.run_all(experiments(cubes), out=tmp_path / "whole")
    interrupted(cubes, tmp_path / "out")
    for folder in (tmp_path / "out", tmp_path / "out/net"):
        written(folder, as_before_own_sets_were_kept)
    add_own_sets(cubes)
    (resumed,) = archnet.run_all(experiments(cubes), out=tmp_path / "out", resume=True)
    assert (resumed.folder / "predictions.csv").read_bytes() == (whole.folder / "predictions.csv").read_bytes()
    document = json.loads((resumed.folder / "experiment.json").read_text())
    assert (document["split"]["by"], document.get("picked")) == ("group", None)


@pytest.mark.long
def test_a_new_run_in_a_folder_has_the_split_of_the_others_there(cubes, tmp_path):
    (first,) = archnet.run_all(experiments(cubes, epochs=1), out=tmp_path / "out")
    for folder in (tmp_path / "out", first.folder):
        written(folder, as_before_own_sets_were_kept)
    add_own_sets(cubes)
    runs = archnet.run_all(experiments(cubes, seeds=(0, 1), epochs=1), out=tmp_path / "out", resume=True)
    assert sets_of(runs[1]) == sets_of(runs[0])
    assert len(read_pools([run.folder for run in runs], "test")) == 1
    written(tmp_path / "out", lambda document: document["split"].update(by="candidate"))
    message = (
        f'{tmp_path / "out"}: contains a different experiment: split.by "candidate" -> "auto". Choose a different folder '
        "with --out, or replace its runs with --overwrite."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        archnet.run_all(experiments(cubes, seeds=(2,), epochs=1), out=tmp_path / "out")


@pytest.mark.long
def test_seeds_of_an_earlier_and_a_later_version_are_one_pool(cubes, tmp_path):
    (first,) = archnet.run_all(experiments(cubes, epochs=1), out=tmp_path / "out")
    for folder in (tmp_path / "out", first.folder):
        written(folder, as_before_own_sets_were_kept)
    runs = archnet.run_all(experiments(cubes, seeds=(0, 1), epochs=1), out=tmp_path / "out", resume=True)
    assert "split.by" in json.loads((runs[1].folder / "experiment.json").read_text())["picked"]
    (pool,) = read_pools([run.folder for run in runs], "test")
    assert pool.seeds == (0, 1)


def test_a_metric_that_the_validation_set_cannot_have_is_refused_before_the_training(cubes, tmp_path):
    with np.load(cubes) as arrays:
        content = dict(arrays)
    split = np.where(np.arange(60) < 30, "train", np.where(content["y"] == 1, "test", "validation"))
    np.savez(cubes, **content, split=split)
    with pytest.raises(
        RunError, match=r"^training\.best_metric: auc is undefined on the validation set: 15 cases, all of"
    ):
        archnet.run_all(experiments(cubes, best_metric="auc"), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_folds_test_every_case_once_each_in_a_folder_of_its_own(cubes, tmp_path):
    document = {"archs": [NET], "data": {"name": "npz", "root": str(cubes)}, "split": {"folds": 3}}
    folds = archnet.load_experiments({**document, "training": {**PLAIN, "epochs": 1}})
    runs = archnet.run_all(folds, out=tmp_path / "out")
    assert [run.folder.name for run in runs] == ["net-fold0", "net-fold1", "net-fold2"]
    tested = [run.predictions.select("test").cases for run in runs]
    assert sorted(np.concatenate(tested)) == sorted(runs[0].predictions.cases)
    for run in runs:
        judged, learnt = (set(run.predictions.select(name).groups) for name in ("test", "train"))
        assert not judged & learnt
    assert "fold" not in json.loads((tmp_path / "out/experiment.json").read_text())["split"]


def test_a_folder_of_an_earlier_version_and_one_with_other_allowed_checks_take_further_runs(cubes, tmp_path):
    (first,) = experiments(cubes)
    path = write_json(tmp_path / "out/experiment.json", shared_document(first))
    document = json.loads(path.read_text())
    check_shared_sections(tmp_path / "out", replace(first, data=replace(first.data, allow=("patients",))))
    del document["data"]["allow"]
    write_json(path, document)
    check_shared_sections(tmp_path / "out", first)
    del document["data"]["classes"]
    write_json(path, document)
    check_shared_sections(tmp_path / "out", first)
    with pytest.raises(RunError, match=r'a different experiment: data\.range "auto" -> "hu"\. Choose a'):
        check_shared_sections(tmp_path / "out", replace(first, data=replace(first.data, range="hu")))


def test_a_relative_root_of_an_older_folder_is_tried_against_the_working_directory(cubes, tmp_path, monkeypatch):
    (first,) = experiments(cubes)
    document = shared_document(first)
    path = write_json(tmp_path / "out/experiment.json", document)
    write_json(path, {**document, "data": {**document["data"], "root": "cubes.npz"}})
    monkeypatch.chdir(tmp_path)
    check_shared_sections(tmp_path / "out", first)
    monkeypatch.chdir(tmp_path / "out")
    message = (
        f"{tmp_path / 'out'}: contains a different experiment: data.root {json_text(str(tmp_path / 'out/cubes.npz'))} -> "
        f"{json_text(str(cubes))}. Choose a different folder with --out, or replace its runs with --overwrite."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        check_shared_sections(tmp_path / "out", first)
