"""Kill archnet at random moments, repeat each command, and compare the results with those of uninterrupted commands.

    python experiments/check_kills.py [--count 40] [--seed 0] [--only KIND] [--json] [--folder DIR]

The kinds are: building a crop store (`archnet data prepare`), a run while it trains, a run while it reports, `archnet
report`, `predict`, `export` and `fetch` (from a server on 127.0.0.1). Each is killed `--count` times, by SIGKILL,
SIGTERM and SIGINT in turn, at a random moment while it runs. The same command (with --resume for runs) must then
succeed, its files must equal those of an uninterrupted command byte for byte, and no draft or lock may remain; only the
folder that `predict` writes into has no lock and may keep a draft. Files that hold times, addresses or free memory
also differ between uninterrupted commands: in JSON, csv and model files, only the other values are compared; the other
files are excluded and listed. The exit code is 1 if anything differs.
"""

import argparse
import csv
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from check_resume import write_experiment
from forked_commands import Command, start_fork_server

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
CHANGING_KEYS = {
    "metrics.json": ("train_seconds", "samples_per_second", "peak_memory_bytes"),
    "network.json": ("memory_bytes",),
    "environment.json": ("command",),
}
"""Times, the free memory, and --resume."""
NETWORK = {
    "name": "net",
    "layers": [
        {"type": "C", "num_output": 2, "kernel_size": [3, 3], "activation": "relu", "drop_out": 10},
        {"type": "GAP"},
        {"type": "T"},
    ],
}
TRAINING = {"epochs": 4, "batch_size": 8, "best_metric": "loss", "augmentation": [{"type": "flip"}]}


@dataclass
class Kind:
    """A command to kill.

    Attributes:
        name: Name in the table.
        arguments: The command's arguments, from the folder of one attempt.
        results: The folder in it that is compared.
        repeated: Additional arguments of the repeated command.
        prepare: Fills the folder of an attempt.
        begins: The file whose appearance begins the time in which the command is killed; None for its start.
        main: Code that the process runs instead of archnet's command line.
    has_lock: Whether the folder that it writes into has a lock, whose next owner removes drafts.
    """

    name: str
    arguments: Callable[[Path], Sequence[object]]
    results: str
    repeated: Sequence[str] = ()
    prepare: Callable[[Path], None] = lambda folder: None
    begins: str | None = None
    main: Callable[[], None] | None = None
    has_lock: bool = True


@dataclass
class Outcome:
    """The results for one kind of command."""

    kills: int = 0
    ended_before: int = 0
    faults: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    seconds: float = 0.0


def comparable(folder: Path) -> dict[str, object]:
    """The files of a folder by name, without those known to contain times."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and "tfevents" not in path.name]
    return {str(path.relative_to(folder)): _value(path) for path in paths}


def _value(path: Path) -> object:
    if path.name in CHANGING_KEYS:
        document = json.loads(path.read_text())
        return {key: value for key, value in document.items() if key not in CHANGING_KEYS[path.name]}
    if path.name == "history.csv":
        rows = csv.DictReader(path.read_text().splitlines())
        return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as model:
            # addresses in memory, and names that Keras counts up in a process
            config = re.sub(rb'"shared_object_id": [0-9]+|"input_layer_[0-9]+"', b"", model.read("config.json"))
            return config, model.read("model.weights.h5")
    return path.read_bytes()


def find_leftovers(folder: Path) -> list[str]:
    """Leftover drafts, locks and work folders."""
    names = [str(path.relative_to(folder)) for path in folder.rglob(".*")]
    return [name for name in names if Path(name).name != ".unfinished" or any((folder / name).iterdir())]


def start(kind: Kind, folder: Path, *options: str) -> Command:
    environment = {"ARCHNET_STORE": str(folder / "store")}
    return Command([*kind.arguments(folder), *options], folder / "output.txt", kind.main, environment)


def wait_for(path: Path, command: Command) -> float:
    """The time at which a file appears or the command ends."""
    while not path.exists() and command.is_running():
        time.sleep(0.002)
    return time.monotonic()


def measure(kind: Kind, folder: Path) -> tuple[dict[str, object], float]:
    """The results of an uninterrupted command, and the seconds in which it can be killed."""
    folder.mkdir()
    kind.prepare(folder)
    command = start(kind, folder)
    begin = wait_for(folder / kind.begins, command) if kind.begins else time.monotonic()
    code, seconds = command.wait(), time.monotonic() - begin
    if code:
        raise SystemExit(f"{kind.name} fails even uninterrupted:\n{command.text()}")
    results = comparable(folder / kind.results)
    shutil.rmtree(folder)
    return results, seconds


def check(kind: Kind, count: int, generator: random.Random, folder: Path) -> Outcome:
    """Kill a command many times, each time in the same folder name, so that all paths in its results are equal."""
    attempt, outcome, begin = folder / "attempt", Outcome(), time.monotonic()
    results, _ = measure(kind, attempt)
    again, seconds = measure(kind, attempt)
    outcome.left_out = sorted(name for name in results.keys() | again.keys() if results.get(name) != again.get(name))
    expected = {name: value for name, value in again.items() if name not in outcome.left_out}
    while outcome.kills < count and outcome.ended_before <= 2 * count:
        attempt.mkdir()
        kind.prepare(attempt)
        command = start(kind, attempt)
        if kind.begins:
            wait_for(attempt / kind.begins, command)
        delay, number = generator.uniform(0, seconds), SIGNALS[outcome.kills % len(SIGNALS)]
        time.sleep(delay)
        is_killed = command.is_running()
        command.send(number)
        command.wait()
        outcome.kills += is_killed
        outcome.ended_before += not is_killed
        where = f"{number.name} after {delay:.3f} s"
        outcome.faults += [f"{where}: {fault}" for fault in faults_after(kind, attempt, expected, outcome.left_out)]
        shutil.rmtree(attempt)
    outcome.seconds = time.monotonic() - begin
    return outcome


def faults_after(kind: Kind, folder: Path, expected: dict[str, object], left_out: Sequence[str]) -> Iterator[str]:
    """Repeat a killed command, and yield its faults."""
    if kind.name == "export" and (folder / kind.results).exists():  # it was complete, and is not overwritten
        code = 0
    else:
        command = start(kind, folder, *kind.repeated)
        code = command.wait()
    if code:
        yield f"the repeated command ends with {code}: {command.text().strip()[-500:]}"
        return
    found = {name: value for name, value in comparable(folder / kind.results).items() if name not in left_out}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            yield f"{name} {'differs' if name in expected and name in found else 'is missing or left over'}"
    leftovers = find_leftovers(folder)
    if kind.has_lock and leftovers:
        yield f"left over: {', '.join(leftovers)}"


def fetch_from_server() -> None:
    """`archnet data fetch luna16` from the server whose address is the first argument."""
    from archnet.fetching.catalogue import Servers, fetch

    fetch("luna16", Path(sys.argv[2]), [0], servers=Servers(zenodo=sys.argv[1]))


def start_server() -> str:
    """A server on 127.0.0.1 with a small LUNA16; its address."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from archnet.spec.datasets import DATASETS
    from server import Server, zip_bytes

    server = Server()
    content: dict[int, dict[str, bytes]] = {}
    for part in DATASETS["luna16"].published:
        if part.subset not in (None, 0):
            continue
        whole = np.random.default_rng(len(content)).bytes(30_000_000 if part.subset == 0 else 1000)
        names = [f"{part.target}/scan{number}.raw" for number in range(40)] if part.archive.endswith(".zip") else []
        size = len(whole) // max(1, len(names))
        entries = {name: whole[size * number : size * (number + 1)] for number, name in enumerate(names)}
        content.setdefault(part.record, {})[part.archive] = zip_bytes(entries) if names else whole
    for record, files in content.items():
        server.publish(record, files)
    return server.servers().zenodo


