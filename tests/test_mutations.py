"""The mutations of `experiments/mutation_score.py`: what is mutated, what is left alone, and the same sample every time."""

import ast
import importlib
import sys
from pathlib import Path

import pytest

EXPERIMENTS = Path(__file__).parents[1] / "experiments"

SOURCE = '''"""A module."""
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from a import b
LIMIT: int = 3
Pair = tuple[int, int]
@cache(9)
def clip(x: int, low: float = 0.5, *, name: str = "x") -> bool:
    """Text 5."""
    print("not", 7)
    if x < LIMIT and low:
        raise ValueError(f"{x + 1:.1f} is low")
    return other(x, size=2, name=name)
def other(x, *, size=1, name):
    return x[0]
'''
MUTATED = [
    (5, "LIMIT: int = 3", "LIMIT: int = 4"),
    (5, "LIMIT: int = 3", "LIMIT: int = 2"),
    (8, "low: float = 0.5", "low: float = 1.0"),
    (11, "x < LIMIT and low", "(x < LIMIT or low)"),
    (11, "x < LIMIT", "(x <= LIMIT)"),
    (12, 'raise ValueError(f"{x + 1:.1f} is low")', "pass"),
    (12, "{x + 1:.1f}", "{x - 1:.1f}"),
    (12, "{x + 1:.1f}", "{x + 2:.1f}"),
    (12, "{x + 1:.1f}", "{x + 0:.1f}"),
    (13, "return other(x, size=2, name=name)", "return not other(x, size=2, name=name)"),
    (13, "other(x, size=2, name=name)", "(other(x, name=name))"),
    (13, "size=2", "size=3"),
    (13, "size=2", "size=1"),
    (14, "size=1", "size=2"),
    (14, "size=1", "size=0"),
    (15, "return x[0]", "return None"),
    (15, "x[0]", "x[1]"),
    (15, "x[0]", "x[(-1)]"),
]


def meaning(source):
    """A module without its brackets and quotes."""
    return ast.unparse(ast.parse(source))


@pytest.fixture
def load(monkeypatch):
    """A module of `experiments/`, which imports others from there."""
    monkeypatch.syspath_prepend(EXPERIMENTS)
    names = ("line_tests", "mutant_process", "mutation_score", "mutations")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


def test_each_place_is_mutated_and_what_only_a_reader_sees_is_left_alone(load):
    module = load("mutations")
    found = module.mutations(SOURCE, "clip.py", module.required_arguments({"clip.py": SOURCE}))
    mutants = [mutation.apply(SOURCE) for mutation in found]
    lines = SOURCE.split("\n")
    expected = [
        "\n".join([*lines[: number - 1], lines[number - 1].replace(old, new), *lines[number:]])
        for number, old, new in MUTATED
    ]
    assert sorted(map(meaning, mutants)) == sorted(map(meaning, expected))
    assert [SOURCE[: mutation.span[0]].count("\n") + 1 for mutation in found] == [number for number, *_ in MUTATED]


def test_a_mutation_knows_the_lines_and_the_names_by_which_its_tests_are_found(load):
    module = load("mutations")
    found = {mutation.text: mutation for mutation in module.mutations(SOURCE, "clip.py")}
    limit, default, comparison = (found[text] for text in ("4", "1.0", "(x <= LIMIT)"))
    assert (limit.lines, limit.names, limit.is_in_function) == ((5, 5), ("LIMIT",), False)
    assert (default.function, default.lines, default.names) == ("clip", (9, 13), ("clip",))
    assert (comparison.function, comparison.lines) == ("clip", (11, 11))
    assert comparison.key == ("clip.py", "clip", "if x < LIMIT and low:", "if (x <= LIMIT) and low:")


