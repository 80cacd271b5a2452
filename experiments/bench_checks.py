"""Measure the cost of the data checks: their share of `archnet data prepare`, and the time of `archnet data check`.

    python experiments/bench_checks.py [--runs N] [--candidates N] [--scans N] [--json]

Each run works in fresh processes with an empty crop store. In `data prepare`, every check is timed within the process:
the share is the processor time of the checks, over all threads, divided by that of everything else. Then `data check`
runs twice, on an empty store and on the stored crops; its time is given as a multiple of that of `data prepare` on the
same store. Numbers are medians over the runs.

The data are the two chest CTs in $ARCHNET_REAL_DATA (omitted if the variable is not set), written as a LUNA16 tree with
random candidates, as .mhd with plain .raw, which is the fastest to read, and a phantom in LUNA16's layout.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from archnet.imaging import read_volume
from archnet.imaging.metaimage import write_mhd
from archnet.phantom.layouts import Phantom, generate_phantom

CHECKS = (
    "archnet.data.build_store.record_scan",
    "archnet.data.build_store.append_records",
    "archnet.data.store.complete_records",
    "archnet.runs.preparation.case_crops.check_lists",
    "archnet.runs.preparation.case_crops.check_scans",
)
"""The checks of lists and scans and the functions that store their results, by the names that callers look up."""

COPIES = ("archnet.runs.preparation.case_crops.find_copies", "archnet.runs.preparation.case_crops.report_copies")
"""The check for identical and empty cases, whose statistics are kept in the store."""

LIMIT = 0.05
"""Maximum share of `data prepare` for the checks."""

CHILD = """
import json, sys, threading, time
from contextlib import ExitStack
from inspect import isgeneratorfunction
from pkgutil import resolve_name
from unittest.mock import patch

command, root, checks, copies = json.loads(sys.argv[1])
from archnet.data import open_dataset
from archnet.runs.preparation import prepare
from archnet.runs.preparation.inspection import inspect_data
from archnet.spec.resolve import data_experiments

lock = threading.Lock()

def timed(function, seconds):
    def call(*values, **options):
        start = time.thread_time()
        result = function(*values, **options)
        result = list(result) if isgeneratorfunction(function) else result
        with lock:
            seconds.append(time.thread_time() - start)
        return result
    return call

experiments = data_experiments("luna16", [(("data", "root"), root), (("data", "negatives_per_positive"), "all")])
with ExitStack() as stack:
    of_checks, of_copies = [], []
    for names, seconds in ((checks, of_checks), (copies, of_copies)):
        for name in names:
            stack.enter_context(patch(name, timed(resolve_name(name), seconds)))
    start, wall = time.process_time(), time.perf_counter()
    if command == "prepare":
        prepare(open_dataset(experiments[0].data), experiments, is_preview=True)
    else:
        inspect_data(experiments)
print(json.dumps({"total": time.process_time() - start, "wall": time.perf_counter() - wall,
                  "checks": sum(of_checks), "copies": sum(of_copies)}))
"""


def write_real_tree(source: Path, root: Path, num_candidates: int) -> Path:
    """The two chest CTs as a LUNA16 tree with random candidates, a fifth of them nodules."""
    generator = np.random.default_rng(0)
    lines = ["seriesuid,coordX,coordY,coordZ,class"]
    for number, path in enumerate(sorted((source / "ct").glob("lung?_image.nrrd"))):
        folder = root / f"subset{number}"
        folder.mkdir(parents=True)
        volume = read_volume(path)
        write_mhd(folder / f"scan{number}.mhd", volume)
        for row in range(num_candidates):
            index = generator.uniform(0.1, 0.9, 3) * (np.array(volume.hu.shape[::-1]) - 1)
            point = volume.origin_mm + volume.direction @ (index * volume.spacing_mm)
            lines.append(f"scan{number},{','.join(f'{value:.3f}' for value in point)},{int(row % 5 == 0)}")
    (root / "candidates.csv").write_text("\n".join(lines) + "\n")
    return root


def run_child(command: str, root: Path, store: Path) -> dict[str, float]:
    arguments = json.dumps([command, str(root), CHECKS, COPIES])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, arguments],
        env={**os.environ, "ARCHNET_STORE": str(store)},
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def measure(root: Path, num_runs: int) -> dict[str, float]:
    """Medians over runs, each of which measures both sides of a ratio one after the other."""
    rows = []
    for _ in range(num_runs):
        with tempfile.TemporaryDirectory() as folder:
            fresh, checked = Path(folder) / "prepared", Path(folder) / "checked"
            prepare = run_child("prepare", root, fresh)
            check = run_child("check", root, checked)
            again = run_child("prepare", root, fresh)
            stored = run_child("check", root, fresh)
        rest = prepare["total"] - prepare["checks"] - prepare["copies"]
        rows.append(
            {
                "prepare_seconds": prepare["wall"],
                "share_of_prepare": prepare["checks"] / rest,
                "share_of_copies": prepare["copies"] / rest,
                "stored_copies_seconds": again["copies"],
                "check_by_prepare": check["total"] / prepare["total"],
                "prepare_stored_seconds": again["wall"],
                "check_stored_seconds": stored["wall"],
            }
        )
    return {key: median(row[key] for row in rows) for key in rows[0]}


def trees(folder: Path, num_candidates: int, num_scans: int) -> Iterator[tuple[str, Path]]:
    source = os.environ.get("ARCHNET_REAL_DATA")
    if source:
        yield "two chest CTs", write_real_tree(Path(source), folder / "real", num_candidates)
    generate_phantom(folder / "phantom", Phantom(num_scans=num_scans))
    yield f"phantom of {num_scans} scans", folder / "phantom"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--candidates", type=int, default=300, help="of each chest CT")
    parser.add_argument("--scans", type=int, default=36, help="of the phantom")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = {
            name: measure(root, options.runs) for name, root in trees(Path(folder), options.candidates, options.scans)
        }
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for name, result in results.items():
        print(
            f"{name}: data prepare {result['prepare_seconds']:.2f} s, of which the checks add "
            f"{100 * result['share_of_prepare']:.1f}% (limit {100 * LIMIT:.0f}%) and the check for identical and empty "
            f"cases {100 * result['share_of_copies']:.1f}%, once ({result['stored_copies_seconds']:.2f} s on stored "
            f"crops); data check takes {result['check_by_prepare']:.2f} times its processor time. On stored crops: "
            f"data prepare {result['prepare_stored_seconds']:.2f} s, data check {result['check_stored_seconds']:.2f} s."
        )


if __name__ == "__main__":
    main()
