"""Names of folders: what every system accepts, in Python as in the schemas."""

import pytest

from archnet.files.documents.names import NAME_PATTERN, name_problem
from archnet.spec.schema import read_schema

RULE = 'expected letters, digits, ".", "_" and "-", with a letter or a digit first, got'
REFUSED = {
    "abc\n": f'{RULE} "abc\\n": "\\n" is not allowed.',
    "": f'{RULE} "".',
    ".": f'{RULE} ".": it begins with ".".',
    "..": f'{RULE} "..": it begins with ".".',
    "-rf": f'{RULE} "-rf": it begins with "-".',
    "a/b": f'{RULE} "a/b": "/" is not allowed.',
    "my net (1)/b": f'{RULE} "my net (1)/b": " ", "(", ")" and "/" are not allowed.',
    "a!#$%&(": f'{RULE} "a!#$%&(": "!", "#", "$", "%" and "&" are not allowed.',
    "a\x00": f'{RULE} "a\\u0000": "\\u0000" is not allowed.',
    "\u0661": f'{RULE} "\u0661": "\u0661" is not allowed.',
    "con": '"con" is the name of a device on Windows. Rename it.',
    "Com1.v2": '"Com1.v2" is the name of a device on Windows. Rename it.',
    "net.": '"net." ends in a dot, which Windows drops. Remove it.',
}


@pytest.mark.parametrize("name", REFUSED, ids=repr)
def test_a_name_that_some_system_refuses_is_refused(name):
    assert name_problem(name) == REFUSED[name]


@pytest.mark.parametrize("name", ["arch3dsm", "a", "0", "console", "com10", "net.v2", "a-b_c"])
def test_an_ordinary_name_is_accepted(name):
    assert name_problem(name) is None


@pytest.mark.parametrize("name", ["experiment", "sweep"])
def test_the_schemas_have_the_same_pattern(name):
    assert read_schema(name)["properties"]["name"]["pattern"] == NAME_PATTERN


def test_the_schema_of_architectures_has_the_same_pattern():
    assert read_schema("arch")["$defs"]["architecture"]["properties"]["name"]["pattern"] == NAME_PATTERN
