import re
import subprocess

import pytest

from archnet import machine
from archnet.machine import environment, git_state, usable_cores

GROUPS = "4:cpu,cpuacct:/pod/one\n0::/pod/one\n"


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


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) is None


def test_the_environment_states_when_a_run_started():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", environment()["started"])


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"pod/one/cpu.max": "max 100000"}, 8),
        ({"pod/one/cpu.max": "250000 100000"}, 2),
        ({"cpu.max": "400000 100000", "pod/cpu.max": "max 100000"}, 4),  # of all groups that contain the process
        ({"pod/one/cpu.max": "50000 100000"}, 1),
        ({"pod/one/cpu.max": "1600000 100000"}, 8),
        ({"cpu/pod/one/cpu.cfs_quota_us": "300000", "cpu/pod/one/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/pod/one/cpu.cfs_quota_us": "-1", "cpu/pod/one/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu/pod/one/cpu.cfs_quota_us": "300000"}, 8),
    ],
)
def test_usable_cores_are_limited_by_affinity_and_by_the_quota_of_a_container(tmp_path, monkeypatch, files, cores):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    (tmp_path / "groups").write_text(GROUPS)
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "_GROUP_ROOT", tmp_path)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert usable_cores() == cores
