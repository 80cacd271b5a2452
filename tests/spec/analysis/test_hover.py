"""Hover texts: keys, values, layers, hyperparameters and names of documents."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archnet.spec.analysis.analyze import AnalysisOptions, analyze
from edited_texts import KINDS, shipped_text

SOURCES = {"arch": "archs/net.json", "experiment": "experiments/mine.json", "sweep": "experiments/sweep_mine.json"}


def hover(marked, source="archs/net.json", **options):
    """The hover text at the mark |, and the text that it explains."""
    before, after = marked.split("|")
    text = before + after
    found = analyze(text, source, AnalysisOptions(**options)).hover(len(before))
    return (found.markdown, text[found.range.start : found.range.end]) if found else None


def test_a_key_is_explained_by_its_type_range_default_and_description():
    assert hover('[{"type": "C", "drop|_out": 3, "num_output": 3, "kernel_size": 3}]') == (
        "**drop_out**: a number, at least 0, below 100, default 0\n\n"
        "Dropout rate as a percentage: 8.3 drops 8.3% of the values after the layer. Active only in training.\n\n"
        "Example: `8.3`",
        '"drop_out"',
    )
    markdown, _ = hover('[{"type": "C", "num|_output": 3}]')
    assert (
        markdown == "**num_output**: a whole number, from 1 to 65536, required\n\nNumber of filters.\n\nExample: `16`"
    )


def test_a_value_is_explained_by_its_key():
    markdown, word = hover('[{"type": "P", "pool": "m|ax", "kernel_size": 3}]')
    assert markdown.startswith('**pool**: one of "max", "avg", required\n\n')
    assert word == '"max"'
    markdown, word = hover('[{"type": "P", "pool": "max", "kernel_size": [2, |2]}]')
    assert markdown.startswith("**kernel_size**: ")
    assert word == "2"


def test_a_layer_is_explained_with_its_shapes_and_costs():
    text = '{"layers": [{"type": "|C", "num_output": 16, "kernel_size": [3, 3, 3]}, {"type": "T"}]}'
    expected = (
        "**C**: Convolution, then optional normalization, activation and dropout.\n\n"
        "- 64x64x10x1 → 64x64x10x16\n"
        "- 448 parameters, 17,694,720 multiply-adds per case\n"
        "- 4.1 MB of training memory per case\n"
        "- receptive field of 3x3x3 voxels, 1.5 x 1.5 x 7.5 mm"
    )
    assert hover(text, spacing_mm=(0.5, 0.5, 2.5)) == (expected, '"C"')
    at_bracket = '{"layers": [|{"type": "C", "num_output": 16, "kernel_size": [3, 3, 3]}, {"type": "T"}]}'
    assert hover(at_bracket, spacing_mm=(0.5, 0.5, 2.5)) == (expected, "{")
    layer = '{"type": "C", "num_output": 16, "kernel_size": [3, 3, 3]}'
    for mark, bracket in (("{| ", "{"), (" |}", "}"), ("}|", "}")):
        marked = '{"layers": [' + layer.replace(bracket, mark) + ', {"type": "T"}]}'
        assert hover(marked, spacing_mm=(0.5, 0.5, 2.5)) == (expected, bracket)
    markdown, _ = hover('{"rank": 2, "layers": [{"type": "|T"}]}')
    assert markdown.endswith("- 0.0 MB of training memory per case")


def test_an_unknown_or_invalid_layer_has_its_description_only():
    markdown, _ = hover('[{"type": "|C", "kernel_size": 3}]')
    assert markdown == "**C**: Convolution, then optional normalization, activation and dropout."
    assert hover('[{"type": "|CX"}]')[0].startswith("**type**: one of ")
    markdown, _ = hover('{"rank": 2, "layers": [{"type": "GAP"}, {"type": "|C", "kernel_size": 3}]}')
    assert markdown == "**C**: Convolution, then optional normalization, activation and dropout."


@pytest.mark.parametrize("marked", ['{|"rank": 2}', '{"ra|nk": 2}', '{"rank"|: 2}'])
def test_a_key_is_explained_from_its_first_quote_to_its_last(marked):
    assert hover(marked)[1] == '"rank"'


@pytest.mark.parametrize(
    "marked",
    [
        "|",
        "[|",
        '{"unknown": |3}',
        '[{"typ|o": 3}]',
        "{ | }",
        '{"layers": [ | ]}',
        "3|",
        '"a|"',
        "[3|]",
        '[{"type": "T" | }]',
    ],
)
def test_nothing_is_explained_where_the_schema_has_nothing(marked):
    assert hover(marked) is None


def test_options_of_experiments_are_explained():
    markdown, _ = hover('{"archs": [], "training": {"bal|ance": 1.5}}', SOURCES["experiment"])
    assert markdown.startswith(
        '**balance**: a number or "none" or "weights" or "oversample" or "auto", from 1 to 1000000'
    )
    markdown, _ = hover('{"archs": [[{"type": "GAP|"}]]}', SOURCES["experiment"])
    assert markdown.startswith("**GAP**: Global average pooling")
    assert "`archsm`: The published small 2D network" in hover('{"archs": ["arch|sm"]}', SOURCES["experiment"])[0]


@pytest.mark.parametrize(
    ("marked", "kind", "is_named"),
    [
        ('{"archs": ["arch3dsm", "arch|sm"]}', "experiment", True),
        ('{"archs": [{"name": "arch|sm", "layers": []}]}', "experiment", False),
        ('{"archs": [], "name": "arch|sm"}', "experiment", False),
        ('{"archs": "arch|sm"}', "experiment", False),
        ('{"base": "arch|sm", "space": {}}', "sweep", True),
        ('{"base": {"archs": ["arch|sm"]}, "space": {}}', "sweep", True),
        ('{"base": {"name": "arch|sm"}, "space": {}}', "sweep", False),
        ('{"base": "x", "space": {"arch": ["arch|sm"]}}', "sweep", True),
        ('{"base": "x", "space": {"arch": [{"name": "arch|sm"}]}}', "sweep", False),
        ('{"base": "x", "space": {"training.optimizer": ["arch|sm"]}}', "sweep", False),
        ('{"base": "x", "space": {"arch|": ["archsm"]}}', "sweep", False),
    ],
)
def test_only_the_name_of_a_document_is_explained_by_its_description(marked, kind, is_named):
    markdown = (hover(marked, SOURCES[kind]) or ("", ""))[0]
    assert ("`archsm`: The published small 2D network" in markdown) == is_named
    assert markdown.count("`archsm`") == is_named


def test_a_named_document_without_a_description_or_that_cannot_be_read_is_not_explained():
    for text in ('{"layers": []}', '{"layers": [], "description": ""}', '{"layers": [], "description": 3}', "3"):
        markdown, _ = hover('{"archs": ["n|et.json"]}', SOURCES["experiment"], read_text=lambda path, text=text: text)
        assert "net.json" not in markdown
    assert "no such net" not in hover('{"archs": ["no such n|et"]}', SOURCES["experiment"])[0]


def test_hyperparameters_of_sweeps_are_explained_as_the_keys_that_they_vary():
    text = '{"base": "phantom_2d_vs_3d", "space": {"training.learning|_rate": [1], "arch.layers[1].pool": ["max"]}}'
    markdown, word = hover(text, SOURCES["sweep"])
    assert markdown.startswith(
        "**training.learning_rate**: a number, above 0, at most 1000000000000, default 0.002\n\n"
    )
    assert word == '"training.learning_rate"'
    markdown, word = hover(text.replace("|", "").replace('"max', '"m|ax'), SOURCES["sweep"])
    assert markdown.startswith('**arch.layers[1].pool**: one of "max", "avg"')
    assert word == '"max"'
    text = '{"base": "x", "space": {"training.epochs": {"type": "integer", "lo|w": 1, "high": 3}}}'
    assert hover(text, SOURCES["sweep"])[0].startswith("**low**: a number, from ")
    assert (
        "`phantom_2d_vs_3d`: The small published networks"
        in hover('{"base": "|phantom_2d_vs_3d"}', SOURCES["sweep"])[0]
    )


@pytest.mark.parametrize("name", KINDS)
def test_every_key_of_a_shipped_document_is_explained(name):
    text = shipped_text(name)
    analysis = analyze(text, SOURCES[KINDS[name]])
    for path, node in list(analysis.root.walk())[::7]:
        if node.key_start >= 0:
            found = analysis.hover(node.key_start + 1)
            assert found, path
            assert text[found.range.start : found.range.end] == json.dumps(path[-1], ensure_ascii=False)
            assert f"**{path[-1]}**" in found.markdown


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["archsm", "nine_view", "phantom_2d_vs_3d", "sweep_width"]), st.data())
def test_any_damaged_text_can_be_explained_without_an_error(name, data):
    text = shipped_text(name)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 30, len(text))))
    damaged = text[:start] + data.draw(st.text('{}[]",: \n\\a0', max_size=6)) + text[end:]
    analysis = analyze(damaged, SOURCES[KINDS[name]])
    offset = data.draw(st.integers(0, len(damaged)))
    found = analysis.hover(offset)
    assert found is None or found.range.start <= offset <= found.range.end
    for symbol in analysis.symbols():
        assert symbol.name
        assert symbol.range.start <= symbol.selection_range.start <= symbol.selection_range.end <= symbol.range.end
    analysis.complete(offset)
    analysis.format()
