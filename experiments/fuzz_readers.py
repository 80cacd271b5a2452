"""Damage files of every kind that archnet reads, and count what its readers make of them.

    python experiments/fuzz_readers.py --count 2000 --seed 0

A mutant is a sound file with changed bytes, fields, values or members (`tests/mutants.py`); `tests/reader_kinds.py`
lists the kinds. It must end in an error of archnet or be read, within 10 seconds and 1.5 GB. Exit code 1 if one does not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

if TYPE_CHECKING:
    from fuzzed_readers import Tally


def main() -> int:
    """Fuzz the readers and print the table."""
    from fuzzed_readers import fuzz_kind
    from reader_kinds import KINDS

    options = _parse_options(list(KINDS))
    names = options.kind or list(KINDS)
    tallies: dict[str, Tally] = {}
    for place, name in enumerate(names):
        count = options.count // len(names) + (place < options.count % len(names))
        with tempfile.TemporaryDirectory() as folder:
            tallies[name] = fuzz_kind(name, count, options.seed, Path(folder))
        print(f"{name}: {len(tallies[name].faults)} faults in {count} mutants", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({name: vars(tally) for name, tally in tallies.items()}, indent=2))
    else:
        _print_table(tallies)
    return int(any(tally.faults for tally in tallies.values()))


def _parse_options(kinds: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="mutants of all kinds together (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutants (default: 0)")
    parser.add_argument("--kind", action="append", choices=kinds, metavar="KIND", help=f"one of {', '.join(kinds)}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _print_table(tallies: Mapping[str, Tally]) -> None:
    print(f"{'kind':<20}{'mutants':>9}{'refused':>9}{'read':>9}{'faults':>9}{'seconds':>9}")
    rows = [(name, t.mutants, t.refused, t.read, len(t.faults), t.seconds) for name, t in tallies.items()]
    for name, *counts, seconds in [*rows, ("all", *(sum(column) for column in list(zip(*rows, strict=True))[1:]))]:
        print(f"{name:<20}{''.join(f'{number:>9,}' for number in counts)}{seconds:>9.0f}")
    for tally in tallies.values():
        for fault in tally.faults:
            print(fault)


if __name__ == "__main__":
    sys.exit(main())
