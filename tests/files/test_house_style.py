"""The house style of JSON files: shipped files have it, and formatting changes no value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archnet.files.documents.house_style import LINE_LENGTH, compact_json, format_json
from archnet.files.documents.json_parser import parse_strict_json
from archnet.files.documents.shipped_documents import shipped_documents
from archnet.files.documents.text_edits import apply_edits
from archnet.spec.analysis.analyze import analyze

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=20), inner, max_size=6),
    max_leaves=40,
)


def formatted(text):
    return format_json(text, parse_strict_json(text, "a.json"))


@pytest.mark.parametrize("name", shipped_documents())
def test_shipped_files_have_the_house_style(name):
    text = shipped_documents()[name].read_text("utf-8")
    assert formatted(text) == text
    assert compact_json(json.loads(text)) + "\n" == text
    assert analyze(text, f"{name}.json").format() == ()


@pytest.mark.slow
@given(VALUES, st.sampled_from([None, 1, 4, "\t"]))
def test_formatting_keeps_the_value_and_is_idempotent(value, indent):
    text = json.dumps(value, indent=indent)
    result = formatted(text)
    assert json.dumps(json.loads(result)) == json.dumps(json.loads(text))
    assert formatted(result) == result
    assert result.endswith("\n")
    assert result == format_json(result, parse_strict_json(result, "a.json"))


@pytest.mark.slow
@given(VALUES)
def test_a_value_and_its_text_have_one_format(value):
    text = json.dumps(value, ensure_ascii=False)
    assert formatted(text) == compact_json(value) + "\n"


@pytest.mark.slow
@given(VALUES)
def test_only_a_key_with_a_plain_value_exceeds_the_line_length(value):
    for line in compact_json(value).split("\n"):
        content = line.strip().removesuffix(",")
        assert len(line) <= LINE_LENGTH or not content.endswith(("]", "}")) or content.count('"') >= 2


def test_numbers_and_texts_stay_as_they_are_written():
    text = '{"a":1e-3,"b" : [1.50,2E5 , -0.0],\n"c\\u0041":"\\u00e4 \\/", "d":{ }, "e":[\n]}'
    assert formatted(text) == '{"a": 1e-3, "b": [1.50, 2E5, -0.0], "c\\u0041": "\\u00e4 \\/", "d": {}, "e": []}\n'


@pytest.mark.parametrize("length", [LINE_LENGTH - 1, LINE_LENGTH, LINE_LENGTH + 1])
def test_a_value_is_on_one_line_if_it_fits_with_its_key_and_its_comma(length):
    words = ["x" * (length - len('  "key": ["", 1],')), 1]
    text = compact_json({"key": words, "next": ["y" * LINE_LENGTH]})
    lines = text.split("\n")
    assert (len(lines[1]) == length) == (length <= LINE_LENGTH)
    assert lines[1].startswith('  "key": [')
    assert lines[1].endswith("],") == (length <= LINE_LENGTH)


@pytest.mark.parametrize(("length", "num_lines"), [(LINE_LENGTH, 1), (LINE_LENGTH + 1, 3)])
def test_a_whole_document_is_on_one_line_if_it_fits(length, num_lines):
    value = ["x" * (length - len('[""]'))]
    assert len(compact_json(value).split("\n")) == num_lines
    assert len(formatted(json.dumps(value)).splitlines()) == num_lines


def test_an_analysis_formats_with_edits_and_leaves_invalid_json():
    text = '{"rank":2,\n"layers":[{"type":"T"}]}'
    assert apply_edits(text, analyze(text, "net.json").format()) == '{"rank": 2, "layers": [{"type": "T"}]}\n'
    assert analyze('{"rank":2,', "net.json").format() == ()
    lines = '{\n  "name": "a",\n  "layers":[{"type":"T"}]\n}'
    (edit,) = analyze(lines, "net.json").format()
    assert edit.range.start == 0
