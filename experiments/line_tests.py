"""The map from lines to tests for `mutation_score.py`, and the pytest plugin that records it.

The suite runs under coverage.py once. Each line is recorded with the test that reaches it, also in processes that the
test starts, or with the fixture that several tests share. Lines that run when a module is imported, such as constants
and the fields of a dataclass, belong to no test; their tests are those that reach a line which mentions them by name,
and those of test files that import the name.
"""

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mutations import Mutation, bound_names

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/archnet"
RECORDS = "ARCHNET_TEST_RECORDS"
"""Environment variable with the folder in which the plugin writes the coverage of each process."""

LAYOUT = """[run]
source = {package}
parallel = true
data_file = {folder}/coverage
context = ${{PYTEST_CURRENT_TEST-}}
"""

_tests: dict[str, dict] = {}
_fixture_seconds: dict[str, float] = {}


def _switch(context: str) -> None:
    import coverage

    recorder = coverage.Coverage.current()
    if recorder:
        recorder.switch_context(context)


def _shared_fixtures(item: pytest.Item) -> list[str]:
    definitions = item._fixtureinfo.name2fixturedefs.values()
    return [_fixture_name(these[-1]) for these in definitions if these[-1].scope != "function"]


def _fixture_name(definition: pytest.FixtureDef) -> str:
    return f"{definition.baseid}::{definition.argname}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Attribute lines to the test from here on."""
    _tests[item.nodeid] = {"seconds": 0.0, "fixtures": _shared_fixtures(item), "passed": True}
    _switch(f"test {item.nodeid}")
    yield
    _switch("")


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef, request: pytest.FixtureRequest) -> Iterator[None]:
    """Attribute the lines of a shared fixture to all tests that use it."""
    if fixturedef.scope == "function":
        yield
        return
    name, current, start = _fixture_name(fixturedef), os.environ.get("PYTEST_CURRENT_TEST", ""), time.perf_counter()
    _switch(f"fixture {name}")
    os.environ["PYTEST_CURRENT_TEST"] = f"fixture {name}"
    yield
    os.environ["PYTEST_CURRENT_TEST"] = current
    _switch(f"test {current.rpartition(' (')[0]}")
    _fixture_seconds[name] = time.perf_counter() - start


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add the duration of a phase."""
    if report.nodeid in _tests:  # not in the process that only hands out the tests
        test = _tests[report.nodeid]
        test["seconds"] += report.duration if report.when == "call" else 0.0
        test["passed"] &= not report.failed


def pytest_sessionfinish() -> None:
    """Write the coverage of this process; a process of xdist may end without its exit functions."""
    import coverage

    recorder = coverage.Coverage.current()
    if recorder:
        recorder.stop()
        recorder.save()
    if RECORDS in os.environ and _tests:
        text = json.dumps({"tests": _tests, "fixtures": _fixture_seconds})
        (Path(os.environ[RECORDS]) / f"tests-{os.getpid()}.json").write_text(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A place that mentions a name.

    Attributes:
        file: The module.
        line: The line.
        names: The names that the statement binds on import; None in a function.
    """

    file: str
    line: int
    names: tuple[str, ...] | None


def find_mentions(sources: dict[str, str]) -> dict[str, list[Mention]]:
    """Every place that mentions a name, also as an attribute or as an argument."""
    found: dict[str, list[Mention]] = defaultdict(list)
    for file, source in sources.items():
        for node, names in _walk_names(ast.parse(source), ()):
            name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None)
            if name:
                found[name].append(Mention(file=file, line=node.lineno, names=names))
    return found


