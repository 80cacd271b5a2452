"""The analysis of documents: problems at once, their ranges, and their fixes."""

import json
import os
import sys
from pathlib import Path

import pytest

from archnet.files.documents.json_parser import parse_tolerantly
from archnet.files.documents.problems import (
    InsertItem,
    MoveItem,
    RemoveValue,
    RenameKey,
    Repair,
    ReplaceValue,
    WrapValue,
)
from archnet.files.documents.shipped_documents import shipped_documents
from archnet.files.strict_json import Document, Problem
from archnet.spec.analysis.analyze import AnalysisOptions, analyze
from archnet.spec.analysis.diagnostics import Diagnostic
from archnet.spec.analysis.document_edits import fix_text
from archnet.spec.analysis.document_kind import document_kind
from archnet.spec.analysis.locate_problems import locate_problem, sort_diagnostics, visible_range
from archnet.spec.analysis.text_ranges import TextRange, apply_edits
from half_typed import MISTAKES, analysis_faults, fix_outcomes, half_typed_texts

ROOT = Path(__file__).parents[3]
ARCHSM = (ROOT / "archs/archsm.json").read_text("utf-8")


def problems(text, source="net.json", **options):
    """The text at fault and the message of each diagnostic."""
    analysis = analyze(text, source, AnalysisOptions(**options))
    return [(text[each.range.start : each.range.end], each.message) for each in analysis.diagnostics]


def fixes(text, source="net.json"):
    """The text after each fix, by title."""
    found = [fix for diagnostic in analyze(text, source).diagnostics for fix in diagnostic.fixes]
    return {fix.title: apply_edits(text, fix.edits) for fix in found}


def net(*layers, **keys):
    return json.dumps({"rank": 2, **keys, "layers": [*layers, {"type": "T"}]})


def deep(*layers):
    return json.dumps({"rank": 3, "input_shape": [8, 8, 4], "layers": [*layers, {"type": "T"}]})


C = {"type": "C", "num_output": 4, "kernel_size": 3}
SMALL = net({**C, "drop_out": 0.3}, name="small", input_shape=[32, 32])


@pytest.mark.parametrize("name", shipped_documents())
def test_shipped_documents_have_no_error(name):
    path = shipped_documents()[name]
    analysis = analyze(path.read_text("utf-8"), str(path))
    assert [each.message for each in analysis.diagnostics if each.severity == "error"] == []
    assert (analysis.network is not None) == (analysis.kind == "arch")


def test_independent_problems_are_reported_at_once():
    text = net({**C, "kernel": 3}, {**C, "kernel_size": 99, "padding": "valid", "drop_out": 0.3})
    assert problems(text) == [
        ('"kernel"', 'unknown key "kernel". Did you mean "kernel_size"?'),
        (
            '{"type": "C"',
            'C "valid" with kernel 99 does not fit its input (64, 64). Remove a pooling or enlarge the crop.',
        ),
        ("0.3", "drop_out is a percentage: 0.3 drops 0.3% of the values. Did you mean 30?"),
    ]


def test_syntax_errors_do_not_hide_other_problems():
    assert problems('{"rank": 2, "layers": [{"type": "T", "activatoin": null,}]}') == [
        (
            ",",
            'not valid JSON: expected another value after the comma (no comma is allowed before "}"), found "}".',
        ),
        ('"activatoin"', 'unknown key "activatoin". Did you mean "activation"?'),
    ]


def test_a_missing_value_is_one_problem():
    text = net({**C, "bias": True}).replace("true", "")
    assert problems(text) == [('"bias"', 'not valid JSON: expected a value, found "}".')]


