"""Print a table of the twins of the shipped architectures: parameters, multiply-adds and factor of the widths.

    python experiments/twin_table.py [FILE ...] [--depth N] [--json]

A 2D architecture gets its 2.5D and 3D twins for an input with the given depth, a 3D one its 2D and 2.5D twins, and one
with VIEWS its 2D and 3D twins, at each match. A star marks a twin that does not agree with its original within 3%.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archnet.report.units import count_text
from archnet.spec.arch import Arch, load_arch
from archnet.spec.twins.twin_document import FORM_TEXTS, FORMS
from archnet.spec.twins.twin_network import MATCHES, Twin, make_twin, network_form

ARCHS = Path(__file__).parents[1] / "archs"
HEADER = """\
| network | parameters | multiply-adds | twin | same widths | same parameters | same multiply-adds |
|---|---|---|---|---|---|---|"""


def twins_of(arch: Arch, depth: int) -> Iterator[tuple[float, dict[str, Twin]]]:
    """The twins of an architecture by match, for each other form."""
    for rank in FORMS:
        if rank != network_form(arch):
            shape = None if arch.rank == 3 else (*arch.full_input_shape()[:2], depth)
            yield rank, {match: make_twin(arch, rank, input_shape=shape, match=match) for match in MATCHES}


def row_text(arch: Arch, rank: float, twins: dict[str, Twin]) -> str:
    """A row of the table."""
    first = twins["none"]
    cells = [arch.name, f"{first.original_parameters:,}", count_text(first.original_macs), FORM_TEXTS[rank]]
    return "| " + " | ".join([*cells, *(_costs_text(match, twin) for match, twin in twins.items())]) + " |"


def _costs_text(match: str, twin: Twin) -> str:
    factor = "" if match == "none" else f" (x {twin.factor:g})"
    return f"{twin.parameters:,}; {count_text(twin.macs)}{factor}{'' if twin.agrees else ' *'}"


def row_document(arch: Arch, rank: float, twins: dict[str, Twin]) -> dict[str, Any]:
    """A row of the table as a JSON-ready object."""
    costs = {
        match: {"parameters": twin.parameters, "macs": twin.macs, "factor": twin.factor, "agrees": twin.agrees}
        for match, twin in twins.items()
    }
    first = twins["none"]
    original = {"parameters": first.original_parameters, "macs": first.original_macs}
    return {"network": arch.name, "original": original, "twin": FORM_TEXTS[rank], **costs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shipped = sorted(ARCHS.glob("*.json")) + sorted(ARCHS.glob("*/*.json"))
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="architecture files; default all shipped")
    parser.add_argument("--depth", type=int, default=10, help="depth of the input of the twins of 2D architectures")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    archs = [load_arch(path) for path in arguments.files or shipped]
    rows = [(arch, *made) for arch in archs for made in twins_of(arch, arguments.depth)]
    if arguments.json:
        print(json.dumps([row_document(*row) for row in rows], indent=2))
    else:
        print("\n".join([HEADER, *(row_text(*row) for row in rows)]))


if __name__ == "__main__":
    main()