def find_kinds(folder: Path) -> list[Kind]:
    """The commands, with their inputs in a folder."""
    (folder / "net.json").write_text(json.dumps(NETWORK))
    scans = folder / "scans"
    run_now("data", "phantom", "--out", scans, "--scans", 12, "--candidates", 8)
    experiment = write_experiment(folder, NETWORK, TRAINING, num_cases=120)
    settings = ["--set=data.crop_size=[16, 16, 8]", "--set=evaluation.bootstraps=20"]
    data = ["--data", "luna16", "--root", scans, *settings]
    run_now("run", folder / "net.json", *data, "--out", folder / "made", "--set=training.epochs=1")
    made = folder / "made/net"
    url = start_server()

    def copy_run(attempt: Path) -> None:
        shutil.copytree(made, attempt / "net")

    def run_arguments(attempt: Path) -> list[object]:
        return ["run", experiment, "--out", attempt / "out"]

    predicted = ["--candidates", scans / "candidates.csv", "--out"]
    return [
        Kind("store", lambda attempt: ["data", "prepare", *data], "store"),
        Kind("run while training", run_arguments, "out", ["--resume"]),
        Kind("run while reporting", run_arguments, "out", ["--resume"], begins="out/net/predictions.csv"),
        Kind("report", lambda attempt: ["report", attempt / "net"], "net", prepare=copy_run),
        Kind(
            "predict",
            lambda attempt: ["predict", made, scans, *predicted, attempt / "marks/submission.csv"],
            "marks",
            has_lock=False,
        ),
        Kind(
            "export",
            lambda attempt: ["export", attempt / "net", "--format", "keras"],
            "net/export-keras",
            prepare=copy_run,
        ),
        Kind("fetch", lambda attempt: [url, attempt / "data"], "data", main=fetch_from_server),
    ]


def run_now(*arguments: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = Command(arguments, Path(folder, "output.txt"))
        if command.wait():
            raise SystemExit(f"archnet {' '.join(command.arguments)}:\n{command.text()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40, help="kills of each kind")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    parser.add_argument("--only", help="only this kind")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--folder", type=Path, help="folder for the results (default: a temporary folder)")
    arguments = parser.parse_args()
    start_fork_server()
    outcomes = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        for kind in find_kinds(Path(name)):
            if arguments.only in (None, kind.name):
                generator = random.Random(f"{arguments.seed} {kind.name}")
                outcomes[kind.name] = check(kind, arguments.count, generator, Path(name))
                print_outcome(kind.name, outcomes[kind.name], sys.stderr if arguments.json else sys.stdout)
    if arguments.json:
        print(json.dumps({name: vars(outcome) for name, outcome in outcomes.items()}, indent=2))
    sys.exit(any(outcome.faults for outcome in outcomes.values()))


def print_outcome(name: str, outcome: Outcome, stream) -> None:
    text = f"{name:<20} {outcome.kills:3} kills, {len(outcome.faults)} faults"
    print(f"{text}, {outcome.seconds:.0f} s; not compared: {', '.join(outcome.left_out) or 'nothing'}", file=stream)
    for fault in outcome.faults:
        print(f"    {fault}", file=stream)
    stream.flush()


if __name__ == "__main__":
    main()