FIXES = {
    "a misspelled key": (net({**C, "strides": 2}), 'Rename to "stride"', net({**C, "stride": 2})),
    "a key of another framework": (
        net({"type": "FC", "units": 10}),
        'Rename to "num_output"',
        net({"type": "FC", "num_output": 10}),
    ),
    "an unknown key": (net({**C, "zzz": 2}), 'Remove "zzz"', net(C)),
    "null in quotes": (
        net({**C, "norm": {"norm": "group", "groups": 2, "epsilon": "None"}}),
        "Replace with null",
        net({**C, "norm": {"norm": "group", "groups": 2, "epsilon": None}}),
    ),
    "a misspelled word": (
        net({**C, "activation": "rellu"}),
        'Replace with "relu"',
        net({**C, "activation": "relu"}),
    ),
    "a layer of another framework": (
        net({"type": "MaxPooling2D", "pool_size": "2"}),
        "Replace with layer P",
        net({"type": "P", "pool": "max", "kernel_size": 2}),
    ),
    "a layer of another framework with misspelt keys": (
        net({"type": "Conv2d", "num_output": "16", "kernal_size": [5, 3], "activation": "relu"}),
        "Replace with layer C",
        net({"type": "C", "num_output": 16, "kernel_size": [5, 3], "activation": "relu"}),
    ),
    "a number in quotes": (net({**C, "num_output": "16"}), "Replace with 16", net({**C, "num_output": 16})),
    "a literal in quotes": (net({**C, "bias": "False"}), "Replace with false", net({**C, "bias": False})),
    "a missing key": (
        net({"type": "C", "num_output": 4}),
        'Add "kernel_size": 3',
        net({"type": "C", "num_output": 4, "kernel_size": 3}),
    ),
    "a missing type": (
        net({"num_output": 4, "kernel_size": 3}),
        'Add "type": "C"',
        net({"type": "C", "num_output": 4, "kernel_size": 3}),
    ),
    "a missing T": ('{"rank": 2, "layers": [{"type": "GAP"}]}', 'Add {"type": "T"}', net({"type": "GAP"})),
    "T before other layers": (
        '{"rank": 2, "layers": [{"type": "T"}, {"type": "GAP"}]}',
        "Move T to the end",
        net({"type": "GAP"}),
    ),
    "two T": (net({"type": "T"}, C), "Remove the other T", net(C)),
    "FC before C": (
        net({"type": "FC", "num_output": 5}, C),
        "Move before layer 0",
        net(C, {"type": "FC", "num_output": 5}),
    ),
    "FC in RES": (
        net({"type": "RES", "layers": [C, {"type": "FC", "num_output": 2}]}),
        "Move out of the enclosing layer",
        net({"type": "RES", "layers": [C]}, {"type": "FC", "num_output": 2}),
    ),
    "T in REP": (
        net({"type": "REP", "times": 2, "layers": [C, {"type": "T"}]}),
        "Remove the entry",
        net({"type": "REP", "times": 2, "layers": [C]}),
    ),
    "an array of another rank": (
        net({**C, "kernel_size": [3, 5, 7]}),
        "Replace with [3, 5]",
        net({**C, "kernel_size": [3, 5]}),
    ),
    "an array of one size": (net({**C, "stride": [2]}), "Replace with 2", net({**C, "stride": 2})),
    "a fraction as a percentage": (net({**C, "drop_out": 0.3}), "Replace with 30", net({**C, "drop_out": 30})),
    "a kernel that is too large": (
        net({**C, "kernel_size": 99, "padding": "valid"}),
        'Set "padding": "same"',
        net({**C, "kernel_size": 99, "padding": "same"}),
    ),
    "groups that do not divide the channels": (
        net(C, {**C, "groups": 3}),
        'Set "groups": 2',
        net(C, {**C, "groups": 2}),
    ),
    "heads that do not divide the channels": (
        net(C, {"type": "ATT", "heads": 3}, input_shape=[8, 8]),
        'Set "heads": 2',
        net(C, {"type": "ATT", "heads": 2}, input_shape=[8, 8]),
    ),
    "filters that are not a multiple of the channels": (
        net(C, {**C, "num_output": 6, "groups": "depthwise"}),
        'Set "num_output": 8',
        net(C, {**C, "num_output": 8, "groups": "depthwise"}),
    ),
    "fewer filters than channels": (
        net(C, {**C, "num_output": 1, "groups": "depthwise"}),
        'Set "num_output": 4',
        net(C, {**C, "num_output": 4, "groups": "depthwise"}),
    ),
    "a stride of a dilated kernel": (
        net({**C, "stride": 2, "dilation": 2}),
        'Set "dilation": 1',
        net({**C, "stride": 2, "dilation": 1}),
    ),
    "a crop that is larger than its input": (
        net({"type": "CROP", "size": [8, 99]}),
        'Set "size": [8, 64]',
        net({"type": "CROP", "size": [8, 64]}),
    ),
    "slices with weights of their own": (
        deep({"type": "VIEWS", "planes": "slices", "shared": False, "layers": [{"type": "GAP"}]}),
        'Remove "shared"',
        deep({"type": "VIEWS", "planes": "slices", "layers": [{"type": "GAP"}]}),
    ),
    "attention over one plane": (
        deep({"type": "VIEWS", "planes": "axial", "fuse": "attention", "layers": [{"type": "GAP"}]}),
        'Remove "fuse"',
        deep({"type": "VIEWS", "planes": "axial", "layers": [{"type": "GAP"}]}),
    ),
    "a branch that keeps spatial axes": (
        net({"type": "CAT", "branches": [[{"type": "GAP"}], [C]]}),
        'Add {"type": "GAP"}',
        net({"type": "CAT", "branches": [[{"type": "GAP"}], [C, {"type": "GAP"}]]}),
    ),
    "no rank of an array": (
        '[{"type": "GAP"}, {"type": "T"}]',
        'Write {"rank": 2, "layers": [...]}',
        net({"type": "GAP"}),
    ),
    "no rank": (json.dumps({"layers": [C, {"type": "T"}]}), 'Add "rank": 2', net(C)),
    "a value below its minimum": (net({**C, "num_output": 0}), "Replace with 1", net({**C, "num_output": 1})),
}


def test_a_translated_layer_keeps_the_keys_that_have_no_counterpart():
    layer = {"type": "BatchNorm2d", "num_features": 16}
    assert fixes(net(layer))["Replace with layer BN"] == net({"type": "BN", "num_features": 16})
    both = {"type": "Conv2d", "filters": 8, "units": 9, "kernel_size": 3}
    kept = {"type": "C", "num_output": 8, "units": 9, "kernel_size": 3}
    assert fixes(net(both))["Replace with layer C"] == net(kept)


