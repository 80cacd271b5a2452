"""Check `archnet sweep` with real networks on generated cubes, which takes minutes.

    python experiments/check_sweep.py kills --what driver [--count 5]   the sweep killed with SIGKILL at random moments
    python experiments/check_sweep.py kills --what trial|worker|raylet|gcs [--count 5]   one of its processes killed
    python experiments/check_sweep.py orphans [--count 5]   what is left of Ray after a SIGKILL of the sweep
    python experiments/check_sweep.py lost-node             one of a cluster's two nodes killed in the middle
    python experiments/check_sweep.py at-once             two trials at once against one after the other
    python experiments/check_sweep.py memory [--trials 30]   what the sweep's own processes hold after 3 trials and all

Prints the measurements. The exit code is 1 if the leaderboard of a killed sweep differs from that of an uninterrupted
one, if a process of Ray is left or Ray's end is not noticed within 30 s, or if the time of two concurrent trials, or
the memory after all trials, is more than a tenth above its reference.
"""

import argparse
import contextlib
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sweep_processes import command_line, find_processes, kill, seconds_until_over, session_of, trial_of

from archnet.sweep.session_processes import session_members

LAYERS = [
    {"type": "C", "num_output": 8, "kernel_size": [3, 3, 3], "activation": "relu", "drop_out": 10},
    {"type": "P", "pool": "max", "kernel_size": [2, 2, 2]},
    {"type": "C", "num_output": 8, "kernel_size": [3, 3, 3], "activation": "relu"},
    {"type": "GAP"},
    {"type": "T"},
]
WIDTH = "arch.layers[0].num_output"
PAGE = 4096
TOLERANCE = 1.1
MOST_SECONDS = 30


def write_sweep(folder: Path, num_cases: int, epochs: int, **keys: object) -> Path:
    generator = np.random.default_rng(0)
    x = generator.integers(0, 150, (num_cases, 16, 16, 8), dtype=np.uint8)
    y = (np.arange(num_cases) % 4 == 0).astype(np.int64)
    x[y == 1, 5:11, 5:11, 2:6] += 60
    np.savez(folder / "cubes.npz", x=x, y=y, group=np.arange(num_cases) // 4)
    base = {
        "arch": {"name": "net", "layers": LAYERS},
        "data": {"name": "npz", "root": str(folder / "cubes.npz")},
        "training": {
            "optimizer": "adam",
            "learning_rate": 0.01,
            "weight_decay": None,
            "schedule": {"type": "constant"},
            "batch_size": 32,
            "epochs": epochs,
            "augmentation": [],
        },
        "evaluation": {"bootstraps": 20},
    }
    path = folder / "sweep.json"
    path.write_text(json.dumps({"name": "check", "base": base, "metric": "auc", **keys}))
    return path


def start_sweep(path: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "import archnet.cli; archnet.cli.main()", "sweep", str(path), "--out", str(out)]
    return subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def wait_for(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(errors.decode())


def leaderboard_without_seconds(out: Path) -> list[dict[str, str]]:
    """The leaderboard without the training times."""
    rows = list(csv.DictReader((out / "leaderboard.csv").read_text().splitlines()))
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def num_epochs(out: Path) -> int:
    """Number of epochs that the runs of a sweep have trained so far."""
    return sum(len(path.read_text().splitlines()) - 1 for path in out.glob("trials/*/*/history.csv"))


def check_kills(folder: Path, what: str, count: int, seed: int) -> bool:
    """Kill processes of one kind at random moments; at most two kills hit one trial, which is given up after three."""
    num_trials, epochs = max(4, count), 5
    path = write_sweep(folder, 400, epochs, space={"training.seed": list(range(num_trials))})
    wait_for(start_sweep(path, folder / "whole"))
    generator, out = random.Random(seed), folder / "killed"
    process, trials, seconds = start_sweep(path, out), Counter[str](), []
    for moment in sorted(generator.sample(range(num_trials * epochs - 2), count)):
        process = resume_if_ended(process, path, out)
        while num_epochs(out) < moment and process.poll() is None:
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 0.5))
        process, duration = kill_one(process, path, out, what, generator, trials)
        seconds.append(duration)
        print(f"{what} killed after {num_epochs(out)} epochs in all; noticed in {duration:.1f} s", flush=True)
    while process.wait() != 0:
        process = resume_if_ended(process, path, out)
    is_equal = leaderboard_without_seconds(out) == leaderboard_without_seconds(folder / "whole")
    print(f"{len(seconds)} kills, each over in at most {max(seconds):.1f} s")
    print(f"the leaderboard is {'equal' if is_equal else 'DIFFERENT'}")
    return is_equal and max(seconds) <= MOST_SECONDS


def resume_if_ended(process: subprocess.Popen[bytes], path: Path, out: Path) -> subprocess.Popen[bytes]:
    """The process of the sweep; a new one if it was killed, or gave up after losing Ray repeatedly."""
    if process.poll() in (None, 0):
        return process
    _, errors = process.communicate()
    if process.returncode != -signal.SIGKILL and b"with --resume to continue" not in errors:
        raise SystemExit(errors.decode())
    return start_sweep(path, out, "--resume")


