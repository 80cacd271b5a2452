"""`archnet` whose sweeps are made of fake runs; with FAKE_NODES on a cluster of two nodes, of which one is lost.

FAKE_NODES is the number of epochs after which the second node is killed, of the first run that is on it; then that
node's runs are held. The runs of the first node wait for the loss, so that the second one gets a run on a slow machine.
"""

import os
import sys
import threading
import time
from functools import partial
from pathlib import Path

from archnet.cli import main
from archnet.sweep import run, tune

HERE = Path(__file__).parent
run.COMMAND = (sys.executable, str(HERE / "fake_sweep_run.py"))
tune.TuneRunner = partial(tune.TuneRunner, command=run.COMMAND, num_cpus=2)


def lose_a_node(cluster, node):
    notes = Path(os.environ["FAKE_SWEEP"]) / "notes.txt"
    raylet = node.all_processes["raylet"][0].process.pid
    while not is_under_way(notes.read_text().splitlines() if notes.exists() else [], raylet):
        time.sleep(0.05)
    (notes.parent / "held").write_text(str(raylet))
    cluster.remove_node(node, allow_graceful=False)


def is_under_way(lines, raylet):
    runs = [line.split()[1:3] for line in lines if line.startswith("start") and line.endswith(f" on {raylet}")]
    return bool(runs) and sum(line.split()[:3] == ["epoch", *runs[0]] for line in lines) >= int(
        os.environ["FAKE_NODES"]
    )


if "FAKE_NODES" in os.environ:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    room = {"num_cpus": 1, "object_store_memory": 100_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**room, "include_dashboard": False})
    node = cluster.add_node(**room)
    (Path(os.environ["FAKE_SWEEP"]) / "second").write_text(str(node.all_processes["raylet"][0].process.pid))
    threading.Thread(target=lose_a_node, args=(cluster, node), daemon=True).start()
    sys.argv += ["--address", cluster.address]
main()