@pytest.mark.parametrize(
    ("keys", "is_translated"),
    [
        ({"zzz": 1}, True),
        ({"zzz": 1, "yyy": 2}, False),
        ({"filters": 8, "zzz": 1, "yyy": 2}, False),
        ({"filters": 8, "kernel_size": 3, "zzz": 1, "yyy": 2}, True),
    ],
)
def test_a_type_is_not_translated_if_most_keys_have_no_counterpart(keys, is_translated):
    assert ("Replace with layer C" in fixes(net({"type": "Conv2d", **keys}))) == is_translated


def layer_named(text):
    """A layer for its type, such as "C", or for a block with its layers, such as "RES(C FC)"."""
    name, _, inner = text.removesuffix(")").partition("(")
    keys = {"C": {"num_output": 4, "kernel_size": 3}, "FC": {"num_output": 2}, "REP": {"times": 2}}.get(name, {})
    return {"type": name, **keys, **({"layers": [layer_named(each) for each in inner.split(" ")]} if inner else {})}


def name_of(layer):
    return layer["type"] + (f"({' '.join(map(name_of, layer['layers']))})" if "layers" in layer else "")


@pytest.mark.parametrize(
    ("layers", "repaired"),
    [
        (["C", "T", "GAP"], {"Move T to the end": "C GAP T", "Remove the entry": "C T"}),
        (["T", "C", "GAP"], {"Move T to the end": "C GAP T"}),
        (["T", "C", "T"], {"Remove the other T": "C T"}),
        (["C", "T", "T", "GAP"], {"Remove this T": "C T GAP"}),
        (["C"], {'Add {"type": "T"}': "C T"}),
        (["C", "RES(FC)", "T"], {}),
        (["C", "REP(T)"], {'Add {"type": "T"}': "C REP(T) T"}),
        (["C", "REP(C T)"], {'Add {"type": "T"}': "C REP(C T) T", "Move out of the enclosing layer": "C REP(C) T"}),
        (["C", "REP(C T)", "T"], {"Remove the entry": "C REP(C) T"}),
        (["C", "REP(T)", "T"], {}),
        (
            ["RES(C FC)", "C", "GAP", "T"],
            {
                "Move out of the enclosing layer": "RES(C) C GAP FC T",
                "Move before layer 0": "C RES(C FC) GAP T",
                "Remove the entry": "RES(C FC) C T",
            },
        ),
        (["C", "RES(C GAP)", "FC", "T"], {"Move out of the enclosing layer": "C RES(C) GAP FC T"}),
        (["FC", "GAP", "C", "T"], {"Remove the entry": "FC C T", "Move before layer 0": "C FC GAP T"}),
        (["REP(FC)", "C", "T"], {"Move before layer 0": "C REP(FC) T"}),
        (["FC", "REP(C)", "T"], {}),
    ],
    ids=str,
)
def test_layers_at_the_wrong_place_are_moved_or_removed(layers, repaired):
    text = json.dumps({"rank": 2, "layers": [layer_named(each) for each in layers]})
    found = fixes(text)
    assert {title: " ".join(map(name_of, json.loads(after)["layers"])) for title, after in found.items()} == repaired


@pytest.mark.parametrize(
    ("rank", "sizes", "repaired"),
    [(3, [3, 5], [3, 5, 5]), (2, [3, 5, 7, 9], [3, 5, 7]), (2, [3, 5, 7], [3, 5]), (3, [3], 3)],
)
def test_sizes_of_another_rank_are_cut_or_repeated(rank, sizes, repaired):
    text = json.dumps({"rank": rank, "layers": [{**C, "kernel_size": sizes}, {"type": "T"}]})
    after = [json.loads(each)["layers"][0]["kernel_size"] for each in fixes(text).values()]
    assert after == [repaired]


def test_a_sigmoid_for_more_than_two_classes_becomes_a_softmax():
    text = net({"type": "GAP"}).replace('{"type": "T"}', '{"type": "T", "activation": "sigmoid"}')
    (diagnostic,) = analyze(text, "net.json", AnalysisOptions(num_classes=3)).diagnostics
    assert diagnostic.message == 'T "sigmoid" is for two classes, but the data have 3. Use "softmax".'
    (fix,) = diagnostic.fixes
    assert apply_edits(text, fix.edits) == text.replace("sigmoid", "softmax")
    assert analyze(text, "net.json").diagnostics == ()


def test_a_type_that_does_not_fit_the_keys_of_its_layer_is_not_translated():
    assert not any("layer ACT" in title for title in fixes(net({**C, "type": "relu"})))


@pytest.mark.parametrize("name", FIXES)
def test_fixes(name):
    text, title, wanted = FIXES[name]
    assert fixes(text)[title] == wanted
    assert [each for each in analyze(wanted, "net.json").diagnostics if each.severity != "hint"] == []


