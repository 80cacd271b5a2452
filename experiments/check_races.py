"""Start pairs of concurrent archnet commands in one folder, and check that one wins, or that both succeed.

    python experiments/check_races.py [--count 20] [--seed 0] [--only KIND] [--json] [--folder DIR]

The kinds: two `archnet run` into one folder, with equal options and with different numbers of epochs (one run is made,
by the command that prints its metrics; the other ends with code 2 and names the first); two runs that log to one new
MLflow database (both succeed); two `archnet report` of one run (at least one succeeds, and the run's files are right);
two `archnet data prepare` (both succeed). The second command of a pair starts up to half a second after the first. The
exit code is 1 if a pair ends in any other way.
"""

import argparse
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from check_kills import NETWORK, TRAINING, comparable, find_leftovers
from check_resume import write_experiment
from forked_commands import Command, start_fork_server

MAX_DELAY = 0.5
IN_USE = "another archnet process is writing to this folder"
FINISHED = "this run is finished and has the same settings"


@dataclass
class Ended:
    """One command of a pair that has ended."""

    command: Command
    code: int

    @property
    def text(self) -> str:
        return self.command.text()


@dataclass
class Kind:
    """Two commands to start at once.

    Attributes:
        name: Name in the table.
        arguments: Their arguments, from the folder of one pair.
        faults: Finds faults after both have ended.
        prepare: Fills the folder of a pair.
    """

    name: str
    arguments: Callable[[Path], Sequence[Sequence[object]]]
    faults: Callable[[Path, Sequence[Ended]], Iterator[str]]
    prepare: Callable[[Path], None] = lambda folder: None


def race(kind: Kind, folder: Path, delay: float) -> tuple[list[str], list[int]]:
    """Start a pair, and return the faults and exit codes after both have ended."""
    folder.mkdir()
    kind.prepare(folder)
    environment = {"ARCHNET_STORE": str(folder / "store")}
    commands = []
    for number, arguments in enumerate(kind.arguments(folder)):
        time.sleep(delay * number)
        commands.append(Command(arguments, folder / f"output{number}.txt", environment=environment))
    ended = [Ended(command, command.wait()) for command in commands]
    faults = list(kind.faults(folder, ended))
    if leftovers := find_leftovers(folder):
        faults.append(f"left over: {', '.join(leftovers)}")
    if faults:
        faults += [f"code {one.code}: {one.text.strip()[-300:]}" for one in ended]
    shutil.rmtree(folder)
    return faults, sorted(one.code for one in ended)


def one_run_faults(folder: Path, ended: Sequence[Ended]) -> Iterator[str]:
    """Check that one command made the run and printed it, and the other ended because of the first."""
    winners = [one for one in ended if one.code == 0]
    losers = [one for one in ended if one.code == 2]
    if len(winners) != 1 or len(losers) != 1:
        yield "not exactly one command succeeded"
        return
    winner, loser = winners[0], losers[0]
    is_named = IN_USE in loser.text and f"(process {winner.command.pid} on " in loser.text
    if not is_named and FINISHED not in loser.text:
        yield "the command that ended does not name the other"
    printed = json.loads(winner.text[winner.text.index("\n[") :]) if "\n[" in winner.text else []
    if [run["metrics"] for run in printed] != [json.loads((folder / "out/net/metrics.json").read_text())]:
        yield "the metrics printed are not those in the folder"
    epochs = json.loads((folder / "out/net/experiment.json").read_text())["training"]["epochs"]
    if f"--set=training.epochs={epochs}" not in winner.command.arguments:
        yield f"the run has {epochs} epochs, which its command did not request"


def both_logged_faults(folder: Path, ended: Sequence[Ended]) -> Iterator[str]:
    if any(one.code for one in ended):
        yield "not both succeeded"
        return
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        ((num_runs,),) = database.execute("SELECT COUNT(*) FROM runs WHERE status = 'FINISHED'")
    if num_runs != 2:
        yield f"{num_runs} runs are logged"


