"""The command line as a process in hostile environments: closed and full streams, no home folder, few open files, signals."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from command_line import ROOT, archnet
from long_tests import long_except

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells, signals and limits")

SHOW = f"{ROOT}/archs/archsm.json"
TOTAL = "Training takes 982 MB at batch size 64 (predicted for float32 and AdamW)."
BUG = "import archnet.spec.arch as a; a.parse_arch = lambda path: 1 / 0; from archnet.cli import main; main()"


def _shell(script, *arguments, cwd=ROOT, **environment):
    """A finished shell script, in which "$archnet" is the command and "$1" the first argument."""
    command = f"archnet='{sys.executable} -m archnet'; set -o pipefail; {script}"
    return subprocess.run(
        ["bash", "-c", command, "bash", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


@pytest.fixture
def run(tmp_path):
    """The arguments of a run of a few seconds into `tmp_path / "out"`."""
    labels = np.arange(40) % 2
    voxels = np.random.default_rng(0).random((40, 8, 8)) / 2 + labels[:, None, None] / 2
    np.savez(tmp_path / "cases.npz", x=voxels, y=labels)
    (tmp_path / "net.json").write_text('{"rank": 2, "layers": [{"type": "T"}]}')
    settings = ("--set", "training.epochs=1", "--set", "evaluation.bootstraps=10")
    return [
        "run",
        tmp_path / "net.json",
        "--data",
        f"npz:{tmp_path / 'cases.npz'}",
        *settings,
        "--out",
        tmp_path / "out",
    ]


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_the_command_as_sigpipe_does():
    done = _shell('$archnet show "$1" | true; echo ${PIPESTATUS[0]}', SHOW)
    assert (done.stdout, done.stderr) == ("141\n", "")


@pytest.mark.slow
def test_streams_may_be_closed_or_full():
    help_ = _shell("$archnet --help | true; echo ${PIPESTATUS[0]}")
    assert (help_.stdout, help_.stderr) == ("141\n", "")
    without_stdout = _shell('$archnet show "$1" --json >&-', SHOW)
    assert (without_stdout.returncode, without_stdout.stderr) == (0, "")
    without_stdin = _shell('$archnet show "$1" <&-', SHOW)
    assert without_stdin.returncode == 0
    assert TOTAL in without_stdin.stdout
    without_stderr = _shell("$archnet show no_file 2>&-")
    assert (without_stderr.returncode, without_stderr.stdout) == (2, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_device_is_named():
    for command in ("check", "show"):
        done = _shell(f'$archnet {command} "$1" >/dev/full', SHOW)
        assert done.returncode == 2
        assert done.stderr == "standard output: No space left on device. Free some disk space.\n"
    assert _shell("$archnet show no_file 2>/dev/full").returncode == 2


@pytest.mark.slow
def test_neither_locale_nor_width_nor_a_deleted_folder_stops_a_command(tmp_path):
    done = archnet(
        "show", SHOW, LANG="C", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert TOTAL in done.stdout
    done = archnet("show", SHOW, COLUMNS="0")
    assert TOTAL in done.stdout
    done = _shell('mkdir gone && cd gone && rmdir ../gone && $archnet show "$1"', SHOW, cwd=tmp_path)
    assert TOTAL in done.stdout
    done = _shell("mkdir gone && cd gone && rmdir ../gone && $archnet data phantom --out new", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "The current folder no longer exists. Change to another folder and run the same command again."
    )


def _bug(**environment):
    return subprocess.run(
        [sys.executable, "-c", BUG, "show", SHOW],
        env={**os.environ, "XDG_STATE_HOME": "", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.slow
def test_the_traceback_of_a_bug_is_printed_if_no_file_can_hold_it(tmp_path):
    (tmp_path / "file").write_text("")
    done = _bug(HOME=str(tmp_path / "file"))
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[:3] == [
        "A bug in archnet: ZeroDivisionError: division by zero",
        "The traceback cannot be saved to a file:",
        "Traceback (most recent call last):",
    ]
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert done.stderr.count("Traceback (most recent call last):") == 1


@pytest.mark.slow
def test_an_error_of_the_system_is_one_line_where_home_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    done = archnet(
        "data", "phantom", "--out", tmp_path / "file" / "new", HOME=str(tmp_path / "file"), XDG_STATE_HOME=""
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"{tmp_path / 'file'}")
    assert "File exists. Check the path, its permissions and the space on the disk." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("setpriv") is None or os.geteuid() != 0, reason="only root with setpriv can become another user"
)
def test_a_user_without_a_home_folder_and_rights_gets_one_line():
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_STATE_HOME")}
    environment |= {"ARCHNET_STORE": "", "ARCHNET_DATA": "", "XDG_DATA_HOME": ""}

    def run_as_user(*arguments, code="from archnet.cli import main; main()"):
        return subprocess.run(
            [
                "setpriv",
                "--reuid",
                "54321",
                "--regid",
                "65534",
                "--clear-groups",
                sys.executable,
                "-c",
                code,
                *arguments,
            ],
            cwd="/",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    if run_as_user("--version").returncode != 0:
        pytest.skip("another user cannot read this installation")
    done = run_as_user("data", "info")
    assert done.returncode == 2
    assert done.stderr == (
        "The home folder of this user is unknown. Set $ARCHNET_DATA to a folder for data sets and crops.\n"
    )
    done = run_as_user("data", "phantom", "--out", "/phantom")
    assert done.returncode == 2
    assert "Permission denied" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    done = run_as_user("show", SHOW, code=BUG)
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        "A bug in archnet: ZeroDivisionError: division by zero",
        "The traceback cannot be saved to a file:",
    ]


@pytest.mark.long
def test_a_run_needs_no_home_no_temporary_folder_and_few_open_files(run, tmp_path):
    (tmp_path / "file").write_text("")
    nowhere = str(tmp_path / "file")
    done = _shell(
        'ulimit -n 40 && $archnet "$@"', *run, HOME=nowhere, TMPDIR=nowhere, MPLCONFIGDIR="", XDG_STATE_HOME=""
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Reading the npz data\nImporting Keras and its backend, tensorflow\nKeras "), (
        done.stderr
    )
    assert (tmp_path / "out" / "net" / "report.html").is_file()
    folder = tmp_path / "out" / "net"
    done = _shell('ulimit -n 40 && $archnet report "$1"', folder, HOME=nowhere, TMPDIR=nowhere)
    assert (done.returncode, done.stderr) == (0, "")
    picture = ["data", "info", run[3], "--picture", "first", "--out", tmp_path / "case.png"]
    done = archnet(*picture, HOME=nowhere, TMPDIR=nowhere, MPLCONFIGDIR="")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_sweep_that_may_not_open_enough_files_names_the_limit(tmp_path):
    done = _shell('ulimit -n 40 && $archnet sweep experiments/sweep_width.json --out "$1"', tmp_path / "sweep")
    assert done.returncode == 2
    assert done.stderr == (
        "This process may open 40 files (ulimit -n), but a sweep needs 1,024 for Ray. Raise the limit with ulimit -n 1024 "
        "and run the same command again.\n"
    )
    assert not (tmp_path / "sweep").exists()


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_named_with_what_was_kept(run, tmp_path):
    # Python would not notice that the limit truncates the bytecode that it saves.
    done = _shell('ulimit -f 20 && PYTHONDONTWRITEBYTECODE=1 $archnet "$@"', *run)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"{tmp_path / 'out' / 'net' / 'model.keras'}: File too large. The file exceeds the size limit for files: see ulimit -f. "
        "Finished runs and the last checkpoint are kept: run the same command with --resume to continue."
    )
    assert "Traceback" not in done.stderr
    resumed = archnet(*run, "--resume")
    assert resumed.returncode == 0, resumed.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), long_except({(signal.SIGTERM, 143)}, [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
)
def test_a_signal_keeps_the_checkpoint_and_says_how_to_resume(run, tmp_path, number, code):
    run[run.index("training.epochs=1")] = "training.epochs=100000"
    with subprocess.Popen(
        [sys.executable, "-m", "archnet", *map(str, run)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        assert any(re.search("epoch +2/", line) for line in process.stderr)
        process.send_signal(number)
        last = process.stderr.readlines()[-1]
        assert process.wait(60) == code
    assert last == "Interrupted. Nothing is lost: run the same command with --resume to continue.\n"
    assert (tmp_path / "out" / "net" / "checkpoint").exists()


def test_an_interruption_while_archnet_is_imported_leaves_no_traceback():
    """The signal arrives when the command line starts to import typer."""
    code = (
        "import importlib.abc, os, signal, sys\n"
        "class Interrupting(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'typer':\n"
        "            os.kill(os.getpid(), int(sys.argv[1]))\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from archnet.__main__ import main; main()"
    )
    for number, exit_code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        command = [sys.executable, "-c", code, str(int(number))]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (exit_code, "", "")


def test_an_ignored_signal_stays_ignored_as_under_nohup():
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from archnet import interruption; interruption.install_handlers()\n"
        "assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN; signal.raise_signal(signal.SIGHUP)\n"
        "interruption.release_handlers(); assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL; print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("alive\n", "")


def test_an_interruption_that_a_callback_swallows_comes_again():
    code = (
        "import os, signal, time\n"
        "from archnet import interruption\n"
        "class Swallowing:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGTERM); time.sleep(0)\n"
        "interruption.install_handlers()\n"
        "with interruption.quiet_exit():\n"
        "    Swallowing()\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stderr) == (143, "")


def test_an_error_into_which_an_import_turned_the_interruption_is_quiet():
    code = (
        "import signal\n"
        "from archnet import interruption\n"
        "interruption.install_handlers()\n"
        "with interruption.quiet_exit():\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "    except KeyboardInterrupt:\n"
        "        raise ImportError('numpy failed to import') from None\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (143, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_python_m_keeps_the_exit_code_of_an_interruption_in_text_that_is_executed(tmp_path, number, code):
    """Dataclasses and named tuples execute text while archnet is imported."""
    (tmp_path / "interrupted.py").write_text(
        "from archnet import interruption\n"
        "interruption.install_handlers()\n"
        "with interruption.quiet_exit():\n"
        f"    exec('import signal; signal.raise_signal({int(number)})')\n"
    )
    command = [sys.executable, "-m", "interrupted"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "text"), [("DocumentError('It cannot be read.')", "It cannot be read.\n"), ("ValueError('broken')", "")]
)
def test_a_command_that_turns_the_interruption_into_an_error_exits_as_interrupted(error, text):
    code = (
        "import signal\n"
        "import archnet.spec.arch as a\n"
        "from archnet.cli import main\n"
        "from archnet.errors import DocumentError\n"
        "def parse_arch(path):\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "    except KeyboardInterrupt:\n"
        f"        raise {error} from None\n"
        "a.parse_arch = parse_arch; main()\n"
    )
    command = [sys.executable, "-c", code, "show", SHOW]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (143, text)


@pytest.mark.long
def test_names_in_messages_reach_no_terminal_as_control_characters(tmp_path):
    evil = tmp_path / "\x1b[2J[red]\u202e[bold\r.json"
    evil.write_text('[{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "T"}]')
    name = str(tmp_path) + r"/\x1b[2J[red]\u202e[bold\x0d.json"
    done = archnet("check", evil, "--json")
    assert '[2J[red]\\u202e[bold\\r.json"' in done.stdout
    done = _shell('$archnet check "$1" && $archnet show "$1" | head -1; $archnet show "$1" "$2"', evil, "x\x1b[31m")
    assert done.stdout.startswith(f"{name}: valid: 2D")
    assert "Got unexpected extra argument(s) (x\\x1b[31m)" in done.stderr
    assert not any(character in done.stdout + done.stderr for character in "\x1b\r\u202e")