@pytest.mark.parametrize(
    "text",
    [
        net({"type": "GAP"}, {"num_output": 4, "kernel_size": 3}),  # C needs spatial axes
        net({"num_output": 4}, C),  # C needs spatial axes, which FC does not leave
        net(C, {"type": "RES"}),  # T is not allowed in RES
    ],
)
def test_a_guess_that_would_add_a_problem_is_not_offered(text):
    (diagnostic,) = analyze(text, "net.json").diagnostics
    assert "is missing" in diagnostic.message
    assert diagnostic.fixes == ()


def test_many_guesses_are_tried_up_to_a_limit(monkeypatch):
    text = net(*[{"num_output": 4, "kernel_size": 3}] * 5)
    assert [len(each.fixes) for each in analyze(text, "net.json").diagnostics] == [1] * 5
    for limit, tried in ((2 * len(text) + 2, [1, 1, 0, 0, 0]), (10, [1, 0, 0, 0, 0])):
        monkeypatch.setattr("archnet.spec.analysis.analyze.MAX_GUESS_CHARACTERS", limit)
        assert [len(each.fixes) for each in analyze(text, "net.json").diagnostics] == tried


def test_many_syntax_errors_have_fixes_up_to_a_limit(monkeypatch):
    text = '{"rank": 2, "layers": [{"type": "GAP",}, {"type": "GAP",}, {"type": "T",},]}'

    def found():
        return [len(each.fixes) for each in analyze(text, "net.json").diagnostics if each.is_syntax]

    assert found() == [1] * 4
    for limit, tried in ((2 * len(text) + 2, [1, 1, 0, 0]), (10, [1, 0, 0, 0])):
        monkeypatch.setattr("archnet.spec.analysis.locate_problems.MAX_TRIED_CHARACTERS", limit)
        assert found() == tried


def test_a_network_is_measured_without_its_unknown_keys_or_up_to_another_problem():
    def measured(text):
        network = analyze(text, "net.json").network
        return [layer.type for layer in network.layers], network.is_complete

    assert measured(net(C, {**C, "zzz": 1}, C)) == (["C", "C", "C", "T"], True)
    assert measured(net(C, {**C, "activation": "rellu"}, C)) == (["C"], False)
    assert measured(net(C, C).replace("}]", "},]")) == (["C", "C", "T"], False)


def test_a_hint_about_slow_layers_is_at_the_first_of_them():
    depthwise, grouped = {**C, "groups": "depthwise"}, {"type": "C", "num_output": 64, "kernel_size": 3, "groups": 2}
    wide = {"type": "C", "num_output": 64, "kernel_size": 3}
    text = deep(wide, {**wide, **depthwise, "num_output": 64}, {**wide, **depthwise, "num_output": 64}, grouped)
    hints = [each for each in analyze(text, "net.json").diagnostics if each.severity == "hint"]
    assert [(each.path, each.message.partition(":")[0]) for each in hints] == [
        (("layers", 1), "C depthwise 3x3x3 (2 layers)")
    ]


def test_a_moved_layer_has_the_indentation_of_its_new_neighbours():
    def indented(*layers):
        rows = ",\n".join(f"    {layer}" for layer in layers)
        return f'{{\n  "rank": 2,\n  "layers": [\n{rows}\n  ]\n}}\n'

    conv, end = '{"type": "C", "num_output": 4, "kernel_size": 3}', '{"type": "T"}'
    dense, flat = '{"type": "FC", "num_output": 5}', '{\n      "type": "FC",\n      "num_output": 5\n    }'
    inner = flat.replace("\n", "\n    ")
    block = '{{\n      "type": "RES",\n      "layers": [\n        {}\n      ]\n    }}'
    both = block.format(f"{conv},\n        {inner}")
    title = "Move out of the enclosing layer"
    assert fixes(indented(both, end))[title] == indented(block.format(conv), flat, end)
    text = indented(dense, block.format(conv), end)
    assert fixes(text)["Move before layer 0"] == indented(block.format(conv), dense, end)


def test_an_inserted_layer_has_a_line_of_its_own():
    text = ARCHSM.replace(',\n    {"type": "T", "activation": null}', "")
    assert fixes(text)['Add {"type": "T"}'] == ARCHSM.replace(', "activation": null}\n', "}\n")


TREE_TEXT = '{"a": {"b": 1}, "c": [1, 2]}'


