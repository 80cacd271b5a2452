"""The drawing of a network: every layer a block with its shape and costs."""

import itertools
import re
from pathlib import Path

import pytest

from archnet.files.strict_json import read_document
from archnet.report.html.network_drawing import network_drawing
from archnet.report.html.network_tree import Block, network_items
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from archnet.spec.arch import load_arch, parse_arch
from archnet.spec.cost import network_summary
from archnet.spec.memory import estimate_memory, plan_micro_batches
from synthetic_runs import write_run

ARCHS = Path(__file__).parents[3] / "archs"


def drawing_of(name):
    arch = parse_arch(read_document(ARCHS / f"{name}.json"))
    plan = arch.plan(None, 2)
    summary = network_summary(plan, plan_micro_batches(estimate_memory(plan), 1, None))
    return summary, network_drawing(summary)


def blocks_of(drawing):
    return [block for row in drawing["layouts"]["wide"] for block in row["blocks"]]


@pytest.mark.parametrize("name", ["archsm", "arch3dsm", "ct3d"])
def test_every_layer_is_a_block_with_its_shape_and_costs(name):
    summary, drawing = drawing_of(name)
    first, *blocks = blocks_of(drawing)
    assert first["type"] == "input"
    assert [block["type"] for block in blocks] == [layer["type"] for layer in summary["layers"]]
    assert [block["shape"] for block in blocks] == [
        "×".join(map(str, layer["output_shape"])) for layer in summary["layers"]
    ]
    assert sum(block["costs"][0]["share"] for block in blocks) == pytest.approx(1)
    assert sum(block["costs"][1]["share"] for block in blocks) == pytest.approx(1)
    assert all(block["shape"] and block["type"] in drawing["alt"] for block in blocks)


def test_blocks_are_as_tall_as_slices_are_high_as_wide_as_channels_and_deep_only_in_3d():
    flat, deep = (blocks_of(drawing_of(name)[1]) for name in ("archsm", "arch3dsm"))
    assert flat[1]["height"] > flat[2]["height"] > flat[5]["height"]
    assert flat[3]["width"] > flat[1]["width"] > flat[0]["width"]
    assert all(block["depth"] == 0 for block in flat)
    assert deep[1]["depth"] > deep[2]["depth"] > deep[5]["depth"] > 0
    assert deep[-1]["depth"] == 0
    assert all(block["width"] + block["depth"] < 100 for block in deep)


def test_a_long_network_is_drawn_in_rows_of_like_length():
    _, drawing = drawing_of("ct3d")
    lengths = [len(row["blocks"]) for row in drawing["layouts"]["wide"]]
    assert max(lengths) <= 10
    assert max(lengths) - min(lengths) <= 1


def test_the_page_draws_a_block_for_every_layer(tmp_path):
    text = write_report(read_run(write_run(tmp_path / "net"))).read_text(encoding="utf-8")
    assert len(re.findall('<g class="block', text)) == 3 * 5  # on a wide page, on a tablet, on a phone
    assert 'aria-label="The network. input: 64 × 64 × 1; C 16 3x3 relu drop 8.3%: 64 × 64 × 16; ' in text


def test_a_pooling_within_slices_makes_blocks_lower_but_no_less_deep():
    def layer(*sizes):
        return {"type": "P", "summary": "", "output_shape": list(sizes), "parameters": 0, "macs": 0}

    summary = {"input_shape": [64, 64, 10, 1], "layers": [layer(32, 32, 10, 1)], "parameters": 0, "macs": 0}
    whole, pooled = blocks_of(network_drawing(summary))
    assert pooled["height"] < whole["height"]
    assert pooled["depth"] == whole["depth"]
    assert [cost["share"] for cost in pooled["costs"]] == [0, 0]


T, GAP = {"type": "T"}, {"type": "GAP"}


def conv(num_output=4, **keys):
    return {"type": "C", "num_output": num_output, "kernel_size": 3, **keys}


