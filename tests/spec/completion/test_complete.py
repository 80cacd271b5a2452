"""Completions: what is offered where, and that every text after a completion is valid JSON."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from archnet.files.strict_json import parse_document
from archnet.spec.arch import parse_arch
from archnet.spec.completion.applicable_schemas import SchemaPart, matches
from archnet.spec.completion.offer_texts import plain_values, value_snippet
from archnet.spec.completion.snippet_text import plain_snippet
from archnet.spec.schema import read_schema, schema_problems
from edited_texts import KINDS, completed, completions_at, completions_in, deletions, shipped_text
from long_tests import long_except

SMALL = ["archsm", "nine_view", "phantom_2d_vs_3d", "sweep_width"]
LARGER = [pytest.param(name, marks=pytest.mark.slow) for name in ("arch3dsm", "res3d", "multiscale_3d", "ct3d")]


def labels(marked, kind="arch", **options):
    return [completion.label for completion in completions_at(marked, kind, **options)[0]]


def results(marked, kind="arch", **options):
    """The text after each completion, by label."""
    completions, text = completions_at(marked, kind, **options)
    return {completion.label: completed(text, completion) for completion in completions}


def test_a_layer_offers_the_keys_of_its_type_that_it_lacks_required_ones_first():
    assert labels('{"layers": [{"type": "C", "stride": 2, |}]}') == [
        "num_output",
        "kernel_size",
        "description",
        "activation",
        "drop_out",
        "padding",
        "dilation",
        "groups",
        "bias",
        "norm",
        "batch_norm",
    ]
    assert labels('{"layers": [{|}]}') == ["type"]
    assert labels('{"layers": [{|, "type": "P", "pool": "max"}]}')[0] == "kernel_size"


@pytest.mark.parametrize(
    ("marked", "label", "after"),
    [
        ('[{"type": "C", |}]', "bias", '[{"type": "C", "bias": true}]'),
        ('[{"type": "C"|}]', "bias", '[{"type": "C", "bias": true}]'),
        ('[{"type": "C" |}]', "bias", '[{"type": "C", "bias": true}]'),
        ('[{"type": "C", bi|}]', "bias", '[{"type": "C", "bias": true}]'),
        ('[{"type": "C", "bi|}]', "bias", '[{"type": "C", "bias": true}]'),
        ('[{"type": "C", "bi|"}]', "bias", '[{"type": "C", "bias": true}]'),
        ('[{"type": "C", "|"}]', "bias", '[{"type": "C", "bias": true}]'),
        ('[{"type": "C", "|bia": false}]', "bias", '[{"type": "C", "bias": false}]'),
        ('[{"type": "C", "bi|, "stride": 2}]', "bias", '[{"type": "C", "bias": true, "stride": 2}]'),
        ('[{"type": "C", "bi| "stride": 2}]', "bias", '[{"type": "C", "bias": true, "stride": 2}]'),
        ('[{"type": "C", |"stride": 2}]', "bias", '[{"type": "C", "bias": true,"stride": 2}]'),
        ('[{|"type": "C"}]', "bias", '[{"bias": true,"type": "C"}]'),
        ('[{"type": "P", "pool": |}]', '"avg"', '[{"type": "P", "pool": "avg"}]'),
        ('[{"type": "P", "pool": "|"}]', '"avg"', '[{"type": "P", "pool": "avg"}]'),
        ('[{"type": "P", "pool": "ma|x"}]', '"avg"', '[{"type": "P", "pool": "avg"}]'),
        ('[{"type": "P", "pool": av|}]', '"avg"', '[{"type": "P", "pool": "avg"}]'),
        ('[{"type": "P", "pool": | "stride": 1}]', '"avg"', '[{"type": "P", "pool": "avg", "stride": 1}]'),
        ('[{"type": "P", "pool": "ma, x:|"}]', '"avg"', '[{"type": "P", "pool": "avg"}]'),
        ('[{"type": "P", "pool": |"max"}]', '"avg"', '[{"type": "P", "pool": "avg"}]'),
        ('[{"type": "P", "pool":| "max", "stride": 1}]', '"avg"', '[{"type": "P", "pool":"avg", "stride": 1}]'),
        ('[{"type": "P", "pool": |\n "stride": 1}]', '"avg"', '[{"type": "P", "pool": "avg",\n "stride": 1}]'),
        ('[{"type": "C", "bias": f|}]', "false", '[{"type": "C", "bias": false}]'),
        ('[{"type": "C", "norm": |}]', "null", '[{"type": "C", "norm": null}]'),
        ('[{"type": "C", "norm": "|}]', '"group"', '[{"type": "C", "norm": "group"}]'),
        ('[{"type": "C", "norm": {"norm": "group", |}}]', "groups", None),
        ('[{"type": "C", "padding": "s|"}]', '"valid"', '[{"type": "C", "padding": "valid"}]'),
        ('[{"type": "|"}]', '"GMP"', '[{"type": "GMP"}]'),
        ("[|]", "GMP: global maximum pooling", '[{"type": "GMP"}]'),
        ('[{"type": "BN"}|]', "GMP: global maximum pooling", '[{"type": "BN"}, {"type": "GMP"}]'),
        ('[{"type": "BN"}, |]', "GMP: global maximum pooling", '[{"type": "BN"}, {"type": "GMP"}]'),
        ('[|{"type": "BN"}]', "GMP: global maximum pooling", '[{"type": "GMP"},{"type": "BN"}]'),
        (
            '[{"type": "BN"}\n  |\n  {"type": "T"}]',
            "GMP: global maximum pooling",
            '[{"type": "BN"},\n  {"type": "GMP"},\n  {"type": "T"}]',
        ),
        ('[{"type": "BN"}, GM|]', "GMP: global maximum pooling", '[{"type": "BN"}, {"type": "GMP"}]'),
        ('{"layers": [], |}', "channels", '{"layers": [], "channels": 1}'),
        ('{"layers": [], "rank": |}', "3", '{"layers": [], "rank": 3}'),
        ("{|", "channels", '{"channels": 1'),
    ],
)
def test_a_completion_replaces_the_half_typed_word_and_adds_quotes_and_commas(marked, label, after):
    assert after is None or results(marked)[label] == after
    assert label in results(marked)


@pytest.mark.parametrize(
    "marked", ["|", "{}|", '{"layers"| }', '{"layers" |: 3}', '|{"layers": []}', '"a|"', "[]|", "3|", '{"layers": |[]}']
)
def test_nothing_is_offered_where_only_punctuation_can_follow(marked):
    assert labels(marked) == []


def test_layers_fit_the_rank_of_the_network():
    assert "C: 3D convolution" in labels("[|]", rank=3)
    assert "C: 3D convolution" not in labels("[|]", rank=2)
    assert "VIEWS: 2D layers on planes" not in labels("[|]", rank=2)
    assert "C: 2D convolution" in labels('[{"type": "VIEWS", "layers": [|]}]', rank=3)
    assert '"kernel_size": [3, 3]' in results('[{"type": "C", |}]', rank=2)["kernel_size"]
    assert '"size": [16, 16]' in results("[|]", rank=2)["CROP: center crop"]


def test_a_deleted_type_is_first_that_of_a_layer_with_the_other_keys():
    (completion,), text = completions_at('[{|"pool": "max", "kernel_size": 2}]')
    assert json.loads(completed(text, completion)) == [{"type": "P", "pool": "max", "kernel_size": 2}]
    (completion,), text = completions_at('[{"heads": 2, |}]')
    assert json.loads(completed(text, completion)) == [{"type": "ATT", "heads": 2}]


def test_an_option_offers_auto_its_default_and_examples():
    values, _ = completions_at('{"training": {"batch_size": |}}', "experiment")
    assert [(value.label, value.detail) for value in values] == [('"auto"', "default"), ("300", "")]
    assert labels('{"data": {"name": |}}', "experiment") == ['"luna16"', '"phantom"', '"mosmed"', '"folder"', '"npz"']
    assert labels('{"training": |}', "experiment")[:3] == ["default recipe", "early stopping", "published recipe"]
    assert labels('{"training": {"augmentation": [{"type": "|"}]}}', "experiment")[:2] == [
        '"rotated_copies"',
        '"right_angles"',
    ]
    assert labels('{"training": {"augmentation": [{"type": "flip", |}]}}', "experiment") == ["axes"]


def test_architectures_are_files_next_to_the_document_and_shipped_ones(tmp_path):
    (tmp_path / "archs").mkdir()
    for name in ("mine.json", "net.json", "archs/wide.json", "notes.txt"):
        (tmp_path / name).write_text("{}")
    found = labels('{"archs": [|]}', "experiment", source=str(tmp_path / "mine.json"))
    assert found[:3] == ['"net.json"', '"archs/wide.json"', '"arch"']
    assert '"resnet18_3d"' in found
    assert '"sweep_width"' not in found
    assert results('{"archs": ["a|"]}', "experiment")['"archsm"'] == '{"archs": ["archsm"]}'
    assert '"archsm"' in labels('{"base": "x", "space": {"arch": [|]}}', "sweep")
    bases = labels('{"base": "|"}', "sweep", source=str(tmp_path / "sweep.json"))
    assert bases[:2] == ['"mine.json"', '"net.json"']
    assert '"phantom_2d_vs_3d"' in bases
    assert '"archsm"' not in bases


def test_only_files_of_the_wanted_kind_are_offered(tmp_path):
    files = {
        "array.json": '[{"type": "T"}]',
        "net.json": '{"name": "base", "layers": [{"type": "T"}]}',
        "one.json": '{"name": "one", "archs": [{"layers": []}]}',
        "sweep.json": '{"base": "one.json", "space": {}}',
        "new.json": '{"name": "',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "gone.json").symlink_to("nowhere.json")
    found = labels('{"archs": [|]}', "experiment", source=str(tmp_path / "mine.json"))
    assert found[:4] == ['"array.json"', '"net.json"', '"new.json"', '"arch"']
    bases = labels('{"base": "|"}', "sweep", source=str(tmp_path / "mine.json"))
    assert bases[:2] == ['"new.json"', '"one.json"']
    assert "json" not in bases[2]


def test_a_folder_that_does_not_exist_offers_shipped_names_only():
    assert labels('{"archs": [|]}', "experiment", source="/nowhere/mine.json")[0] == '"arch"'


def test_a_search_space_offers_the_hyperparameters_of_its_base():
    files = {"base.json": json.dumps({"archs": ["net.json"], "data": {"name": "phantom"}}), "net.json": "[]"}
    files["net.json"] = (
        '{"layers": [{"type": "REP", "times": 2, "layers": [{"type": "C", "num_output": 7}]}, {"type": "T"}]}'
    )
    found = results('{"base": "base.json", "space": {|}}', "sweep", files=files)
    assert list(found)[:3] == ["arch", "arch.layers[0].times", "arch.layers[0].layers[0].num_output"]
    assert found["arch.layers[0].times"] == '{"base": "base.json", "space": {"arch.layers[0].times": [2]}}'
    assert found["training.learning_rate"] == '{"base": "base.json", "space": {"training.learning_rate": [0.002]}}'
    assert "training.schedule.type" in found
    assert "data.crop_size" in found
    assert "data.task" not in found
    given = '{"base": "base.json", "space": {"training.learning_rate": [1], |}}'
    assert "training.learning_rate" not in labels(given, "sweep", files=files)


def test_a_hyperparameter_offers_choices_and_ranges():
    marked = '{"base": "phantom_2d_vs_3d", "space": {"training.optimizer": |}}'
    found = results(marked, "sweep")
    assert list(found) == ["choice", "range: log_uniform", "range: uniform", "range: integer"]
    assert json.loads(found["choice"])["space"] == {"training.optimizer": ["adamw", "adam", "sgd", "rmsprop"]}
    inside = '{"base": "phantom_2d_vs_3d", "space": {"training.optimizer": [|]}}'
    assert labels(inside, "sweep") == ['"adamw"', '"adam"', '"sgd"', '"rmsprop"']
    of_layer = '{"base": "phantom_2d_vs_3d", "space": {"arch.layers[1].pool": [|]}}'
    assert labels(of_layer, "sweep") == ['"max"', '"avg"']
    assert labels('{"base": "x", "space": {"a b": [|]}}', "sweep") == []
    assert labels('{"base": "x", "space": {"training.epochs": {"type": "integer", |}}}', "sweep") == [
        "low",
        "high",
        "step",
    ]


def test_an_inline_base_has_the_keys_of_an_experiment():
    assert "optimizer" in labels('{"base": {"training": {|}}}', "sweep")
    assert "num_output" in labels('{"base": {"archs": [[{"type": "C", |}]]}}', "sweep")


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/stdin", "/", "a\0b", "x" * 5000, "missing.json", ""])
def test_a_base_that_cannot_be_read_leaves_the_options_of_experiments(name):
    found = labels(json.dumps({"base": name, "space": {"|": 1}}), "sweep")
    assert found[0] == "arch"
    assert "training.epochs" in found


@pytest.mark.parametrize("name", [*SMALL, *LARGER])
def test_every_completion_at_every_place_of_a_shipped_document_gives_json(name):
    text = shipped_text(name)
    for offset in range(0, len(text) + 1, 7):
        for completion in completions_in(text, offset, KINDS[name])[::5]:
            json.loads(completed(text, completion))


@pytest.mark.slow
@pytest.mark.parametrize("name", long_except({"archsm", "luna16_small"}, KINDS))
def test_completions_at_some_places_of_all_shipped_documents_give_json(name):
    text = shipped_text(name)
    for offset in range(0, len(text) + 1, max(len(text) // 60, 1)):
        for completion in completions_in(text, offset, KINDS[name]):
            json.loads(completed(text, completion))


@pytest.mark.parametrize("name", [*SMALL, *LARGER])
def test_a_deleted_key_or_layer_can_be_completed_and_a_required_key_restores_the_document(name):
    text = shipped_text(name)
    for deletion in deletions(text):
        completions = completions_in(deletion.text, deletion.offset, KINDS[name])
        after = {each.label: completed(deletion.text, each) for each in completions}
        for result in after.values():
            json.loads(result)
        key = deletion.path[-1]
        assert isinstance(key, int) or key in after, deletion.path
        if (
            isinstance(key, str)
            and "{ }" not in deletion.text
            and schema_problems(parse_document(deletion.text, "x.json"), KINDS[name])
        ):
            assert schema_problems(parse_document(after[key], "x.json"), KINDS[name]) == []


def test_a_required_key_of_every_layer_type_can_be_completed():
    for name in read_schema("arch")["$defs"]["layer"]["properties"]["type"]["enum"]:
        value = {"type": name}
        for _ in range(4):
            text = json.dumps({"rank": 3, "layers": [value]}).removesuffix("}]}") + " }]}"
            completions = completions_in(text, len(text) - 3, rank=3)
            required = [each for each in completions if each.detail.endswith("required")]
            if not required:
                break
            value = json.loads(completed(text, required[0]))["layers"][0]
        document = parse_document(json.dumps({"rank": 3, "layers": [value]}), "x.json")
        assert schema_problems(document, "arch") == []


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.sampled_from(SMALL), st.data())
def test_any_damaged_text_has_completions_without_an_error(name, data):
    text = shipped_text(name)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 30, len(text))))
    damaged = text[:start] + data.draw(st.text('{}[]",: \n\\a0', max_size=6)) + text[end:]
    offset = data.draw(st.integers(0, len(damaged)))
    for completion in completions_in(damaged, offset, KINDS[name]):
        assert 0 <= completion.edit.range.start <= offset <= completion.edit.range.end <= len(damaged)
        assert "\n" not in damaged[completion.edit.range.start : completion.edit.range.end]
        completed(damaged, completion)


def test_a_layer_from_a_completion_is_valid_between_other_layers():
    marked = '{"rank": 3, "layers": [{"type": "C", "num_output": 16, "kernel_size": 1}, |, {"type": "T"}]}'
    for label, text in results(marked, rank=3).items():
        if not label.startswith("T:"):
            assert parse_arch(parse_document(text, "net.json")).plan((16, 16, 8))


def test_a_document_that_cannot_be_read_is_not_offered(tmp_path, monkeypatch):
    for name in ("locked.json", "net.json"):
        (tmp_path / name).write_text("[")
    read = Path.open

    def refuse(path, *arguments, **options):
        if path.name == "locked.json":
            raise PermissionError(13, "Permission denied")
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    found = labels('{"archs": [|]}', "experiment", source=str(tmp_path / "mine.json"))
    assert found[:2] == ['"net.json"', '"arch"']


@pytest.mark.parametrize(
    ("schema", "snippet", "values"),
    [
        ({"const": "a"}, '"a"', ["a"]),
        ({"const": None}, "null", [None]),
        ({"enum": ["a"]}, '"a"', ["a"]),
        ({"enum": ["a", "b"], "default": "b"}, '${1|"b","a"|}', ["b", "a"]),
        ({"enum": ["a", 1, None]}, '${1|"a",1,null|}', ["a", 1, None]),
        ({"type": "boolean"}, "${1|false,true|}", [True, False]),
        ({"type": "boolean", "default": True}, "${1|true,false|}", [True, False]),
        ({"type": ["boolean", "null"]}, "${1|false,true,null|}", [True, False, None]),
        ({"type": ["integer", "null"]}, "${1}", [None]),
        ({"type": "null"}, "${1}", [None]),
        ({"type": "integer", "default": 3, "examples": [5]}, "${1:3}", [3, 5]),
        ({"type": "integer", "examples": [5, 6]}, "${1:5}", [5, 6]),
        ({"type": "array", "examples": [[3, 3, 3]]}, "${1:[3, 3, 3]}", [[3, 3, 3]]),
        ({"type": "string", "default": ""}, '"${1}"', []),
        ({"type": "string", "default": "", "examples": ["x"]}, '"${1}"', ["x"]),
        ({"type": "object", "default": {}}, "{${1}}", []),
        ({"type": "array"}, "[${1}]", []),
        ({"type": "number"}, "${1}", []),
        ({}, "${1}", []),
    ],
)
def test_the_snippet_and_the_values_of_a_schema(schema, snippet, values):
    parts = [SchemaPart(schema=schema, root=schema)]
    assert value_snippet(parts, None) == snippet
    assert plain_values(parts, None) == values


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r'"\$schema": ${1:3}$0', '"$schema": 3'),
        (r"\$1 ${2:a} \${3:b\} $4.", "$1 a ${3:b} ."),
        (r"\\$1", "\\"),
        (r"${1|a\,b,c|} ${2|\||}", "a,b |"),
        ("${1}${2:}", ""),
        ("[${1:3}, $2]$0", "[3, ]"),
        ('{"type": "${1:relu}"${0}}', '{"type": "relu"}'),
        (r"\} \\\\", r"} \\"),
        (r"${1:a\}b}", "a}b"),
    ],
)
def test_escaped_dollar_signs_of_a_snippet_are_no_tab_stops(text, plain):
    assert plain_snippet(text) == plain


@pytest.mark.parametrize(
    ("schema", "value", "is_met"),
    [
        ({"type": "boolean"}, True, True),
        ({"type": "boolean"}, 1, False),
        ({"type": "integer"}, True, False),
        ({"type": "integer"}, 1, True),
        ({"type": "object"}, {}, True),
        ({"type": "object"}, [], False),
        ({"const": 1}, 1, True),
        ({"const": 1}, True, False),
        ({"required": ["a", "b"]}, {"a": 1}, False),
        ({"required": ["a", "b"]}, {"a": 1, "b": 2, "c": 3}, True),
        ({"required": ["a"]}, 3, True),
        ({"properties": {"a": {"const": 1}}}, {"a": 1}, True),
        ({"properties": {"a": {"const": 1}}}, {"a": 2}, False),
        ({"properties": {"a": {"const": 1}}}, {"b": 2}, True),
        ({"properties": {"a": {"const": 1}}}, [], True),
        ({"contains": {"const": 1}}, [2, 1], True),
        ({"contains": {"const": 1}}, [2], False),
        ({"contains": {"const": 1}}, [], False),
        ({"contains": {"const": 1}}, {}, True),
        ({"type": "object", "required": ["a"]}, {}, False),
        ({}, None, True),
    ],
)
def test_conditions_of_the_schemas_are_met_as_jsonschema_meets_them(schema, value, is_met):
    assert matches(schema, value) == is_met == Draft202012Validator(schema).is_valid(value)