@pytest.mark.parametrize(
    "change",
    [
        RenameKey(("a", "x"), "y"),
        RenameKey(("c", 0), "y"),
        RenameKey((), "y"),
        ReplaceValue(("x", "y"), 1),
        ReplaceValue(("c", 7), 1),
        ReplaceValue(("a", "b", "x"), 1),
        RemoveValue(("a", "x")),
        InsertItem(("x",), 0, 1),
        InsertItem(("a", "b"), 0, 1),
        MoveItem(("c", 5), ("c",), 0),
        MoveItem(("c", 0), ("x",), 0),
        WrapValue(("x",), "y", {}),
    ],
)
def test_a_repair_without_a_place_in_the_text_is_no_fix(change):
    root, _ = parse_tolerantly(TREE_TEXT)
    assert fix_text(Repair("Repair", (change,)), root, TREE_TEXT) is None
    assert fix_text(Repair("Repair", (change, RemoveValue(("a",)))), root, TREE_TEXT) is None
    assert fix_text(Repair("Repair", (RemoveValue(("a",)),)), root, TREE_TEXT, ("x",)) is None


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (RenameKey(("a", "b"), "y"), '{"a": {"y": 1}, "c": [1, 2]}'),
        (ReplaceValue(("a", "b"), 2), '{"a": {"b": 2}, "c": [1, 2]}'),
        (ReplaceValue(("a", "x"), "é"), '{"a": {"b": 1, "x": "é"}, "c": [1, 2]}'),
        (ReplaceValue(("x",), 2, before="c"), '{"a": {"b": 1}, "x": 2, "c": [1, 2]}'),
        (ReplaceValue(("x",), 2, before="a"), '{"x": 2, "a": {"b": 1}, "c": [1, 2]}'),
        (ReplaceValue(("x",), 2, before="none"), '{"a": {"b": 1}, "c": [1, 2], "x": 2}'),
        (RemoveValue(("a",)), '{"c": [1, 2]}'),
        (RemoveValue(("c",)), '{"a": {"b": 1}}'),
        (RemoveValue(("c", 0)), '{"a": {"b": 1}, "c": [2]}'),
        (RemoveValue(("c", 1)), '{"a": {"b": 1}, "c": [1]}'),
        (RemoveValue(("a", "b")), '{"a": {}, "c": [1, 2]}'),
        (InsertItem(("c",), 0, 0), '{"a": {"b": 1}, "c": [0, 1, 2]}'),
        (InsertItem(("c",), 1, 0), '{"a": {"b": 1}, "c": [1, 0, 2]}'),
        (InsertItem(("c",), 2, 0), '{"a": {"b": 1}, "c": [1, 2, 0]}'),
        (InsertItem(("c",), 9, 0), '{"a": {"b": 1}, "c": [1, 2, 0]}'),
        (WrapValue(("c",), "y", {"x": "z"}), '{"a": {"b": 1}, "c": {"x": "z", "y": [1, 2]}}'),
        (WrapValue((), "y", {}), '{"y": {"a": {"b": 1}, "c": [1, 2]}}'),
    ],
)
def test_a_repair_edits_its_place_only(change, after):
    root, _ = parse_tolerantly(TREE_TEXT)
    fix = fix_text(Repair("Repair", (change,), is_guess=True), root, TREE_TEXT)
    assert apply_edits(TREE_TEXT, fix.edits) == after
    assert (fix.title, fix.is_guess) == ("Repair", True)


def test_edits_that_overlap_and_repairs_that_change_nothing_are_no_fix():
    root, _ = parse_tolerantly(TREE_TEXT)
    inner, outer = ReplaceValue(("a", "b"), 2), RemoveValue(("a",))
    assert fix_text(Repair("Repair", (inner, outer)), root, TREE_TEXT) is None
    assert fix_text(Repair("Repair", ()), root, TREE_TEXT) is None
    both = fix_text(Repair("Repair", (ReplaceValue(("c", 1), 3), inner)), root, TREE_TEXT)
    assert apply_edits(TREE_TEXT, both.edits) == '{"a": {"b": 2}, "c": [1, 3]}'
    adjacent = fix_text(Repair("Repair", (ReplaceValue(("c", 1), 3), RemoveValue(("c", 0)))), root, TREE_TEXT)
    assert apply_edits(TREE_TEXT, adjacent.edits) == '{"a": {"b": 1}, "c": [3]}'


@pytest.mark.parametrize(
    ("text", "change", "after"),
    [
        ('{"a": {}}', ReplaceValue(("a", "x"), 1), '{"a": {"x": 1}}'),
        ('{"a": [ ]}', InsertItem(("a",), 0, 1), '{"a": [1]}'),
        ('{"a": [\n  1\n]}', InsertItem(("a",), 1, 2), '{"a": [\n  1,\n  2\n]}'),
        (
            '{"a": [],\n  "b": [\n    {\n      "c": 1\n    }]}',
            MoveItem(("b", 0), ("a",), 0),
            '{"a": [{\n  "c": 1\n}],\n  "b": []}',
        ),
    ],
)
def test_an_entry_is_inserted_between_empty_brackets_or_on_a_line_of_its_own(text, change, after):
    fix = fix_text(Repair("Repair", (change,)), parse_tolerantly(text)[0], text)
    assert apply_edits(text, fix.edits) == after


@pytest.mark.parametrize(
    ("text", "path", "removed", "place"),
    [
        ('{"a": [1, 2]}', ("a",), (), "[1, 2]"),
        ('{"a": [1,\n2]}', ("a",), (), '"a"'),
        ('{"a": [{"b": 1}]}', ("a",), (), '"a"'),
        ('{"a": {"b": 1}}', ("a",), (), '"a"'),
        ('{"a": 1}', ("a", "x"), (), "1"),
        ("[[1,\n2]]", (0,), (), "["),
        ('[{"b": 1}]', (0,), (), "{"),
        ('[{"type": "C", "b": 1}]', (0,), (), '{"type": "C"'),
        ('[{\n"type": "C", "b": 1}]', (0,), (), '"type": "C"'),
        ('{"a": 1}', ("a",), (("a",),), '"a"'),
        ('{"a": 1, "b": 2}', ("a",), (("b",), ("a",)), "1"),
        ("[1, 2]", (1,), ((1,),), "2"),
    ],
)
def test_the_part_of_a_value_that_is_at_fault(text, path, removed, place):
    root, _ = parse_tolerantly(text)
    problem = Problem(path, "wrong", repairs=tuple(Repair("Remove", (RemoveValue(each),)) for each in removed))
    found = locate_problem("error", problem, Document(value=root.value, source="net.json"), root, text).range
    assert text[found.start : found.end] == place


