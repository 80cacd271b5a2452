"""--break-lock: the lock of a process on another machine is broken if that is asked for, and only then."""

import json
import os

import pytest

import archnet
from archnet.errors import RunError
from archnet.files.locks import LOCK_FILE, LockedError, lock_folder
from command_line import invoked
from small_sweeps import sweep_document

NET = {"name": "net", "rank": 2, "layers": [{"type": "T"}]}

COMMANDS = {
    "export": ("archnet.export.exported_model.export_run", ["net", "--format", "keras"]),
    "data prune": ("archnet.data.store_list.prune_stores", []),
    "data fetch": ("archnet.fetching.catalogue.fetch", ["luna16"]),
    "data prepare": ("archnet.data.open_dataset", ["--data", "npz:cubes.npz"]),
    "sweep run": ("archnet.sweep.run.run_sweep", ["small.json"]),
    "run": ("archnet.api.experiments.open_experiment_folder", ["net.json", "--data", "npz:cubes.npz"]),
    "report": ("archnet.runs.rereport.regenerate_reports", ["net"]),
}


@pytest.fixture
def locked_work(tmp_path, monkeypatch):
    """Replaces a function by one that locks a folder, which a process on another machine holds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.json").write_text(json.dumps(sweep_document(tmp_path)))
    (tmp_path / "net.json").write_text(json.dumps(NET))
    (tmp_path / "net").mkdir()
    (tmp_path / "locked").mkdir()
    lock = tmp_path / "locked" / LOCK_FILE
    lock.write_text("filelock/2\npid=123\nhost=gpu7\nmode=exclusive\nstart=12\nsince=2026-01-02T03:04:05+00:00\n")
    os.utime(lock, (1_000_000_000, 1_000_000_000))

    def work(*_, **__):
        with lock_folder(tmp_path / "locked"):
            raise RunError("The lock is broken.")

    return lambda name: monkeypatch.setattr(name, work)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("is_wanted", [False, True])
def test_a_command_breaks_a_foreign_lock_only_if_that_is_asked_for(locked_work, command, is_wanted):
    name, arguments = COMMANDS[command]
    locked_work(name)
    error = invoked(*command.split(), *arguments, *(["--break-lock"] if is_wanted else [])).exception
    assert (str(error) == "The lock is broken.") == is_wanted
    assert isinstance(error, LockedError) != is_wanted


@pytest.mark.parametrize("is_wanted", [False, True])
def test_an_export_in_python_breaks_a_foreign_lock_only_if_that_is_asked_for(locked_work, is_wanted):
    locked_work("archnet.export.exported_model.export_run")
    with pytest.raises(RunError if is_wanted else LockedError, match="lock is broken" if is_wanted else "gpu7"):
        archnet.export_model("net", "keras", break_lock=is_wanted)
