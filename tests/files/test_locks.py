import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from filelock import MarkerSoftFileLock, Timeout

from archnet.errors import RunError
from archnet.files import lock_owner, locks
from archnet.files.lock_owner import LockOwner, read_owner
from archnet.files.locks import LOCK_FILE, LockedError, break_foreign_locks, hold_lock, is_locked, lock_folder

HOLD = """
import sys
from pathlib import Path
from archnet.files.locks import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
RACE = """
import os, sys, time
from contextlib import nullcontext
from pathlib import Path
from archnet.files.locks import LockedError, break_foreign_locks, lock_folder

folder = Path(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    with break_foreign_locks(is_wanted="break" in line):
        try:
            with lock_folder(folder, timeout_s=0):
                os.close(os.open(folder / "winner", os.O_CREAT | os.O_EXCL))  # fails if another one holds the lock
                time.sleep(0.3)
                (folder / "winner").unlink()
            result = "won"
        except LockedError:
            result = "lost"
    print(result, flush=True)
"""
OLD = (1_000_000_000, 1_000_000_000)


def write_lock(folder, pid=123, host="gpu7", extra="since=2026-01-02T03:04:05+00:00\ncommand=archnet run a.json\n"):
    """The lock of a process on another machine, held for long."""
    folder.mkdir(exist_ok=True)
    path = folder / LOCK_FILE
    path.write_text(f"filelock/2\npid={pid}\nhost={host}\nmode=exclusive\nstart=12\n{extra}")
    os.utime(path, OLD)
    return path


@pytest.fixture(autouse=True)
def _short_attempts(monkeypatch):
    monkeypatch.setattr(locks, "_ATTEMPT_SECONDS", 0.01)


@pytest.fixture
def start():
    """Starts processes with a script, each of which first prints a line; ends them after the test."""
    processes = []

    def start_process(code, *arguments):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() in ("held\n", "ready\n")
        return process

    yield start_process
    for process in processes:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_folder_has_one_writer_whom_the_message_names(tmp_path, start):
    process = start(HOLD, tmp_path)
    owner = read_owner(tmp_path / LOCK_FILE)
    assert owner.pid == process.pid
    message = re.escape(f"{tmp_path}: another archnet process is writing to this folder: -c {tmp_path} (process ")
    message += rf"{process.pid} on {re.escape(owner.host)}, since [0-9]{{2}}:[0-9]{{2}}, [0-9]+ s\)\. Choose another\."
    for timeout_s in (0, 0.3):
        with (
            pytest.raises(LockedError, match=f"^{message}$"),
            lock_folder(tmp_path, timeout_s=timeout_s, advice="Choose another."),
        ):
            pass
    assert is_locked(tmp_path / LOCK_FILE)
    process.stdin.close()
    with lock_folder(tmp_path, timeout_s=60):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "is_reaped", [True, pytest.param(False, marks=pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"))]
)
def test_the_lock_of_a_killed_process_is_taken_over(tmp_path, start, is_reaped):
    process = start(HOLD, tmp_path)
    process.kill()
    if is_reaped:
        process.wait()
    with lock_folder(tmp_path, timeout_s=10):
        assert read_owner(tmp_path / LOCK_FILE).pid == os.getpid()
    assert not is_locked(tmp_path / LOCK_FILE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGSTOP")
def test_the_lock_of_a_suspended_process_is_not_broken(tmp_path, start):
    process = start(HOLD, tmp_path)
    process.send_signal(signal.SIGSTOP)
    os.utime(tmp_path / LOCK_FILE, OLD)
    with pytest.raises(LockedError), break_foreign_locks(), lock_folder(tmp_path):
        pass


def test_a_process_number_that_belongs_to_another_process_by_now_holds_no_lock(tmp_path, monkeypatch):
    with lock_folder(tmp_path / "a"):
        text = (tmp_path / "a" / LOCK_FILE).read_text()
    assert f"pid={os.getpid()}\n" in text
    (tmp_path / LOCK_FILE).write_text(re.sub(r"start=([0-9]+)", lambda match: f"start={int(match[1]) - 1}", text))
    with lock_folder(tmp_path):
        assert (tmp_path / LOCK_FILE).read_text().startswith(re.sub(r"since=.*", "", text, flags=re.DOTALL))


@pytest.mark.long
@pytest.mark.parametrize("is_foreign", [False, True])
def test_of_many_processes_that_take_over_a_lock_at_once_one_wins(tmp_path, start, is_foreign):
    folder = tmp_path / "runs"
    processes = [start(RACE, folder) for _ in range(5)]
    folder.mkdir()
    (folder / "kept").touch()
    with lock_folder(folder):
        marker = (folder / LOCK_FILE).read_text()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for _ in range(6):
        if is_foreign:
            write_lock(folder)
        else:
            (folder / LOCK_FILE).write_text(re.sub("pid=[0-9]+", f"pid={dead.pid}", marker))
        for process in processes:
            process.stdin.write("break\n" if is_foreign else "go\n")
            process.stdin.flush()
        results = [process.stdout.readline() for process in processes]
        assert set(results) <= {"won\n", "lost\n"}  # another text: two held the lock at once
        assert "won\n" in results
    assert {path.name for path in folder.iterdir()} == {"kept"}


def test_a_lock_of_another_machine_is_broken_only_on_request(tmp_path):
    path = write_lock(tmp_path / "a")
    owner = read_owner(path)
    assert owner == LockOwner(
        pid=123, host="gpu7", since=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), command="archnet run a.json"
    )
    since = f"{owner.since.astimezone():%Y-%m-%d %H:%M}"
    message = re.escape(
        f"{tmp_path / 'a'}: an archnet process on another machine is writing to this folder: archnet run a.json "
        f"(process 123 on gpu7, since {since}, "
    )
    message += (
        r"[0-9]+ days\)\. Wait for it to end\. If it has ended, which cannot be checked from here, add --break-lock\."
    )
    with pytest.raises(LockedError, match=f"^{message}$"), lock_folder(tmp_path / "a"):
        pass
    assert path.exists()
    with break_foreign_locks(is_wanted=False), pytest.raises(LockedError), lock_folder(tmp_path / "a"):
        pass
    with break_foreign_locks(), lock_folder(tmp_path / "a"):
        assert read_owner(path).pid == os.getpid()
    assert not path.exists()
    write_lock(tmp_path / "a")
    with pytest.raises(LockedError), lock_folder(tmp_path / "a"):  # the request has ended with its block
        pass


def test_a_lock_that_was_made_less_than_two_seconds_ago_is_not_broken_by_the_second_of_two_processes(
    tmp_path, monkeypatch
):
    path = write_lock(tmp_path / "a")
    monkeypatch.setattr(locks, "time", SimpleNamespace(time=lambda: OLD[1] + 2))
    for age_s in (0, 1.9):
        os.utime(path, (OLD[0], OLD[1] + 2 - age_s))
        assert locks._break_lock(path) is None
        assert read_owner(path).pid == 123
    os.utime(path, OLD)
    broken = locks._break_lock(path)
    assert read_owner(path).pid == os.getpid()
    broken.release()


def test_a_lock_of_another_machine_may_be_broken_after_some_time(tmp_path):
    write_lock(tmp_path / "a")
    with break_foreign_locks(after_s=0.5), pytest.raises(LockedError), lock_folder(tmp_path / "a"):
        pass
    with break_foreign_locks(after_s=0.5), lock_folder(tmp_path / "a", timeout_s=60):
        pass


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"filelock/2\npid=x\nhost=gpu7\n",
        b"123",
        b"filelock/2\npid=123\nhost=gpu7\n",
        b"filelock/2\npid=123\nhost=gpu7\nmode=excl\n",
        b"filelock/2\npid=123\nhost=gpu7\nmode=exclusive\nstart=12\ncommand=archnet",
    ],
)
def test_a_damaged_lock_is_held_until_the_user_breaks_it(tmp_path, content):
    path = tmp_path / LOCK_FILE
    path.write_bytes(content)
    message = (
        f"{tmp_path}: this folder is locked, but its lock does not name a process. Wait for it to end. If no archnet "
        "process is writing to it, add --break-lock."
    )
    with pytest.raises(LockedError, match=f"^{re.escape(message)}$"), lock_folder(tmp_path):
        pass
    assert path.read_bytes() == content
    os.utime(path, OLD)
    with break_foreign_locks(), lock_folder(tmp_path):
        assert read_owner(path).pid == os.getpid()


@pytest.mark.slow
def test_waiting_does_not_break_a_damaged_lock(tmp_path):
    """filelock alone would take it over after two seconds."""
    (tmp_path / LOCK_FILE).write_bytes(b"filelock/2\npid=123\nhost=gpu7\n")
    with pytest.raises(LockedError, match="add --break-lock"), lock_folder(tmp_path, timeout_s=3):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes and restricts links")
def test_a_lock_that_is_not_a_file_is_broken_on_request_and_a_folder_is_named(tmp_path):
    path = tmp_path / LOCK_FILE
    for make in (lambda: path.symlink_to(tmp_path / "missing"), lambda: os.mkfifo(path)):
        make()
        os.utime(path, OLD, follow_symlinks=False)
        with pytest.raises(LockedError, match="does not name a process"), lock_folder(tmp_path):
            pass
        with break_foreign_locks(), lock_folder(tmp_path):
            assert read_owner(path).pid == os.getpid()
        assert list(tmp_path.iterdir()) == []
    path.mkdir()
    message = f"{path}: this folder has the name of archnet's lock file. Remove it."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"), break_foreign_locks(), lock_folder(tmp_path):
        pass


def test_blocks_of_one_thread_share_a_lock_and_other_threads_wait(tmp_path):
    refused = []

    def enter():
        try:
            with lock_folder(tmp_path):
                pass
        except LockedError:
            refused.append(True)

    (tmp_path / "link").symlink_to(tmp_path)
    with lock_folder(tmp_path):
        with lock_folder(tmp_path), lock_folder(tmp_path / "link"):
            pass
        assert (tmp_path / LOCK_FILE).exists()
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    assert refused == [True]
    assert not (tmp_path / LOCK_FILE).exists()


def test_a_block_that_fails_frees_its_lock(tmp_path):
    with pytest.raises(KeyboardInterrupt), lock_folder(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with lock_folder(tmp_path):
        pass


def test_a_new_folder_that_stays_empty_is_removed_with_its_parents(tmp_path):
    with lock_folder(tmp_path / "runs/a"):
        assert (tmp_path / "runs/a" / LOCK_FILE).exists()
    assert list(tmp_path.iterdir()) == []
    with lock_folder(tmp_path / "runs/a"):
        (tmp_path / "runs/b").touch()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["b"]
    (tmp_path / "empty").mkdir()
    with lock_folder(tmp_path / "empty"):
        pass
    assert (tmp_path / "empty").is_dir()


def test_the_writer_of_a_folder_removes_what_killed_ones_left(tmp_path):
    (tmp_path / ".archnet-0123abcd-metrics.json").write_text("{")
    with lock_folder(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [LOCK_FILE]
        (tmp_path / ".archnet-0123abcd-metrics.json").write_text("{")
        with lock_folder(tmp_path):  # its own drafts are in use
            assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "Check the path, its permissions and the space on the disk."),
        (errno.ENOSPC, "Free some disk space."),
        (errno.EROFS, "Mount the disk with write access, or use a copy of the folder on another disk."),
    ],
)
def test_a_folder_that_cannot_be_written_is_named_with_a_remedy(tmp_path, monkeypatch, number, remedy):
    def refuse(self, **options):
        raise OSError(number, os.strerror(number), str(self))

    message = f"{tmp_path}: cannot be written: {os.strerror(number)}. {remedy}"
    with monkeypatch.context() as patch:
        patch.setattr("filelock.MarkerSoftFileLock.acquire", refuse)
        with pytest.raises(RunError, match=f"^{re.escape(message)}$"), lock_folder(tmp_path):
            pass
        assert not is_locked(tmp_path / LOCK_FILE)
        write_lock(tmp_path)
        assert is_locked(tmp_path / LOCK_FILE) == (number == errno.EACCES)  # a lock of another user


ACQUIRE = "filelock.MarkerSoftFileLock.acquire"


@pytest.mark.parametrize("num_removals", [1, 2])
def test_a_folder_that_another_process_removes_is_made_again(tmp_path, monkeypatch, num_removals):
    acquire, folder, calls = MarkerSoftFileLock.acquire, tmp_path / "runs", []

    def acquire_later(self, **options):
        calls.append(1)
        if len(calls) <= num_removals:
            folder.rmdir()
            raise FileNotFoundError
        return acquire(self, **options)

    monkeypatch.setattr(ACQUIRE, acquire_later)
    with lock_folder(folder):
        assert (folder / LOCK_FILE).exists()
    assert len(calls) == num_removals + 1


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_lock_is_tried_once_unless_the_caller_waits(tmp_path, monkeypatch, is_folder):
    calls = []

    def refuse(self, **options):
        calls.append(options)
        raise Timeout(self.lock_file)

    path = write_lock(tmp_path)
    monkeypatch.setattr(ACQUIRE, refuse)
    with pytest.raises(LockedError), lock_folder(tmp_path) if is_folder else hold_lock(path):
        pass
    assert len(calls) == 1


def test_a_folder_that_another_process_keeps_removing_is_named(tmp_path, monkeypatch):
    def refuse(self, **options):
        raise FileNotFoundError

    monkeypatch.setattr(ACQUIRE, refuse)
    message = f"{tmp_path / 'runs'}: another process keeps removing this folder. Choose another folder."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"), lock_folder(tmp_path / "runs"):
        pass


def test_a_lock_whose_owner_cannot_be_recorded_is_freed(tmp_path, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(locks, "owner_lines", interrupt)
        with pytest.raises(KeyboardInterrupt), hold_lock(tmp_path / ".x.lock"):
            pass
    assert list(tmp_path.iterdir()) == []
    with hold_lock(tmp_path / ".x.lock"):
        assert read_owner(tmp_path / ".x.lock").pid == os.getpid()


def test_a_lock_that_was_freed_a_moment_ago_is_tried_again(tmp_path, monkeypatch):
    acquire, calls = MarkerSoftFileLock.acquire, []

    def meet_lock(self, **options):
        calls.append(1)
        if len(calls) == 1:
            raise Timeout(self.lock_file)
        return acquire(self, **options)

    monkeypatch.setattr(ACQUIRE, meet_lock)
    with hold_lock(tmp_path / ".x.lock"):
        assert len(calls) == 2


def test_a_file_can_be_locked_alone(tmp_path):
    with hold_lock(tmp_path / ".x.lock"):
        assert [path.name for path in tmp_path.iterdir()] == [".x.lock"]
        with hold_lock(tmp_path / ".x.lock"):
            pass
    assert list(tmp_path.iterdir()) == []
    assert not is_locked(tmp_path / "missing/.x.lock")


def test_an_owner_is_described_by_what_is_recorded():
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    owner = LockOwner(pid=5, host="gpu7", since=now - timedelta(minutes=2), command="archnet run a.json")
    clock = f"{owner.since.astimezone():%H:%M}"
    if owner.since.astimezone().date() == now.astimezone().date():
        assert owner.describe(now) == f"archnet run a.json (process 5 on gpu7, since {clock}, 2 min)"
    assert LockOwner(pid=5, host="gpu7").describe(now) == "process 5 on gpu7"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (172_799, "47 h"),
        (172_800, "2 days"),
        (259_199, "2 days"),
    ],
)
def test_the_age_of_a_lock_is_in_whole_units(seconds, age):
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    text = LockOwner(pid=5, host="gpu7", since=now - timedelta(seconds=seconds)).describe(now)
    assert text.endswith(f", {age}")


def test_the_command_in_a_lock_is_short_printable_text(tmp_path, monkeypatch):
    monkeypatch.setattr(lock_owner, "command_line", lambda: "archnet run 'ä\n\x1b[31m" + "x" * 5000)
    with hold_lock(tmp_path / ".x.lock"):
        text = (tmp_path / ".x.lock").read_bytes().decode("ascii")
        owner = read_owner(tmp_path / ".x.lock")
    assert owner.command.startswith("archnet run '\\xe4??[31mxxx")
    assert owner.command.endswith("xxx...")
    assert len(owner.command) == 300 + len("...")
    assert len(text) < 1024  # filelock reads no more
    write_lock(tmp_path, host="gpu\x1b7?pidns-f00", extra="command=a\x1b[31m\x85b\nsince=yesterday\n")
    assert read_owner(tmp_path / LOCK_FILE) is None  # not ASCII
    write_lock(tmp_path, host="gpu\x1b7?pidns-f00", extra="command=a\x1b[31mb\nsince=yesterday\n")
    assert read_owner(tmp_path / LOCK_FILE) == LockOwner(pid=123, host="gpu?7", command="a?[31mb")


def test_waiting_ends_when_the_lock_is_freed(tmp_path, start):
    process = start(HOLD, tmp_path)
    threading.Timer(0.5, process.stdin.close).start()
    begin = time.monotonic()
    with lock_folder(tmp_path, timeout_s=60):
        pass
    assert time.monotonic() - begin < 50
