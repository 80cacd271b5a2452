"""Measure the mutation score of the test suite: sample one-place mutations of src/archnet and run the tests on each.

    python experiments/mutation_score.py --map lines.json                     # once; takes as long as the test suite
    python experiments/mutation_score.py --map lines.json --seed 1 --sample 200 --results sample.jsonl --jobs 2

The first command maps each line to the tests that reach it (coverage.py is needed: pip install coverage); `--tests
FILE` reruns only those test files and updates the map; with PYTEST_ADDOPTS='-m "not slow"', the map includes only the
quick tests. The second command draws mutations uniformly at random over all places of the code (`mutations.py` lists
the operators), and for each runs the tests that reach its line in a copy of the repository: the quick ones of its own
room first, until one fails. An endless loop counts as killed, a line that no test reaches as survived. A test that also
fails on the unchanged code is excluded. The results are appended to a file, so that the same command resumes an
interrupted measurement; `--again` reruns survivors after tests were added or `--longest` was raised.

Equivalent mutants, which no test can kill, are listed in mutation_equivalents.jsonl with reasons, at most a tenth of
the sample. The score is killed / (sampled - equivalent).

mutmut and cosmic-ray also measure mutation scores. However, they start a process for each mutant, which takes 5 s for
TensorFlow alone, have no seeded sampling, and do not see lines that run in other processes. Here each mutant is a fork
of a process that has imported TensorFlow.
"""

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from line_tests import LineTests, read_sources, record
from mutant_process import Job, Laboratory
from mutations import Mutation, mutations, required_arguments

EQUIVALENTS = Path(__file__).parent / "mutation_equivalents.jsonl"
MAX_EQUIVALENT_FRACTION = 0.1
QUICK_SECONDS = 1.0
"""Tests up to this duration run before all others."""


def sample_mutations(sources: dict[str, str], seed: int, count: int) -> list[Mutation]:
    """A uniform sample of mutations at different places; a larger sample starts with the smaller one."""
    required = required_arguments(sources)
    places: dict[tuple, list[Mutation]] = {}
    for file, source in sources.items():
        for mutation in mutations(source, file, required):
            places.setdefault((file, mutation.span), []).append(mutation)
    generator = random.Random(seed)
    order = sorted(places)
    generator.shuffle(order)
    return [random.Random(f"{seed} {place}").choice(places[place]) for place in order[:count]]


def run_stages(mutation: Mutation, line_tests: LineTests, longest: float) -> list[list[str]]:
    """The tests to run, quick ones of the same room first, in groups that are started one after another."""
    seconds, room = line_tests.seconds, "tests/" + mutation.file.removesuffix(".py").partition("/")[0]
    tests = sorted(test for test in line_tests.tests(mutation) if seconds[test] <= longest)
    near = [test for test in tests if test.startswith(room)]
    stem = f"test_{Path(mutation.file).stem}.py"
    nearest = [test for test in near if seconds[test] <= QUICK_SECONDS and stem in test]
    quick_near = [test for test in near if seconds[test] <= QUICK_SECONDS]
    quick = [test for test in tests if seconds[test] <= QUICK_SECONDS]
    slow = sorted(tests, key=lambda test: (seconds[test] > 5 * QUICK_SECONDS, test.partition("::")[0], seconds[test]))
    done: set[str] = set()
    stages = []
    for stage in (nearest, quick_near, quick, slow):
        stages.append([test for test in stage if test not in done])
        done.update(stage)
    return [stage for stage in stages if stage]


