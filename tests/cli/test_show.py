"""`archnet show`: what the totals below the table say."""

import json

import pytest
from typer.testing import CliRunner

from archnet.cli import app

C3 = {"type": "C", "num_output": 4, "kernel_size": 3}


def shown(*arguments):
    """What `archnet show` prints."""
    done = CliRunner().invoke(app, ["show", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(
    ("layers", "size", "depends_on_rest"),
    [
        ([C3], [3, 3], False),
        ([C3, {**C3, "dilation": 2}], [7, 7], False),
        ([{"type": "CAT", "branches": [[C3], [C3, C3], []]}, C3], [7, 7], False),
        ([{"type": "RES", "layers": [C3], "shortcut": [C3, C3]}], [5, 5], False),
        ([{"type": "DENSE", "times": 3, "layers": [C3]}], [7, 7], False),
        ([C3, {"type": "SE"}], [3, 3], True),
    ],
)
def test_show_names_the_receptive_field_of_the_last_feature_map(tmp_path, layers, size, depends_on_rest):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"rank": 2, "input_shape": [16, 16], "layers": [*layers, {"type": "T"}]}))
    output = json.loads(shown(path, "--json"))
    assert (output["receptive_field"], output["features_depend_on_whole_input"]) == (size, depends_on_rest)
    rest = "; attention or normalization extends it to the whole input" * depends_on_rest
    sentence = f"The receptive field of the last feature map is {size[0]}x{size[1]} voxels{rest}."
    assert sentence in " ".join(shown(path).split())


def test_show_is_for_two_classes_and_batches_of_64_unless_others_are_given(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"input_shape": [16, 16], "layers": [{"type": "GAP"}, {"type": "T"}]}))
    output = shown(path, "--json")
    assert output == shown(path, "--json", "--classes", 2, "--batch", 64)
    assert output != shown(path, "--json", "--classes", 3)


def test_show_names_no_receptive_field_where_there_is_no_feature_map(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"input_shape": [16, 16], "layers": [{"type": "T"}]}))
    assert "receptive field" not in shown(path)
    assert "receptive_field" not in json.loads(shown(path, "--json"))
