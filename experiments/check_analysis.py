"""Measure the latency of the analysis of documents, and analyze damaged documents.

    python experiments/check_analysis.py --latency
    python experiments/check_analysis.py --fuzz 10000 --seed 0

Latencies are the processor time of one analysis of a shipped file, in milliseconds. "cold" is the first analysis of the
file in the process, and "warm" the median of later ones. "ratio" is "warm" divided by the time of parsing and planning
alone. The fuzz test truncates and edits shipped files (`tests/half_typed.py`), checks each analysis, and applies every
fix to files with one mistake. The exit code is 1 if a check fails.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from archnet.errors import DocumentError
from archnet.files.documents.shipped_documents import shipped_documents
from archnet.files.strict_json import parse_document
from archnet.spec.analysis.analyze import analyze
from archnet.spec.arch import parse_arch
from archnet.spec.resolve import is_arch, parse_experiments
from archnet.spec.sweeps.document import parse_sweep
from archnet.spec.sweeps.sweep import is_sweep


def main() -> int:
    """Measure, fuzz, or both."""
    options = _parse_options()
    if options.latency:
        _print_latency(options.repeats)
    return _fuzz(options.fuzz, options.seed) if options.fuzz else 0


def _print_latency(num_repeats: int) -> None:
    analyze('{"layers": []}', "first.json")  # imports and schemas
    rows = []
    for name, path in shipped_documents().items():
        text, source = path.read_text("utf-8"), str(path)
        start = time.process_time()
        analyze(text, source)
        cold = (time.process_time() - start) * 1e3
        warm = _median_ms(lambda text=text, source=source: analyze(text, source), num_repeats)  # type: ignore[misc]
        alone = _median_ms(lambda text=text, source=source: _parse_and_plan(text, source), num_repeats)  # type: ignore[misc]
        rows.append((name, len(text), cold, warm, alone, warm / alone))
    print(f"{'file':32}{'bytes':>8}{'cold':>8}{'warm':>8}{'alone':>8}{'ratio':>7}")
    for name, size, *numbers, ratio in sorted(rows, key=lambda row: row[1]):
        print(f"{name:32}{size:8,}{''.join(f'{number:8.2f}' for number in numbers)}{ratio:7.2f}")
    for kind, column in (("cold", 2), ("warm", 3), ("ratio", 5)):
        values = [row[column] for row in rows]
        print(f"{kind}: median {statistics.median(values):.2f}, maximum {max(values):.2f}")


def _median_ms(function: Callable[[], object], num_repeats: int) -> float:
    times = []
    for _ in range(num_repeats):
        start = time.process_time()
        function()
        times.append((time.process_time() - start) * 1e3)
    return statistics.median(times)


def _parse_and_plan(text: str, source: str) -> None:
    """Parse a document and plan its networks, as any command does."""
    document = parse_document(text, source)
    if is_arch(document.value):
        parse_arch(document).plan()
    elif is_sweep(document.value):
        parse_sweep(document)
    else:
        for experiment in parse_experiments(document):
            experiment.arch.plan()


def _fuzz(count: int, seed: int) -> int:
    """Analyze damaged documents; return the exit code."""
    from half_typed import MISTAKES, analysis_faults, fix_outcomes, half_typed_texts

    mistakes = {mistake.__name__ for mistake in MISTAKES}
    kinds: Counter[str] = Counter()
    fixes: Counter[str] = Counter()
    num_faults, slowest = 0, 0.0
    for kind, text, source in half_typed_texts(count, seed):
        kinds[kind] += 1
        start = time.perf_counter()
        faults = analysis_faults(text, source)
        slowest = max(slowest, time.perf_counter() - start)
        if kind in mistakes:
            outcomes = list(fix_outcomes(text, source))
            fixes.update("works" if outcome is None else "does not work" for outcome in outcomes)
            faults += [outcome for outcome in outcomes if outcome is not None]
        for fault in faults:
            num_faults += 1
            print(f"{kind} of {source}: {fault}\n{text!r}\n")
    print(f"{count:,} texts: {', '.join(f'{number:,} {kind}' for kind, number in sorted(kinds.items()))}")
    print(f"fixes: {', '.join(f'{number:,} {outcome}' for outcome, number in sorted(fixes.items()))}")
    print(f"{num_faults} faults; the slowest analysis took {slowest:.2f} s")
    return 1 if num_faults else 0


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", action="store_true", help="print the table of latencies")
    parser.add_argument("--repeats", type=int, default=15, help="analyses per file (default 15)")
    parser.add_argument("--fuzz", type=int, default=0, metavar="N", help="number of damaged texts")
    parser.add_argument("--seed", type=int, default=0, help="seed of the damage")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DocumentError as error:
        sys.exit(str(error))
