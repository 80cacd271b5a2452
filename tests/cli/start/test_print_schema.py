"""`archnet schema`: the schemas, for pipes and editors."""

import json
import re

import pytest

from archnet.errors import DataError
from archnet.spec.schema import SCHEMAS, schema_path
from archnet.spec.shipped.new_project import copy_schemas
from command_line import invoked


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_printed_exactly_as_stored(name):
    assert invoked("schema", name).stdout == schema_path(name).read_text(encoding="utf-8")


def test_without_a_name_the_paths_are_printed():
    assert invoked("schema").stdout.splitlines() == [str(schema_path(name)) for name in SCHEMAS]


def test_schemas_are_written_with_those_that_they_refer_to_in_place_of_older_ones(tmp_path):
    (tmp_path / "arch.schema.json").write_text("older")
    done = invoked("schema", "sweep", "--out", tmp_path)
    assert done.stdout.splitlines() == [str(tmp_path / f"{name}.schema.json") for name in ("arch", "sweep")]
    assert json.loads((tmp_path / "arch.schema.json").read_text())["title"] == "archnet architecture"
    assert len(invoked("schema", "--out", tmp_path / "all").stdout.splitlines()) == len(SCHEMAS)
    for path in (tmp_path / "all").iterdir():
        assert path.read_bytes() == schema_path(path.name.split(".")[0]).read_bytes()


def test_schemas_are_not_written_into_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    message = f"--out={str(path)!r}: {path} is a file, not a folder. Use a different folder."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        copy_schemas(SCHEMAS, path)


def test_an_unknown_schema_is_a_usage_error():
    done = invoked("schema", "swep")
    assert done.exit_code == 2
    assert "'swep' is not one of 'arch', 'experiment', 'sweep'" in " ".join(done.stderr.replace("│", " ").split())