def kill_one(
    process: subprocess.Popen[bytes], path: Path, out: Path, what: str, generator: random.Random, trials: Counter[str]
) -> tuple[subprocess.Popen[bytes], float]:
    """Kill one process, and return the process of the sweep and the time until the kill took effect."""
    while True:
        process = resume_if_ended(process, path, out)
        if process.poll() == 0:
            raise SystemExit(f"the sweep ended before all kills: {what}")
        session = session_of(process.pid)
        victims = [process.pid] if what == "driver" else find_processes(process.pid, what)
        if what in ("trial", "worker"):
            victims = [victim for victim in victims if (name := trial_of(victim)) and trials[name] < 2]
        if session and victims:
            break
        time.sleep(0.05)
    victim = generator.choice(victims)
    trials[trial_of(victim)] += 1
    kill(victim)
    if what in ("trial", "worker"):
        return process, seconds_until(lambda: not command_line(victim))
    return process, seconds_until_over(session)


def seconds_until(is_over: Callable[[], bool]) -> float:
    start = time.monotonic()
    while not is_over():
        time.sleep(0.01)
    return time.monotonic() - start


def check_orphans(folder: Path, count: int, seed: int) -> bool:
    """Kill sweeps at any moment, also while Ray starts, and wait for the end of all their processes."""
    path, generator, seconds = write_sweep(folder, 400, 400, space={WIDTH: [4, 8]}), random.Random(seed), []
    while len(seconds) < count:
        process = start_sweep(path, folder / "out", "--resume")
        seconds_until(lambda started=process: session_of(started.pid) is not None or started.poll() is not None)
        time.sleep(generator.uniform(0, 20))
        session = session_of(process.pid)
        if session is None:
            wait_for(process)
            raise SystemExit("the sweep ended before all kills: give it more epochs")
        num_members = len(session_members(session))
        process.kill()
        process.communicate()
        seconds.append(seconds_until_over(session))
        print(f"{num_members} processes ended in {seconds[-1]:.1f} s", flush=True)
    print(f"{sum(one <= MOST_SECONDS for one in seconds)} of {count} left nothing within {MOST_SECONDS} s")
    return max(seconds) <= MOST_SECONDS


def check_lost_node(folder: Path) -> bool:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    room = {"num_cpus": 1, "object_store_memory": 100_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**room, "include_dashboard": False})
    node, out = cluster.add_node(**room), folder / "out"
    path = write_sweep(folder, 400, 5, space={WIDTH: [4, 8, 12, 16]})
    process = start_sweep(path, out, "--address", cluster.address)
    while num_epochs(out) < 4 and process.poll() is None:
        time.sleep(0.01)
    cluster.remove_node(node, allow_graceful=False)
    wait_for(process)
    cluster.shutdown()
    trials = [json.loads(file.read_text()) for file in sorted(out.glob("trials/*/trial.json"))]
    lost = sum(run["lost"] for trial in trials for run in trial["runs"].values())
    print(f"{', '.join(trial['state'] for trial in trials)}; lost with its node: {lost}; epochs: {num_epochs(out)}")
    return all(trial["state"] == "finished" for trial in trials) and lost == 1


def check_at_once() -> bool:
    seconds = []
    for name, keys in {
        "two at once, a core each": {"resources": {"cpus": 1}, "at_once": 2},
        "one after the other, a core": {"resources": {"cpus": 1}, "at_once": 1},
        "one after the other, two cores": {"resources": {"cpus": 2}, "at_once": 1},
    }.items():
        with tempfile.TemporaryDirectory() as part:
            path = write_sweep(Path(part), 2000, 6, space={WIDTH: [16, 17, 18, 19]}, **keys)
            start = time.perf_counter()
            wait_for(start_sweep(path, Path(part) / "out"))
            seconds.append(time.perf_counter() - start)
            print(f"{name}: {seconds[-1]:.0f} s for four trials", flush=True)
    ratio = seconds[0] / min(seconds[1:])
    print(f"at once against the faster way of one after the other: ratio {ratio:.2f}")
    return ratio <= TOLERANCE


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants, without the runs of the sweep."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])

    def tree_bytes(one: int) -> int:
        folder = Path(f"/proc/{one}")
        try:
            if b"archnet.sweep.trial_process" in (folder / "cmdline").read_bytes():
                return 0
            own = PAGE * int((folder / "statm").read_text().split()[1])
        except OSError:
            return 0
        return own + sum(tree_bytes(child) for child, parent in parents.items() if parent == one)

    return tree_bytes(pid)


def check_memory(folder: Path, num_trials: int) -> bool:
    path = write_sweep(folder, 120, 1, space={"training.seed": list(range(num_trials))})
    process, resident = start_sweep(path, folder / "out"), {}
    while process.poll() is None:
        num_ended = len(list(folder.glob("out/trials/*/*/metrics.json")))
        resident[num_ended] = resident_bytes(process.pid)
        time.sleep(0.2)
    wait_for(process)
    for least in (3, num_trials // 2, num_trials - 1):
        number = min(number for number in resident if number >= least)
        print(f"after {number} trials: {resident[number] / 1e6:.0f} MB")
    return resident[number] <= TOLERANCE * resident[min(number for number in resident if number >= 3)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=["kills", "orphans", "lost-node", "at-once", "memory"])
    parser.add_argument("--what", choices=["driver", "trial", "worker", "raylet", "gcs"], default="driver")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        checks = {
            "kills": lambda: check_kills(Path(name), arguments.what, arguments.count, arguments.seed),
            "orphans": lambda: check_orphans(Path(name), arguments.count, arguments.seed),
            "lost-node": lambda: check_lost_node(Path(name)),
            "at-once": check_at_once,
            "memory": lambda: check_memory(Path(name), arguments.trials),
        }
        is_passed = checks[arguments.check]()
    sys.exit(not is_passed)


if __name__ == "__main__":
    main()
