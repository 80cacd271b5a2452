"""In which folder an experiment is run: numbered after a change, refused when it was run before, resumed, replaced."""

import json
import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import archnet
from archnet.errors import RunError
from archnet.files.atomic import write_json
from archnet.files.locks import LOCK_FILE, LockedError
from archnet.runs.folders import folder_match
from archnet.runs.folders import placement as placement_module
from archnet.runs.folders.experiment_folder import run_name, shared_document
from archnet.runs.folders.folder_match import match_folder, numbered_folders, read_reservation, write_reservation
from archnet.runs.folders.placement import log_changes, open_experiment_folder, write_changes
from archnet.runs.folders.replacement import settle_replaced_runs

NET = {"name": "net", "rank": 2, "layers": [{"type": "FC", "num_output": 8}, {"type": "T"}]}
TWO = [NET, {**NET, "name": "other"}]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("cubes.npz", x=np.zeros((4, 8, 8), np.uint8), y=np.arange(4) % 2)
    return tmp_path


def experiments(width=8, archs=None, **keys):
    archs = archs or [{**NET, "layers": [{"type": "FC", "num_output": width}, {"type": "T"}]}]
    document = {"name": "edit", "archs": archs, "data": {"name": "npz", "root": "cubes.npz"}, **keys}
    return archnet.load_experiments(json.loads(json.dumps(document)))


def fake_runs(placement, found, finished=True):
    """Write what the runs of an experiment leave, without training."""
    write_json(placement.folder / "experiment.json", shared_document(found[0]))
    for one in found:
        run_folder = placement.folder / run_name(one)
        document = one.to_document()
        auto = [key for key, value in document["training"].items() if value == "auto"]
        document["training"] |= {"epochs": 7} if "epochs" in auto else {}
        document["picked"] = {"training.epochs": "7: a rule"} if "epochs" in auto else {}
        write_json(run_folder / "experiment.json", document)
        (run_folder / "checkpoint").mkdir(exist_ok=True)
        write_changes(run_folder, placement, is_resumed=False)
        log_changes(run_folder, placement)
        if finished:
            (run_folder / "checkpoint").rmdir()
            (run_folder / "metrics.json").write_text(
                json.dumps({"made_of": document["arch"]["layers"][0]["num_output"]})
            )


def run(width=8, *, out=None, finished=True, resume=False, overwrite=False, **keys):
    """Run an experiment, and name its folder."""
    found = experiments(width, **keys)
    with open_experiment_folder(found, out, resume=resume, overwrite=overwrite) as placement:
        fake_runs(placement, found, finished)
    return str(placement.folder)


def content():
    """The results and changes below `runs`; of results, from which network they are."""
    paths = [path for name in ("metrics.json", "changes.json") for path in Path("runs").rglob(name)]
    return {path.relative_to("runs").as_posix(): json.loads(path.read_text()).get("made_of") for path in paths}


def refused(call, message):
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        call()


def test_a_changed_experiment_gets_the_next_number_and_says_what_has_changed(caplog):
    assert [run(8), run(24), run(32)] == ["runs/edit", "runs/edit-2", "runs/edit-3"]
    assert [record.getMessage() for record in caplog.records if record.name == "archnet.folder"] == [
        "Changed since runs/edit/net: arch.layers[0].num_output 8 -> 24. This run is saved in runs/edit-2/net.",
        "Changed since runs/edit-2/net: arch.layers[0].num_output 24 -> 32. This run is saved in runs/edit-3/net.",
    ]
    difference = {"place": "arch.layers[0].num_output", "reference": 24, "other": 32}
    changes = json.loads(Path("runs/edit-3/net/changes.json").read_text())
    assert changes == {"previous": "../../edit-2/net", "differences": [difference]}
    assert content() == {
        "edit/net/metrics.json": 8,
        "edit-2/net/changes.json": None,
        "edit-2/net/metrics.json": 24,
        "edit-3/net/changes.json": None,
        "edit-3/net/metrics.json": 32,
    }


def test_the_same_settings_are_found_in_every_numbered_folder():
    for width in (8, 24, 32):
        run(width)
    for width, folder in ((8, "edit"), (24, "edit-2"), (32, "edit-3")):
        refused(
            lambda width=width: run(width),
            f"runs/{folder}/net: this run is finished and has the same settings. Its report: runs/{folder}/net/report.html. "
            "Add --resume to train only the missing runs, or --overwrite to train it again.",
        )
        assert run(width, resume=True) == f"runs/{folder}"


