"""The outline of documents."""

import pytest

from archnet.spec.analysis.analyze import analyze
from edited_texts import KINDS, shipped_text


def tree(symbols):
    return {f"{symbol.name} | {symbol.detail}": tree(symbol.children) for symbol in symbols}


def test_layers_have_their_summaries_and_output_shapes():
    text = """{"name": "net", "rank": 2, "layers": [
      {"type": "CAT", "branches": [[{"type": "C", "num_output": 4, "kernel_size": 3}], []]},
      {"type": "RES", "layers": [{"type": "C", "num_output": 5, "kernel_size": [3, 3], "stride": [1, 1]}]}, {"type": "GAP"}, {"type": "T"}]}"""
    assert tree(analyze(text, "net.json").symbols()) == {
        "name | net": {},
        "rank | 2": {},
        "layers | ": {
            "CAT | 2 branches -> 64x64x5": {"[0] | ": {"C | 4 3x3 -> 64x64x4": {}}, "[1] | []": {}},
            "RES | sum -> 64x64x5": {"C | 5 3x3 -> 64x64x5": {}},
            "GAP | global average -> 5": {},
            "T | 2 classes linear -> 2": {},
        },
    }


def test_a_bare_array_and_an_incomplete_text_have_outlines():
    assert tree(analyze('[{"type": "T"}, {"ty', "net.json").symbols()).keys() == {"T | ", "[1] | "}
    assert tree(analyze('{"layers": [{"type": "C"', "net.json").symbols()) == {"layers | ": {"C | ": {}}}
    assert analyze("", "net.json").symbols() == ()


def test_sections_of_an_experiment_have_their_keys():
    text = '{"archs": ["archsm"], "data": {"name": "phantom"}, "training": {"augmentation": [{"type": "flip"}]}}'
    assert tree(analyze(text, "mine.json").symbols()) == {
        'archs | ["archsm"]': {},
        "data | ": {"name | phantom": {}},
        "training | ": {"augmentation | ": {"flip | ": {}}},
    }


def test_the_detail_of_a_long_text_is_its_first_60_characters():
    symbols = analyze('{"rank": 2, "description": "' + "a" * 60 + 'bc"}', "net.json").symbols()
    assert symbols[1].detail == "a" * 60


def test_the_name_of_an_entry_is_selected():
    text = '{"layers": [{"type": "C"}, {"name": "x"}]}'
    (layers,) = analyze(text, "net.json").symbols()
    ranges = [each.selection_range for each in (layers, *layers.children)]
    assert [text[each.start : each.end] for each in ranges] == ['"layers"', '"C"', '{"name": "x"}']


def test_an_entry_whose_name_is_no_text_has_its_index():
    text = '{"archs": [{"name": 5, "rank": 2, "layers": []}, {"name": "", "rank": 2, "layers": []}]}'
    assert tree(analyze(text, "mine.json").symbols())["archs | "].keys() == {"[0] | ", "[1] | "}


@pytest.mark.parametrize("name", KINDS)
def test_the_ranges_of_an_outline_are_nested(name):
    text = shipped_text(name)

    def check(symbols, start, end):
        for symbol in symbols:
            assert start <= symbol.range.start <= symbol.selection_range.start < symbol.selection_range.end
            assert symbol.selection_range.end <= symbol.range.end <= end
            start = symbol.range.end
            check(symbol.children, symbol.range.start, symbol.range.end)

    check(analyze(text, f"{name}.json").symbols(), 0, len(text))
