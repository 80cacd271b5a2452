"""The tables of shipped documents."""

import io
import re

from rich.console import Console

from archnet.report.terminal.shipped_tables import shipped_tables
from archnet.spec.shipped.shipped_list import shipped_list


def lines_at(width):
    console = Console(width=width, file=io.StringIO())
    console.print(*shipped_tables(shipped_list()))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_each_document_has_a_row():
    rows = {line.split()[0]: " ".join(line.split()) for line in lines_at(80) if re.match(r" \w", line)}
    entries = shipped_list()
    names = {entry["name"] for kind in entries.values() for entry in kind}
    assert set(rows) == {"architecture", "experiment", "sweep", *names}
    assert rows["arch3dsm"] == "arch3dsm 3D 64x64x10 196 k The published small 3D network"
    assert rows["vgg16"] == "vgg16 2D 224x224x3 134 M Simonyan and Zisserman 2015."
    assert rows["phantom_2d_vs_3d"].startswith("phantom_2d_vs_3d archsm, arch3dsm The small published networks,")
    assert rows["sweep_width"].startswith("sweep_width 3 Widths of the first two convolutions")


def test_rows_are_paragraphs_at_60_columns():
    lines = lines_at(60)
    assert lines[:3] == [
        "architecture arch",
        "  form 2D; input 64x64; parameters 663 k; description The",
        "  published 2D network of full width for LUNA16 candidates.",
    ]
    assert max(map(len, lines)) <= 60
