"""The value that was probably meant by one that breaks a schema, and valid values for keys that are missing."""

import pytest
from jsonschema import Draft202012Validator

from archnet.files.documents.names import NAME_PATTERN
from archnet.spec.repairs.schema_repairs import placeholder, read_text_value, repair_missing_key, repair_value

LIST = {"type": "array"}


@pytest.mark.parametrize(
    ("schema", "value", "repaired"),
    [
        ({"type": "integer", "minimum": 3}, 2, 3),
        ({"type": "integer", "maximum": 3}, 5, 3),
        ({"type": "number", "exclusiveMinimum": 0}, 0, None),
        ({"type": "integer"}, "16", 16),
        ({"type": "integer"}, "16.0", 16),
        ({"type": "integer"}, "16.5", None),
        ({"type": "number"}, " 1e-3", 0.001),
        ({"type": "number"}, "9e14", 900_000_000_000_000),
        ({"type": "number"}, "1e15", None),
        ({"type": "number"}, "nan", None),
        ({"type": "number", "minimum": 3}, "2", None),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "3", 3),
        ({"type": "boolean"}, " True ", True),
        ({"type": "boolean"}, "false", False),
        ({"type": "boolean"}, "no", None),
        ({"type": "boolean"}, 1, True),
        ({"type": "boolean"}, 0, False),
        ({"type": "boolean"}, 1.0, True),
        ({"type": "boolean"}, 2, None),
        ({"enum": ["relu", "gelu"]}, "rellu", "relu"),
        ({"enum": ["relu", "gelu"]}, "xyz", None),
        ({"pattern": NAME_PATTERN}, "My net", "My-net"),
        ({**LIST, "maxItems": 2}, [1, 2, 3], [1, 2]),
        ({**LIST, "minItems": 2}, [1], [1, 1]),
        ({**LIST, "minItems": 3}, [1, 2], [1, 2, 2]),
        ({**LIST, "minItems": 2}, [], None),
        ({"type": ["array", "integer"], "minItems": 2}, [1], 1),
        ({"type": ["array", "integer"], "minItems": 3}, [1, 2], [1, 2, 2]),
        ({**LIST, "uniqueItems": True}, [1, 2, 1, 3, 2], [1, 2, 3]),
        ({"type": "integer"}, [4], 4),
        ({"type": "integer"}, [4, 5], None),
        ({"type": "string"}, [4], None),
    ],
)
def test_an_invalid_value_is_replaced_by_the_one_that_was_meant(schema, value, repaired):
    (error, *_) = Draft202012Validator(schema).iter_errors(value)
    repairs = repair_value(error, ("a", 0), schema.get("enum", []))
    changes = [change for repair in repairs for change in repair.changes]
    assert [(change.path, change.value) for change in changes] == ([] if repaired is None else [(("a", 0), repaired)])
    assert all(type(change.value) is type(repaired) for change in changes)


@pytest.mark.parametrize("text", ["null", "None", " NONE "])
def test_a_text_for_null_is_read_where_null_is_valid(text):
    assert read_text_value(text, {"type": ["integer", "null"]}, []) == [None]
    assert read_text_value(text, {"type": "integer"}, []) == []


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "default": 7, "examples": [5], "enum": [3]}, 7),
        ({"default": None, "examples": [5]}, None),
        ({"examples": [[3, 3], {"a": 1}, 3, 4]}, 3),
        ({"examples": [[3, 3], {"a": 1}]}, [3, 3]),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "integer"}, 1),
        ({"type": "number"}, 1),
        ({"type": "string"}, ""),
        ({"type": "boolean"}, False),
        ({"type": "array"}, []),
        ({"type": "object"}, {}),
        ({"type": ["null", "integer"]}, None),
        ({"type": ["integer", "null"]}, 1),
        ({}, None),
    ],
)
def test_the_simplest_valid_value(schema, value):
    assert placeholder(schema) == value
    assert type(placeholder(schema)) is type(value)


@pytest.mark.parametrize(
    ("key", "part", "given", "titles"),
    [
        ("size", {"type": "integer"}, {"type": "x"}, ['Add "size": 1']),
        ("size", {}, {}, []),
        ("root", {"examples": ["net.json"]}, {}, []),
        ("archs", {"examples": [["net.json"]]}, {}, []),
        ("archs", {"examples": [["net"]]}, {}, ['Add "archs": ["net"]']),
        ("layers", {"type": "array"}, {}, ['Add "layers": [{"type": "T"}]']),
        ("layers", {"type": "array"}, {"type": "RES"}, []),
        ("pool", {"enum": ["max", "avg"]}, {"poll": "max"}, ['Rename to "pool"', 'Add "pool": "max"']),
        ("pool", {"enum": ["max", "avg"]}, {"poll": "min"}, ['Add "pool": "max"']),
        ("type", {"enum": ["C", "FC", "P"]}, {"num_output": 1, "kernel_size": 3}, ['Add "type": "C"']),
        ("type", {"enum": ["C", "FC", "P"]}, {"num_output": 1}, ['Add "type": "FC"']),
        ("type", {"enum": ["C", "FC", "P"]}, {"pool": "max"}, ['Add "type": "P"']),
        ("type", {"enum": ["C", "FC", "P"]}, {"kernel_size": 3}, []),
        ("type", {"enum": ["C", "FC"]}, {"pool": "max"}, []),
    ],
)
def test_a_missing_key_is_added_or_a_similar_one_renamed(key, part, given, titles):
    repairs = list(repair_missing_key(("a",), key, {"properties": {key: part}}, given))
    assert [repair.title for repair in repairs] == titles
    assert [repair.is_guess for repair in repairs] == [key == "type"] * len(titles)
    assert list(repair_missing_key(("a",), "size", {}, {"sizes": 3})) == []
