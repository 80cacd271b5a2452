"""Profile a small run: wall time, and processor time by step.

Runs `archnet run archs/archsm.json --data phantom --set training.epochs=1` in fresh processes, and also times `import
tensorflow`. Each turn runs the command twice: once unchanged, for the wall time, and once with its steps timed.

Usage: python experiments/profile_run.py [--runs N] [--functions N] [-- OTHER COMMAND OF archnet]
"""

import argparse
import cProfile
import importlib._bootstrap
import io
import json
import pstats
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from archnet.machine import usable_cores
from archnet.network.optional_packages import skip_optional_packages

COMMAND = ["run", "archs/archsm.json", "--data", "phantom", "--set", "training.epochs=1"]
ROOT = Path(__file__).parents[1]
STEPS = {
    "data": (
        "archnet.runs.runner.open_dataset",
        "archnet.runs.runner.make_splits",
        "archnet.runs.runner.resolve_auto_from_data",
        "archnet.runs.runner.prepare",
    ),
    "training": ("archnet.runs.runner.train_networks",),
    "prediction": ("archnet.runs.runner.predict_cases", "archnet.network.scaling.build_ensemble"),
    "evaluation": (
        "archnet.runs.runner.evaluate_predictions",
        "archnet.runs.evaluation.write_run_froc",
        "archnet.runs.evaluation.write_predictions",
        "archnet.runs.evaluation.write_gallery",
        "archnet.runs.evaluation.write_run_heat_maps",
    ),
    "drawing": ("archnet.runs.evaluation.write_report",),
    "saving the model": ("archnet.runs.runner.write_model",),
}
"""The functions of each step, by the names that the runner looks up."""

WORK = ("data", "training", "prediction")
"""The steps that do the work of a run."""


class Stopwatch:
    """Processor time of all threads by step; an outer step excludes its inner steps."""

    def __init__(self):
        self.seconds = defaultdict(float)
        self.open, self.last = ["imports"], 0.0  # the interpreter's own start counts as an import

    def switch(self):
        """Add the elapsed time to the current step."""
        now = time.process_time()
        self.seconds[self.open[-1]] += now - self.last
        self.last = now

    def measured(self, step, function):
        """Wrap a function so that its time counts toward a step."""

        def call(*values, **options):
            self.switch()
            self.open.append(step)
            try:
                return function(*values, **options)
            finally:
                self.switch()
                self.open.pop()

        return call


def measure_steps(command: list[str], path: Path) -> None:
    """Run a command in this process and write the processor seconds of its steps."""
    watch = Stopwatch()
    importlib._bootstrap._find_and_load = watch.measured("imports", importlib._bootstrap._find_and_load)
    importlib.import_module("archnet.network.backend").start_quietly()
    for step, names in STEPS.items():
        for name in names:
            module, _, function = name.rpartition(".")
            loaded = importlib.import_module(module)
            setattr(loaded, function, watch.measured(step, getattr(loaded, function)))
    from archnet.cli import app

    watch.switch()
    watch.open = ["other"]
    app(command, standalone_mode=False)
    watch.switch()
    path.write_text(json.dumps(watch.seconds))


def list_functions(command: list[str], count: int) -> None:
    """Run a command in this process under cProfile and print its most expensive functions."""
    from archnet.cli import app

    profile, text = cProfile.Profile(time.process_time), io.StringIO()
    profile.runcall(app, command, standalone_mode=False)
    pstats.Stats(profile, stream=text).sort_stats("cumulative").print_stats(r"archnet|<frozen importlib", count)
    print(text.getvalue())


def wall_seconds(arguments: list[str]) -> float:
    """Seconds that a fresh Python process takes."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)  # fmt: skip
    return time.perf_counter() - begin


def profile_turn(command: list[str], folder: Path) -> tuple[float, float, dict[str, float]]:
    """Wall seconds of `import tensorflow` and of the command, and the processor seconds of its steps."""
    tensorflow = wall_seconds(["-c", "import tensorflow"])
    code = "import sys; from archnet.cli import main; sys.argv[0] = 'archnet'; main()"
    command_seconds = wall_seconds(["-c", code, *command, "--out", str(folder / "plain")])
    steps = folder / "steps.json"
    wall_seconds([__file__, "--steps", str(steps), "--", *command, "--out", str(folder / "measured")])
    return tensorflow, command_seconds, json.loads(steps.read_text())


def print_table(turns: list[tuple[float, float, dict[str, float]]]) -> None:
    """Print medians over the turns, with minimum and maximum."""
    print(f"{len(turns)} turns on {usable_cores()} cores; medians (minimum to maximum)\n")
    for name, place in (("import tensorflow", 0), ("the whole command", 1)):
        seconds = [turn[place] for turn in turns]
        print(f"{name:20} {median(seconds):6.2f} s wall ({min(seconds):.2f} to {max(seconds):.2f})")
    names = ["imports", *STEPS, "other"]
    steps = {name: median(turn[2].get(name, 0.0) for turn in turns) for name in names}
    total = sum(steps.values()) - steps["imports"]
    print()
    for name, seconds in steps.items():
        share = "" if name == "imports" else f"{seconds / total:7.1%} of the time after the imports"
        print(f"{name:20} {seconds:6.2f} s processor {share}")
    rest = [
        1 - sum(turn[2].get(name, 0.0) for name in WORK) / (sum(turn[2].values()) - turn[2]["imports"])
        for turn in turns
    ]
    print(f"\nneither {', '.join(WORK[:-1])} nor {WORK[-1]}: {median(rest):.1%} ({min(rest):.1%} to {max(rest):.1%})")


def main() -> None:
    """Measure as requested on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="number of turns (default 5)")
    parser.add_argument("--functions", type=int, help="instead, list the N most expensive functions of one run")
    parser.add_argument("--steps", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("command", nargs="*", default=COMMAND, help="the command of archnet, without --out")
    options = parser.parse_args()
    if options.steps or options.functions:
        skip_optional_packages()  # as the command line does
    if options.steps:
        return measure_steps(options.command, options.steps)
    with tempfile.TemporaryDirectory() as folder:
        if options.functions:
            return list_functions([*options.command, "--out", f"{folder}/run"], options.functions)
        turns = []
        for turn in range(options.runs):
            place = Path(folder, str(turn))
            place.mkdir()
            turns.append(profile_turn(options.command, place))
    return print_table(turns)


if __name__ == "__main__":
    main()
