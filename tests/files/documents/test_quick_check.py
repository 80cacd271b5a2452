"""The fast check of schemas: the verdicts of jsonschema."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from archnet.files.documents.quick_check import SchemaChecks
from archnet.files.strict_json import Document
from archnet.spec.schema import SCHEMAS, read_schema, schema_problems
from document_mutants import mutants

CHECKS = SchemaChecks({f"{name}.schema.json": read_schema(name) for name in SCHEMAS})


def plain_validator(name):
    parts = [(f"{part}.schema.json", Resource.from_contents(read_schema(part))) for part in SCHEMAS]
    return Draft202012Validator(read_schema(name), registry=Registry().with_resources(parts))


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMAS)
def test_mutants_are_valid_for_the_check_and_for_jsonschema_alike(name):
    check, validator = CHECKS.check(f"{name}.schema.json"), plain_validator(name)
    verdicts = []
    for _, text in mutants(150, seed=3):
        value = json.loads(text)
        verdicts.append(check(value))
        assert verdicts[-1] == validator.is_valid(value), text
    assert len(set(verdicts)) == 2


@pytest.mark.parametrize(
    ("schema", "value", "is_valid"),
    [
        ({"type": "integer"}, 5.0, True),
        ({"type": "integer"}, True, False),
        ({"type": ["number", "null"]}, None, True),
        ({"enum": [1, "a"]}, True, False),
        ({"enum": [1, "a"]}, 1.0, True),
        ({"enum": [1, None]}, None, True),
        ({"const": None}, 0, False),
        ({"minimum": 3}, "1", True),
        ({"minimum": 3}, True, True),
        ({"required": ["a"]}, {}, False),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, False),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, False),
        ({"contains": {"const": 2}}, [1, 2], True),
        ({"prefixItems": [{"type": "string"}, {"type": "null"}]}, ["a", None, 3], True),
        ({"prefixItems": [{"type": "string"}, {"type": "null"}]}, ["a", 3], False),
        ({"prefixItems": [{"type": "string"}], "items": {"type": "null"}}, ["a", None], True),
        ({"prefixItems": [{"type": "string"}], "items": {"type": "null"}}, ["a", "b"], False),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a", "b"], False),
        ({"prefixItems": [{"type": "string"}]}, "ab", True),
        ({"uniqueItems": True}, [1, 1.0], False),
        ({"uniqueItems": False}, [1, 1], True),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
        ({"uniqueItems": True}, [1, "1"], True),
        ({"minimum": 3}, 3, True),
        ({"maximum": 3}, 3, True),
        ({"maximum": 3}, 4, False),
        ({"exclusiveMinimum": 3}, 3, False),
        ({"exclusiveMinimum": 3}, 4, True),
        ({"exclusiveMaximum": 3}, 3, False),
        ({"exclusiveMaximum": 3}, 2, True),
        ({"minLength": 2}, "ab", True),
        ({"minLength": 2}, "a", False),
        ({"minLength": 2}, ["a"], True),
        ({"maxLength": 2}, "ab", True),
        ({"maxLength": 2}, "abc", False),
        ({"pattern": "b"}, "abc", True),
        ({"pattern": "^b"}, "abc", False),
        ({"minItems": 1}, [1], True),
        ({"minItems": 1}, [], False),
        ({"maxItems": 1}, [1], True),
        ({"maxItems": 1}, [1, 2], False),
        ({"maxItems": 1}, {"a": 1, "b": 2}, True),
        ({"minProperties": 1}, {"a": 1}, True),
        ({"minProperties": 1}, {}, False),
        ({"maxProperties": 1}, {"a": 1}, True),
        ({"maxProperties": 1}, {"a": 1, "b": 1}, False),
        ({"dependentRequired": {"a": ["b", "c"]}}, {"a": 1, "b": 1}, False),
        ({"dependentRequired": {"a": ["b", "c"]}}, {"a": 1, "b": 1, "c": 1}, True),
        ({"dependentRequired": {"a": ["b"], "d": ["e"]}}, {"a": 1, "b": 1}, True),
        ({"dependentRequired": {"a": ["b"], "d": ["e"]}}, {"a": 1}, False),
        ({"required": ["a", "b"]}, {"a": 1}, False),
        ({"required": ["a"]}, ["a"], True),
        ({"propertyNames": {"maxLength": 1}}, ["ab"], True),
        ({"contains": {"const": 2}}, [1], False),
        ({"contains": {"const": 2}}, {"a": 1}, True),
        ({"allOf": [{"minimum": 3}, {"maximum": 5}]}, 6, False),
        ({"allOf": [{"minimum": 3}, {"maximum": 5}]}, 2, False),
        ({"allOf": [{"minimum": 3}, {"maximum": 5}]}, 4, True),
        ({"anyOf": [{"type": "string"}, {"minimum": 3}]}, 3, True),
        ({"anyOf": [{"type": "string"}, {"minimum": 3}]}, 2, False),
        ({"type": "number"}, True, False),
        ({"type": "integer"}, 5.5, False),
        ({"type": ["string", "null"]}, 1, False),
        ({"if": {"type": "string"}, "then": {"minLength": 1}}, 0, True),
        ({"if": {"type": "string"}, "then": {"minLength": 1}}, "", False),
        ({"if": {"type": "string"}, "else": {"minimum": 1}}, "", True),
        ({"additionalProperties": False, "properties": {"a": {}}}, {"a": 1}, True),
        ({"additionalProperties": False}, [1], True),
        ({"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"minimum": 1}}, 0, False),
        ({"additionalProperties": {"type": "string"}, "properties": {"a": {}}}, {"a": 1, "b": 1}, False),
        (False, 1, False),
    ],
)
def test_single_keywords(schema, value, is_valid):
    assert SchemaChecks({"s": schema}).check("s")(value) is is_valid
    assert Draft202012Validator(schema).is_valid(value) is is_valid


BRANCHES = [
    {
        "if": {"type": "object", "properties": {"type": {"const": kind}}, "required": ["type"]},
        "then": {"required": [key]},
    }
    for kind, key in (("C", "kernel_size"), ("C", "num_output"), ("P", "size"))
]


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        ({"type": "C", "kernel_size": 3, "num_output": 2}, True),
        ({"type": "C", "kernel_size": 3}, False),
        ({"type": "C", "num_output": 3}, False),
        ({"type": "P", "size": 3}, True),
        ({"type": "P", "kernel_size": 3, "num_output": 2}, False),
        ({"type": "P", "size": 3, "more": 1}, False),
        ({"type": "Q"}, True),
        ({"type": ["C"]}, True),
        ({"type": "Q", "more": 1}, False),
        ("C", True),
    ],
)
def test_branches_for_one_type_hold_together_with_those_for_all(value, is_valid):
    schema = {"allOf": [*BRANCHES, {"maxProperties": 3}, {"properties": {"more": False}}]}
    assert SchemaChecks({"s": schema}).check("s")(value) is is_valid
    assert Draft202012Validator(schema).is_valid(value) is is_valid


@pytest.mark.parametrize(
    "branch",
    [
        {"if": BRANCHES[0]["if"], "then": {"required": ["a"]}, "else": {"required": ["b"]}},
        {"if": {"properties": {"type": {"const": "C"}}}, "then": {"required": ["a"]}},  # also for objects without it
        {"if": BRANCHES[0]["if"]},
        {"required": ["a"]},
    ],
)
@pytest.mark.parametrize("value", [{"type": "C"}, {"type": "C", "a": 1}, {"type": "P"}, {}, {"b": 1}, 3])
def test_branches_that_are_not_for_one_type_alone_are_checked_for_all(branch, value):
    schema = {"allOf": [branch, BRANCHES[2]]}
    assert SchemaChecks({"s": schema}).check("s")(value) is Draft202012Validator(schema).is_valid(value)


def test_whole_floats_are_integers_only_where_they_may_be():
    schema = {"items": {"type": ["integer", "null"]}}
    verdicts = [
        SchemaChecks({"s": schema}, allows_whole_floats=allows).check("s")(value)
        for allows in (True, False)
        for value in ([3.0], [3, None], [True])
    ]
    assert verdicts == [True, True, False, False, True, False]


def test_an_unknown_keyword_is_refused():
    with pytest.raises(NotImplementedError, match=r"^unknown keywords of a JSON schema: multipleOf\.$"):
        SchemaChecks({"s": {"multipleOf": 2}}).check("s")


def test_a_valid_document_needs_no_jsonschema(monkeypatch):
    monkeypatch.setattr("archnet.spec.schema._validator", None)
    layers = [{"type": "C", "num_output": 2, "kernel_size": [3, 3]}, {"type": "T"}]
    assert schema_problems(Document(value=layers, source="net.json"), "arch") == []


def test_another_thread_waits_for_a_check_that_is_being_compiled():
    is_compiling, may_finish = Event(), Event()

    class SlowChecks(SchemaChecks):
        def _part(self, name, pointer):
            is_compiling.set()
            may_finish.wait(60)
            return super()._part(name, pointer)

    checks = SlowChecks({"a": {"type": "integer"}})
    with ThreadPoolExecutor(2) as pool:
        pool.submit(checks.check, "a")
        is_compiling.wait(60)
        second = pool.submit(lambda: checks.check("a")(1))
        with suppress(TimeoutError):
            second.result(0.1)
        may_finish.set()
        assert second.result(60) is True
