"""Strict JSON: what is read, what is refused, and in which words."""

import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archnet.errors import DocumentError
from archnet.files.documents.json_parser import MAX_DEPTH
from archnet.files.documents.json_text import json_text
from archnet.files.strict_json import (
    MAX_BYTES,
    Document,
    flat_texts,
    limit_problems,
    parse_document,
    path_text,
    plain_json,
    read_document,
    slugify,
)
from archnet.spec.schema import read_schema

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.slow
@given(json_values, st.sampled_from([None, 0, 2]), st.booleans())
def test_strict_json_reads_as_the_standard_library_reads_it(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert parse_document(text, "any.json").value == json.loads(text)


@given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \n\\u', max_size=30))
def test_what_is_accepted_is_what_the_standard_library_accepts(text):
    try:
        expected = json.loads(text)
    except json.JSONDecodeError:
        with pytest.raises(DocumentError):
            parse_document(text, "any.json")
        return
    try:
        value = parse_document(text, "any.json").value
    except DocumentError as error:
        # Repeated keys and numbers beyond a double are JSON to the standard library only.
        value = expected if re.search("occurs twice|range of a double", str(error)) else error
    assert value == expected


def test_every_value_knows_its_line():
    document = parse_document('{\n "a": [\n  1,\n  {"b":\n 2}\n ]\n}', "mine.json")
    assert document.lines == {(): 1, ("a",): 2, ("a", 0): 3, ("a", 1): 4, ("a", 1, "b"): 4}
    assert document.location(("a", 1, "b")) == "mine.json:4 $.a[1].b"


REFUSED = {
    '{"a": 1,\n "a": 2}': 'f.json:2 $: the key "a" occurs twice, first on line 1. Remove one of the two.',
    "[NaN]": "f.json:1:2: not valid JSON: NaN is not JSON; give a number.",
    "[\n-Infinity]": "f.json:2:1: not valid JSON: -Infinity is not JSON; give a number.",
    "[1] // note": 'f.json:1:5: not valid JSON: JSON has no comments; remove it, or use a "description" key.',
    "[1, 2,]": 'f.json:1:7: not valid JSON: expected another value after the comma (no comma is allowed before "]"), found "]".',
    '{"a" 1}': 'f.json:1:6: not valid JSON: expected ":" after the key "a", found "1".',
    "{a: 1}": 'f.json:1:2: not valid JSON: expected a key in double quotes, found "a".',
    "{'a': 1}": "f.json:1:2: not valid JSON: write strings in double quotes.",
    "[True]": "f.json:1:2: not valid JSON: write true in lower case.",
    "[1 2]": 'f.json:1:4: not valid JSON: expected "," or "]", found "2".',
    "[1": 'f.json:1:3: not valid JSON: expected "," or "]", found the end of the file.',
    "": "f.json:1:1: not valid JSON: expected a value, found the end of the file.",
    "[] []": 'f.json:1:4: not valid JSON: expected the end of the document, found "[".',
    '"abc': "f.json:1: not valid JSON: Unterminated string starting.",
    "[1e999]": "f.json:1: the number 1e999 is beyond the range of a double.",
    "9" * 4_000: "f.json:1: the number 99999999999999999999... of 4,000 characters is beyond the range of a double.",
    '{\n"name": "\\ud800"}': (
        'f.json:2 $.name: "\\ud800" contains U+D800, a lone surrogate, which is not a character. '
        "Remove it, or write the complete pair."
    ),
    '[{"a\\udfff": 1}]': (
        'f.json:1 $[0]: the key "a\\udfff" contains U+DFFF, a lone surrogate, which is not a character. '
        "Remove it, or write the complete pair."
    ),
    "[" + "1,\n" * 80_000 + "1]": (
        'f.json:75000: more than 75,000 values. Is this a data file? Use "REP" with "times" to repeat layers.'
    ),
    f'{{"{"k" * 70}": 1, "{"k" * 70}": 2}}': (
        f'f.json:1 $: the key "{"k" * 56}... occurs twice, first on line 1. Remove one of the two.'
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_invalid_json_is_refused_with_its_line(text):
    with pytest.raises(DocumentError, match=f"^{re.escape(REFUSED[text])}$"):
        parse_document(text, "f.json")


def test_a_pair_of_surrogates_is_one_character():
    assert parse_document('["\\ud83e\\udec1"]', "f.json").value == ["\U0001fac1"]


@pytest.mark.parametrize(
    ("count", "end"), [(50, "x $[49]: bad."), (51, "and 1 more problem"), (1_050, "and 1,000 more problems")]
)
def test_a_message_lists_fifty_problems_and_counts_the_others(count, end):
    error = Document(value=[], source="x").error(((index,), "bad.") for index in range(count))
    lines = str(error).split("\n")
    assert lines[:50] == [f"x $[{index}]: bad." for index in range(50)]
    assert (len(lines), lines[-1]) == (min(count, 51), end)


def test_a_message_of_long_problems_stays_short():
    error = Document(value=[], source="x").error(((index,), "b" * 3_000) for index in range(10))
    assert [len(line) for line in str(error).split("\n")] == [3_008, 3_008, len("and 8 more problems")]


def test_long_paths_and_values_are_shortened_in_messages():
    assert path_text(("a" * 61,)) == f'$["{"a" * 56}...]'
    assert path_text(("a\nb",)) == '$["a\\nb"]'
    assert len(path_text(("layers", 0) * 60)) == 303
    assert json_text("x" * 1_000_000) == f'"{"x" * 56}...'


@pytest.mark.parametrize("value", [10**400, [-(10**400)]])
def test_an_integer_beyond_a_double_is_refused_from_python(value):
    message = "arch: a number of 1,329 bits is beyond the range of a double."
    with pytest.raises(DocumentError, match=f"^{re.escape(message)}$"):
        plain_json(value, "arch")


def test_absurd_nesting_is_refused():
    message = "f.json:1: nested more than 64 levels deep. Remove levels of nesting."
    with pytest.raises(DocumentError, match=re.escape(message)):
        parse_document("[" * 100_000, "f.json")


def test_a_huge_file_is_refused_without_being_read(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    message = f"{path}: larger than {MAX_BYTES // 1_000_000} MB, the limit for architectures and experiments. Is this a data file?"
    with pytest.raises(DocumentError, match=re.escape(message)):
        read_document(path)


def test_another_encoding_is_refused_with_its_line(tmp_path):
    path = tmp_path / "latin.json"
    path.write_bytes('[\n"größe"]'.encode("latin-1"))
    message = f"{path}:2: not UTF-8 text (byte 5 is 0xf6). Save the file as UTF-8."
    with pytest.raises(DocumentError, match=re.escape(message)):
        read_document(path)


def test_a_byte_order_mark_is_accepted(tmp_path):
    path = tmp_path / "bom.json"
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_document(path).value == [1]


def test_a_missing_file_is_reported_with_the_nearest_name(tmp_path):
    (tmp_path / "arch3dsm.json").write_text("[]")
    message = f'{tmp_path}/arch3sm.json: no such file. Did you mean "{tmp_path}/arch3dsm.json"?'
    with pytest.raises(DocumentError, match=re.escape(message)):
        read_document(tmp_path / "arch3sm.json")
    with pytest.raises(DocumentError, match=re.escape("The folder nowhere does not exist either.")):
        read_document("nowhere/a.json")


def test_places_are_written_as_json_paths():
    assert path_text(()) == "$"
    assert path_text(("layers", 3, "kernel_size")) == "$.layers[3].kernel_size"


def keys_of(schema, path="$"):
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}", part
        yield from keys_of(part, f"{path}.{name}")
    for name, part in schema.get("$defs", {}).items():
        yield from keys_of(part, f"{path}.{name}")


@pytest.mark.parametrize("name", ["arch", "experiment"])
def test_every_key_of_a_schema_has_a_description_and_an_example(name):
    keys = list(keys_of(read_schema(name)))
    assert len(keys) > 30
    for path, key in keys:
        assert key.get("description"), path
        assert key.get("examples") or "$ref" in key, path


@pytest.mark.parametrize(
    ("lengths", "num_more", "listed", "counted"),
    [
        ([], 0, 0, 0),
        ([1] * 50, 0, 50, 0),
        ([1] * 51, 0, 50, 1),
        ([1] * 60, 3, 50, 13),
        ([1] * 2, 3, 2, 3),
        ([4000, 4000], 0, 2, 0),
        ([4000, 4001], 0, 1, 1),
        ([4000, 4001, 1], 0, 1, 2),
        ([9000], 0, 1, 0),
        ([9000, 1], 1, 1, 2),
    ],
)
def test_problems_are_listed_up_to_the_limits_of_a_message(lengths, num_more, listed, counted):
    texts = [chr(0x4E00 + number) * length for number, length in enumerate(lengths)]
    more = [f"and {counted} more problem{'s' * (counted > 1)}"] * bool(counted)
    assert limit_problems([*texts, *texts], num_more) == [*texts[:listed], *more]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my arch (1)", "my-arch-1"),
        ("-._a_b.c-d_.-", "a_b.c-d"),
        ("a" * 81, "a" * 80),
        ("--" + "a" * 80, "a" * 80),
        ("\u80ba", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_any_text_becomes_a_name_of_a_folder(text, name):
    assert slugify(text) == name


def test_a_document_has_at_most_four_megabytes(tmp_path):
    assert MAX_BYTES == 4_000_000
    (tmp_path / "a.json").write_bytes(b"[1]" + b" " * (MAX_BYTES - 3))
    assert read_document(tmp_path / "a.json").value == [1]
    (tmp_path / "a.json").write_bytes(b"[1]" + b" " * (MAX_BYTES - 2))
    with pytest.raises(DocumentError, match="larger than 4 MB, the limit for architectures and experiments"):
        read_document(tmp_path / "a.json")


def test_python_values_nest_as_deep_as_documents():
    value = 1
    for level in range(MAX_DEPTH):
        value = {"a": value} if level % 2 else [value]
    assert plain_json(value, "x") == value
    for deeper in ([value], (value,), {"a": value}):
        with pytest.raises(
            DocumentError, match=f"^x: nested more than {MAX_DEPTH} levels deep. Does it contain itself?"
        ):
            plain_json(deeper, "x")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"a", {1}, object])
def test_what_is_not_json_is_refused_from_python(value):
    with pytest.raises(
        DocumentError, match=r"^x: .{1,60} is not a JSON value\. Use finite numbers, text, lists or mappings\.$"
    ):
        plain_json({"a": [value]}, "x")


def test_objects_are_flattened_to_texts():
    value = {"a": {"b": {"c": "x"}, "d": [1, {"e": 2}]}, "f": True, "g": {}, "h": "\u80ba", "i": ["\u80ba"]}
    assert flat_texts(value) == {"a.b.c": "x", "a.d": '[1, {"e": 2}]', "f": "true", "h": "\u80ba", "i": '["\u80ba"]'}


def test_problems_are_listed_once_in_the_order_of_the_file():
    document = Document(value={}, source="a.json", lines={("b",): 2, ("a",): 7})
    error = document.error([(("a",), "one"), (("c",), "two"), (("b",), "three"), (("a",), "one")])
    assert str(error) == "a.json $.c: two\na.json:2 $.b: three\na.json:7 $.a: one"
    assert error.source == "a.json"
    assert [problem.path for problem in error.problems] == [("c",), ("b",), ("a",)]


def test_a_document_names_only_regular_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "b.json").write_text("[2]")
    document = Document(value={}, source=str(tmp_path / "a.json"), files={"given.json": Document(value=1, source="g")})
    assert document.read("b.json").value == [2]
    assert document.read("given.json").value == 1
    message = f"{tmp_path / 'pipe.json'}: is not a regular file. Name a JSON file."
    with pytest.raises(DocumentError, match=f"^{re.escape(message)}$"):
        document.read("pipe.json")
    with pytest.raises(DocumentError, match=r"no such file\."):
        document.read("missing.json")
    unsaved = Document(
        value={}, source=str(tmp_path / "a.json"), read_text=lambda path: "[3]" if path.stem == "b" else None
    )
    assert unsaved.read("b.json").value == [3]
    assert unsaved.read("b.json").read_text is unsaved.read_text