def find_importers(files: Iterable[str]) -> dict[str, set[str]]:
    """The test files that import each name from the package."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in files:
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("archnet"):
                for alias in node.names:
                    found[alias.name].add(file)
    return found


def _walk_names(node: ast.AST, names: tuple[str, ...] | None) -> Iterator[tuple[ast.AST, tuple[str, ...] | None]]:
    """Every mention with the names that its statement binds on import."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Name | ast.Attribute | ast.keyword):
            yield child, names
        if isinstance(child, ast.FunctionDef):
            yield from _walk_names(child, None)
        elif isinstance(child, ast.stmt) and names is not None:
            yield from _walk_names(child, bound_names(child))
        else:
            yield from _walk_names(child, names)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTests:
    """The map from lines to tests.

    Attributes:
        seconds: Duration of each passing test, including its shared fixtures.
        lines: Tests that reach each line, by module.
        mentions: Mentions of each name.
        importers: Test files that import each name.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]
    mentions: dict[str, list[Mention]]
    importers: dict[str, set[str]]

    @classmethod
    def read(cls, path: Path) -> "LineTests":
        """Read the map from a file.

        Raises:
            SystemExit: The sources have changed since.
        """
        document = _read(path)
        changed = [file for file, digest in digests().items() if document["sources"].get(file) != digest]
        if changed:
            raise SystemExit(f"{path}: {', '.join(changed)} changed since the map was made. Make it again.")
        shared = document["fixtures"]
        seconds = {
            name: test["seconds"] + sum(shared.get(fixture, 0.0) for fixture in test["fixtures"])
            for name, test in document["tests"].items()
            if test["passed"]
        }
        mentions, importers = find_mentions(read_sources()), find_importers({name.split("::")[0] for name in seconds})
        return cls(seconds=seconds, lines=document["lines"], mentions=mentions, importers=importers)

    def tests(self, mutation: Mutation) -> set[str]:
        """The tests that reach a mutated statement, or any line of its module if no test can be found by its names.

        A function that a statement on import mentions, for example to make a table, also has the tests of that
        statement.
        """
        direct = self._at(mutation.file, range(mutation.lines[0], mutation.lines[1] + 1))
        function = mutation.function.rpartition(".")[2]
        makes = [one for one in self.mentions.get(function, ()) if one.file == mutation.file and one.names]
        if mutation.is_in_function and not mutation.names and not makes:
            return direct
        names = mutation.names or tuple(name for one in makes for name in one.names or ())
        found = self._mentioning(names) | (direct if mutation.is_in_function else set())
        return found or self._at(mutation.file, self.lines.get(mutation.file, ()))

    def _at(self, file: str, lines: Iterable[int]) -> set[str]:
        reached = self.lines.get(file, {})
        return {test for line in lines for test in reached.get(line, ()) if test in self.seconds}

    def _mentioning(self, names: Iterable[str]) -> set[str]:
        """The tests of a name, or of a name bound to it on import: of files that import it, or which reach a line in a
        function that mentions it."""
        waiting, known, found, files = list(names), set(names), set(), set()
        while waiting:
            name = waiting.pop()
            files |= self.importers.get(name, set())
            for mention in self.mentions.get(name, ()):
                if mention.names is None:
                    found |= self._at(mention.file, [mention.line])
                new = set(mention.names or ()) - known
                waiting.extend(new)
                known |= new
        return found | {test for test in self.seconds if test.partition("::")[0] in files}


def read_sources() -> dict[str, str]:
    """Every module of the package, by its name."""
    return {str(path.relative_to(PACKAGE)): path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


def digests() -> dict[str, str]:
    """A digest of each module."""
    return {file: hashlib.sha256(text.encode()).hexdigest() for file, text in read_sources().items()}


def record(path: Path, tests: list[str], jobs: int) -> None:
    """Run the named tests, or all, and write the map, or update an existing one."""
    sources = digests()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "coveragerc").write_text(LAYOUT.format(package=PACKAGE, folder=folder))
        search_path = os.pathsep.join(
            [str(Path(__file__).parent), str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
        )
        environment = {**os.environ, RECORDS: name, "PYTHONPATH": search_path}
        environment["COVERAGE_PROCESS_START"] = f"{folder}/coveragerc"
        options = ["-p", "line_tests", "-p", "no:cacheprovider", "-n", str(jobs), "--dist", "loadfile"]
        command = [sys.executable, "-m", "pytest", "-q", "--hypothesis-seed=0", *options, *tests]
        subprocess.run(command, cwd=ROOT, env=environment, check=False)  # the map leaves out tests that fail
        new = {"sources": sources, **_collect(folder)}
    is_update = tests and path.exists()
    path.write_text(json.dumps(_encode(_merge(_read(path), new) if is_update else new)))


def _encode(document: dict) -> dict:
    """The map in the format of its file, with tests as numbers."""
    numbers = {name: number for number, name in enumerate(document["tests"])}
    return {**document, "lines": _convert(document["lines"], numbers.__getitem__)}


def _read(path: Path) -> dict:
    document = json.loads(path.read_text())
    return {**document, "lines": _convert(document["lines"], list(document["tests"]).__getitem__)}


def _convert(lines: dict, convert: Callable) -> dict:
    return {
        file: {int(n): [convert(test) for test in tests] for n, tests in part.items()} for file, part in lines.items()
    }


def _collect(folder: Path) -> dict:
    """The map of one run, from the files that its processes wrote."""
    import coverage

    records = [json.loads(path.read_text()) for path in folder.glob("tests-*.json")]
    tests = {name: test for part in records for name, test in part["tests"].items()}
    fixture_seconds = {name: seconds for part in records for name, seconds in part["fixtures"].items()}
    users = defaultdict(list)
    for name, test in tests.items():
        for fixture in test["fixtures"]:
            users[fixture].append(name)
    recorder = coverage.Coverage(config_file=str(folder / "coveragerc"))
    recorder.combine([str(folder)])
    data, lines = recorder.get_data(), {}
    for file in data.measured_files():
        by_line = data.contexts_by_lineno(file)
        reached = {line: sorted(set(_reaching(contexts, users)) & set(tests)) for line, contexts in by_line.items()}
        lines[str(Path(file).relative_to(PACKAGE))] = {line: names for line, names in reached.items() if names}
    return {"tests": tests, "fixtures": fixture_seconds, "lines": lines}


def _reaching(contexts: Iterable[str], users: dict[str, list[str]]) -> Iterator[str]:
    """The tests of a line's contexts; those of other processes read "TEST (call)"."""
    for context in contexts:
        kind, _, name = context.partition(" ")
        if kind == "fixture":
            yield from users[re.sub(r" \(\w+\)$", "", name)]
        elif context:
            yield name if kind == "test" else re.sub(r" \(\w+\)$", "", context)


def _merge(old: dict, new: dict) -> dict:
    """The map with the tests of some files run again."""
    if old["sources"] != new["sources"]:
        raise SystemExit("The sources have changed since the map was made. Make it again.")
    files = {name.partition("::")[0] for name in new["tests"]}
    tests = {name: test for name, test in old["tests"].items() if name.partition("::")[0] not in files} | new["tests"]
    lines: dict[str, dict[int, list[str]]] = {}
    for file in old["lines"] | new["lines"]:
        before, now = old["lines"].get(file, {}), new["lines"].get(file, {})
        kept = {n: [name for name in names if name.partition("::")[0] not in files] for n, names in before.items()}
        lines[file] = {line: kept.get(line, []) + now.get(line, []) for line in kept | now}
    return {**old, "tests": tests, "fixtures": old["fixtures"] | new["fixtures"], "lines": lines}
