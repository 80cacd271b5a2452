"""Only a layer's own class knows its type: no other module asks for a class or keeps a list of types."""

import ast
import re
from pathlib import Path

import pytest

from archnet.spec.layers import LAYERS

SOURCE = Path(__file__).parents[2] / "src/archnet"
LAYERS_ROOM, RULES_ROOM = SOURCE / "spec/layers", SOURCE / "network/build"
CLASS_NAMES = {kind.__name__ for kind in LAYERS.values()}
MENTION = re.compile(rf"""archnet\.spec\.layers|["']({"|".join(LAYERS)})["']""")
"""Found in all modules that can know a layer type: parsing the others takes seconds."""
MODULES = sorted(path for path in SOURCE.rglob("*.py") if LAYERS_ROOM not in path.parents)


def imported_layers(tree):
    """The names under which a module knows concrete layer classes."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("archnet.spec.layers")
        for alias in node.names
        if alias.name in CLASS_NAMES
    }


def class_questions(tree, names):
    """Where a module asks of an object whether it is of a layer class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
            asked = ast.walk(node.args[1])
        elif isinstance(node, ast.MatchClass):
            asked = ast.walk(node.cls)
        elif isinstance(node, ast.Compare):
            asked = ast.walk(node)
        else:
            continue
        if any(isinstance(part, ast.Name) and part.id in names for part in asked):
            yield node.lineno


def type_lists(tree):
    """Where a module keeps layer types: a collection, a mapping or a comparison of nothing but their names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Set | ast.List | ast.Tuple):
            entries = node.elts
        elif isinstance(node, ast.Dict):
            entries = node.keys
        elif isinstance(node, ast.Compare):
            entries = node.comparators
        else:
            continue
        words = [entry.value if isinstance(entry, ast.Constant) else None for entry in entries]
        if words and all(isinstance(word, str) and word in LAYERS for word in words):
            yield node.lineno


def knowledge_of(path):
    """What a module knows of layer types: imported classes, and lines that ask for a class or list types."""
    text = path.read_text(encoding="utf-8")
    if not MENTION.search(text):
        return []
    tree = ast.parse(text)
    names = imported_layers(tree)
    imports = names if RULES_ROOM not in path.parents else set()
    return [*sorted(imports), *class_questions(tree, names), *type_lists(tree)]


@pytest.mark.slow
def test_no_module_but_the_rules_knows_a_layer_type():
    assert len(MODULES) > 500
    found = {str(path.relative_to(SOURCE)): knowledge_of(path) for path in MODULES}
    assert {path: knowledge for path, knowledge in found.items() if knowledge} == {}


def test_each_way_to_know_a_layer_type_is_found():
    source = """
from archnet.spec.layers import Convolution as C, Pooling
def ask(layer, name):
    if isinstance(layer, C | int) or type(layer) is Pooling: return 1
    match layer:
        case Pooling(): return 2
    return name in ("C", "P") or name == "FC" or name in {"RES"}
COLORS = {"C": 0, "P": 2}
"""
    tree = ast.parse(source)
    names = imported_layers(tree)
    assert names == {"C", "Pooling"}
    assert list(class_questions(tree, names)) == [4, 4, 6]
    assert sorted(type_lists(tree)) == [7, 7, 7, 8]
