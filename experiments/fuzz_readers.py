"""Damage files of every kind that archnet reads, and count how its readers handle them.

    python experiments/fuzz_readers.py --count 2000 --seed 0

A mutant is a valid file with changed bytes, fields, values or members (`tests/mutants.py`); `tests/reader_kinds.py`
lists the kinds. Reading it must succeed or end in an error of archnet, within 10 seconds and 1.5 GB. Exit code 1 if one
does not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


def main() -> int:
    """Fuzz the readers and print the table."""
    from fuzzed_readers import READ, REFUSED, fuzz_apart
    from reader_kinds import KINDS

    options = _parse_options(list(KINDS))
    names = options.kind or list(KINDS)
    rows = []
    for place, name in enumerate(names):
        count, start = options.count // len(names) + (place < options.count % len(names)), time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            outcomes = fuzz_apart(name, count, options.seed, Path(folder))
        numbers = {"mutants": count, "refused": outcomes.count(REFUSED), "read": outcomes.count(READ)}
        faults = [outcome for outcome in outcomes if outcome not in (REFUSED, READ)]
        rows.append({"kind": name, **numbers, "faults": faults, "seconds": time.perf_counter() - start})
        print(f"{name}: {len(faults)} faults in {count} mutants", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        _print_table(rows)
    return int(any(row["faults"] for row in rows))


def _parse_options(kinds: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="mutants of all kinds together (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutants (default: 0)")
    parser.add_argument("--kind", action="append", choices=kinds, metavar="KIND", help=f"one of {', '.join(kinds)}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    print(f"{'kind':<20}{'mutants':>9}{'refused':>9}{'read':>9}{'faults':>9}{'seconds':>9}")
    lines = [(row["mutants"], row["refused"], row["read"], len(row["faults"]), row["seconds"]) for row in rows]
    totals = [sum(column) for column in zip(*lines, strict=True)]
    for name, (*counts, seconds) in zip([*(row["kind"] for row in rows), "all"], [*lines, totals], strict=True):
        print(f"{name:<20}{''.join(f'{number:>9,}' for number in counts)}{seconds:>9.0f}")
    for fault in (fault for row in rows for fault in row["faults"]):
        print(fault)


if __name__ == "__main__":
    sys.exit(main())
