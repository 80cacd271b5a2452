"""The validator of schemas: faster than jsonschema's own, with the same verdicts."""

import json

import pytest
from jsonschema import Draft202012Validator

from archnet.files.documents.schema_validator import schema_validator
from archnet.spec.schema import read_schema
from document_mutants import mutants


def errors_of(validator, schema, value):
    return sorted(
        (list(map(str, error.absolute_path)), error.validator) for error in validator(schema).iter_errors(value)
    )


@pytest.mark.slow
def test_mutants_break_the_schema_of_architectures_in_the_same_ways():
    schema, values = read_schema("arch"), [json.loads(text) for _, text in mutants(100, seed=1)]
    for value in values:
        expected = errors_of(Draft202012Validator, schema, value)
        too_long = [path for path, validator in expected if validator == "maxItems"]
        assert errors_of(schema_validator(), schema, value) == [
            (path, validator)
            for path, validator in expected
            if not any(len(path) > len(array) and path[: len(array)] == array for array in too_long)
        ]


@pytest.mark.parametrize(
    ("schema", "value", "is_valid"),
    [
        ({"uniqueItems": True}, [1, True, "1", [1], {"a": 1}, 0, False, None], True),
        ({"uniqueItems": True}, [5, 5.0], False),
        ({"uniqueItems": True}, [{"a": [1], "b": 2}, {"b": 2.0, "a": [1]}], False),
        ({"uniqueItems": False}, [1, 1], True),
        ({"uniqueItems": True}, "aa", True),
        ({"maxItems": 2, "items": {"type": "string"}}, ["a", "b"], True),
        ({"maxItems": 2, "items": {"type": "string"}}, ["a", 1], False),
        ({"maxProperties": 1, "additionalProperties": {"type": "string"}}, {"a": 1}, False),
        ({"maxProperties": 1, "propertyNames": {"maxLength": 1}}, {"ab": 1}, False),
    ],
)
def test_verdicts_are_those_of_jsonschema(schema, value, is_valid):
    assert schema_validator()(schema).is_valid(value) == Draft202012Validator(schema).is_valid(value) == is_valid


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"maxItems": 2, "uniqueItems": True, "items": {"type": "string"}}, [1] * 1_000),
        (
            {"maxProperties": 2, "additionalProperties": False, "propertyNames": {"maxLength": 1}},
            {f"k{i}": i for i in range(9)},
        ),
    ],
)
def test_what_has_too_many_entries_is_one_problem(schema, value):
    (error,) = schema_validator()(schema).iter_errors(value)
    assert error.validator in ("maxItems", "maxProperties")