@pytest.mark.parametrize(
    ("text", "path", "after"), [('{"a": 1', ("a",), "{"), ('{"a": 1, "b": 2', ("b",), '{"a": 1'), ("[[1", (0,), "[")]
)
def test_the_last_value_of_an_object_or_array_without_its_bracket_is_removed(text, path, after):
    root, _ = parse_tolerantly(text)
    fix = fix_text(Repair("Remove", (RemoveValue(path),)), root, text)
    assert apply_edits(text, fix.edits) == after


@pytest.mark.parametrize("text", ['{"a": {', '{"a": [', '{"a": {"b": 1', '{"a": {/* no */}}', '{"a": [ // no\n]}'])
def test_nothing_is_inserted_between_brackets_that_are_open_or_hold_a_comment(text):
    root, _ = parse_tolerantly(text)
    change = InsertItem(("a",), 0, 1) if "[" in text else ReplaceValue(("a", "x"), 1)
    assert fix_text(Repair("Insert", (change,)), root, text) is None


@pytest.mark.parametrize(
    ("start", "end", "text", "found"),
    [
        (1, 3, "abcd", (1, 3)),
        (1, 1, "abcd", (1, 2)),
        (3, 9, "abcd", (3, 4)),
        (4, 4, "abcd", (3, 4)),
        (9, 9, "abcd", (3, 4)),
        (0, 0, "a", (0, 1)),
        (0, 0, "", (0, 0)),
    ],
)
def test_a_range_can_be_seen_unless_the_text_is_empty(start, end, text, found):
    assert visible_range(start, end, text) == TextRange(*found)


def test_diagnostics_are_sorted_by_line_and_repetitions_dropped():
    def diagnostic(start, message, severity="error"):
        return Diagnostic(range=TextRange(start, start + 1), severity=severity, message=message, path=())

    given = [diagnostic(3, "d"), diagnostic(2, "b"), diagnostic(1, "c"), diagnostic(0, "a"), diagnostic(2, "b")]
    given += [diagnostic(2, "b", "hint")]
    found = sort_diagnostics(given, "a\nbcd")
    assert [each.message for each in found] == ["c", "a", "d", "b", "b"]
    assert [each.severity for each in found] == ["error"] * 4 + ["hint"]


@pytest.mark.parametrize(
    ("value", "source", "kind"),
    [
        ([], "sweep.json", "arch"),
        ({"layers": []}, "sweep.json", "arch"),
        ({"base": "x", "space": {}}, "net.json", "sweep"),
        ({"archs": []}, "net.json", "experiment"),
        ({"arch": {}}, "net.json", "experiment"),
        ({"$schema": "../schemas/sweep.schema.json"}, "net.json", "sweep"),
        ({"$schema": "experiment.schema.json"}, "net.json", "experiment"),
        ({"$schema": "arch.schema.json"}, "sweep.json", "arch"),
        ({"$schema": "other.schema.json", "rank": 2}, "sweep.json", "arch"),
        ({"rank": 2, "channels": 1}, "sweep.json", "arch"),
        ({"training": {}}, "net.json", "experiment"),
        ({"trials": 3}, "net.json", "sweep"),
        ({"name": "x"}, "net.json", "arch"),
        ({"name": "x"}, "sweep_of_nets.json", "sweep"),
        ({"name": "x"}, "my_experiment.json", "experiment"),
        ({"name": "x"}, "experiments/net.json", "experiment"),
        ({"name": "x"}, "experiments/sweep.json", "sweep"),
        (None, "experiments/net.json", "experiment"),
        ("text", "net.json", "arch"),
    ],
)
def test_the_kind_of_an_incomplete_document(value, source, kind):
    assert document_kind(value, source) == kind


@pytest.mark.parametrize(
    ("keys", "input_shape"),
    [
        ({}, (64, 64, 1)),
        ({"input_shape": [8, 6]}, (8, 6, 1)),
        ({"input_shape": [8.0, 1], "channels": 2.0}, (8, 1, 2)),
        ({"input_shape": [4096, 4096]}, (4096, 4096, 1)),
        ({"input_shape": [4097, 8]}, (64, 64, 1)),
        ({"input_shape": [0, 8]}, (64, 64, 1)),
        ({"input_shape": [8, 6, 4]}, (64, 64, 1)),
        ({"input_shape": [8.5, 6]}, (64, 64, 1)),
        ({"input_shape": [True, 6]}, (64, 64, 1)),
        ({"input_shape": "8x6", "channels": 0}, (64, 64, 1)),
        ({"channels": 1.5}, (64, 64, 1)),
        ({"channels": "2"}, (64, 64, 1)),
    ],
)
def test_an_incomplete_network_is_measured_with_its_input_if_that_is_valid(keys, input_shape):
    text = json.dumps({"rank": 2, **keys, "layers": [C, {"type": "Q"}]})
    network = analyze(text, "my net.json").network
    assert (network.input_shape, network.name, network.is_complete) == (input_shape, "my-net", False)
    assert [layer.type for layer in network.layers] == ["C"]
    assert analyze(json.dumps({"rank": 2, "name": "mine", "layers": [C, 3]}), "x.json").network.name == "mine"


