"""Positions of editors against Python's own UTF-16 encoder, and changes against plain replacement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import Position, Range

from archnet.lsp.editor_positions import apply_change, editor_positions
from archnet.spec.analysis.text_ranges import TextRange

TEXTS = st.text(alphabet=st.sampled_from('a"{\n\r\té中🫁𝛑\u2028\u0085\x0b'), max_size=40)


def utf16_position(text, offset):
    """Line and UTF-16 column by splitting the text before the offset, as in the protocol's own words."""
    if text[offset - 1 : offset + 1] == "\r\n":
        offset -= 1
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return len(before) - 1, len(before[-1].encode("utf-16-le")) // 2


@given(TEXTS, st.data())
def test_positions_are_those_of_the_utf_16_encoding(text, data):
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] == "\r\n":
        return  # between the characters of one line break
    position = editor_positions(text).position(offset)
    assert (position.line, position.character) == utf16_position(text, offset)
    assert editor_positions(text).offset(position) == offset


@given(TEXTS, st.text(max_size=5), st.data())
def test_a_change_replaces_the_text_between_two_positions(text, new, data):
    places = [place for place in range(len(text) + 1) if text[place - 1 : place + 1] != "\r\n"]
    start, end = sorted((data.draw(st.sampled_from(places)), data.draw(st.sampled_from(places))))
    positions = editor_positions(text)
    changed = positions.range(TextRange(start, end))
    assert apply_change(text, changed, new) == text[:start] + new + text[end:]


@pytest.mark.parametrize(
    ("position", "offset"),
    [
        (Position(0, 5), 4),
        (Position(0, 3), 3),
        (Position(0, 99), 4),
        (Position(1, 99), 7),
        (Position(9, 0), 7),
    ],
    ids=["end of line", "inside a surrogate pair", "beyond the line", "beyond the last line", "beyond the text"],
)
def test_positions_outside_the_text_are_at_its_ends(position, offset):
    assert editor_positions("ab🫁c\r\nd").offset(position) == offset


@pytest.mark.parametrize(("offset", "place"), [(-1, (0, 0)), (0, (0, 0)), (7, (1, 1)), (99, (1, 1))])
def test_offsets_outside_the_text_are_at_its_ends(offset, place):
    assert editor_positions("ab🫁c\r\nd").position(offset) == Position(*place)


def test_a_range_whose_end_comes_first_is_empty():
    reversed_range = Range(Position(0, 3), Position(0, 1))
    assert editor_positions("abcd").text_range(reversed_range) == TextRange(3, 3)


def test_a_line_of_a_megabyte_with_many_emojis_is_quick_to_map():
    text = "🫁a" * 500_000
    positions = editor_positions(text)
    for offset in range(0, len(text), 1000):
        assert positions.offset(positions.position(offset)) == offset
