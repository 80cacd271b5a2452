import re
import subprocess

from archnet.machine import environment, git_state


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