def test_the_tests_of_a_constant_are_those_that_import_it_or_reach_a_line_that_mentions_it(load):
    module = load("line_tests")
    (limit,) = [found for found in load("mutations").mutations(SOURCE, "clip.py") if found.text == "4"]
    names = ("tests/test_a.py::test_b", "tests/test_a.py::test_c", "tests/test_d.py::test_b", "tests/test_e.py::test_b")
    lines = {"clip.py": {11: [names[2]], 13: [names[3]]}}

    def tests_of(importers):
        mentions = module.find_mentions({"clip.py": SOURCE})
        seconds = dict.fromkeys(names, 0.1)
        return module.LineTests(seconds=seconds, lines=lines, mentions=mentions, importers=importers).tests(limit)

    assert tests_of({}) == {names[2]}
    assert tests_of({"LIMIT": {"tests/test_a.py"}, "other": {"tests/test_e.py"}}) == set(names[:3])
    assert module.find_importers(["tests/test_choose_recipe.py"]) == {"MeanEstimate": {"tests/test_choose_recipe.py"}}


def test_the_tests_of_a_function_that_makes_a_table_on_import_include_those_that_read_the_table(load):
    module = load("line_tests")
    source = 'def make():\n    return {"a": 3}\nTABLE = make()\ndef read():\n    return TABLE["a"]\n'
    (more, _) = [found for found in load("mutations").mutations(source, "table.py") if found.text in ("4", "2")]
    names = ("tests/test_a.py::test_b", "tests/test_c.py::test_d")
    found = module.LineTests(
        seconds=dict.fromkeys(names, 0.1),
        lines={"table.py": {2: [names[0]], 5: [names[1]]}},
        mentions=module.find_mentions({"table.py": source}),
        importers={},
    )
    assert found.tests(more) == set(names)


def test_a_sample_follows_from_its_seed_and_a_larger_one_begins_with_it(load):
    sample = load("mutation_score").sample_mutations
    sources = {"a.py": SOURCE, "b.py": SOURCE}
    first, again, larger, other = (sample(sources, *options) for options in ((1, 9), (1, 9), (1, 12), (2, 9)))
    assert first == again == larger[:9] != other
    assert len({(mutation.file, mutation.span) for mutation in larger}) == 12


def test_the_score_leaves_out_equivalents_and_names_the_other_survivors(load, monkeypatch):
    score = load("mutation_score")
    sample = score.sample_mutations({"a.py": SOURCE}, 1, 12)
    entries = [
        {"key": mutation.key, "kind": "", "line": 1, "killed_by": "test" * (k > 1), "seconds": 1.0, "num_tests": 3, "num_left_out": 0}
        for k, mutation in enumerate(sample)
    ]  # fmt: skip
    monkeypatch.setattr(score, "read_equivalents", lambda: {sample[0].key: "The same sum."})
    outcomes = {mutation.place: entry for mutation, entry in zip(sample, entries, strict=True)}
    lines = "\n".join(score.report_lines(sample, outcomes)).splitlines()
    assert lines[-2:] == [
        "10 killed (0 by the time limit), 2 survived, 1 of them equivalent",
        "score 90.9% = killed / (sampled - equivalent)",
    ]
    assert "  equivalent: The same sum." in lines
    assert f"  + {sample[1].after}" in lines
    monkeypatch.setattr(score, "read_equivalents", lambda: {sample[k].key: "Alike." for k in (0, 1)})
    assert "More than 10% are marked equivalent: the score is invalid." in score.report_lines(sample, outcomes)


@pytest.mark.slow
def test_every_equivalent_is_a_mutation_of_the_code(load):
    score, line_tests, module = load("mutation_score"), load("line_tests"), load("mutations")
    sources, equivalents = line_tests.read_sources(), score.read_equivalents()
    required = module.required_arguments(sources)
    files = sorted({key[0] for key in equivalents})
    known = {mutation.key for file in files for mutation in module.mutations(sources[file], file, required)}
    assert not set(equivalents) - known
    assert all(reason.endswith(".") for reason in equivalents.values())
    assert len(score.EQUIVALENTS.read_text("utf-8").splitlines()) == len(equivalents)