def summary_of(*layers, rank=2, shape=(16, 16)):
    plan = load_arch({"rank": rank, "layers": [*layers, GAP, T]}).plan(shape)
    return network_summary(plan, plan_micro_batches(estimate_memory(plan), 1, None))


def structure(items):
    """Types, with lanes in lists; a frame's and a skip's text come first."""
    for item in items:
        if isinstance(item, Block):
            yield item.row["type"]
        else:
            yield [*filter(None, (item.bracket, item.skip)), *(list(structure(lane)) for lane in item.lanes)]


def structure_of(*layers, **options):
    return list(structure(network_items(summary_of(*layers, **options)["layers"])))[:-2]


def test_branches_are_lanes_and_an_empty_one_is_a_line():
    inner = {"type": "ADD", "branches": [[conv()], [conv(), conv()]]}
    cat = {"type": "CAT", "branches": [[inner, {"type": "BN"}], [], [conv()]]}
    assert structure_of(conv(), cat) == [
        "C",
        [[[["C"], ["C", "C"]], "ADD", "BN"], [], ["C"]],
        "CAT",
    ]


def test_a_skip_is_an_arc_with_what_passes_and_a_shortcut_of_layers_a_lane():
    projected = {"type": "RES", "layers": [conv(8, stride=2)], "norm": "batch"}
    assert structure_of(conv(), {"type": "RES", "layers": [conv()]}) == ["C", ["identity", ["C"]], "RES"]
    assert structure_of(conv(), {"type": "RES", "layers": [conv()], "shortcut": []}) == [
        "C", ["identity", ["C"]], "RES",
    ]  # fmt: skip
    assert structure_of(conv(), projected) == ["C", ["C 8 1x1 stride 2x2 batch norm", ["C"]], "RES"]
    assert structure_of({"type": "RES", "layers": [conv()], "shortcut": [conv()]}) == [[["C"], ["C"]], "RES"]


@pytest.mark.parametrize("layer", [{"type": "RES", "layers": [conv()]}, {"type": "ADD", "branches": [[conv()], []]}])
def test_an_arc_returns_with_an_arrow_whose_tip_is_its_end(layer):
    drawing = network_drawing(summary_of(conv(), layer))
    (arc,) = [flow for row in drawing["layouts"]["wide"] for flow in row["flows"] if "q" in flow]
    from_x, from_y, lane_y, turn, to_x, last_turn, to_y, *arrow = (
        float(number) for number in re.fullmatch(
            r"M(\S+) (\S+)V(\S+)q0 (\S+) 10 \4H(\S+)q10 0 10 (\S+)V(\S+)m(\S+) (\S+)l(\S+) (\S+) (\S+) (\S+)",
            arc,
        ).groups()
    )  # fmt: skip
    is_above = layer["type"] == "RES"
    assert (turn, last_turn, to_y) == ((-10, 10, from_y) if is_above else (10, -10, from_y))
    assert lane_y < from_y if is_above else lane_y > from_y
    assert to_x > from_x
    side = 5 if is_above else -5
    assert arrow == [-5, -side, 5, side, 5, -side]


def test_repetitions_are_drawn_once_in_a_frame_with_the_costs_of_all():
    dense = {"type": "DENSE", "times": 3, "layers": [conv(), {"type": "REP", "times": 2, "layers": [conv()]}]}
    assert structure_of(dense) == [["3 times", "input", ["C", ["2 times", ["C"]]]], "DENSE"]
    summary = summary_of(dense)
    blocks = blocks_of(network_drawing(summary))
    assert [block["type"] for block in blocks] == ["input", "C", "C", "DENSE", "GAP", "T"]
    assert sum(block["costs"][0]["share"] for block in blocks if block["costs"]) == pytest.approx(1)
    assert sum(block["costs"][1]["share"] for block in blocks if block["costs"]) == pytest.approx(1)