def same_content(subfolder: str, expected: dict[str, object], num_needed: int) -> Callable:
    """Find too few successes, or a folder with different content."""

    def find(folder: Path, ended: Sequence[Ended]) -> Iterator[str]:
        if sum(one.code == 0 for one in ended) < num_needed:
            yield f"fewer than {num_needed} succeeded"
        if any(one.code and IN_USE not in one.text for one in ended):
            yield "the command that ended does not say that the folder is in use"
        found = comparable(folder / subfolder)
        for name in sorted(expected.keys() | found.keys()):
            if not name.endswith("statistics.npz") and expected.get(name) != found.get(name):  # it contains a time
                yield f"{name} differs"

    return find


def find_kinds(folder: Path) -> list[Kind]:
    experiment = write_experiment(folder, NETWORK, TRAINING, num_cases=120)
    made, scans = folder / "made", folder / "scans"
    run_now(folder, "run", experiment, "--out", made)
    run_now(folder, "report", made / "net")
    run_now(folder, "data", "phantom", "--out", scans, "--scans", 12, "--candidates", 8)
    prepare = ["data", "prepare", "--data", "luna16", "--root", scans, "--set=data.crop_size=[16, 16, 8]"]
    run_now(folder, *prepare)

    def runs(*epochs: int) -> Callable[[Path], list[list[object]]]:
        return lambda pair: [
            ["run", experiment, "--out", pair / "out", f"--set=training.epochs={number}", "--json"] for number in epochs
        ]

    def logged_runs(pair: Path) -> list[list[object]]:
        return [["run", experiment, "--out", pair / name, "--track", "mlflow"] for name in ("a", "b")]

    return [
        Kind("run, equal options", runs(4, 4), one_run_faults),
        Kind("run, different options", runs(3, 4), one_run_faults),
        Kind("run, new mlflow.db", logged_runs, both_logged_faults),
        Kind(
            "report",
            lambda pair: [["report", pair / "net"]] * 2,
            same_content("net", comparable(made / "net"), 1),
            prepare=lambda pair: shutil.copytree(made / "net", pair / "net"),
        ),
        Kind("data prepare", lambda pair: [prepare] * 2, same_content("store", comparable(folder / "store"), 2)),
    ]


def run_now(folder: Path, *arguments: object) -> None:
    command = Command(arguments, folder / "output.txt", environment={"ARCHNET_STORE": str(folder / "store")})
    if command.wait():
        raise SystemExit(f"archnet {' '.join(command.arguments)}:\n{command.text()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="pairs of each kind")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    parser.add_argument("--only", help="only this kind")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--folder", type=Path, help="folder for the results (default: a temporary folder)")
    arguments = parser.parse_args()
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    start_fork_server("mlflow.store.tracking.sqlalchemy_store")
    table = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        for kind in find_kinds(Path(name)):
            if arguments.only in (None, kind.name):
                generator = random.Random(f"{arguments.seed} {kind.name}")
                table[kind.name] = run_pairs(kind, arguments.count, generator, Path(name, "pair"))
                print_row(kind.name, table[kind.name], sys.stderr if arguments.json else sys.stdout)
    if arguments.json:
        print(json.dumps(table, indent=2))
    sys.exit(any(row["faults"] for row in table.values()))


def run_pairs(kind: Kind, count: int, generator: random.Random, folder: Path) -> dict[str, object]:
    begin, faults, codes = time.monotonic(), [], []
    for number in range(count):
        delay = generator.choice([0, generator.uniform(0, MAX_DELAY)])
        found, both = race(kind, folder, delay)
        faults += [f"pair {number}, {delay:.3f} s apart: {fault}" for fault in found]
        codes.append(both)
    num_both = sum(both == [0, 0] for both in codes)
    return {"pairs": count, "both_succeeded": num_both, "faults": faults, "seconds": time.monotonic() - begin}


def print_row(name: str, row: dict[str, object], stream) -> None:
    text = f"{name:<24} {row['pairs']:3} pairs, both succeeded in {row['both_succeeded']}, {len(row['faults'])} faults"
    print(f"{text}, {row['seconds']:.0f} s", file=stream)
    for fault in row["faults"]:
        print(f"    {fault}", file=stream)
    stream.flush()


if __name__ == "__main__":
    main()
