"""Names on a terminal: what could move its cursor or turn its text around is printed as an escape."""

import json
import unicodedata

import pytest

from archnet.files.terminal_text import (
    escape_json,
    escape_message,
    escape_name,
    has_unsafe_characters,
    name_stream,
    shorten,
)

HOSTILE = "\x1b[31mred\r\x9b2J\x7f\u202egnp.\u2066\u2028\udcff\x00"
ESCAPED = r"\x1b[31mred\x0d\x9b2J\x7f\u202egnp.\u2066\u2028\udcff\x00"


def test_control_characters_are_escaped_and_every_script_stays():
    assert escape_message(HOSTILE) == escape_name(HOSTILE) == ESCAPED
    for text in ("Größe 肺 ריאה رئة फेफड़े 🫁", "می‌خواهم", "[red]x[/] {{ }} <b>"):
        assert escape_message(text) == escape_name(text) == text
        assert not has_unsafe_characters(text)


def test_a_message_keeps_its_lines_and_a_name_has_one():
    assert escape_message("a\n\tb") == "a\n\tb"
    assert escape_name("a\n\tb") == r"a\x0a\x09b"
    assert has_unsafe_characters("a\nb")


@pytest.mark.parametrize("category", ["Cc", "Cs", "Zl", "Zp"])
def test_no_character_of_a_dangerous_category_is_left_in_a_name(category):
    dangerous = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == category]
    escaped = escape_name("".join(dangerous))
    assert dangerous
    assert not set(dangerous) & set(escaped)


def test_no_character_that_sets_the_direction_of_text_is_left():
    directions = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    dangerous = [chr(code) for code in range(0x110000) if unicodedata.bidirectional(chr(code)) in directions]
    assert not set(dangerous) & set(escape_message("".join(dangerous)))


def test_escaped_json_has_the_same_value_but_no_lone_surrogates():
    text, visible = json.dumps({HOSTILE: [HOSTILE, "肺"]}, ensure_ascii=False), HOSTILE.replace("\udcff", r"\udcff")
    assert json.loads(escape_json(text)) == {visible: [visible, "肺"]}
    assert "肺" in escape_json(text)
    assert not any(character in escape_json(text) for character in "\x9b\x7f\u202e\u2066\u2028\udcff")


def test_a_name_of_more_than_80_characters_keeps_its_start_and_end():
    name = "".join(chr(0x100 + place) for place in range(81))
    assert shorten(name[:80]) == name[:80]
    assert shorten(name) == f"{name[:39]}\u2026{name[-40:]}"
    assert len(shorten(name * 2)) == 80


@pytest.mark.parametrize(("is_stderr", "name"), [(True, "standard error"), (False, "standard output")])
def test_an_error_of_a_standard_stream_names_it(is_stderr, name):
    with pytest.raises(OSError, match="No space left on device") as caught, name_stream(is_stderr=is_stderr):
        raise OSError(28, "No space left on device")
    assert caught.value.filename == name
    with name_stream(is_stderr=is_stderr):
        pass
