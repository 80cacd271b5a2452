"""Stands for `python -m archnet.sweep.trial_process` where no network is needed: "trains" in milliseconds, and misbehaves.

The folder named in FAKE_SWEEP holds a line for each start and epoch; drop_out of the first layer tells what goes wrong.
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
    run = folder / name_of(document)
    with FileLock(folder / ".fake.lock", timeout=60):
        train(document, run, order["asks"])


ALLOWED = threading.Semaphore(0)


def listen():
    for _ in sys.stdin:
        ALLOWED.release()
    os._exit(1)


def name_of(document):
    seed, fold = document["training"]["seed"], document["split"]["fold"]
    return document["arch"]["name"] + ("" if fold is None else f"-fold{fold}") + (f"-seed{seed}" if seed else "")


def train(document, run, asks):
    run.mkdir(exist_ok=True)
    (run / "draft").write_text(json.dumps(document))
    (run / "draft").replace(run / "experiment.json")
    layer, training = document["arch"]["layers"][0], document["training"]
    history = run / "history.csv"
    done = len(history.read_text().splitlines()) - 1 if history.exists() else 0
    note(f"start {run.parent.name} {run.name} {done} on {os.environ.get('RAY_RAYLET_PID')}")
    if layer["drop_out"] == RAISES:
        tell({"ended": "failed", "reason": "the loss is nan in epoch 1"})
        return
    if layer["drop_out"] == LEAVES:
        print("Segmentation fault, in so many words", file=sys.stderr)
        sys.exit(3)
    for epoch in range(done + 1, training["epochs"] + 1):
        time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
        while is_held() or is_waiting_for_the_loss():
            time.sleep(0.05)
        if layer["drop_out"] == IS_KILLED and epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        value = 1 - 1 / (layer["num_output"] + epoch + training["seed"] / 10)
        rows = history.read_text() if history.exists() else "epoch,seconds,cases,validation_auc\n"
        (run / "draft").write_text(rows + f"{epoch},0.5,10,{value!r}\n")
        (run / "draft").replace(history)
        note(f"epoch {run.parent.name} {run.name} {epoch}")
        tell({"epoch": epoch, "value": value})
        if asks:
            ALLOWED.acquire()
    (run / "draft").write_text(json.dumps({"validation": dict.fromkeys(EVALUATED_METRICS)}))
    (run / "draft").replace(run / "metrics.json")
    (run / "report.html").touch()
    tell({"ended": "finished"})


def is_held():
    """Whether the node that this run is on is about to be lost."""
    held = Path(os.environ["FAKE_SWEEP"]) / "held"
    return held.exists() and held.read_text() == os.environ.get("RAY_RAYLET_PID")


def is_waiting_for_the_loss():
    """Whether this run is on the first of two nodes, of which the second one is not lost yet."""
    second, held = (Path(os.environ["FAKE_SWEEP"]) / name for name in ("second", "held"))
    return second.exists() and second.read_text() != os.environ.get("RAY_RAYLET_PID") and not held.exists()


def note(line):
    with (Path(os.environ["FAKE_SWEEP"]) / "notes.txt").open("a") as file:
        file.write(line + "\n")


def tell(answer):
    print(json.dumps(answer), flush=True)


main()