def test_ranges_of_problems_in_an_indented_file():
    text = ARCHSM.replace('"max"', '"maximum"', 1).replace('"type": "FC"', '"tpe": "FC"', 1)
    analysis = analyze(text, "net.json")
    parts = [text[each.range.start : each.range.end] for each in analysis.diagnostics]
    assert parts == ['"maximum"', '"tpe"']
    assert analysis.diagnostics[0].text.startswith('net.json:8 $.layers[1].pool: "maximum" is not one of "max", "avg".')


def test_problems_of_a_named_architecture_are_at_its_entry():
    text = '{"archs": ["net.json", "gone.json"]}'
    unsaved = {"experiments/net.json": net({**C, "kernel": 3})}
    found = problems(text, "experiments/x.json", read_text=lambda path: unsaved.get(str(path)))
    message = 'experiments/net.json:1 $.layers[0].kernel: unknown key "kernel". Did you mean "kernel_size"?'
    assert found[0] == ('"net.json"', message)
    assert found[1][0] == '"gone.json"'
    assert found[1][1].startswith("experiments/gone.json: no such file.")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_pipes_and_devices_that_a_document_names_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    text = '{"archs": ["pipe.json", "/dev/zero"]}'
    found = problems(text, str(tmp_path / "experiment.json"))
    remedy = "is not a regular file. Name a JSON file."
    assert found == [
        ('"pipe.json"', f"{tmp_path / 'pipe.json'}: {remedy}"),
        ('"/dev/zero"', f"/dev/zero: {remedy}"),
    ]
    ((_, message),) = problems('{"base": "pipe.json", "space": {}}', str(tmp_path / "sweep.json"))
    assert message == f"{tmp_path / 'pipe.json'}: {remedy}"


def test_problems_of_an_inline_architecture_are_inside_it():
    text = json.dumps({"archs": [json.loads(net({**C, "kernel_size": [3, 3, 3]}))]})
    assert problems(text) == [("[3, 3, 3]", "this is 3D, but $.rank is 2D. Use one rank throughout.")]


def test_problems_of_the_one_architecture_of_a_resolved_experiment_are_inside_it():
    text = json.dumps({"arch": json.loads(net({**C, "kernel": 3})), "data": {"name": "phantom"}})
    assert problems(text) == [('"kernel"', 'unknown key "kernel". Did you mean "kernel_size"?')]


@pytest.mark.parametrize(
    ("archs", "place", "source"),
    [
        ({"archs": ["archsm", "small.json"]}, '"small.json"', "small.json:1 "),
        ({"archs": ["./small.json", "archsm"]}, '"./small.json"', "small.json:1 "),
        ({"archs": ["archsm", json.loads(SMALL)]}, '"archs"', "x.json $.archs[1] "),
    ],
)
def test_doubts_about_an_architecture_are_at_its_entry(archs, place, source):
    text = json.dumps({**archs, "data": {"name": "phantom"}})
    analysis = analyze(text, "x.json", AnalysisOptions(read_text=lambda path: {"small.json": SMALL}.get(path.name)))
    assert [(each.severity, text[each.range.start : each.range.end]) for each in analysis.diagnostics] == [
        ("warning", place)
    ] * 2
    percentage, size = [each.text for each in analysis.diagnostics]
    assert (
        percentage
        == f"{source}$.layers[0].drop_out: drop_out is a percentage: 0.3 drops 0.3% of the values. Did you mean 30?"
    )
    assert size == (
        "small was designed for 32x32 voxels (input_shape), but data.crop_size gives it 64x64. Set data.crop_size="
        "[32, 32, 10], or omit it and run only architectures with the same input_shape together."
    )


def test_the_problem_of_a_key_that_is_not_written_is_at_the_object_around_it():
    text = '{"base": {"archs": ["archsm"], "data": {"name": "phantom"}}, "space": {"training.epochs": [1]}}'
    assert problems(text, "nul.json") == [("{", '"nul" is the name of a device on Windows. Rename it.')]


def test_a_layer_that_holds_invalid_or_flattening_layers_is_moved_only_if_nothing_in_it_flattens():
    text = net({"type": "FC", "num_output": 5}, {"type": "RES", "layers": [0, C]})
    assert fixes(text) == {
        "Move before layer 0": net({"type": "RES", "layers": [0, C]}, {"type": "FC", "num_output": 5})
    }
    inner = {"type": "REP", "times": 2, "layers": [{"type": "GAP"}]}
    assert fixes(net({"type": "FC", "num_output": 5}, {"type": "RES", "layers": [C, inner]})) == {}