def test_texts_and_automatic_choices_are_not_changes():
    described = {**NET, "layers": [{"type": "FC", "num_output": 8}, {"type": "T"}], "description": "wide"}
    run(8)
    for same in ({"archs": [described]}, {"training": {"epochs": 7}}, {"description": "the second try"}):
        with pytest.raises(RunError, match=r"^runs/edit/net: this run is finished"):
            run(8, **same)
    assert run(8, training={"epochs": 9}) == "runs/edit-2"


def test_an_interrupted_run_stays_and_is_resumed_in_its_folder():
    run(8)
    run(24, finished=False)
    refused(
        lambda: run(24),
        "runs/edit-2/net: this run was interrupted. Continue it with --resume, or train it from the start with --overwrite.",
    )
    assert run(32) == "runs/edit-3"
    assert run(24, resume=True) == "runs/edit-2"
    assert content()["edit-2/net/metrics.json"] == 24


def test_settings_that_were_never_run_cannot_be_resumed():
    run(8)
    refused(
        lambda: run(24, resume=True),
        "runs/edit: these settings have not been run yet, so there is nothing to resume: arch.layers[0].num_output 8 -> 24. "
        "Remove --resume to run them in a new folder.",
    )
    assert run(8, resume=True) == "runs/edit"


def test_of_several_runs_with_the_same_settings_a_finished_one_is_named_else_the_first():
    run(archs=TWO, finished=False)
    with pytest.raises(RunError, match=r"^runs/edit/net: this run was interrupted\."):
        run(archs=TWO)
    Path("runs/edit/other/checkpoint").rmdir()
    Path("runs/edit/other/metrics.json").write_text("{}")
    with pytest.raises(RunError, match=r"^runs/edit/other: this run is finished"):
        run(archs=TWO)


def test_of_several_changes_the_first_says_why_there_is_nothing_to_resume():
    run(archs=TWO)
    changed = [{**one, "layers": [{"type": "FC", "num_output": 30 + k}, {"type": "T"}]} for k, one in enumerate(TWO)]
    with pytest.raises(RunError, match=r"nothing to resume: arch\.layers\[0\]\.num_output 8 -> 30\. Remove"):
        run(archs=changed, resume=True)


def test_a_folder_of_other_data_without_runs_is_not_resumed():
    write_json(Path("runs/edit/experiment.json"), shared_document(experiments(8)[0]))
    with pytest.raises(RunError, match=r"^runs/edit: .* nothing to resume: split\.seed 42 -> 3\. Remove --resume"):
        run(8, split={"seed": 3}, resume=True)
    assert run(8, split={"seed": 3}) == "runs/edit-2"
    assert not Path("runs/edit-2/net/changes.json").exists()


def test_a_run_with_the_same_settings_is_replaced_without_the_others_in_its_folder():
    run(8)
    run(8, training={"seed": 1})
    Path("runs/edit/split.csv").write_text("shared")
    found = experiments(8)
    with open_experiment_folder(found, None, overwrite=True) as placement:
        assert sorted(path.name for path in Path("runs/edit/.replaced").iterdir()) == ["net"]
        fake_runs(placement, found)
    assert sorted(content()) == ["edit/net-seed1/metrics.json", "edit/net/metrics.json"]


def test_runs_are_replaced_together_with_new_seeds():
    run(8)
    found = [*experiments(24), *experiments(24, training={"seed": 1})]
    with open_experiment_folder(found, None, overwrite=True) as placement:
        assert (placement.folder, placement.is_replaced) == (Path("runs/edit"), True)
        fake_runs(placement, found)
    assert sorted(content()) == ["edit/net-seed1/metrics.json", "edit/net/metrics.json"]


@pytest.mark.parametrize("is_resumed", [True, False])
def test_the_changes_of_an_earlier_run_are_removed_unless_it_is_resumed(is_resumed):
    path = write_json(Path("runs/edit/net/changes.json"), {})
    write_changes(path.parent, None, is_resumed=is_resumed)
    assert path.exists() is is_resumed


def test_other_data_and_another_split_get_a_folder_of_their_own(caplog):
    run(8)
    assert run(8, split={"seed": 3}) == "runs/edit-2"
    assert run(8, split={"folds": 2}) == "runs/edit-3"
    assert caplog.messages[0] == (
        "Changed since runs/edit/net: split.seed 42 -> 3. This run is saved in runs/edit-2/net."
    )
    assert run(8, split={"folds": 2, "seed": 3}) == "runs/edit-4"
    folds = [record.getMessage() for record in caplog.records if record.name == "archnet.folder"][-1]
    assert folds == (
        "Changed since runs/edit-3/net-fold0: split.seed 42 -> 3. This run is saved in runs/edit-4/net-fold0."
    )


