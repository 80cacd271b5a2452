"""`archnet data info` and `archnet data prune --all` on a home folder."""

import json
import re
import sys
from types import SimpleNamespace

import pytest

from archnet.cli.datasets import data_prune
from archnet.errors import DocumentError
from archnet.files.disk import format_bytes
from command_line import invoked
from user_home import listed, use_home, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folders that Linux uses are written here")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with the traceback of an error and a completion script."""
    use_home(tmp_path, monkeypatch)
    write(tmp_path / "XDG_STATE_HOME/archnet/log/last_error.txt", "x" * 12)
    write(tmp_path / ".zfunc/_archnet", "_ARCHNET_COMPLETE")
    write(tmp_path / "ray_files/ray/log", "y" * 7)
    return tmp_path


def lines(home):
    return [
        f" 12 bytes  {home}/XDG_STATE_HOME/archnet/log/last_error.txt  traceback of the last error",
        f" 17 bytes  {home}/.zfunc/_archnet  completion for zsh",
        " 29 bytes  in total: 2 items outside run folders",
        "Shared with other programs; archnet does not remove them:",
        f"  7 bytes  {home}/ray_files/ray  Ray: logs of sweeps",
    ]


def test_info_lists_paths_and_sizes(home):
    printed = invoked("data", "info")
    assert printed.stdout.splitlines() == [
        *lines(home),
        "Remove everything of archnet's own with: archnet data prune --all",
    ]
    document = json.loads(invoked("data", "info", "--json").stdout)
    assert document == {
        "stores": [],
        "files": [
            {
                "kind": "log",
                "path": f"{home}/XDG_STATE_HOME/archnet/log/last_error.txt",
                "num_bytes": 12,
                "description": "traceback of the last error",
            },
            {
                "kind": "completion",
                "path": f"{home}/.zfunc/_archnet",
                "num_bytes": 17,
                "description": "completion for zsh",
            },
        ],
        "shared": [{"path": f"{home}/ray_files/ray", "num_bytes": 7, "description": "Ray: logs of sweeps"}],
        "num_bytes": 29,
    }


def test_info_of_an_empty_home_offers_no_removal(tmp_path, monkeypatch):
    use_home(tmp_path, monkeypatch)
    assert invoked("data", "info").stdout == "  0 bytes  in total: 0 items outside run folders\n"
    assert invoked("data", "prune", "--all").stdout == "  0 bytes  in total: 0 items outside run folders\n"


def test_prune_all_lists_and_removes_without_asking_in_scripts(home):
    printed = invoked("data", "prune", "--all", "--yes")
    assert printed.stdout.splitlines() == lines(home)
    assert printed.stderr == "Removed: 2 items, 29 bytes\n"
    assert printed.exit_code == 0
    assert listed(home) == []
    assert (home / "ray_files/ray/log").is_file()


def test_a_dry_run_removes_nothing(home):
    before = listed(home)
    printed = invoked("data", "prune", "--all", "--dry-run", "--json")
    assert len(json.loads(printed.stdout)["files"]) == 2
    assert printed.stderr == "Would be removed: 2 items, 29 bytes\n"
    assert listed(home) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--all"], "--all: cannot ask for confirmation without a terminal. Add --yes."),
        (["--all", "--json"], "--json: cannot ask for confirmation. Add --yes or --dry-run."),
        (["--yes"], "--yes: has no effect without --all. Add --all, or omit --yes."),
    ],
)
def test_nothing_is_removed_without_consent(home, options, message):
    before = listed(home)
    printed = invoked("data", "prune", *options)
    assert isinstance(printed.exception, DocumentError)
    assert re.fullmatch(re.escape(message), str(printed.exception))
    assert "--json" not in options or printed.stdout == ""
    assert listed(home) == before


def test_a_line_that_is_left_to_the_user_is_printed(home):
    write(home / ".bash_completions/archnet.sh", "_ARCHNET_COMPLETE")
    script = home / ".bash_completions/archnet.sh"
    write(home / "dotfile", f"source '{script}'\n")
    (home / ".bashrc").symlink_to(home / "dotfile")
    printed = invoked("data", "prune", "--all", "--yes")
    assert printed.stderr == (
        f"{home}/.bashrc is a link and was not edited. Remove this line from it, then {script}: source '{script}'\n"
        "Everything else was removed.\n"
    )


@pytest.mark.parametrize(("answer", "code", "is_removed"), [(True, 0, True), (False, 2, False)])
def test_prune_all_asks_on_a_terminal(home, monkeypatch, answer, code, is_removed):
    asked = []
    monkeypatch.setattr(data_prune, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr(data_prune.typer, "confirm", lambda text, err: asked.append(text) or answer)
    printed = invoked("data", "prune", "--all")
    assert asked == [f"Remove 2 items, {format_bytes(29)}?"]
    assert printed.exit_code == code
    assert (listed(home) == []) == is_removed
