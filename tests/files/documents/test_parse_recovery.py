"""What the parser makes of invalid text: each problem with its place and its fix, and the value that was probably meant."""

import json
from pathlib import Path

import pytest

from archnet.files.documents.json_parser import parse_tolerantly
from archnet.files.documents.parse_state import MAX_SYNTAX_PROBLEMS

RECOVERED = [json.loads(line) for line in Path(__file__).with_name("recovered_texts.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("expected", RECOVERED, ids=[entry["text"] for entry in RECOVERED])
def test_the_value_the_problems_and_their_fixes_are_those_of_the_table(expected):
    text = expected["text"]
    root, problems = parse_tolerantly(text)
    found = {
        "text": text,
        "value": root.value,
        "end": root.end,
        "broken": [path for path, node in root.walk() if node.is_broken],
        "problems": [
            {
                "message": problem.text("", text),
                "start": problem.start,
                "end": problem.end,
                "title": problem.title,
                "edits": problem.edits,
            }
            for problem in problems
        ],
    }
    assert json.loads(json.dumps(found)) == expected


def test_a_hundred_problems_are_reported():
    assert MAX_SYNTAX_PROBLEMS == 100
    for count in (99, 100, 101, 150):
        root, problems = parse_tolerantly("[" + "relu, " * count + "1]")
        assert len(problems) == min(count, 100)
        assert len(root.value) == min(count, 100) + 1
