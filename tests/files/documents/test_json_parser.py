"""Tolerant parsing: ranges of keys and values, recovery from syntax errors, and edits that remove them."""

import json

import pytest

from archnet.errors import DocumentError
from archnet.files.documents.json_parser import parse_strict_json, parse_tolerantly
from archnet.files.documents.json_tree import LineNumbers
from half_typed import half_typed_texts


def fixed(text):
    """The text after the first fix of each round, until there is none."""
    for _ in range(20):
        problems = parse_tolerantly(text)[1]
        fixable = [problem for problem in problems if problem.edits]
        if not fixable:
            return text
        for start, end, new_text in reversed(fixable[0].edits):
            text = text[:start] + new_text + text[end:]
    raise AssertionError(text)


def test_keys_and_values_know_their_exact_ranges():
    text = '{\n "a": [10, {"bc": "d"}],\n "e": null\n}'
    root, problems = parse_tolerantly(text)
    parts = {
        path: (text[node.key_start : node.key_end] if node.key_start >= 0 else "", text[node.start : node.end])
        for path, node in root.walk()
    }
    assert problems == []
    assert parts == {
        (): ("", text),
        ("a",): ('"a"', '[10, {"bc": "d"}]'),
        ("a", 0): ("", "10"),
        ("a", 1): ("", '{"bc": "d"}'),
        ("a", 1, "bc"): ('"bc"', '"d"'),
        ("e",): ('"e"', "null"),
    }
    assert root.path_at(text.index("bc")) == ("a", 1, "bc")
    assert root.path_at(0) == ()


RECOVERED = {
    '{"a": 1, "b": [2, 3': ({"a": 1, "b": [2, 3]}, '{"a": 1, "b": [2, 3]}'),
    '{"a": 1, "b': ({"a": 1, "b": None}, '{"a": 1}'),
    '{"a": 1, "b":': ({"a": 1, "b": None}, '{"a": 1}'),
    '{"a": "rel': ({"a": "rel"}, '{"a": "rel"}'),
    '{"a": "relu, "b": 1}': ({"a": "relu, "}, None),
    '{"a": "relu,\n "b": 1}': ({"a": "relu", "b": 1}, '{"a": "relu",\n "b": 1}'),
    "[1, 2,]": ([1, 2], "[1, 2]"),
    "[1,, 2]": ([1, 2], "[1, 2]"),
    "[1 2]": ([1, 2], "[1, 2]"),
    '{"a": 1 "b": 2}': ({"a": 1, "b": 2}, '{"a": 1, "b": 2}'),
    '{"a" 1}': ({"a": 1}, '{"a": 1}'),
    '{"a" = 1}': ({"a": 1}, '{"a" : 1}'),
    '{"a":: 1}': ({"a": 1}, '{"a": 1}'),
    "{a: 'b'}": ({"a": "b"}, '{"a": "b"}'),
    "[True, none, relu]": ([True, None, "relu"], '[true, null, "relu"]'),
    "[.5, 1., +3, 016]": ([0.5, 1.0, 3, 16], "[0.5, 1.0, 3, 16]"),
    '{"a": 1, // one\n "b": 2}': ({"a": 1, "b": 2}, '{"a": 1, \n "b": 2}'),
    "# top\n[1]": ([1], "\n[1]"),
    '{"k": [3, 3, "s": 1}': ({"k": [3, 3], "s": 1}, '{"k": [3, 3], "s": 1}'),
    '[{"a": 1, {"b": 2}]': ([{"a": 1}, {"b": 2}], None),
    '[{"a": 1 {"b": 2}]': ([{"a": 1}, {"b": 2}], '[{"a": 1}, {"b": 2}]'),
    '{"a": {"b": [1, 2}}': ({"a": {"b": [1, 2]}}, '{"a": {"b": [1, 2]}}'),
    '{"a": , "b": 2}': ({"a": None, "b": 2}, None),
    '{"a":\n "b": 2}': ({"a": None, "b": 2}, None),
    '{"a": 1, "a": 2, "b": 3}': ({"a": 1, "b": 3}, '{"a": 1, "b": 3}'),
    "[1]]": ([1], "[1]"),
    "": (None, None),
}


@pytest.mark.parametrize("text", RECOVERED)
def test_values_are_recovered_from_incomplete_text(text):
    value, _ = RECOVERED[text]
    root, problems = parse_tolerantly(text)
    assert problems
    if text not in ('[{"a": 1, {"b": 2}]', '{"a": "relu, "b": 1}'):
        assert root.value == value


@pytest.mark.parametrize("text", [text for text in RECOVERED if RECOVERED[text][1]])
def test_the_fixes_of_syntax_errors_lead_to_valid_json(text):
    value, wanted = RECOVERED[text]
    assert fixed(text) == wanted
    assert text.startswith('{"a": 1, "b') or json.loads(wanted) == value


def test_the_first_problem_is_the_error_of_strict_parsing():
    for _, text, _ in half_typed_texts(120, seed=5):
        texts = [problem.text("f.json", text) for problem in parse_tolerantly(text)[1]]
        assert texts[:1] == strict_errors(text)


def strict_errors(text):
    try:
        parse_strict_json(text, "f.json")
    except DocumentError as error:
        return [str(error)]
    return []


def test_values_of_a_tree_nest_without_overlap():
    for _, text, _ in half_typed_texts(60, seed=6):
        root, _ = parse_tolerantly(text)
        for _, node in root.walk():
            ends = [node.start]
            for _, child in node.children():
                assert ends[-1] <= child.full_start <= child.end <= node.end
                ends.append(child.end)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 5_000, "[" * 100 + "1", "[1," * 5_000])
def test_deep_nesting_is_one_problem(text):
    root, problems = parse_tolerantly(text)
    assert [problem.message for problem in problems] == ["nested more than 64 levels deep. Remove levels of nesting."]
    assert root.end == len(text)


@pytest.mark.slow
def test_many_values_are_one_problem():
    problems = parse_tolerantly("[" + "1," * 80_000 + "1]")[1]
    assert [problem.message for problem in problems] == [
        'more than 75,000 values. Is this a data file? Use "REP" with "times" to repeat layers.'
    ]


def test_a_number_beyond_the_range_of_a_double_is_one_problem_and_zero():
    for digits, text in (("1e999", "1e999"), ("-" + "9" * 400, "-" + "9" * 19 + "... of 401 characters")):
        root, problems = parse_tolerantly(f"[{digits}, 2]")
        assert root.value == [0, 2]
        assert [(problem.message, problem.start, problem.end) for problem in problems] == [
            (f"the number {text} is beyond the range of a double.", 1, 1 + len(digits))
        ]


@pytest.mark.parametrize("text", ["[// none\n ] ", "{ # none\n}", "[]", "{ }", "[{// none\n}, [// none\n]]"])
def test_a_bracket_that_is_closed_after_a_comment_ends_there(text):
    root, problems = parse_tolerantly(text)
    assert root.end == len(text.rstrip())
    assert all(text[node.end - 1] in "]}" for _, node in root.walk())
    assert len(problems) == text.count("none")


def test_every_path_has_the_line_of_its_key_or_value():
    text = '{\n "a": [10,\n 20],\n "b":\n 3\n}\n'
    root, _ = parse_tolerantly(text)
    lines = LineNumbers(root, text)
    assert dict(lines) == {(): 1, ("a",): 2, ("a", 0): 2, ("a", 1): 3, ("b",): 4}
    assert len(lines) == 5
    assert lines
    for path in (("c",), ("a", 2), ("a", "b"), ("b", 0)):
        with pytest.raises(KeyError):
            lines[path]
