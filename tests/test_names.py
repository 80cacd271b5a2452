"""Names: no two public classes share one, unless they are the same step for different things."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src/archnet"

SAME_STEP: set[str] = set()
"""Names that several classes may have, each of which does the same step for another thing."""


def public_classes():
    """Where each public class of the package is defined."""
    places = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(SOURCE)))
    return places


@pytest.mark.slow
def test_no_two_public_classes_share_a_name():
    shared = {name: places for name, places in public_classes().items() if len(places) > 1}
    assert {name: places for name, places in shared.items() if name not in SAME_STEP} == {}


@pytest.mark.slow
def test_each_exception_is_needed():
    assert {name for name, places in public_classes().items() if len(places) > 1} >= SAME_STEP
