"""The place of a cursor, marked by |, in texts that are complete, half-typed or damaged."""

import pytest

from archnet.spec.completion.cursor import find_cursor


def cursor_at(marked):
    before, after = marked.split("|")
    return find_cursor(before + after, len(before))


@pytest.mark.parametrize(
    ("marked", "path", "other_keys", "word", "is_followed", "has_value"),
    [
        ("{|", (), "", (1, 1), False, False),
        ("{|}", (), "", (1, 1), False, False),
        ('{"a|', (), "", (1, 3), False, False),
        ('{"a|"}', (), "", (1, 4), False, False),
        ('{"a": 1, |}', (), "a", (9, 9), False, False),
        ('{"a": 1, |"b": 2}', (), "ab", (9, 9), True, False),
        ('{"a": 1, b| "c": 3}', (), "ac", (9, 10), True, False),
        ('{"b|": 1, "c": [2]}', (), "c", (1, 4), False, True),
        ('{"a": [{"b": 1, |}]}', ("a", 0), "b", (16, 16), False, False),
        ("{]|", (), "", (2, 2), False, False),
        ('{"a": , |}', (), "a", (8, 8), False, False),
        ('[1 {"a": 2, |', (1,), "a", (12, 12), False, False),
    ],
)
def test_a_key_is_expected(marked, path, other_keys, word, is_followed, has_value):
    cursor = cursor_at(marked)
    assert (cursor.expects, cursor.path, cursor.key, cursor.index) == ("key", path, "", -1)
    assert cursor.other_keys == set(other_keys)
    assert (cursor.range.start, cursor.range.end) == word
    assert (cursor.comma_position, cursor.is_followed, cursor.has_value) == (-1, is_followed, has_value)


@pytest.mark.parametrize(
    ("marked", "path", "key", "index", "word", "is_followed"),
    [
        ('{"a":|', (), "a", -1, (5, 5), False),
        ('{"a": |}', (), "a", -1, (6, 6), False),
        ('{"a": "x|y"}', (), "a", -1, (6, 10), False),
        ('{"a": "\\"|"}', (), "a", -1, (6, 10), False),
        ('{"a": 1|}', (), "a", -1, (6, 7), False),
        ('{"a": tru|e, "b": 1}', (), "a", -1, (6, 10), False),
        ('{"a": | "b": 1}', (), "a", -1, (6, 6), True),
        ('{"a": |\n "b": 1}', (), "a", -1, (6, 6), True),
        ('{"a": |"b"}', (), "a", -1, (6, 9), False),
        ('{"a": {"b": [1, {"c": |}]}, "d": 4}', ("a", "b", 1), "c", -1, (22, 22), False),
        ('{"a": {"b": 1}, "c": |, "d": null}', (), "c", -1, (21, 21), False),
        ("[|]", (), "", 0, (1, 1), False),
        ("[}|", (), "", 0, (2, 2), False),
        ("[1, |]", (), "", 1, (4, 4), False),
        ("[1, 2|]", (), "", 1, (4, 5), False),
        ("[1, | 3]", (), "", 1, (4, 4), True),
        ('{"a": "|', (), "a", -1, (6, 7), False),
        ('[[1, 2], {"a": 1}, |]', (), "", 2, (19, 19), False),
    ],
)
def test_a_value_is_expected(marked, path, key, index, word, is_followed):
    cursor = cursor_at(marked)
    assert (cursor.expects, cursor.path, cursor.key, cursor.index) == ("value", path, key, index)
    assert (cursor.range.start, cursor.range.end) == word
    assert (cursor.comma_position, cursor.is_followed, cursor.has_value) == (-1, is_followed, False)


@pytest.mark.parametrize(
    ("marked", "expects", "index", "comma_position", "is_followed"),
    [
        ('{"a": 1 |}', "key", -1, 7, False),
        ('{"a": 1\n |\n "b": 2}', "key", -1, 7, True),
        ('{"a": [1, 2]|}', "key", -1, 12, False),
        ("[1 |]", "value", 1, 2, False),
        ('[{"a": 1}|]', "value", 1, 9, False),
        ('[{"a": 1} | {"a": 2}]', "value", 1, 9, True),
        ("[[1], [2] |]", "value", 2, 9, False),
        ("[1 [2] |]", "value", 2, 6, False),
        ("[1 [[[[2]]], 3] |]", "value", 2, 15, False),
        ("[1 2 |]", "value", 2, 4, False),
        ("[1: |]", "value", 1, 3, False),
        ('{"a": []|}', "key", -1, 8, False),
        ('{"a": {} |}', "key", -1, 8, False),
        ('{"a": ""|}', "key", -1, 8, False),
    ],
)
def test_a_comma_is_missing_before_the_cursor(marked, expects, index, comma_position, is_followed):
    cursor = cursor_at(marked)
    assert (cursor.expects, cursor.key, cursor.index) == (expects, "", index)
    assert (cursor.comma_position, cursor.is_followed) == (comma_position, is_followed)


@pytest.mark.parametrize(
    "marked",
    [
        "|",
        '{"a": 1}|',
        "[1]|",
        '{"a"|}',
        '{"a" |: 1}',
        '{"a": | [1]}',
        '{"a": |\n  {}}',
        '"a"|',
        "1|",
        ":|",
        ",|",
        "}|",
    ],
)
def test_only_punctuation_can_follow(marked):
    assert cursor_at(marked) is None


@pytest.mark.parametrize(
    ("marked", "values"),
    [
        ('{"a": 1, "b": "x", |, "c": [2], "d": null}', ({"a": 1, "b": "x", "c": None, "d": None},)),
        (
            '{"a": {"b": [1, {"c": |, "e": 5}], "f": true}, "d": 4}',
            ({"a": None, "d": 4}, {"b": None, "f": True}, [], {"c": None, "e": 5}),
        ),
        ('[{"a": 1}, {"b": 2, |', ([], {"b": 2})),
        ('{"a": maybe, "a": 2, |}', ({"a": 2},)),
        ('{"x": 1 "y": 2, |', ({"x": 1, "y": 2},)),
        ('{|, "a": {"x": [[[1]], 5], "y": 2}, "b": 3, "c": "d"}', ({"a": None, "b": 3, "c": "d"},)),
        ('{"a": {|}, "b": {"x": [[[1]], 5]}, "c": 3}', ({"a": None, "b": None, "c": 3}, {})),
    ],
)
def test_the_objects_around_a_cursor_have_their_keys_before_and_behind_it(marked, values):
    assert cursor_at(marked).values == values


def test_objects_deeper_than_200_are_not_followed():
    for depth, length in ((199, 198), (200, 199), (201, 199)):
        assert len(cursor_at("[" * depth + "|").path) == length
