"""Measure time and memory of the search for copies among as many synthetic candidates as in LUNA16.

    python experiments/bench_duplicates.py [--cases 551065] [--folder DIR] [--json]

The candidates are crops of 24 x 24 x 16 voxels in groups of 620, each the sum of two random parts of a smooth random
volume; 100 of them are planted again in other groups, shifted by one voxel. They are stored in a memory-mapped file of
5.1 GB in a temporary folder. Seconds are processor time, which does not depend on other load.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy import ndimage

from archnet.data.checks.duplicates.copies import find_copies

SHAPE = (24, 24, 16)
GROUP = 620
NUM_COPIES = 100
T = TypeVar("T")


def write_cases(path: Path, count: int) -> np.ndarray:
    """The candidates, uint8; the last ones are copies of the first ones."""
    rng = np.random.default_rng(0)
    volume = ndimage.gaussian_filter(rng.normal(size=(200, 200, 200)).astype(np.float32), (1.5, 1.5, 1))
    volume *= 30 / volume.std()
    values = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *SHAPE))
    starts = rng.integers(2, np.array(volume.shape) - np.array(SHAPE) - 2, (count, 2, 3))
    starts[count - NUM_COPIES :] = starts[:NUM_COPIES] + np.array([1, 0, 0])
    spans = [np.arange(length) for length in SHAPE]
    for first in range(0, count, 4096):
        part = starts[first : first + 4096]
        sums = sum(
            volume[
                part[:, number, 0, None, None, None] + spans[0][:, None, None],
                part[:, number, 1, None, None, None] + spans[1][:, None],
                part[:, number, 2, None, None, None] + spans[2],
            ]
            for number in range(2)
        )
        values[first : first + len(part)] = np.clip(sums + 128, 0, 255).astype(np.uint8)
    values.flush()
    return values


class Stopwatch:
    """A progress bar that records the processor time of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, items: Iterable[T], description: str, total: int) -> Iterable[T]:
        start = time.process_time()
        yield from items
        self.seconds[description] = self.seconds.get(description, 0) + time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=551_065, help="number of candidates (default: 551,065)")
    parser.add_argument("--folder", type=Path, help="folder with 2.5 GB of free space (default: a temporary folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        path = Path(name) / "cases.npy"
        write_cases(path, arguments.cases)
        values = np.load(path, mmap_mode="r")
        groups = np.arange(arguments.cases) // GROUP
        groups[arguments.cases - NUM_COPIES :] = -1 - np.arange(NUM_COPIES)
        stopwatch = Stopwatch()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start, start_wall = time.process_time(), time.perf_counter()
        copies = find_copies(values, groups.astype(np.str_), progress=stopwatch)
        result = {
            "cases": arguments.cases,
            "seconds": time.process_time() - start,
            "wall_seconds": time.perf_counter() - start_wall,
            "steps": stopwatch.seconds,
            "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
            "peak_gb_before": before / 1e6,
            "found": sum(pair.second - pair.first == arguments.cases - NUM_COPIES for pair in copies.near),
            "planted": NUM_COPIES,
            "others": sum(pair.second - pair.first != arguments.cases - NUM_COPIES for pair in copies.near),
        }
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"{result['cases']:,} cases: {result['seconds']:,.0f} s of one core, {result['wall_seconds']:,.0f} s wall "
          f"time, at most {result['peak_gb']:.1f} GB")  # fmt: skip
    for step, seconds in result["steps"].items():
        print(f"  {step:<28} {seconds:8,.1f} s")
    print(f"  {result['found']} of {NUM_COPIES} planted copies found, {result['others']} other pairs")


if __name__ == "__main__":
    main()
