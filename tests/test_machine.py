import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from archnet import machine
from archnet.machine import (
    command_line,
    environment,
    free_memory_bytes,
    git_state,
    package_version,
    peak_memory_bytes,
    reset_peak_memory,
    resident_memory_bytes,
    usable_cores,
)

GROUPS = "4:cpu,cpuacct:/pod:1/one\n0::/pod:1/one\n"


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_the_git_commit_of_a_folder_is_recorded_and_tracked_changes_are_marked(tmp_path):
    git(tmp_path, "init")
    assert git_state(tmp_path) is None
    (tmp_path / "net.json").write_text("{}")
    git(tmp_path, "add", "net.json")
    git(tmp_path, "commit", "-m", "x")
    state = git_state(tmp_path)
    assert re.fullmatch("[0-9a-f]{40}", state["commit"])
    assert state["has_uncommitted_changes"] is False
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "untracked").touch()
    assert git_state(tmp_path / "runs") == state
    (tmp_path / "net.json").write_text("[]")
    assert git_state(tmp_path) == {**state, "has_uncommitted_changes": True}
    (tmp_path / ".git/index").write_bytes(b"damaged")
    assert git_state(tmp_path) is None


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) is None


def test_a_git_that_hangs_is_given_up(tmp_path, monkeypatch):
    waits = []

    def hang(command, *, timeout, stdin, **_):
        waits.append((timeout, stdin))
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    assert git_state(tmp_path) is None
    assert waits == [(5, subprocess.DEVNULL)] * 2


def test_the_environment_states_when_a_run_started():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", environment()["started"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no colon in a name")
@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"pod:1/one/cpu.max": "max 100000"}, 8),
        ({"pod:1/one/cpu.max": "250000 100000"}, 2),
        ({"cpu.max": "400000 100000", "pod:1/cpu.max": "max 100000"}, 4),  # of all groups that contain the process
        ({"pod:1/one/cpu.max": "50000 100000"}, 1),
        ({"pod:1/one/cpu.max": "1600000 100000"}, 8),
        ({"cpu/pod:1/one/cpu.cfs_quota_us": "300000", "cpu/pod:1/one/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/pod:1/one/cpu.cfs_quota_us": "-1", "cpu/pod:1/one/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu/pod:1/one/cpu.cfs_quota_us": "300000"}, 8),
    ],
)
def test_usable_cores_are_limited_by_affinity_and_by_the_quota_of_a_container(tmp_path, monkeypatch, files, cores):
    monkeypatch.setattr("os.sched_getaffinity", {0: set(range(8))}.__getitem__, raising=False)  # 0: this process
    (tmp_path / "groups").write_text(GROUPS)
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "_GROUP_ROOT", tmp_path)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert usable_cores() == cores


@pytest.mark.parametrize(("count", "cores"), [(6, 6), (None, 1)])
def test_without_an_affinity_all_cores_of_the_machine_are_usable(tmp_path, monkeypatch, count, cores):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: count)
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "missing")
    assert usable_cores() == cores


CPUINFO = "processor\t: 0\nmodel name\t: Fast CPU: v2 @ 3 GHz\nmodel name\t: another\n"


@pytest.mark.parametrize(
    ("text", "name"), [(CPUINFO, "Fast CPU: v2 @ 3 GHz"), ("processor\t: 0\n", "aarch64"), (None, "aarch64")]
)
def test_the_processor_is_named_as_the_system_names_it(monkeypatch, text, name):
    is_file, read_text = Path.is_file, Path.read_text
    monkeypatch.setattr(Path, "is_file", lambda path: text is not None if path.name == "cpuinfo" else is_file(path))
    monkeypatch.setattr(
        Path, "read_text", lambda path, *args, **kw: text if path.name == "cpuinfo" else read_text(path, *args, **kw)
    )
    monkeypatch.setattr(machine.platform, "processor", lambda: "aarch64")
    assert environment()["processor"] == name


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["/usr/bin/archnet", "run", "a b.json"], "archnet run 'a b.json'"),
        (["C/archnet.exe", "run"], "archnet run"),
        (["lib/archnet/__main__.py", "--version"], "archnet --version"),
        (["lib/other/__main__.py", "a b"], "lib/other/__main__.py 'a b'"),
        (["archnet/train.py"], "archnet/train.py"),
        ([""], "''"),
    ],
)
def test_the_command_is_written_as_it_can_be_repeated(monkeypatch, argv, text):
    monkeypatch.setattr("sys.argv", argv)
    assert command_line() == text


def test_the_memory_of_this_process_is_read_from_its_status(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_STATUS", tmp_path / "status")
    (tmp_path / "status").write_text("VmPeak:\t     900 kB\nVmHWM:\t     700 kB\nVmRSS:\t     300 kB\n")
    assert (resident_memory_bytes(), peak_memory_bytes()) == (300 * 1024, 700 * 1024)


BOX = {"meminfo": "MemTotal: 99 kB\nMemAvailable: 8 kB", "box/memory.max": "5000", "box/memory.current": "3000"}


@pytest.mark.parametrize(
    ("files", "free"),
    [
        (BOX, 8192),  # without memory.stat, the limit is not known
        ({**BOX, "box/memory.stat": "anon 7"}, 2000),
        ({**BOX, "box/memory.stat": "inactive_file 100"}, 2100),
        ({**BOX, "box/memory.stat": "inactive_file 100\ntotal_inactive_file 300"}, 2300),  # version 1 has both
        ({**BOX, "box/memory.stat": "anon 7", "box/memory.current": "6000"}, 0),
        ({**BOX, "box/memory.stat": "anon 7", "box/memory.max": "max"}, 8192),
        ({**BOX, "box/memory.stat": "anon 7", "box/memory.max": "99000"}, 8192),
        ({**BOX, "meminfo": "MemTotal: 99 kB"}, None),
    ],
)
def test_the_free_memory_is_what_the_machine_and_the_container_leave(tmp_path, monkeypatch, files, free):
    (tmp_path / "box").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(f"{text}\n")
    (tmp_path / "groups").write_text("0::/box\n")
    (tmp_path / "status").write_text("VmRSS: 3 kB\n")
    for name, path in {"_MEMINFO": "meminfo", "_GROUPS": "groups", "_GROUP_ROOT": "", "_STATUS": "status"}.items():
        monkeypatch.setattr(machine, name, tmp_path / path)
    assert free_memory_bytes() == (None if free is None else free + 3 * 1024)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not report the peak")
@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_the_peak_is_asked_of_the_system_where_the_status_lacks_it(tmp_path, monkeypatch, platform, unit):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(machine, "_STATUS", tmp_path / "missing")
    monkeypatch.setattr(
        resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=12 if who == resource.RUSAGE_SELF else 0)
    )
    monkeypatch.setattr(machine.sys, "platform", platform)
    assert (resident_memory_bytes(), peak_memory_bytes()) == (None, 12 * unit)


@pytest.mark.parametrize("is_there", [True, False])
def test_the_peak_is_restarted_where_the_system_can(tmp_path, monkeypatch, is_there):
    monkeypatch.setattr(machine, "_CLEAR", tmp_path / ("clear_refs" if is_there else "missing/clear_refs"))
    reset_peak_memory()
    assert [path.read_text() for path in tmp_path.rglob("*")] == ["5"] * is_there


def test_packages_that_are_not_installed_have_no_version(monkeypatch):
    monkeypatch.setattr(machine, "PACKAGES", ("archnet", "no-such-package"))
    assert package_version("no-such-package") is None
    assert environment()["packages"] == {"archnet": package_version("archnet")}
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", package_version("archnet"))
