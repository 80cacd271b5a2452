"""The networks of the literature: the README's table is what the files in archs/zoo say."""

import re
from pathlib import Path

from archnet.report.units import count_text
from archnet.spec.arch import load_arch
from archnet.spec.cost import network_cost

ROOT = Path(__file__).parents[2]
ZOO = sorted((ROOT / "archs/zoo").glob("*.json"))
SOURCE = re.compile(r"([A-ZÀ-Þ]\w+(?: et al\.| and [A-ZÀ-Þ]\w+)? \d{4}), doi:(\S+?)[.;]?(?=\s|$)")


def table_row(path):
    arch = load_arch(path)
    cost = network_cost(arch.plan())
    sources = [f"{authors}, [{doi}](https://doi.org/{doi})" for authors, doi in SOURCE.findall(arch.description)]
    assert sources, path
    size = "x".join(map(str, arch.input_shape))
    cells = [f"[{arch.name}](archs/zoo/{path.name})", size, "; ".join(sources)]
    return f"| {' | '.join(cells)} | {cost.num_parameters:,} | {count_text(cost.num_macs)} |"


def test_the_readme_s_table_of_the_zoo_is_what_its_files_say():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("| [") and "](archs/zoo/" in line] == [
        table_row(path) for path in ZOO
    ]
