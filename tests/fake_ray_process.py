"""Stands for `python -m archnet.sweep.ray_process` without Ray: plays the next scene of a list, and starts a process.

Its arguments are a folder and the scenes. The folder's `starts` takes the number of this session's process and that of
the process that it has started, which is in a process group of its own, as Ray's workers are.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from archnet.sweep.session_processes import end_with_input

events = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
folder, *scenes = sys.argv[1:]
starts = Path(folder, "starts")
number = len(starts.read_text().splitlines()) if starts.exists() else 0
task = json.loads(sys.stdin.readline())
threading.Thread(target=end_with_input, daemon=True).start()
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
with starts.open("a") as stream:
    stream.write(f"{os.getpid()} {worker.pid}\n")


def send(kind, content=None):
    print(json.dumps([kind, content]), file=events, flush=True)


for word in scenes[min(number, len(scenes) - 1)].split():
    if word == "trial":
        path = next(
            path for path in sorted(Path(task["folder"]).glob("trials/*/*.json")) if "waiting" in path.read_text()
        )
        path.write_text(path.read_text().replace("waiting", "finished"))
        send("trial", int(path.parent.name))
    elif word == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == "hangs":
        time.sleep(600)
    elif word == "exits":
        sys.exit(3)
    elif word == "log":
        send("log", ["archnet", 30, "50% of it"])
    else:
        send(word, f"as {word}")
        time.sleep(600)
