"""Sessions of Ray that are lost are started again, and nothing of them is left; Ray itself is not needed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from archnet.errors import RunError
from archnet.sweep.ray_process import _run_session, session_task
from archnet.sweep.ray_session import SessionRunner
from archnet.sweep.results.trials import Trial, TrialRun, write_trial
from archnet.sweep.session_processes import kill_session, session_members
from archnet.sweep.session_watch import SessionWatch, check_address, find_ended_server, watch_session
from archnet.sweep.tune import SessionLostError, TuneRunner, _check_resources
from small_sweeps import make_schedule, small_sweep

pytest.importorskip("ray")

RAY_PROCESS = Path(__file__).parents[1] / "fake_ray_process.py"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")


@pytest.fixture
def sessions(tmp_path):
    """Sessions that play scenes, on a sweep of four trials."""
    return Sessions(tmp_path)


class Sessions:
    def __init__(self, folder):
        self.folder = folder
        self.out = folder / "out"
        self.ended = []
        for number in range(4):
            trial = Trial(number=number, values={}, runs={"net": TrialRun()}, arch="net", parameters=1, macs=1)
            write_trial(self.out, trial)

    def run(self, *scenes, address=None):
        schedule = make_schedule(small_sweep(self.folder), self.out, self.ended)
        command = (sys.executable, str(RAY_PROCESS), str(self.folder), *scenes)
        SessionRunner(address=address, ray_command=command).run(schedule)

    def starts(self):
        """The processes of each session."""
        return [
            [int(process) for process in line.split()] for line in (self.folder / "starts").read_text().splitlines()
        ]

    def survivors(self):
        return {process for pair in self.starts() for process in pair if is_alive(process)}


def test_a_session_takes_its_options_from_its_task(tmp_path, monkeypatch):
    runs = []
    monkeypatch.setattr(TuneRunner, "run", lambda runner, schedule: runs.append((runner, schedule)))
    schedule = make_schedule(small_sweep(tmp_path), tmp_path / "out")
    _run_session(session_task(schedule, address="auto", command=("archnet", "-q"), num_cpus=3), lambda *_: None)
    ((runner, carried_out),) = runs
    assert (runner.address, list(runner.command), runner.num_cpus) == ("auto", ["archnet", "-q"], 3)
    assert (carried_out.folder, carried_out.evaluated_sets) == (schedule.folder, schedule.evaluated_sets)


def is_alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_session_reports_trials_and_messages_and_leaves_no_process(sessions, caplog):
    sessions.run("trial log trial done")
    assert sessions.ended == [(0, "finished"), (1, "finished")]
    assert "50% of it" in caplog.messages
    assert len(sessions.starts()) == 1
    assert sessions.survivors() == set()


def test_a_lost_ray_is_ended_and_started_again(sessions, caplog):
    sessions.run("trial lost", "killed", "exits", "trial done")
    assert [number for number, _ in sessions.ended] == [0, 1]
    assert [message for message in caplog.messages if "restarting Ray" in message] == [
        "as lost. No results are lost: restarting Ray (restart 1).",
        "The Ray driver process was killed by SIGKILL. No results are lost: restarting Ray (restart 2).",
        "The Ray driver process ended with code 3. No results are lost: restarting Ray (restart 3).",
    ]
    assert sessions.survivors() == set()


@pytest.mark.slow
def test_only_losses_without_the_end_of_a_trial_add_up(sessions):
    with pytest.raises(RunError) as error:
        sessions.run("lost", "lost", "trial lost", "trial lost", "lost")
    assert str(error.value) == (
        f"as lost. Ray was lost 4 times in a row. Ray's messages are in {sessions.out / 'ray.txt'}. Nothing is "
        "lost: run the same command with --resume to continue."
    )
    assert len(sessions.starts()) == 7
    assert sessions.survivors() == set()


def test_a_cluster_is_not_started_again(sessions):
    message = (
        f"as lost. Ray's messages are in {sessions.out / 'ray.txt'}. Nothing is lost: run the same command with "
        "--resume to continue."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        sessions.run("lost", address="127.0.0.1:6379")
    assert len(sessions.starts()) == 1


@pytest.mark.parametrize(("scene", "error"), [("failed", RunError), ("bug", RuntimeError)])
def test_an_error_ends_the_sweep(sessions, scene, error):
    with pytest.raises(error, match=f"^as {scene}$"):
        sessions.run(scene)
    assert len(sessions.starts()) == 1
    assert sessions.survivors() == set()


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_ends_the_session(sessions, monkeypatch, number, error):
    def leave(signum, frame):
        raise error

    earlier = signal.signal(number, leave)
    killer = subprocess.Popen(
        ["sh", "-c", f"while [ ! -s {sessions.folder}/starts ]; do sleep 0.05; done; kill -{int(number)} {os.getpid()}"]
    )
    try:
        with pytest.raises(error):
            sessions.run("hangs")
    finally:
        signal.signal(number, earlier)
        killer.kill()
        killer.wait()
    assert sessions.survivors() == set()


@pytest.mark.slow
def test_a_session_ends_when_its_sweep_is_killed(sessions):
    script = f"import sys; sys.path[:0] = {sys.path!r}; from pathlib import Path; " + (
        f"from sweep.test_ray_session import Sessions; Sessions(Path({str(sessions.folder)!r})).run('hangs')"
    )
    sweep = subprocess.Popen([sys.executable, "-c", script])
    while not (sessions.folder / "starts").exists() or not sessions.starts():
        assert sweep.poll() is None
        time.sleep(0.05)
    sweep.kill()
    sweep.wait()
    while sessions.survivors():  # a test that hangs here has failed
        time.sleep(0.05)


def test_the_processes_of_a_session_are_known_by_it():
    session = subprocess.Popen(["sh", "-c", "sleep 600 & sleep 600"], start_new_session=True)
    while len(session_members(session.pid)) < 3:
        time.sleep(0.01)
    kill_session(session.pid)
    assert session.wait() == -signal.SIGKILL
    while session_members(session.pid):  # until the system has ended the others
        time.sleep(0.01)


@pytest.mark.parametrize("is_alone", [False, True])
def test_without_a_list_of_processes_the_group_of_a_session_is_killed(is_alone, monkeypatch, tmp_path):
    monkeypatch.setattr("archnet.sweep.session_processes._PROCESSES", tmp_path / "none")
    if is_alone:  # no such session
        kill_session(2**22 + 1)
        return
    session = subprocess.Popen(["sleep", "600"], start_new_session=True)
    kill_session(session.pid)
    assert session.wait() == -signal.SIGKILL


def test_a_process_that_leads_no_session_exits_alone_when_its_input_closes():
    script = "from archnet.sweep.session_processes import end_with_input; end_with_input(); print('still here')"
    done = subprocess.run([sys.executable, "-c", script], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def test_a_process_that_has_ended_meanwhile_is_no_member(monkeypatch, tmp_path):
    for number, text in ((7, "7 (a (b) c) S 1 7 9 0"), (8, "8 (d) Z 1 8 9 0"), (6, "6 (e) R 1 6 5 0")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / f"{number}/stat").write_text(text)
    (tmp_path / "10").mkdir()
    (tmp_path / "10/stat").symlink_to(tmp_path / "gone")
    monkeypatch.setattr("archnet.sweep.session_processes._PROCESSES", tmp_path)
    assert session_members(9) == {7}
    assert session_members(0) == set()


def test_what_ray_raises_under_way_is_a_loss_and_its_files_are_removed(monkeypatch, tmp_path):
    class LostError(Exception):
        pass

    def lose():
        raise LostError("The driver is gone.\nIts stack trace")

    schedule = make_schedule(small_sweep(tmp_path), tmp_path / "out")
    (tmp_path / "out/.ray").mkdir(parents=True)
    ended = []
    ray = SimpleNamespace(
        tune=SimpleNamespace(TuneError=LostError),
        exceptions=SimpleNamespace(RayError=OSError),
        nodes=lambda: [{"Alive": True, "Resources": {"CPU": 1}}],
        shutdown=lambda: ended.append(True),
    )
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.tune", ray.tune)
    monkeypatch.setattr("archnet.sweep.tune.SessionWatch", lambda: SimpleNamespace(problem=lambda: None))
    monkeypatch.setattr(TuneRunner, "_start_ray", lambda runner: None)
    monkeypatch.setattr(TuneRunner, "_make_tuner", lambda *_: SimpleNamespace(fit=lose))
    with pytest.raises(SessionLostError, match=r"^Ray has stopped the sweep: The driver is gone\.$"):
        TuneRunner().run(schedule)
    assert ended == [True]
    assert not (tmp_path / "out/.ray").exists()


@pytest.mark.parametrize(
    ("nodes", "resources", "most"),
    [
        ([(4, 0, True), (2, 1, True)], {"cpus": 4, "gpus": 1}, (4, 1)),
        ([(8, 1, False), (2, 0, True)], {"cpus": 3}, (2, 0)),
        ([], {}, (0, 0)),
        ([(4, 1, True)], {"cpus": 4, "gpus": 1}, None),
        ([(1, 0, False), (1, 0.5, True)], {"cpus": 1, "gpus": 0.5}, None),
    ],
)
def test_a_run_needs_one_machine_with_all_its_resources(nodes, resources, most, tmp_path):
    sweep = small_sweep(tmp_path, resources=resources)
    found = [
        {"Alive": alive, "Resources": {"CPU": cpus, **({"GPU": gpus} if gpus else {})}} for cpus, gpus, alive in nodes
    ]
    if most is None:
        _check_resources(sweep, found)
        return
    with pytest.raises(RunError, match=rf"at most {most[0]} CPUs and {most[1]} GPUs\. "):
        _check_resources(sweep, found)


def test_three_problems_in_a_row_are_a_loss(monkeypatch):
    monkeypatch.setattr("archnet.sweep.session_watch.CHECK_SECONDS", 0)
    problems = iter(["a", None, "b", "b", None, "c", "c", "d"])
    losses = []
    with watch_session(lambda: next(problems), losses.append):
        while not losses:
            time.sleep(0.01)
    assert losses == ["d"]
    assert next(problems, "none") == "none"


@pytest.mark.parametrize(
    ("nodes", "is_refused", "problem"),
    [
        ([("a", True), ("b", False)], False, None),
        ([("a", False), ("b", True)], False, "Ray's process on this machine (raylet) has ended"),
        ([], False, "Ray's process on this machine (raylet) has ended"),
        ([("a", True)], True, "Ray's control service (gcs_server) has ended"),
    ],
)
def test_the_failed_part_of_ray_is_named(nodes, is_refused, problem, monkeypatch):
    def check(address):
        assert address == "127.0.0.1:6379"
        if is_refused:
            raise ConnectionError

    context = SimpleNamespace(gcs_address="127.0.0.1:6379", get_node_id=lambda: "a")
    states = [{"NodeID": name, "Alive": alive} for name, alive in nodes]
    ray = SimpleNamespace(get_runtime_context=lambda: context, nodes=lambda: states)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr("archnet.sweep.session_watch.check_address", check)
    assert SessionWatch().problem() == problem


def test_an_address_without_a_server_is_refused():
    with pytest.raises(ConnectionError):
        check_address("127.0.0.1:1")
    check_address("auto")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_a_server_that_ends_while_ray_starts_is_noticed(tmp_path):
    assert find_ended_server() is None
    server = Path(shutil.copy(shutil.which("true"), tmp_path / "raylet"))
    process = subprocess.Popen([server])
    while is_alive(process.pid):
        time.sleep(0.01)
    assert find_ended_server() == "Ray's process raylet has ended during the start of Ray"
    process.wait()
    assert find_ended_server() is None


@pytest.mark.parametrize("error", [Exception("The current node timed out during startup."), SystemExit(1)])
def test_what_ray_raises_at_its_start_is_a_loss(error, monkeypatch, tmp_path):
    def fail(**options):
        raise error

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=fail))
    monkeypatch.setattr("archnet.sweep.tune.require_ray", lambda: None)
    with pytest.raises(SessionLostError, match=f"^Ray cannot start: {error}$"):
        TuneRunner().run(make_schedule(small_sweep(tmp_path), tmp_path / "out", []))