def test_other_architectures_and_seeds_join_the_folder_of_the_same_settings():
    other = {**NET, "name": "other"}
    run(8)
    run(24)
    assert run(8, training={"seed": 1}) == "runs/edit"
    assert run(24, training={"seed": 1}) == "runs/edit-2"
    assert run(32, training={"seed": 2}) == "runs/edit-3"
    assert run(archs=[other]) == "runs/edit"


def test_of_several_architectures_all_are_run_again_where_one_has_changed(caplog):
    other = {**NET, "name": "other"}
    run(archs=[NET, other])
    changed = {**other, "layers": [{"type": "FC", "num_output": 9}, {"type": "BN"}, {"type": "T"}]}
    caplog.clear()
    assert run(archs=[NET, changed]) == "runs/edit-2"
    assert [record.getMessage() for record in caplog.records if record.name == "archnet.folder"] == [
        "runs/edit-2/net: the same settings as runs/edit/net, for a comparison with the other runs here.",
        "Changed since runs/edit/other: arch.layers[0].num_output 8 -> 9, arch.layers[1] added: "
        '{"type": "BN"}. This run is saved in runs/edit-2/other.',
    ]
    with pytest.raises(RunError, match=r"^runs/edit-2/net: this run is finished"):
        run(archs=[NET, changed])


def test_folders_of_other_experiments_are_left_alone():
    write_json(experiment := Path("runs/edit-2/experiment.json"), {"name": "edit-2"})
    run(8)
    assert run(24) == "runs/edit-3"
    assert json.loads(experiment.read_text()) == {"name": "edit-2"}
    found = experiments(8, name="edit-3")
    with open_experiment_folder(found, None) as placement:
        assert str(placement.folder) == "runs/edit-3-2"


def test_a_folder_that_is_named_holds_one_document(here):
    run(8, out=here / "out")
    with pytest.raises(RunError, match=r"^.*out/net: holds a run with different settings: arch.layers\[0\]"):
        archnet.run_all(experiments(24), out=here / "out")
    assert run(24, out=here / "out", overwrite=True) == str(here / "out")
    assert json.loads((here / "out/net/metrics.json").read_text()) == {"made_of": 24}
    assert sorted(path.name for path in (here / "out").iterdir()) == ["experiment.json", "net"]


def test_overwrite_replaces_the_latest_runs_when_the_new_ones_are_finished(caplog):
    run(8)
    run(24)
    caplog.clear()
    found = experiments(32)
    with open_experiment_folder(found, None, overwrite=True) as placement:
        assert content()["edit-2/.replaced/net/metrics.json"] == 24
        fake_runs(placement, found)
    assert content() == {"edit/net/metrics.json": 8, "edit-2/net/metrics.json": 32}
    assert caplog.messages[0] == (
        "Changed since runs/edit-2/net: arch.layers[0].num_output 24 -> 32. This run replaces it: runs/edit-2/.replaced "
        "keeps the old run until the new one is finished."
    )
    caplog.clear()
    assert run(8, overwrite=True) == "runs/edit"
    assert caplog.messages[0] == (
        "Replacing runs/edit/net, which has the same settings: runs/edit/.replaced keeps the old run until the new one "
        "is finished."
    )