def test_all_sections_of_an_experiment_are_checked():
    text = json.dumps(
        {
            "archs": ["archsm"],
            "data": {"name": "mosmed", "task": "malignancy"},
            "split": {"fold": 1},
            "training": {"epoch": 3},
        }
    )
    assert [part for part, _ in problems(text)] == ['"epoch"', '"task"', "1"]
    assert [part for part, _ in problems('{"archs": [], "data": {"name": "phantom"}}')] == ["[]"]


def test_hyperparameters_of_a_sweep_are_checked_at_their_keys():
    text = json.dumps({"base": {"archs": ["archsm"]}, "space": {"training.epoch": [1, 2]}})
    assert problems(text) == [('"training.epoch"', 'unknown key "epoch". Did you mean "epochs"?')]


def test_a_misspelt_hyperparameter_is_renamed_or_removed():
    text = '{"base": {"archs": ["archsm"], "data": {"name": "phantom"}}, "space": {"training.epoch": [1, 2]}}'
    assert fixes(text) == {
        'Rename to "training.epochs"': text.replace('"training.epoch"', '"training.epochs"'),
        'Remove "training.epoch"': text.replace('"training.epoch": [1, 2]', ""),
    }
    both = text.replace('"training.epoch"', '"training.epochs": [3], "training.epoch"')
    assert list(fixes(both)) == ['Remove "training.epoch"']
    archs = '{"base": {"data": {"name": "phantom"}}, "space": {"archs": ["archsm"]}}'
    assert fixes(archs)['Rename to "arch"'] == archs.replace('archs"', 'arch"', 1)


def test_an_inline_base_names_files_that_are_open_in_an_editor():
    text = '{"base": {"archs": ["net.json"], "data": {"name": "phantom"}}, "space": {"training.seed": [1]}}'
    arch = net(C, {"type": "GAP"}, name="net")
    assert problems(text, "mine.json", read_text=lambda path: {"net.json": arch}.get(path.name)) == []


def test_problems_of_an_inline_base_are_inside_it():
    base = {"archs": [json.loads(net({**C, "kernelsize": 3}))], "training": {"epoch": 1, "batch_size": "8"}}
    text = json.dumps({"base": base, "space": {"training.dropout": [1]}})
    assert {part for part, _ in problems(text)} == {'"kernelsize"', '"epoch"', '"8"', '"training.dropout"'}
    assert set(fixes(text)) >= {'Rename to "epochs"', "Replace with 8"}
    replaced = {"base": {**base, "archs": ["gone.json"]}, "space": {"arch": ["archsm"]}}
    assert {part for part, _ in problems(json.dumps(replaced))} == {'"epoch"', '"8"'}


def test_a_text_with_too_many_comments_in_front_is_analyzed():
    assert len(problems("//\n" * 200 + "[]")) >= 100


@pytest.mark.parametrize("branch", [3, {}, {"type": "Q"}])
def test_branches_that_are_not_arrays_are_problems(branch):
    cat = {"type": "CAT", "branches": [branch, [C]]}
    inner = {"type": "CAT", "branches": [[cat], [C]]}
    assert problems(net(C, inner)) != []
    assert [layer.type for layer in analyze(net(C, inner), "net.json").network.layers] == ["C", "C"]


def test_layers_beyond_the_limit_of_a_list_are_not_measured():
    messages = [message for _, message in problems(json.dumps({"rank": 2, "layers": [0] * 1001}))]
    assert len(messages) == 2
    assert messages[0].startswith("expected an array of at most 1000, got [0, 0, ")


def test_a_repetition_of_an_invalid_layer_is_not_expanded():
    layers = [{"type": "Q"}]
    for _ in range(12):
        layers = [{"type": "REP", "times": 1000, "layers": layers}]
    analysis = analyze(net(*layers), "net.json")
    assert analysis.network is None
    analysis = analyze(net(C, *layers), "net.json")
    assert [layer.type for layer in analysis.network.layers] == ["C"]


@pytest.mark.slow
def test_half_typed_documents_are_analyzed():
    for _, text, source in half_typed_texts(48, seed=0):
        assert analysis_faults(text, source) == [], text


def test_fixes_remove_their_problems_and_add_none():
    names, count = {mistake.__name__ for mistake in MISTAKES}, 0
    for kind, text, source in half_typed_texts(72, seed=1):
        if kind in names and "sweep" not in source:
            for outcome in fix_outcomes(text, source):
                assert outcome is None, text
                count += 1
    assert count > 5


@pytest.mark.long
def test_many_half_typed_documents_are_analyzed():
    for _, text, source in half_typed_texts(600, seed=2):
        assert analysis_faults(text, source) == [], text


@pytest.mark.long
def test_fixes_of_many_mistakes_remove_their_problems_and_add_none():
    names = {mistake.__name__ for mistake in MISTAKES}
    for kind, text, source in half_typed_texts(600, seed=3):
        if kind in names:
            assert [outcome for outcome in fix_outcomes(text, source) if outcome] == [], text
