"""Ray runs a sweep: bad trials are listed, lost machines made up for, and killed sweeps end as if left in peace."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from archnet.errors import RunError
from archnet.sweep import run as sweep_run
from archnet.sweep.run import run_sweep
from archnet.sweep.tune import TuneRunner
from fake_runs import IS_KILLED, LEAVES, RAISES
from small_sweeps import FAKE, LAYERS, WIDTH, small_sweep, sweep_document

ray = pytest.importorskip("ray")

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[1] / "fake_sweep.py"
ROOM = {"num_cpus": 2, "object_store_memory": 100_000_000}
HEARTBEATS = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 2}


@pytest.fixture(scope="module")
def cluster():
    """A Ray cluster with two cores, which the sweeps of this process join instead of starting their own."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        head = {**ROOM, "include_dashboard": False, "_system_config": HEARTBEATS}
        cluster = Cluster(initialize_head=True, head_node_args=head)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def sweeps(tmp_path, cluster, monkeypatch):
    """Sweeps of fake runs."""
    monkeypatch.setattr(sweep_run, "COMMAND", FAKE)
    return FakeSweeps(tmp_path, TuneRunner(address=cluster.address, command=FAKE))


class FakeSweeps:
    def __init__(self, folder, runner):
        self.folder = folder
        self.runner = runner
        self.join = ["--address", runner.address]
        self.notes = folder / "notes.txt"

    def run(self, out="out", *, resume=False, **keys):
        """A whole sweep, in this process and on its cluster."""
        return run_sweep(small_sweep(self.folder, **keys), self.folder / out, resume=resume, runner=self.runner)

    def begin(self, *options, **keys):
        """A sweep in a process of its own, with a Ray of its own unless the options join another."""
        path = self.folder / "small.json"
        path.write_text(json.dumps(sweep_document(self.folder, **keys)))
        return subprocess.Popen(
            [sys.executable, SCRIPT, "sweep", path, "--out", self.folder / "out", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=hear_ctrl_c,
        )

    def set_epoch_seconds(self, seconds):
        (self.folder / "seconds").write_text(str(seconds))

    def board(self, out="out"):
        return list(csv.DictReader((self.folder / out / "leaderboard.csv").read_text().splitlines()))

    def lines(self, kind):
        """What the runs noted, such as ["epoch 001 net 2"]."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [line for line in lines if line.startswith(kind)]

    def wait_for_epochs(self, number, process):
        while len(self.lines("epoch")) < number and process.poll() is None:
            time.sleep(0.01)


def hear_ctrl_c():
    """Tests that a shell has put into the background do not hear it, nor what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def kill(process):
    process.kill()
    process.communicate()


def arch_of(number, width=4, drop_out=0, pool=2):
    first, second, *rest = LAYERS
    layers = [{**first, "num_output": width, "drop_out": drop_out}, {**second, "kernel_size": [pool, pool]}, *rest]
    return {"name": f"net{number}", "layers": layers}


def test_unavailable_resources_are_reported_before_anything_starts(sweeps):
    message = (
        "a run needs 3 CPUs and 0 GPUs, but no machine has them: there are at most 2 CPUs and 0 GPUs. Lower the sweep's "
        "resources, or join a cluster with --address."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        sweeps.run(resources={"cpus": 3})
    assert not sweeps.notes.exists()
    assert not ray.is_initialized()


def test_bad_trials_are_listed_with_the_reason_and_the_others_finish(sweeps):
    bad = {1: {"pool": 64}, 2: {"pool": 64}, 6: {"pool": 64}, 3: {"drop_out": RAISES}, 7: {"drop_out": LEAVES},
           5: {"drop_out": IS_KILLED}}  # fmt: skip
    archs = [arch_of(number, width=number + 1, **bad.get(number, {})) for number in range(10)]
    sweeps.run(space={"arch": archs})
    rows = sweeps.board()
    assert Counter(row["state"] for row in rows) == {"finished": 4, "refused": 3, "failed": 3}
    reasons = {int(row["trial"]): row["reason"] for row in rows if row["reason"]}
    assert set(reasons) == set(bad)
    assert all('P "valid" with kernel 64 does not fit its input (12, 12)' in reasons[number] for number in (1, 2, 6))
    assert reasons[3] == "the loss is nan in epoch 1"
    assert reasons[7] == "its process ended with code 3: Segmentation fault, in so many words"
    assert reasons[5] == (
        "interrupted 3 times; the last time its process was killed by SIGKILL, for example because the system ran "
        "out of memory"
    )
    assert [int(row["trial"]) for row in rows[:4]] == [9, 8, 4, 0]


@pytest.mark.long
def test_a_sweep_killed_at_any_moment_ends_with_the_same_leaderboard_and_repeats_nothing(sweeps):
    space = {WIDTH: [2, 4, 8]}
    sweeps.run("whole", space=space)
    sweeps.notes.unlink()
    sweeps.set_epoch_seconds(0.2)
    for epochs, options in ((1, []), (9, sweeps.join)):
        process = sweeps.begin("--resume", *options, space=space)
        sweeps.wait_for_epochs(epochs, process)
        kill(process)
    sweeps.run(resume=True, space=space)
    names = ("leaderboard.csv", "judged.json")
    whole, killed = ([(sweeps.folder / out / name).read_bytes() for name in names] for out in ("whole", "out"))
    assert killed == whole
    assert max(Counter(sweeps.lines("epoch")).values()) == 1
    assert len(sweeps.lines("epoch")) == 12


@pytest.mark.long
def test_a_sweep_under_way_lets_no_other_in_and_ctrl_c_leaves_it_to_be_resumed(sweeps):
    keys = {"space": {WIDTH: [2, 4]}}
    sweeps.set_epoch_seconds(0.5)
    process = sweeps.begin(**keys)
    sweeps.wait_for_epochs(1, process)
    out = sweeps.folder / "out"
    under_way = re.escape(f"{out}: another archnet process is writing to this folder: ")
    watch = re.escape(f"). Watch it with: archnet sweep status {out}")
    with pytest.raises(RunError, match=f"^{under_way}.*{watch}$"):
        sweeps.run(resume=True, **keys)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, told = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "Interrupted. Nothing is lost: run the same command with --resume to continue." in told
    there = f"{out}: already contains a sweep. Resume it with --resume, or use a different --out."
    with pytest.raises(RunError, match=f"^{re.escape(there)}$"):
        sweeps.run(**keys)
    sweeps.run(resume=True, **keys)
    assert [row["state"] for row in sweeps.board()] == ["finished", "finished"]
    assert max(Counter(sweeps.lines("epoch")).values()) == 1


@pytest.mark.long
def test_the_trial_of_a_lost_node_is_run_again_from_its_checkpoint(sweeps, cluster):
    node = cluster.add_node(**{**ROOM, "num_cpus": 1})
    sweeps.set_epoch_seconds(0.1)
    (sweeps.folder / "lost").write_text(str(raylet_of(node)))
    losing = threading.Thread(target=lose, args=(sweeps, cluster, node), daemon=True)
    losing.start()
    sweeps.run(space={WIDTH: [2, 4, 8]})
    losing.join()
    assert [row["state"] for row in sweeps.board()] == ["finished"] * 3
    assert max(Counter(sweeps.lines("epoch")).values()) == 1
    assert any(
        line.split()[3] != "0" for line in sweeps.lines("start")
    )  # after an epoch; some may repeat their end only


def raylet_of(node):
    return node.all_processes["raylet"][0].process.pid


def lose(sweeps, cluster, node):
    """Kill a node after the first epoch of its run; the runs of other nodes wait for it."""
    raylet = raylet_of(node)
    while not (runs := [line.split()[1:3] for line in sweeps.lines("start") if line.endswith(f" on {raylet}")]):
        time.sleep(0.02)
    while not any(line.split()[1:3] == runs[0] for line in sweeps.lines("epoch")):
        time.sleep(0.02)
    (sweeps.folder / "held").write_text(str(raylet))
    cluster.remove_node(node, allow_graceful=False)


def test_asha_ends_the_worst_early_also_after_a_kill(sweeps):
    keys = {
        "space": {WIDTH: [64, 16, 4, 2]},
        "scheduler": {"type": "asha", "grace_epochs": 1, "reduction": 2},
        "at_once": 1,
    }
    sweeps.run("whole", **keys)
    sweeps.notes.unlink()
    sweeps.set_epoch_seconds(0.2)
    process = sweeps.begin(*sweeps.join, **keys)
    sweeps.wait_for_epochs(5, process)
    kill(process)
    sweeps.run(resume=True, **keys)
    boards = [sweeps.board(out) for out in ("whole", "out")]
    assert [(row["trial"], row["state"], row["epochs"]) for row in boards[0]] == [
        ("0", "finished", "4"), ("1", "stopped", "1"), ("2", "stopped", "1"), ("3", "stopped", "1")]  # fmt: skip
    assert boards[0] == boards[1]
