import subprocess
import sys

import pytest

from archnet.files.locks import LockedError, hold_folder, hold_lock, is_locked

HOLD = """
import sys
from pathlib import Path
from archnet.files import locks
with getattr(locks, sys.argv[1])(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held_elsewhere():
    """Has another process hold a lock until the returned function is called."""
    processes = []

    def hold(function, path):
        command = [sys.executable, "-c", HOLD, function, str(path)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in processes:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_lock_of_another_process_is_not_waited_for_unless_told_to(tmp_path, held_elsewhere):
    process = held_elsewhere("hold_lock", tmp_path / ".lock")
    assert is_locked(tmp_path / ".lock")
    with pytest.raises(LockedError), hold_lock(tmp_path / ".lock"):
        pass
    with pytest.raises(LockedError), hold_lock(tmp_path / ".lock", timeout_s=0.05):
        pass
    process.stdin.close()
    with hold_lock(tmp_path / ".lock", timeout_s=-1):
        pass


def test_a_process_that_is_killed_holds_no_lock(tmp_path, held_elsewhere):
    process = held_elsewhere("hold_lock", tmp_path / ".lock")
    process.kill()
    process.wait()
    assert not is_locked(tmp_path / ".lock")


def test_a_block_that_fails_frees_its_lock(tmp_path):
    with pytest.raises(KeyboardInterrupt), hold_lock(tmp_path / ".lock"):
        raise KeyboardInterrupt
    assert not is_locked(tmp_path / ".lock")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")
def test_a_folder_can_be_held_without_a_file_in_it(tmp_path, held_elsewhere):
    process = held_elsewhere("hold_folder", tmp_path)
    with pytest.raises(LockedError), hold_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
    process.stdin.close()
    process.wait()
    with hold_folder(tmp_path):
        pass


def test_a_system_without_locks_on_folders_lets_everybody_write(tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda handle, flags: (_ for _ in ()).throw(OSError("not supported")))
    with hold_folder(tmp_path), hold_folder(tmp_path):
        (tmp_path / "written").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["written"]
