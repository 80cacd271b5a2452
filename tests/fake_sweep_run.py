"""Stands for `python -m archnet.sweep.trial_process` where no network is needed: "trains" in milliseconds, and misbehaves.

The folder around the sweep's holds `notes.txt`, a line for each start and epoch, and may hold `seconds`, the time that an
epoch takes; drop_out of the first layer selects the failure.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from filelock import FileLock

from archnet.spec.metrics import EVALUATED_METRICS
from fake_runs import IS_KILLED, LEAVES, RAISES


def main():
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=listen, daemon=True).start()
    if order["task"] == "judge":
        tell({"ended": "finished"})
        return
    document, folder = order["experiment"], Path(order["folder"])
    with FileLock(folder / ".fake.lock", timeout=60):
        train(document, folder / name_of(document), order["asks"])


ALLOWED = threading.Semaphore(0)


def listen():
    for _ in sys.stdin:
        ALLOWED.release()
    os._exit(1)


def name_of(document):
    seed, fold = document["training"]["seed"], document["split"]["fold"]
    return document["arch"]["name"] + ("" if fold is None else f"-fold{fold}") + (f"-seed{seed}" if seed else "")


def train(document, run, asks):
    notes = Notes(run.parents[3])
    run.mkdir(exist_ok=True)
    (run / "draft").write_text(json.dumps(document))
    (run / "draft").replace(run / "experiment.json")
    layer, training = document["arch"]["layers"][0], document["training"]
    history = run / "history.csv"
    done = len(history.read_text().splitlines()) - 1 if history.exists() else 0
    notes.add(f"start {run.parent.name} {run.name} {done} on {os.environ.get('RAY_RAYLET_PID')}")
    if layer["drop_out"] == RAISES:
        tell({"ended": "failed", "reason": "the loss is nan in epoch 1"})
        return
    if layer["drop_out"] == LEAVES:
        print("Segmentation fault, in so many words", file=sys.stderr)
        sys.exit(3)
    for epoch in range(done + 1, training["epochs"] + 1):
        time.sleep(notes.epoch_seconds())
        while notes.is_held() or notes.is_waiting_for_the_loss():
            time.sleep(0.05)
        if layer["drop_out"] == IS_KILLED and epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        value = 1 - 1 / (layer["num_output"] + epoch + training["seed"] / 10)
        rows = history.read_text() if history.exists() else "epoch,seconds,cases,validation_auc\n"
        (run / "draft").write_text(rows + f"{epoch},0.5,10,{value!r}\n")
        (run / "draft").replace(history)
        notes.add(f"epoch {run.parent.name} {run.name} {epoch}")
        tell({"epoch": epoch, "value": value})
        if asks:
            ALLOWED.acquire()
    results = {"n": 10, "threshold": 0.5, "confusion_matrix": [[5, 0], [0, 5]], **dict.fromkeys(EVALUATED_METRICS)}
    (run / "draft").write_text(json.dumps({"validation": results}))
    (run / "draft").replace(run / "metrics.json")
    (run / "report.html").touch()
    tell({"ended": "finished"})


class Notes:
    """Messages between a test and the runs of its sweeps, in the folder around them."""

    def __init__(self, folder):
        self.folder = folder

    def add(self, line):
        with (self.folder / "notes.txt").open("a") as file:
            file.write(line + "\n")

    def read(self, name):
        return (self.folder / name).read_text() if (self.folder / name).exists() else None

    def epoch_seconds(self):
        return float(self.read("seconds") or 0)

    def is_held(self):
        """Whether the node that this run is on is about to be lost."""
        return self.read("held") == os.environ["RAY_RAYLET_PID"]

    def is_waiting_for_the_loss(self):
        """Whether a node is to be lost, and this run is on another."""
        lost = self.read("lost")
        return lost not in (None, os.environ["RAY_RAYLET_PID"]) and self.read("held") is None


def tell(answer):
    print(json.dumps(answer), flush=True)


main()
