"""The drawing of a network: every layer a block with its shape and costs."""

import re
from pathlib import Path

import pytest

from archnet.files.strict_json import read_document
from archnet.report.html.network_drawing import network_drawing
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from archnet.spec.arch import parse_arch
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
    return [block for row in drawing["rows"] for block in row["blocks"]]


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
    lengths = [len(row["blocks"]) for row in drawing["rows"]]
    assert max(lengths) <= 10
    assert max(lengths) - min(lengths) <= 1


def test_the_page_draws_a_block_for_every_layer(tmp_path):
    text = write_report(read_run(write_run(tmp_path / "net"))).read_text(encoding="utf-8")
    assert len(re.findall('<g class="block', text)) == 5
    assert 'aria-label="The network. input: 64 × 64 × 1; C 16 3x3 relu drop 8.3%: 64 × 64 × 16; ' in text


def test_a_pooling_within_slices_makes_blocks_lower_but_no_less_deep():
    def layer(*sizes):
        return {"type": "P", "summary": "", "output_shape": list(sizes), "parameters": 0, "macs": 0}

    summary = {"input_shape": [64, 64, 10, 1], "layers": [layer(32, 32, 10, 1)], "parameters": 0, "macs": 0}
    whole, pooled = blocks_of(network_drawing(summary))
    assert pooled["height"] < whole["height"]
    assert pooled["depth"] == whole["depth"]
    assert [cost["share"] for cost in pooled["costs"]] == [0, 0]
