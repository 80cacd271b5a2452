"""Ray runs a sweep: bad trials are listed, lost machines made up for, and killed sweeps end as if left in peace."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from fake_runs import IS_KILLED, LEAVES, RAISES
from small_sweeps import LAYERS, WIDTH, sweep_document

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[1] / "fake_sweep.py"


@pytest.fixture
def sweep(tmp_path):
    """Begins sweeps of fake runs."""
    return Begun(tmp_path)


class Begun:
    def __init__(self, folder):
        self.folder = folder
        self.notes = folder / "notes.txt"

    def begin(self, *options, out="out", variables=None, **keys):
        path = self.folder / "small.json"
        path.write_text(json.dumps(sweep_document(self.folder, **keys)))
        return subprocess.Popen(
            [sys.executable, SCRIPT, "sweep", path, "--out", self.folder / out, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "FAKE_SWEEP": str(self.folder), **(variables or {})},
            preexec_fn=hear_ctrl_c,
        )

    def board(self, out="out"):
        return list(csv.DictReader((self.folder / out / "leaderboard.csv").read_text().splitlines()))

    def lines(self, kind):
        """What the runs noted, such as ["epoch 001 net 2"]."""
        return (
            [line for line in self.notes.read_text().splitlines() if line.startswith(kind)]
            if self.notes.exists()
            else []
        )

    def wait_for_epochs(self, number, process):
        while len(self.lines("epoch")) < number and process.poll() is None:
            time.sleep(0.01)


def hear_ctrl_c():
    """Tests that a shell has put into the background do not hear it, nor what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ended(process):
    _, told = process.communicate(timeout=600)
    assert process.returncode == 0, told
    return told


def arch_of(number, width=4, drop_out=0, pool=2):
    first, second, *rest = LAYERS
    layers = [{**first, "num_output": width, "drop_out": drop_out}, {**second, "kernel_size": [pool, pool]}, *rest]
    return {"name": f"net{number}", "layers": layers}


def test_of_twenty_trials_fourteen_finish_and_six_are_listed_with_the_reason(sweep):
    bad = {3: {"pool": 64}, 4: {"pool": 64}, 11: {"pool": 64}, 5: {"drop_out": RAISES}, 12: {"drop_out": LEAVES},
           8: {"drop_out": IS_KILLED}}  # fmt: skip
    archs = [arch_of(number, width=number + 1, **bad.get(number, {})) for number in range(20)]
    ended(sweep.begin(space={"arch": archs}))
    rows = sweep.board()
    assert Counter(row["state"] for row in rows) == {"finished": 14, "refused": 3, "failed": 3}
    reasons = {int(row["trial"]): row["reason"] for row in rows if row["reason"]}
    assert set(reasons) == set(bad)
    assert all('P "valid" with kernel 64 does not fit its input (12, 12)' in reasons[number] for number in (3, 4, 11))
    assert reasons[5] == "the loss is nan in epoch 1"
    assert reasons[12] == "its process ended with code 3: Segmentation fault, in so many words"
    assert reasons[8] == "its process was killed by SIGKILL: by somebody, or by the system because memory ran out"
    assert [int(row["trial"]) for row in rows[:3]] == [19, 18, 17]


def test_a_sweep_killed_at_any_moment_ends_with_the_same_leaderboard_and_repeats_nothing(sweep):
    space = {WIDTH: [2, 4, 8, 16]}
    ended(sweep.begin(space=space, out="whole"))
    sweep.notes.unlink()
    for epochs in (1, 6, 11):
        process = sweep.begin("--resume", space=space, variables={"FAKE_SECONDS": "0.2"})
        sweep.wait_for_epochs(epochs, process)
        process.kill()
        process.communicate()
    ended(sweep.begin("--resume", space=space))
    names = ("leaderboard.csv", "judged.json")
    whole, killed = ([(sweep.folder / out / name).read_bytes() for name in names] for out in ("whole", "out"))
    assert killed == whole
    assert max(Counter(sweep.lines("epoch")).values()) == 1
    assert len(sweep.lines("epoch")) == 16


def test_ctrl_c_leaves_a_sweep_that_goes_on(sweep):
    process = sweep.begin(space={WIDTH: [2, 4]}, variables={"FAKE_SECONDS": "0.5"})
    sweep.wait_for_epochs(2, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, told = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "Interrupted. Nothing is lost: run the same command with --resume to continue." in told
    refused = sweep.begin(space={WIDTH: [2, 4]})
    assert refused.communicate(timeout=600)[1].splitlines()[-1] == (
        f"{sweep.folder / 'out'}: already contains a sweep. Resume it with --resume, or use a different --out."
    )
    ended(sweep.begin("--resume", space={WIDTH: [2, 4]}))
    assert [row["state"] for row in sweep.board()] == ["finished", "finished"]
    assert max(Counter(sweep.lines("epoch")).values()) == 1


def test_the_trials_of_a_lost_node_are_run_again_from_their_checkpoint(sweep):
    ended(sweep.begin(space={WIDTH: [2, 4, 8, 16]}, variables={"FAKE_NODES": "1", "FAKE_SECONDS": "0.5"}))
    assert [row["state"] for row in sweep.board()] == ["finished"] * 4
    assert max(Counter(sweep.lines("epoch")).values()) == 1
    again = [line for line in sweep.lines("start") if line.split()[3] != "0"]
    assert len(again) == 1


def test_asha_ends_the_worst_early_also_after_a_kill(sweep):
    keys = {
        "space": {WIDTH: [64, 32, 16, 8, 4, 2]},
        "scheduler": {"type": "asha", "grace_epochs": 1, "reduction": 2},
        "at_once": 1,
    }
    ended(sweep.begin(out="whole", **keys))
    process = sweep.begin(variables={"FAKE_SECONDS": "0.2"}, **keys)
    sweep.notes.unlink()
    sweep.wait_for_epochs(5, process)
    process.kill()
    process.communicate()
    ended(sweep.begin("--resume", **keys))
    boards = [sweep.board(out) for out in ("whole", "out")]
    assert [[(row["trial"], row["state"], row["epochs"]) for row in board] for board in boards[:1]] == [
        [("0", "finished", "4"), ("1", "stopped", "1"), ("2", "stopped", "1"), ("3", "stopped", "1"),
         ("4", "stopped", "1"), ("5", "stopped", "1")]]  # fmt: skip
    assert boards[0] == boards[1]


def test_what_no_machine_has_is_told_before_anything_starts(sweep):
    process = sweep.begin(resources={"cpus": 3})
    assert process.communicate(timeout=600)[1].splitlines()[-1] == (
        "a run takes 3 CPUs and 0 GPUs, but no machine has them: there are at most 2 CPUs and 0 GPUs. Lower the sweep's "
        "resources, or join a cluster with --address."
    )
    assert process.returncode == 2


def test_two_sweeps_do_not_share_a_folder_at_the_same_time(sweep):
    first = sweep.begin(variables={"FAKE_SECONDS": "0.5"})
    sweep.wait_for_epochs(1, first)
    second = sweep.begin("--resume")
    folder = sweep.folder / "out"
    assert second.communicate(timeout=600)[1].splitlines()[-1] == (
        f"{folder}: this sweep is under way. Watch it with: archnet sweep status {folder}"
    )
    ended(first)
