"""The networks of the literature: the tables of both READMEs are what the files in archs say."""

import re
from pathlib import Path

import pytest

from archnet.report.units import count_text
from archnet.spec.arch import load_arch
from archnet.spec.cost import network_cost

ROOT = Path(__file__).parents[2]
SOURCE = re.compile(r"([A-ZÀ-Þ]\w+(?: et al\.| and [A-ZÀ-Þ]\w+)? \d{4}), doi:(\S+?)[.;]?(?=\s|$)")


def row_start(path, num_classes):
    """Network, input, source and parameters, as a row begins."""
    arch = load_arch(path)
    sources = [f"{authors}, [{doi}](https://doi.org/{doi})" for authors, doi in SOURCE.findall(arch.description)]
    assert sources, path
    size = "x".join(map(str, arch.input_shape))
    parameters = network_cost(arch.plan(num_classes=num_classes)).num_parameters
    return f"{path.relative_to(ROOT).as_posix()}) | {size} | {'; '.join(sources)} | {parameters:,} |"


@pytest.mark.parametrize(
    ("folder", "readme", "num_classes"),
    [("zoo", "docs/pages/guide/architectures.md", 2), ("applications", "experiments/README.md", 1000)],
)
def test_a_table_names_each_network_with_its_source_and_parameters(folder, readme, num_classes):
    text = (ROOT / readme).read_text(encoding="utf-8")
    rows = re.findall(rf"^\| \[(\w+)\]\((?:\.\./)*(archs/{folder}/.*)$", text, re.MULTILINE)
    paths = sorted((ROOT / "archs" / folder).glob("*.json"))
    assert [name for name, _ in rows] == [path.stem for path in paths]
    for (_, row), path in zip(rows, paths, strict=True):
        assert row.startswith(row_start(path, num_classes)), row


def test_the_table_of_the_zoo_has_the_multiply_adds():
    text = (ROOT / "docs/pages/guide/architectures.md").read_text(encoding="utf-8")
    for path in (ROOT / "archs/zoo").glob("*.json"):
        (row,) = (line for line in text.splitlines() if f"archs/zoo/{path.name})" in line)
        assert row.endswith(f"| {count_text(network_cost(load_arch(path).plan()).num_macs)} |"), row
