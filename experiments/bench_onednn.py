"""Measure how much faster networks train on this processor because TensorFlow computes with oneDNN.

    python experiments/bench_onednn.py [ARCH...] [--rounds 3]

Each round runs `archnet bench` on noise in two processes, with oneDNN and without. The ratio is the median over rounds.
On processors with AVX512-VNNI, TensorFlow itself enables oneDNN.
"""

import argparse
import json
import os
import subprocess
import sys
from statistics import median

ARCHS = ("archsm", "arch3dsm", "res2d", "res3d")
VARIABLE = "TF_ENABLE_ONEDNN_OPTS"


def main() -> None:
    """Print one row per architecture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archs", nargs="*", default=ARCHS, help="architectures (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16, help="batch size")
    options = parser.parse_args()
    print("| architecture | samples/s with oneDNN | without | ratio |\n|---|---|---|---|")
    for arch in options.archs:
        rounds = [
            [samples_per_second(arch, options.batch, choice) for choice in ("1", "0")] for _ in range(options.rounds)
        ]
        ours, theirs = (median(side) for side in zip(*rounds, strict=True))
        ratio = median(ours / theirs for ours, theirs in rounds)
        print(f"| {arch} | {ours:.3g} | {theirs:.3g} | {ratio:.1f} |", flush=True)


def samples_per_second(arch, batch, choice):
    """Training speed of an architecture in a new process."""
    command = [sys.executable, "-m", "archnet", "bench", arch, "--batch", str(batch), "--steps", "3", "--json"]
    environment = {**os.environ, VARIABLE: choice}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout)["step_samples_per_second"]


if __name__ == "__main__":
    main()