def test_a_run_that_fails_before_it_begins_leaves_the_old_one(caplog):
    run(8)

    def fail():
        with open_experiment_folder(experiments(24, split={"seed": 3}), None, overwrite=True) as placement:
            write_json(placement.folder / "experiment.json", {"name": "edit"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert content() == {"edit/net/metrics.json": 8}
    assert caplog.messages[-1] == "runs/edit: the earlier run is restored."
    with pytest.raises(RunError, match=r"^runs/edit/net: this run is finished"):
        run(8)


def test_a_replacement_that_is_interrupted_keeps_both_runs_until_it_is_resumed(caplog):
    run(8)
    run(24, finished=False, overwrite=True)
    assert content() == {"edit/.replaced/net/metrics.json": 8}
    assert caplog.messages[-1] == (
        "runs/edit/.replaced: the earlier run is kept here until the new one is finished. To finish, use --resume. "
        "To go back, replace runs/edit/net with it."
    )
    assert run(24, resume=True) == "runs/edit"
    assert content() == {"edit/net/metrics.json": 24}


def test_an_interrupted_replacement_is_replaced_in_turn_without_the_loss_of_the_finished_run():
    run(8)
    run(24, finished=False, overwrite=True)
    run(32, finished=False, overwrite=True)
    assert content() == {"edit/.replaced/net/metrics.json": 8}
    run(32, overwrite=True)
    assert content() == {"edit/net/metrics.json": 32}


def user_files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.md"))


def test_overwrite_keeps_the_files_of_the_user_in_the_folders_of_the_experiment_and_the_run():
    run(8)
    Path("runs/edit/thesis").mkdir()
    for name in ("notes.md", "thesis/chapter.md", "net/look.md"):
        Path("runs/edit", name).write_text("mine")
    Path("runs/edit/net/.archnet-draft").touch()
    run(24, overwrite=True)
    assert not Path("runs/edit/net/.archnet-draft").exists()
    run(24, split={"seed": 3}, finished=False, overwrite=True)
    Path("runs/edit/net/later.md").write_text("mine")
    run(32, split={"seed": 4}, overwrite=True)
    assert user_files(Path("runs/edit")) == ["net/later.md", "net/look.md", "notes.md", "thesis/chapter.md"]
    assert content() == {"edit/net/metrics.json": 32}


def test_a_user_file_whose_name_is_taken_in_the_new_run_gets_a_number():
    run(8)
    Path("runs/edit/net/look.md").write_text("mine")
    found = experiments(24)
    with open_experiment_folder(found, None, overwrite=True) as placement:
        fake_runs(placement, found)
        Path("runs/edit/net/look.md").write_text("newer")
    assert user_files(Path("runs/edit")) == ["net/look-2.md", "net/look.md"]


def test_what_a_killed_removal_of_replaced_runs_left_does_not_take_the_place_of_the_finished_run():
    run(8)
    Path("runs/edit/.replaced/net/figures").mkdir(parents=True)
    run(8, resume=True)
    assert content() == {"edit/net/metrics.json": 8}
    assert not Path("runs/edit/.replaced").exists()


def test_a_run_that_a_killed_overwrite_moved_aside_is_restored_before_the_next_command_chooses_a_folder(caplog):
    run(8)
    Path("runs/edit/.replaced").mkdir()
    Path("runs/edit/net").rename("runs/edit/.replaced/net")
    with pytest.raises(RunError, match=r"^runs/edit/net: this run is finished"):
        run(8)
    assert caplog.messages[-1] == "runs/edit: the earlier run is restored."
    Path("runs/edit/.replaced").mkdir()
    Path("runs/edit/net").rename("runs/edit/.replaced/net")
    assert run(24) == "runs/edit-2"
    assert content() == {"edit/net/metrics.json": 8, "edit-2/net/metrics.json": 24, "edit-2/net/changes.json": None}


def test_overwrite_of_a_folder_whose_runs_never_began_leaves_the_new_documents(here):
    out = here / "out"
    out.mkdir()
    write_json(out / "experiment.json", shared_document(experiments(8)[0]))
    (out / "split.csv").write_text("old")
    run(8, split={"seed": 3}, out=out, overwrite=True)
    assert json.loads((out / "experiment.json").read_text())["split"]["seed"] == 3
    assert sorted(path.name for path in out.iterdir()) == ["experiment.json", "net"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_folder_of_a_project_or_a_run_is_no_folder_for_runs(overwrite, here):
    run(8)
    (here / "experiment.json").write_text(json.dumps({"name": "edit", "archs": ["net.json"]}))
    refused(
        lambda: run(8, out=here, overwrite=overwrite),
        f"{here}/experiment.json: this is the file of an experiment to run, which the runs would overwrite. "
        f"Choose a different folder with --out, such as {here}/runs.",
    )
    refused(
        lambda: run(8, out=Path("runs/edit/net"), overwrite=overwrite),
        "runs/edit/net/experiment.json: this is the file of a run, which the runs would overwrite. Choose a "
        "different folder with --out, such as runs/edit/net/runs.",
    )


def test_overwrite_leaves_no_runs_of_other_settings_next_to_the_new_ones():
    run(8)
    run(8, training={"seed": 1})
    refused(
        lambda: run(24, overwrite=True),
        "runs/edit: also holds net-seed1, with other settings, which --overwrite would leave behind. Remove it, run it "
        "again with this command, or choose a different folder with --out.",
    )
    run(archs=[{**NET, "name": "other"}])
    refused(
        lambda: run(8, split={"seed": 3}, overwrite=True),
        "runs/edit: also holds net-seed1, other, with other settings, which --overwrite would leave behind. Remove it, "
        "run it again with this command, or choose a different folder with --out.",
    )
    assert sorted(content()) == ["edit/net-seed1/metrics.json", "edit/net/metrics.json", "edit/other/metrics.json"]


def test_a_damaged_document_in_a_numbered_folder_is_skipped_with_a_warning(caplog):
    run(8)
    run(24)
    Path("runs/edit-2/net/experiment.json").write_text("{")
    assert run(24) == "runs/edit-3"
    assert caplog.records[-3].levelno == logging.WARNING
    assert "runs/edit-2/net/experiment.json:1: " in caplog.text


HOLD = """
import sys
from pathlib import Path
from pathlib import Path
import archnet
from archnet.runs.folders.placement import open_experiment_folder
document = {"name": "edit", "archs": [archnet.load_arch(sys.argv[1]).to_document()],
            "data": {"name": "npz", "root": "cubes.npz"}}
with open_experiment_folder(archnet.load_experiments(document), None) as placement:
    print(placement.folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_two_processes_never_take_one_number(here):
    run(8)
    write_json(here / "net.json", {**NET, "layers": [{"type": "FC", "num_output": 24}, {"type": "T"}]})
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, "net.json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "runs/edit-2\n"
        assert run(32) == "runs/edit-3"
        with pytest.raises(LockedError, match=r"^runs/edit-2: another archnet process is writing to this folder: "):
            run(24)
        process.communicate("")
    assert not (here / "runs/edit-2").exists()
    assert run(24) == "runs/edit-4"


def test_what_a_killed_process_reserved_is_free(here):
    run(8)
    (here / "runs/edit-2").mkdir()
    write_reservation(here / "runs/edit-2", experiments(24))
    assert run(32) == "runs/edit-2"


def test_a_file_with_the_name_of_the_next_folder_is_skipped(here):
    run(8)
    (here / "runs/edit-2").write_text("mine")
    assert run(24) == "runs/edit-3"


@pytest.mark.parametrize(
    ("recorded", "name", "folders"),
    [
        (
            {"edit-10": "edit", "edit-2": "edit", "edit-1": "edit", "edit-02": "edit"},
            "edit",
            ["edit", "edit-2", "edit-10"],
        ),
        ({"edit": "renamed", "edit-2": "renamed"}, "edit", ["edit"]),
        ({"edit-2": "edit-2"}, "edit-2", ["edit-2"]),
        ({"edit-2": "edit"}, "edit-2", []),
        ({"edit-2": "edit", "edit-2-2": "edit-2"}, "edit-2", ["edit-2-2"]),
    ],
)
def test_the_numbered_folders_are_those_of_the_experiment_in_the_order_of_their_numbers(recorded, name, folders):
    for folder, owner in recorded.items():
        write_json(Path("runs") / folder / "experiment.json", {"name": owner})
    assert numbered_folders(Path("runs") / name, name) == [Path("runs") / folder for folder in folders]


@pytest.fixture
def claimed(here, monkeypatch):
    """Locks folders as if another process made runs in them; only the first one is recorded from the start."""
    locked = set()
    monkeypatch.setattr(folder_match, "is_locked", lambda path: Path(path).parent in locked)

    def claim(folder, width=None):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOCK_FILE).touch()
        locked.add(folder)
        if width is not None:
            write_reservation(folder, experiments(width))
        return folder

    return claim


def test_runs_that_another_process_is_making_are_compared_by_what_it_has_reserved(claimed):
    folder = claimed(Path("runs/edit"), 24)
    same, other = (match_folder(folder, experiments(width)) for width in (24, 32))
    assert (same.same, same.is_in_use, same.is_identical, same.is_replaceable) == (("net",), True, True, True)
    assert (other.same, other.is_in_use, other.fits) == ((), True, False)
    (difference,) = other.differences["net"]
    assert difference == {"place": "arch.layers[0].num_output", "reference": 24, "other": 32}


def test_the_record_of_a_folder_that_was_just_locked_is_waited_for(claimed, monkeypatch):
    folder = claimed(Path("runs/edit"))
    naps = []

    def write_while_waiting(seconds):
        naps.append(seconds)
        if len(naps) == 2:
            write_reservation(folder, experiments(24))

    monkeypatch.setattr(folder_match, "time", SimpleNamespace(monotonic=lambda: 0, sleep=write_while_waiting))
    assert list(read_reservation(folder)["runs"]) == ["net"]
    assert naps == [0.05, 0.05]


def test_a_folder_whose_owner_records_nothing_is_taken_after_three_seconds(claimed, monkeypatch):
    folder, now = claimed(Path("runs/edit")), [100.0]

    def sleep(seconds):
        now[0] += 1.0

    monkeypatch.setattr(folder_match, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    assert read_reservation(folder) == {}
    assert now == [104.0]
    (folder / LOCK_FILE).unlink()
    assert read_reservation(folder) is None


def test_folders_that_other_processes_keep_claiming_are_given_up_at_last(monkeypatch):
    tried = []

    def lose(folder):
        tried.append(folder.name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "other.txt").touch()
        raise LockedError("locked")

    run(8)
    monkeypatch.setattr(placement_module, "lock_experiment_folder", lose)
    refused(
        lambda: run(24),
        "runs/edit-21: other processes keep claiming this folder. Choose another folder with --out.",
    )
    assert tried == [f"edit-{number}" for number in range(2, 22)]


def test_a_named_folder_that_another_process_holds_is_not_tried_again(monkeypatch):
    tried = []

    def lose(folder):
        tried.append(folder)
        raise LockedError("locked")

    monkeypatch.setattr(placement_module, "lock_experiment_folder", lose)
    with pytest.raises(LockedError):
        run(8, out=Path("out"))
    with pytest.raises(LockedError):
        run(8)
    assert tried == [Path("out"), Path("runs/edit"), Path("runs/edit")]


def test_shared_files_that_were_kept_aside_without_a_run_are_restored_unless_new_runs_have_begun():
    for is_begun in (False, True):
        folder = Path(f"runs/edit{int(is_begun)}")
        (folder / ".replaced").mkdir(parents=True)
        (folder / ".replaced/split.csv").write_text("old")
        if is_begun:
            (folder / "net/checkpoint").mkdir(parents=True)
            (folder / "split.csv").write_text("new")
        settle_replaced_runs(folder)
        assert not (folder / ".replaced").exists()
        assert (folder / "split.csv").read_text() == ("new" if is_begun else "old")


def test_an_interrupted_replacement_of_two_runs_is_not_replaced_in_turn_when_one_has_finished():
    run(archs=TWO)
    run(archs=TWO, split={"seed": 3}, finished=False, overwrite=True)
    (Path("runs/edit/net/checkpoint")).rmdir()
    Path("runs/edit/net/metrics.json").write_text("{}")
    refused(
        lambda: run(archs=TWO, split={"seed": 4}, overwrite=True),
        "runs/edit/.replaced: keeps the runs that an interrupted --overwrite replaced, and net of the new runs is "
        "finished. Finish the others with --resume first, or remove runs/edit/.replaced.",
    )
    settle_replaced_runs(Path("runs/edit"))
    assert content()["edit/.replaced/net/metrics.json"] == 8


def test_what_new_runs_left_is_removed_when_the_old_ones_are_restored_except_the_files_of_the_user():
    run(8)
    Path("runs/edit/.replaced").mkdir()
    Path("runs/edit/net").rename("runs/edit/.replaced/net")
    Path("runs/edit/net").mkdir()
    Path("runs/edit/net/history.csv").write_text("new")
    Path("runs/edit/net/look.md").write_text("mine")
    settle_replaced_runs(Path("runs/edit"))
    assert content() == {"edit/net/metrics.json": 8}
    assert not Path("runs/edit/net/history.csv").exists()
    assert user_files(Path("runs/edit")) == ["net/look.md"]


@pytest.mark.parametrize(("num_runs", "texts"), [(1, ("run is kept", "one is")), (2, ("runs are kept", "ones are"))])
def test_runs_that_are_kept_aside_are_counted_in_the_warning(num_runs, texts, caplog):
    run(archs=TWO[:num_runs])
    run(archs=TWO[:num_runs], split={"seed": 3}, finished=False, overwrite=True)
    places = ", ".join(f"runs/edit/{one['name']}" for one in TWO[:num_runs])
    assert caplog.messages[-1] == (
        f"runs/edit/.replaced: the earlier {texts[0]} here until the new {texts[1]} finished. To finish, use --resume. "
        f"To go back, replace {places} with it."
    )
    for one in TWO[:num_runs]:
        shutil.rmtree(Path("runs/edit") / one["name"])
    settle_replaced_runs(Path("runs/edit"))
    assert caplog.messages[-1] == f"runs/edit: the earlier {'run is' if num_runs == 1 else 'runs are'} restored."
