"""Results of an analysis in the terms of the protocol: problems, fixes, notes, completions, symbols."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from lsprotocol import types

from archnet.lsp.editor_positions import apply_change, editor_positions
from archnet.lsp.network_notes import code_lenses, inlay_hints, memory_note
from archnet.lsp.open_documents import AnalyzedDocument
from archnet.lsp.problem_list import FIX_ALL, code_actions, protocol_diagnostics, safe_fixes
from archnet.lsp.suggestion_items import completion_items, document_symbols, hover
from archnet.spec.analysis.diagnostics import Diagnostic
from archnet.spec.analysis.network_facts import LayerFacts, NetworkFacts, NetworkMemory
from archnet.spec.analysis.suggestions import Completion, Hover, Symbol
from archnet.spec.analysis.text_ranges import Fix, TextEdit, TextRange

URI = "file:///net.json"
EVERYTHING = types.Range(types.Position(0, 0), types.Position(99, 0))


def document_of(text, **analysis):
    results = {"diagnostics": (), "network": None, "is_valid": True, **analysis}
    return AnalyzedDocument(
        uri=URI,
        version=3,
        text=text,
        positions=editor_positions(text),
        analysis=SimpleNamespace(**results),
        files=frozenset(),
    )


def problem_at(text, word, *fixes, severity="error"):
    start = text.index(word)
    place = TextRange(start, start + len(word))
    made = tuple(Fix(title=f"Use {new}", edits=(TextEdit(place, new),)) for new in fixes)
    return Diagnostic(range=place, severity=severity, message=f"bad {word}", path=(), fixes=made)


def applied(text, action):
    (change,) = action.edit.document_changes
    for edit in sorted(change.edits, key=lambda edit: edit.range.start.character, reverse=True):
        text = apply_change(text, edit.range, edit.new_text)
    return text


def test_problems_have_the_severity_and_the_utf_16_range_of_what_is_wrong():
    text = '{"description": "🫁🫁", "kernel": 3}'
    problems = tuple(problem_at(text, '"kernel"', severity=name) for name in ("error", "warning", "hint"))
    found = protocol_diagnostics(document_of(text, diagnostics=problems))
    assert [problem.severity.name for problem in found] == ["Error", "Warning", "Information"]
    assert {(problem.message, problem.source) for problem in found} == {('bad "kernel"', "archnet")}
    assert found[0].range == types.Range(types.Position(0, 24), types.Position(0, 32))


def test_the_fixes_of_the_problem_at_the_cursor_are_offered_and_the_first_is_preferred():
    text = "aa bb cc"
    document = document_of(text, diagnostics=(problem_at(text, "aa", "xx", "yy"), problem_at(text, "cc", "zz")))
    cursor = types.Range(types.Position(0, 1), types.Position(0, 1))
    actions = code_actions(document, cursor, None, with_version=True)
    assert [(action.title, action.kind, action.is_preferred) for action in actions] == [
        ("Use xx", "quickfix", True),
        ("Use yy", "quickfix", False),
        ("Fix 2 problems in this file", "quickfix", None),
    ]
    assert [applied(text, action) for action in actions] == ["xx bb cc", "yy bb cc", "xx bb zz"]
    assert actions[0].edit.document_changes[0].text_document.version == 3
    assert [problem.message for problem in actions[0].diagnostics] == ["bad aa"]


@pytest.mark.parametrize(
    ("place", "titles"), [(0, ["Use xx"]), (2, ["Use xx"]), (3, []), (5, []), (6, ["Use zz"]), (8, ["Use zz"])]
)
def test_a_fix_is_offered_from_the_beginning_to_the_end_of_its_problem(place, titles):
    document = document_of(
        "aa bb cc", diagnostics=(problem_at("aa bb cc", "aa", "xx"), problem_at("aa bb cc", "cc", "zz"))
    )
    cursor = types.Range(types.Position(0, place), types.Position(0, place))
    actions = code_actions(document, cursor, None, with_version=True)
    assert [action.title for action in actions if action.is_preferred] == titles
    assert len(actions) == 2 * len(titles)


def test_an_editor_without_versions_gets_plain_changes():
    text = "aa"
    document = document_of(text, diagnostics=(problem_at(text, "aa", "x"),))
    (action,) = code_actions(document, EVERYTHING, None, with_version=False)
    assert action.edit == types.WorkspaceEdit(
        changes={URI: [types.TextEdit(types.Range(types.Position(0, 0), types.Position(0, 2)), "x")]}
    )


def test_one_action_applies_the_likely_fixes_of_all_problems_but_deletes_nothing():
    text = "aa bb cc dd"
    whole = Fix(title="Use ee", edits=(TextEdit(TextRange(0, 5), "ee"),))
    problems = (
        problem_at(text, "aa", "xx", ""),
        Diagnostic(range=TextRange(3, 5), severity="error", message="overlaps", path=(), fixes=(whole,)),
        problem_at(text, "cc", "", "zz"),
        problem_at(text, "dd", "long"),
        problem_at(text, "bb"),
    )
    document = document_of(text, diagnostics=problems)
    (action,) = code_actions(document, EVERYTHING, ["source.fixAll"], with_version=True)
    assert (action.title, action.kind, applied(text, action)) == (
        "Fix 2 problems in this file",
        FIX_ALL,
        "xx bb cc long",
    )
    offered = code_actions(document, EVERYTHING, ["quickfix"], with_version=True)[-1]
    assert (offered.title, offered.kind) == ("Fix 2 problems in this file", "quickfix")
    assert len(safe_fixes(problems, text)) == 2
    commas = tuple(problem_at("[1,,]", word, "") for word in (",,", "1"))
    assert len(safe_fixes(commas, "[1,,]")) == 1


@pytest.mark.parametrize(
    ("kinds", "number"), [(["source"], 1), (["refactor"], 0), (["quickfix"], 1), (["source.fixAllOfThem"], 0), ([], 0)]
)
def test_only_the_kinds_are_sent_that_the_editor_wants(kinds, number):
    text = "aa"
    document = document_of(text, diagnostics=(problem_at(text, "aa", "x"),))
    assert len(code_actions(document, EVERYTHING, kinds, with_version=True)) == number


def layer(text, written, name="C", **facts):
    start = text.index(written)
    values = {"summary": "16 3x3", "input_shape": (8, 8, 1), "output_shape": (8, 8, 16), "num_parameters": 1234}
    values |= {"num_macs": 1_000_000, "memory_bytes": 8192, **facts}
    return LayerFacts(path=(), range=TextRange(start, start + len(written)), type=name, **values)


def network(*layers, **facts):
    memory = NetworkMemory(batch_size=64, micro_batch_size=64, peak_bytes=1_234_000_000)
    values = {"name": "net", "rank": 2, "input_shape": (8, 8, 1), "is_input_assumed": False, "num_parameters": 5432}
    values |= {"num_macs": 1_000_001, "memory": memory, **facts}
    return NetworkFacts(layers=layers, **values)


TEXT = '{"layers": [\n  {"type": "C"},\n  {"type": "T"}\n]}'


def test_hints_are_after_each_layer_and_its_comma_and_after_the_opening_bracket():
    layers = layer(TEXT, '{"type": "C"}'), layer(TEXT, '{"type": "T"}', "T", output_shape=(2,), num_parameters=0)
    hints = inlay_hints(document_of(TEXT, network=network(*layers)), EVERYTHING)
    assert [(hint.position.line, hint.position.character, hint.label) for hint in hints] == [
        (0, 12, "8x8x1 · 5,432 parameters · 1,000,001 multiply-adds"),
        (1, 16, "-> 8x8x16 · 1,234 parameters"),
        (2, 15, "-> 2"),
    ]
    assert all(hint.padding_left for hint in hints)
    at_comma = types.Range(types.Position(1, 16), types.Position(1, 16))
    assert len(inlay_hints(document_of(TEXT, network=network(*layers)), at_comma)) == 1


def test_the_notes_of_a_bare_array_are_at_its_bracket_not_at_that_of_a_size():
    text = '[{"type": "C", "kernel_size": [3, 3]}, {"type": "T"}]'
    layers = layer(text, '{"type": "C", "kernel_size": [3, 3]}'), layer(text, '{"type": "T"}', "T")
    document = document_of(text, network=network(*layers))
    assert inlay_hints(document, EVERYTHING)[0].position == types.Position(0, 1)
    assert code_lenses(document)[0].range == types.Range(types.Position(0, 0), types.Position(0, 1))


def test_hints_outside_the_visible_part_are_not_sent():
    document = document_of(TEXT, network=network(layer(TEXT, '{"type": "C"}'), layer(TEXT, '{"type": "T"}')))
    visible = types.Range(types.Position(1, 0), types.Position(1, 99))
    assert [hint.position.line for hint in inlay_hints(document, visible)] == [1]


def test_the_tooltip_of_a_hint_has_all_facts_of_the_layer():
    facts = layer(TEXT, '{"type": "C"}', receptive_field=(3, 3), receptive_field_mm=(2.1, 2.1))
    hints = inlay_hints(document_of(TEXT, network=network(facts, is_input_assumed=True)), EVERYTHING)
    assert hints[0].label.startswith("8x8x1 (assumed) · ")
    assert hints[0].tooltip == 'The input shape is assumed. Set it with "input_shape".'
    assert hints[1].tooltip.splitlines() == [
        "C: 16 3x3",
        "Input: 8x8x1",
        "Output: 8x8x16",
        "1,234 parameters",
        "1,000,000 multiply-adds per case",
        "8.2 kB of training memory per case",
        "Receptive field: 3x3 voxels, 2.1 x 2.1 mm",
    ]


@pytest.mark.parametrize(
    ("memory", "note"),
    [
        ((64, 64, None), "1.2 GB of training memory at batch size 64"),
        ((64, 32, 2_000_000_000), "1.2 GB of training memory at batch size 64, micro-batch size 32"),
        (
            (64, 0, 1_000_000_000),
            "Not even one case fits the memory budget of 1.0 GB: training needs at least 1.46 GB",
        ),
    ],
)
def test_the_memory_plan_is_one_line(memory, note):
    batch_size, micro_batch_size, budget_bytes = memory
    plan = NetworkMemory(
        batch_size=batch_size, micro_batch_size=micro_batch_size, peak_bytes=1_234_000_000, budget_bytes=budget_bytes
    )
    assert memory_note(plan) == note


@pytest.mark.parametrize(
    ("rank", "name", "titles"),
    [
        (2, "C", ["Create 2.5D twin", "Create 3D twin"]),
        (3, "C", ["Create 2D twin", "Create 2.5D twin"]),
        (3, "VIEWS", ["Create 2D twin", "Create 3D twin"]),
    ],
)
def test_lenses_above_the_layers_offer_the_twins_of_other_forms(rank, name, titles):
    document = document_of(TEXT, network=network(layer(TEXT, '{"type": "C"}', name), rank=rank))
    memory, *twins = code_lenses(document)
    assert memory.command.title == "1.2 GB of training memory at batch size 64"
    assert [lens.command.title for lens in twins] == titles
    assert {lens.range.start.line for lens in (memory, *twins)} == {0}
    assert {lens.command.arguments[0] for lens in twins} == {URI}


def test_an_invalid_architecture_has_no_twin_and_other_documents_have_no_notes():
    invalid = document_of(TEXT, network=network(layer(TEXT, '{"type": "C"}')), is_valid=False)
    assert len(code_lenses(invalid)) == 1
    for facts in (None, network()):
        document = document_of(TEXT, network=facts)
        assert (inlay_hints(document, EVERYTHING), code_lenses(document)) == ([], [])


def completion(text, old, new, **values):
    start = text.index(old)
    edit = TextEdit(TextRange(start, start + len(old)), new)
    return Completion(label="kernel_size", kind="key", edit=edit, **values)


def test_completions_keep_their_order_and_match_what_is_typed_with_its_quote():
    text = '{"ker"}'
    offers = (
        completion(text, '"ker"', '"kernel_size": ${1:3}', is_snippet=True, detail="a size", documentation="Size."),
        completion(text, '"ker"', '"kernel_size"'),
    )
    document = document_of(text, complete=lambda offset: offers)
    first, second = completion_items(document, types.Position(0, 4), with_snippets=True)
    assert (first.filter_text, first.detail, first.documentation) == ('"kernel_size"', "a size", "Size.")
    assert first.insert_text_format == types.InsertTextFormat.Snippet
    assert second.insert_text_format == types.InsertTextFormat.PlainText
    assert first.sort_text < second.sort_text
    assert first.text_edit == types.TextEdit(
        types.Range(types.Position(0, 1), types.Position(0, 6)), '"kernel_size": ${1:3}'
    )


def test_an_editor_without_tab_stops_gets_their_defaults():
    snippet = '"a": [${1|"max","avg"|}, ${2:3}, $3\\$]'
    document = document_of('{"k"}', complete=lambda offset: [completion('{"k"}', '"k"', snippet, is_snippet=True)])
    (item,) = completion_items(document, types.Position(0, 2), with_snippets=False)
    assert (item.text_edit.new_text, item.insert_text_format) == (
        '"a": ["max", 3, $]',
        types.InsertTextFormat.PlainText,
    )


@pytest.mark.parametrize(
    ("typed", "label", "filter_text"),
    [("ker", "kernel_size", "kernel_size"), ('"ker', "kernel_size", '"kernel_size"'), ('"m', '"max"', '"max"')],
)
def test_editors_compare_what_is_typed_with_a_label_that_has_the_same_quote(typed, label, filter_text):
    offer = replace(completion(typed, typed, label), label=label)
    (item,) = completion_items(
        document_of(typed, complete=lambda offset: [offer]), types.Position(0, 1), with_snippets=True
    )
    assert item.filter_text == filter_text


def test_hover_texts_are_markdown_at_their_range():
    document = document_of('{"a": 1}', hover=lambda offset: Hover(range=TextRange(1, 4), markdown="**a**"))
    found = hover(document, types.Position(0, 2))
    assert (found.contents.kind, found.contents.value) == (types.MarkupKind.Markdown, "**a**")
    assert found.range == types.Range(types.Position(0, 1), types.Position(0, 4))
    assert hover(document_of("{}", hover=lambda offset: None), types.Position(0, 0)) is None


def test_the_outline_keeps_its_levels_and_names_what_has_no_name():
    inner = Symbol(name="", detail="", range=TextRange(1, 2), selection_range=TextRange(1, 2))
    outer = Symbol(name="layers", detail="1", range=TextRange(0, 4), selection_range=TextRange(0, 1), children=(inner,))
    (symbol,) = document_symbols(document_of("[{}]", symbols=lambda: (outer,)))
    assert (symbol.name, symbol.detail, symbol.kind) == ("layers", "1", types.SymbolKind.Module)
    assert [(child.name, child.kind) for child in symbol.children] == [("(unnamed)", types.SymbolKind.Field)]
