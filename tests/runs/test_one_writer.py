"""Several processes at work in one folder."""

import os
import re
import shutil
import subprocess
import sys
import threading

import pytest

import archnet
from archnet.data import store_list
from archnet.data.store import lock_store
from archnet.errors import DataError
from archnet.files.locks import LOCK_FILE, LockedError, is_locked
from archnet.runs import runner
from archnet.runs.evaluation import evaluate_run
from command_line import ROOT, invoked
from finished_runs import NET_2D, NET_3D, experiment_on, write_cubes
from synthetic_runs import write_run

HOLD = """
import sys
from pathlib import Path
from archnet.files.locks import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold():
    """Has another process hold the lock of a folder until the end of the test."""
    processes = []

    def hold_folder(folder):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process.pid

    yield hold_folder
    for process in processes:
        process.communicate("")


def in_use(folder, pid, advice):
    text = re.escape(f"{folder}: another archnet process is writing to this folder: -c {folder} (process {pid} on ")
    return f"^{text}.*{re.escape(f'). {advice}')}$"


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_locked_for_others(folder):
    """What another thread sees; this one may hold the lock itself."""
    found = []
    thread = threading.Thread(target=lambda: found.append(is_locked(folder / LOCK_FILE)))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.slow
def test_a_run_ends_at_once_while_another_process_makes_runs_in_its_folder(tmp_path, hold):
    experiment = experiment_on(write_cubes(tmp_path / "cubes.npz"), NET_2D)
    pid = hold(tmp_path / "out")
    before = content(tmp_path)
    advice = "Wait for it to end, or choose another folder with --out."
    for options in ({}, {"resume": True}, {"baseline": True}, {"break_lock": True}):
        with pytest.raises(LockedError, match=in_use(tmp_path / "out", pid, advice)):
            archnet.run_all(experiment, out=tmp_path / "out", progress=False, **options)
    assert content(tmp_path) == before


@pytest.mark.slow
def test_a_report_is_not_written_again_while_another_process_writes_to_its_run(tmp_path, hold):
    for name in ("archsm", "arch3dsm"):
        write_run(tmp_path / "out" / name)
    pid = hold(tmp_path / "out/archsm")
    before = content(tmp_path)
    with pytest.raises(LockedError, match=in_use(tmp_path / "out/archsm", pid, "Wait for it to end.")):
        archnet.write_report(tmp_path / "out/archsm")
    pid = hold(tmp_path / "out")
    before |= content(tmp_path)
    with pytest.raises(LockedError, match=in_use(tmp_path / "out", pid, "Wait for it to end.")):
        archnet.write_report(tmp_path / "out")
    assert content(tmp_path) == before
    assert len(archnet.compare(tmp_path / "out").rows) == 2  # readers need no lock


@pytest.mark.slow
def test_a_report_breaks_the_lock_of_another_machine_on_request(tmp_path):
    write_run(tmp_path / "archsm")
    lock = tmp_path / "archsm" / LOCK_FILE
    lock.write_text("filelock/2\npid=123\nhost=gpu7\nmode=exclusive\n")
    os.utime(lock, (1_000_000_000, 1_000_000_000))
    message = (
        f"{tmp_path / 'archsm'}: an archnet process on another machine is writing to this folder: process 123 on gpu7. "
        "Wait for it to end. If it has ended, which cannot be checked from here, add --break-lock."
    )
    told = invoked("report", tmp_path / "archsm")
    assert isinstance(told.exception, LockedError)
    assert str(told.exception) == message
    told = invoked("report", tmp_path / "archsm", "--break-lock")
    assert told.output == f"{tmp_path / 'archsm/report.html'}\n"
    assert not lock.exists()


@pytest.mark.slow
def test_checks_and_runs_are_made_under_the_locks_of_their_folders(tmp_path, monkeypatch):
    experiment = experiment_on(write_cubes(tmp_path / "cubes.npz"), NET_2D, NET_3D)
    out, locked = tmp_path / "out", []
    check_run_folder = runner.check_run_folder

    def check(folder, *arguments, **options):
        locked.append(is_locked_for_others(out))
        check_run_folder(folder, *arguments, **options)

    def make_run(run, *_):
        locked.append([is_locked_for_others(folder) for folder in (out, out / "flat", out / "deep")])
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "check_run_folder", check)
    monkeypatch.setattr(runner, "_make_run", make_run)
    with pytest.raises(KeyboardInterrupt):
        runner.run_experiments(archnet.load_experiments(experiment), out=out)
    assert locked == [True, True, [True, True, False]]
    assert not is_locked(out / LOCK_FILE)
    locked.clear()
    for one in archnet.load_experiments(experiment)[:1]:
        with pytest.raises(KeyboardInterrupt):
            runner.run_single(one, out)
    assert locked == [False, [False, True, False]]  # a trial shares its folder with others


def test_a_command_keeps_the_lock_from_its_first_run_to_the_comparison(tmp_path, monkeypatch):
    experiment = experiment_on(write_cubes(tmp_path / "cubes.npz"), NET_2D)
    locked = []

    def record(experiments, *, out, **options):
        locked.append(is_locked_for_others(out))
        return []

    monkeypatch.setattr("archnet.runs.runner.run_experiments", record)
    monkeypatch.setattr("archnet.runs.baselines.run_baselines", record)
    monkeypatch.setattr("archnet.runs.comparison.compare_finished_runs", lambda out: record([], out=out))
    archnet.run_all(experiment, out=tmp_path / "out", baseline=True, progress=False)
    assert locked == [True, True, True]


def test_a_finished_run_is_evaluated_again_under_its_lock(tmp_path, monkeypatch):
    locked = []
    monkeypatch.setattr("archnet.network.backend.start_quietly", lambda: "")
    monkeypatch.setattr(
        "archnet.runs.evaluation._evaluate_again", lambda folder, sets: locked.append(is_locked_for_others(folder))
    )
    (tmp_path / "run").mkdir()
    evaluate_run(tmp_path / "run")
    assert locked == [True]


def test_a_run_that_is_refused_leaves_no_folder(tmp_path):
    experiment = experiment_on(tmp_path / "missing.npz", NET_2D)
    with pytest.raises(DataError, match=r"missing\.npz"):
        archnet.run(experiment, out=tmp_path / "runs/out", progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_a_killed_process_left_goes_with_the_next_command(tmp_path):
    write_run(tmp_path / "archsm")
    before = {path.name for path in (tmp_path / "archsm").iterdir()}
    (tmp_path / "archsm/.archnet-0123abcd-export-onnx").mkdir()
    for name in (
        ".archnet-0123abcd-metrics.json",
        ".gallery.npz-0123abcd.npz",
        ".archnet-0123abcd-export-onnx/model.onnx",
    ):
        (tmp_path / "archsm" / name).write_text("half")
    archnet.write_report(tmp_path / "archsm")
    assert {path.name for path in (tmp_path / "archsm").iterdir()} == before | {
        "report.html",
        "figures",
        "methods.txt",
        "model_card.md",
        "tables",
    }


def test_prune_finishes_the_removal_of_a_killed_process_but_not_that_of_a_living_one(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path))
    trash = [tmp_path / f".unfinished/{name}.removed" for name in ("0123456789abcdef", "fedcba9876543210")]
    for folder in trash:
        folder.mkdir(parents=True)
    with lock_store(tmp_path / "fedcba9876543210"):
        trash[1].mkdir()
        thread = threading.Thread(target=store_list.prune_stores)
        thread.start()
        thread.join()
    assert [folder.exists() for folder in trash] == [False, True]


RUN = [sys.executable, "-m", "archnet", "run"]


@pytest.mark.long
def test_of_two_commands_that_make_one_run_one_ends_at_once_and_names_the_other(tmp_path):
    write_cubes(tmp_path / "cubes.npz")
    command = [
        *RUN,
        str(ROOT / "archs/archsm.json"),
        "--data",
        f"npz:{tmp_path / 'cubes.npz'}",
        "--set=training.epochs=2",
    ]
    processes = [
        subprocess.Popen(
            [*command, "--out=out"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=300) for process in processes]
    codes = [process.returncode for process in processes]
    assert sorted(codes) == [0, 2]
    winner, loser = codes.index(0), codes.index(2)
    message = (
        rf"out: another archnet process is writing to this folder: archnet run .* \(process {processes[winner].pid} on "
    )
    assert re.search(message, printed[loser][1])
    assert printed[loser][0] == ""
    assert "Report:   out/archsm/report.html" in printed[winner][0]
    assert not list((tmp_path / "out").rglob(".*"))


@pytest.mark.slow
def test_a_checkpoint_that_outlived_its_run_is_removed_by_resume(finished_runs, tmp_path):
    shutil.copytree(finished_runs / "out", tmp_path / "out")
    (tmp_path / "out/flat/checkpoint").mkdir()
    (tmp_path / "out/flat/checkpoint/training.npz").write_bytes(
        b"as a process left it that was killed in the last moment"
    )
    before = (tmp_path / "out/flat/metrics.json").read_bytes()
    archnet.run_all(
        experiment_on(finished_runs / "cubes.npz", NET_2D, NET_3D), out=tmp_path / "out", resume=True, progress=False
    )
    assert not (tmp_path / "out/flat/checkpoint").exists()
    assert (tmp_path / "out/flat/metrics.json").read_bytes() == before