class Measurement:
    """The mutants of a sample with their outcomes."""

    def __init__(self, line_tests: LineTests, results: Path, longest: float) -> None:
        self.line_tests, self.results, self.longest = line_tests, results, longest
        entries = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
        self.sound = {entry["killed_by"] for entry in entries}
        self.outcomes = {(*entry["key"], entry["byte"]): entry for entry in entries}
        self.unsound: set[str] = set()

    def run(self, sample: list[Mutation], jobs: int, *, again: bool) -> None:
        """Run the tests of each mutant without an outcome."""
        waiting = [mutation for mutation in sample if self._is_open(mutation, again=again)]
        running: list[Job] = []
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            laboratory = Laboratory(Path(folder), read_sources())
            while waiting or running:
                while waiting and len(running) < jobs:
                    running += self._start(laboratory, waiting.pop(0))
                for job in [job for job in running if job.is_done()]:
                    running.remove(job)
                    running += self._finish(laboratory, job, len(waiting) + len(running))
                time.sleep(0.05)

    def _is_open(self, mutation: Mutation, *, again: bool) -> bool:
        entry = self.outcomes.get(mutation.place)
        return entry is None or (again and not entry["killed_by"])

    def _start(self, laboratory: Laboratory, mutation: Mutation) -> list[Job]:
        stages = run_stages(mutation, self.line_tests, self.longest)
        stages = [kept for stage in stages if (kept := [test for test in stage if test not in self.unsound])]
        if not stages:
            self._keep(mutation, "", 0.0)
            return []
        return [laboratory.start(mutation, stages, list(map(self._limit_s, stages)))]

    def _limit_s(self, tests: list[str]) -> float:
        """The time limit of tests."""
        return 20 + 5 * sum(self.line_tests.seconds[test] for test in tests)

    def _finish(self, laboratory: Laboratory, job: Job, num_left: int) -> list[Job]:
        """Store a mutant's outcome, or restart it without a test that also fails on the unchanged code."""
        killer, seconds = job.outcome, time.monotonic() - job.started
        shutil.rmtree(job.copy, ignore_errors=True)
        if killer in self.line_tests.seconds and killer not in self.sound:
            if laboratory.fails_unchanged(killer, self._limit_s([killer])):
                self.unsound.add(killer)
                print(f"excluded, because it fails on the unchanged code: {killer}", flush=True)
                return self._start(laboratory, job.mutation)
            self.sound.add(killer)
        self._keep(job.mutation, killer, seconds)
        print(f"{num_left} left", flush=True)
        return []

    def _keep(self, mutation: Mutation, killer: str, seconds: float) -> None:
        tests = self.line_tests.tests(mutation)
        num_left_out = sum(self.line_tests.seconds[test] > self.longest for test in tests)
        entry = {
            "key": mutation.key,
            "kind": mutation.kind,
            "byte": mutation.span[0],
            "line": mutation.lines[0],
            "killed_by": killer,
            "seconds": round(seconds, 1),
            "num_tests": len(tests),
            "num_left_out": 0 if killer else num_left_out,
        }
        self.outcomes[mutation.place] = entry
        with self.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        print(f"{mutation.file}:{entry['line']} {mutation.kind}: {killer or 'SURVIVED'}, {seconds:.1f} s", flush=True)


def read_equivalents() -> dict[tuple[str, ...], str]:
    """The reason for each mutation that no test can kill."""
    entries = [json.loads(line) for line in EQUIVALENTS.read_text("utf-8").splitlines()]
    return {tuple(entry[key] for key in ("file", "function", "before", "after")): entry["reason"] for entry in entries}


def report_lines(sample: list[Mutation], outcomes: dict[tuple, dict]) -> Iterator[str]:
    """The score and the survivors."""
    entries = [outcomes[mutation.place] for mutation in sample if mutation.place in outcomes]
    reasons, killed = read_equivalents(), [entry for entry in entries if entry["killed_by"]]
    survivors = [entry for entry in entries if not entry["killed_by"]]
    equivalent = [entry for entry in survivors if tuple(entry["key"]) in reasons]
    for entry in survivors:
        file, function, before, after = entry["key"]
        tests = f"{entry['num_tests']} tests" + f", {entry['num_left_out']} not run" * bool(entry["num_left_out"])
        yield f"\n{file}:{entry['line']} {function} ({entry['kind']}; {tests})\n  - {before}\n  + {after}"
        if entry in equivalent:
            yield f"  equivalent: {reasons[tuple(entry['key'])]}"
    timeouts = sum(entry["killed_by"] == "timeout" for entry in killed)
    yield f"\n{len(entries)} of {len(sample)} mutants run, {sum(entry['seconds'] for entry in entries):.0f} s in all"
    counts = f"{len(killed)} killed ({timeouts} by the time limit), {len(survivors)} survived"
    yield f"{counts}, {len(equivalent)} of them equivalent"
    if len(equivalent) > MAX_EQUIVALENT_FRACTION * len(entries):
        yield f"More than {MAX_EQUIVALENT_FRACTION:.0%} are marked equivalent: the score is invalid."
    if len(entries) > len(equivalent):
        yield f"score {len(killed) / (len(entries) - len(equivalent)):.1%} = killed / (sampled - equivalent)"


def main() -> None:
    """Create the map, or measure the score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--map", type=Path, required=True, help="file of the map from lines to tests")
    parser.add_argument(
        "--tests", nargs="+", default=[], help="create the map from these test files only, or update it"
    )
    parser.add_argument("--sample", type=int, help="number of mutants; without it, the map is created")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample")
    parser.add_argument("--results", type=Path, default=Path("mutants.jsonl"), help="file for the results")
    parser.add_argument("--jobs", type=int, default=2, help="number of concurrent processes (default 2)")
    parser.add_argument("--longest", type=float, default=float("inf"), help="exclude tests that take more seconds")
    parser.add_argument("--again", action="store_true", help="rerun survivors")
    arguments = parser.parse_args()
    if arguments.sample is None:
        record(arguments.map, arguments.tests, arguments.jobs)
        return
    sample = sample_mutations(read_sources(), arguments.seed, arguments.sample)
    measurement = Measurement(LineTests.read(arguments.map), arguments.results, arguments.longest)
    measurement.run(sample, arguments.jobs, again=arguments.again)
    print("\n".join(report_lines(sample, measurement.outcomes)))


if __name__ == "__main__":
    main()