def test_repetitions_that_change_the_shape_are_written_out():
    pool = {"type": "P", "pool": "max", "kernel_size": 2}
    assert structure_of({"type": "REP", "times": 2, "layers": [conv(), pool]}) == ["C", "P", "C", "P"]
    assert structure_of(conv(), {"type": "REP", "times": 2, "layers": [conv()]}) == ["C", ["2 times", ["C"]]]


def test_planes_are_named():
    views = {"type": "VIEWS", "layers": [conv(), GAP]}
    shared, own = ({**views, "planes": "nine", "shared": shared} for shared in (True, False))
    for document, num_rows in ((shared, 2 + 2), (own, 9 * 2 + 2)):
        plan = load_arch({"rank": 3, "layers": [document, T]}).plan((8, 8, 8))
        rows = network_summary(plan, plan_micro_batches(estimate_memory(plan), 1, None))["layers"]
        assert len(rows) == num_rows
        assert list(structure(network_items(rows))) == [["9 planes", ["C", "GAP"]], "VIEWS", "T"]


def test_layers_of_older_versions_without_paths_are_drawn_in_sequence():
    rows = [{key: value for key, value in row.items() if key != "place"} for row in summary_of(conv())["layers"]]
    assert list(structure(network_items(rows))) == ["C", "GAP", "T"]
    known = {"place", "type", "summary", "output_shape", "parameters", "macs"}
    block = {"type": "RES", "layers": [conv(), conv()]}
    rows = [{key: row[key] for key in known} for row in summary_of(block)["layers"]]
    assert list(structure(network_items(rows))) == [[["C", "C"]], "RES", "GAP", "T"]


def boxes_of(row):
    """Left, top, right and lower edges of the blocks of a row with their texts."""
    for block in row["blocks"]:
        top = block["y"] - block["height"] - 0.6 * block["depth"]
        bottom = block["y"] + 36 + 14 * block["most"] + 20 * len(block["costs"])
        yield block["x"], top, block["x"] + 100, bottom


@pytest.mark.parametrize("path", sorted(ARCHS.rglob("*.json")), ids=lambda path: path.stem)
def test_blocks_of_the_shipped_networks_do_not_overlap_and_stay_inside(path):
    arch = load_arch(path)
    plan = arch.plan()
    drawing = network_drawing(network_summary(plan, plan_micro_batches(estimate_memory(plan), 1, None)))
    for row in drawing["layouts"]["wide"]:
        boxes = list(boxes_of(row))
        assert all(left >= 0 and right <= row["width"] and top >= 0 for left, top, right, _ in boxes)
        assert max(bottom for *_, bottom in boxes) <= row["height"] + 8
        for first, second in itertools.combinations(boxes, 2):
            assert first[2] <= second[0] or second[2] <= first[0] or first[3] <= second[1] or second[3] <= first[1]
        for frame in row["frames"]:
            assert frame["y"] >= 0
            assert frame["y"] + frame["height"] <= row["height"]
    assert {block["type"] for block in blocks_of(drawing)} == {"input", *(row.type for row in plan)}


def test_a_group_shares_a_row_with_the_block_in_which_its_lanes_meet():
    cat = {"type": "CAT", "branches": [[conv(), conv(), conv()], []]}
    rows = network_drawing(summary_of(*[conv()] * 4, cat, conv(), cat))["layouts"]["wide"]
    assert [[block["type"] for block in row["blocks"]] for row in rows] == [
        ["input", *["C"] * 4, "C", "C", "C", "CAT"],
        ["C", "C", "C", "C", "CAT", "GAP", "T"],
    ]
    views = {"type": "VIEWS", "planes": "nine", "layers": [*[conv()] * 6, GAP]}
    plan = load_arch({"rank": 3, "layers": [views, T]}).plan((8, 8, 8))
    summary = network_summary(plan, plan_micro_batches(estimate_memory(plan), 1, None))
    (first, _) = network_drawing(summary)["layouts"]["wide"]
    assert [block["type"] for block in first["blocks"]] == ["input", *["C"] * 6, "GAP", "VIEWS"]
