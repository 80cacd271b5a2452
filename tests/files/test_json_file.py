"""JSON that archnet wrote, read back: whatever the file holds, damage is one kind of error."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archnet.files.json_file import DamagedJsonError, parse_json, read_json_bytes

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | FINITE | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)
DAMAGE = {
    b"": "line 1: not JSON (Expecting value)",
    b'{\n"a": }': "line 2: not JSON (Expecting value)",
    b'{"a": 1,\n "a\xff": 2}': "line 2: not UTF-8 text",
    b"[" * 100_000: "nested more than 100 levels deep",
    b"[" * 102 + b"]" * 102: "nested more than 100 levels deep",
    b'[1,\n{"n": ' + b"9" * 5000 + b"}]": f"line 2: the number {'9' * 40}… (5,000 characters) is beyond the range of a double",
    b"[1, -1e999]": "line 1: the number -1e999 is beyond the range of a double",
    b"[0,\nNaN]": "line 2: NaN is not JSON",
    b"[Infinity, Infinity]": "Infinity is not JSON",
    b'{"b": 0, "a": 1,\n"a": 2}': 'the key "a" occurs twice',
    b'{"%b": 1, "%b": 2}' % (b"k" * 38, b"k" * 38): f'the key "{"k" * 38}" occurs twice',
    b'{"%b": 1, "%b": 2}' % (b"k" * 39, b"k" * 39): f'the key "{"k" * 39}… (41 characters) occurs twice',
    b'["\\ud800"]': "holds \\ud800, a lone surrogate",
}  # fmt: skip


@pytest.mark.slow
@given(VALUES)
def test_what_json_writes_is_read_back(value):
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value
    assert parse_json(b"\xef\xbb\xbf" + json.dumps(value).encode()) == value


@pytest.mark.parametrize(("content", "problem"), DAMAGE.items(), ids=DAMAGE.values())
def test_damage_is_one_error_with_the_line(content, problem):
    with pytest.raises(DamagedJsonError, match=f"^{re.escape(problem)}$"):
        parse_json(content)


def test_nesting_up_to_the_bound_is_read():
    assert json.dumps(parse_json(b"[" * 101 + b"]" * 101)) == "[" * 101 + "]" * 101


def test_objects_with_different_keys_are_read():
    assert parse_json(b'{"a": {"a": 1, "b": 2}, "b": {}}') == {"a": {"a": 1, "b": 2}, "b": {}}


def test_integers_are_read_up_to_the_range_of_a_double():
    for number in (10**308, -(10**308)):
        assert parse_json(str(number).encode()) == number
    with pytest.raises(DamagedJsonError, match="is beyond the range of a double"):
        parse_json(str(2 * 10**308).encode())


def test_paths_that_are_not_utf_8_are_read_where_a_file_may_hold_them():
    assert parse_json(b'["\\udcff.mhd"]', allows_surrogates=True) == ["\udcff.mhd"]


def test_a_file_above_its_bound_is_not_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"x" * 5_000_001)
    assert len(read_json_bytes(path, 5_000_001)) == 5_000_001
    with pytest.raises(DamagedJsonError, match=r"^larger than 5 MB, the limit for this file$"):
        read_json_bytes(path, 5_000_000)
