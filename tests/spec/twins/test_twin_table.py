"""The table of twins in experiments/README.md is what its script prints."""

import json
import sys

import pytest

from archnet.spec.arch import load_arch
from command_line import ROOT
from experiment_scripts import load_script
from long_tests import long_except

SCRIPT = load_script("twin_table")
TEXT = (ROOT / "experiments/README.md").read_text(encoding="utf-8")
FILES = sorted((ROOT / "archs").glob("*.json")) + sorted((ROOT / "archs/zoo").glob("*.json"))

DEEP = {path for path in FILES if path.stem in ("resnet18_2d", "se_resnet18_2d")}
"""Networks whose twins take seconds and have the layers of others."""


@pytest.mark.slow
@pytest.mark.parametrize("path", long_except(set(FILES) - DEEP, FILES), ids=lambda path: path.stem)
def test_the_rows_of_a_network_are_those_of_the_script(path):
    arch = load_arch(path)
    rows = [SCRIPT.row_text(arch, rank, twins) for rank, twins in SCRIPT.twins_of(arch, 10)]
    assert "\n".join(rows) in TEXT


def test_the_table_has_no_other_rows():
    (table,) = TEXT.partition("## Twins")[2].split(SCRIPT.HEADER)[1:]
    assert {row.split(" | ")[0].removeprefix("| ") for row in table.strip().splitlines()} == {
        load_arch(path).name for path in FILES
    }


def test_json_has_the_costs_of_each_twin_at_each_match(monkeypatch, capsys):
    arguments = ["twin_table.py", str(ROOT / "archs/archsm.json"), "--json", "--depth", "10"]
    monkeypatch.setattr(sys, "argv", arguments)
    SCRIPT.main()
    planes, deep = json.loads(capsys.readouterr().out)
    assert (planes["twin"], deep["twin"]) == ("2.5D", "3D")
    assert deep["original"] == {"parameters": 99_948, "macs": 19_050_844}
    assert deep["none"] == {"parameters": 247_308, "macs": 419_654_108, "factor": 1.0, "agrees": True}
    assert deep["parameters"]["factor"] == 0.66


def test_the_table_is_printed_as_markdown(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["twin_table.py", str(ROOT / "archs/archsm.json")])
    SCRIPT.main()
    printed = capsys.readouterr().out
    assert printed.startswith(SCRIPT.HEADER)
    assert printed.removeprefix(SCRIPT.HEADER).strip() in TEXT
