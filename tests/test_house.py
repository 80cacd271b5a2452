"""The house: who may import whom, and that documentation, schemas and shipped files agree."""

import ast
import doctest
import re
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module

import pytest

from house import CONTRIBUTING, FLOORS, LAZY_DOORS, ROOT, SOURCE, contributing_with_map, open_rooms, room_of

KERAS_ROOM = "network"

MOST_MODULES = 16
"""Modules in one folder, so that a room can be drawn from memory."""

SAME_STEP = {
    "calibration": "computed, and drawn",
    "candidates": "candidate lists: with classes, and without",
    "comparison": "of runs: computed, and written",
    "dropout": "dropout: the layer, and its mask in training",
    "explain": "a saliency map: of a network, for a scan, from the command line",
    "export": "the model in another format: written, and from the command line",
    "froc": "computed, drawn, and from the command line",
    "luna16": "the layout of LUNA16: generated, and read",
    "metrics": "the metrics: described, and computed",
    "optimizers": "optimizers: described, and in Keras",
    "paired": "computed, and drawn",
    "predict": "probabilities: of a network, for scans, from the command line",
    "ranking": "ROC and precision-recall curves: computed, and drawn",
    "run": "from the beginning to the end: the trials of a sweep, and a command",
    "sweep": "a sweep: its meaning, and from the command line",
    "views": "layers on planes of a volume: described, and in Keras",
}
"""File names in several rooms: the step that they all take."""


@cache
def imports_of(path):
    return tuple(_imports(ast.parse(path.read_text(encoding="utf-8"))))


def _imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(path):
    return ".".join(("archnet", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")


def import_graph():
    """The modules that each module imports, without the lazy doors."""
    paths = {module_of(path): path for path in SOURCE.rglob("*.py")}
    graph = {name: (set(imports_of(path)) & set(paths)) - {name, "archnet"} for name, path in paths.items()}
    for file, rooms in LAZY_DOORS.items():
        door = module_of(SOURCE / file)
        graph[door] = {name for name in graph[door] if name.split(".")[1] not in rooms}
    return graph, paths


def assert_no_cycle(graph):
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def closed_rooms(path):
    """The rooms that a module imports and may not."""
    room = room_of(path)
    names = {room_of(SOURCE / name.split(".")[1]) for name in imports_of(path) if name.startswith("archnet.")}
    rooms = {f"{name}.py" if (SOURCE / f"{name}.py").exists() else name for name in names} - {room}
    rooms -= LAZY_DOORS.get(path.relative_to(SOURCE).as_posix(), set())
    return set() if room in ("__init__.py", "__main__.py") else rooms - open_rooms(room)


@pytest.mark.slow
def test_a_room_imports_only_what_it_may():
    paths = sorted(SOURCE.rglob("*.py"))
    assert len(paths) > 500
    assert {str(path.relative_to(SOURCE)): rooms for path in paths if (rooms := closed_rooms(path))} == {}


@pytest.mark.slow
def test_no_module_and_no_folder_imports_itself_by_a_detour():
    graph, paths = import_graph()
    assert_no_cycle(graph)
    folder = {name: str(path.parent.relative_to(SOURCE)) for name, path in paths.items()}
    folders = {}
    for name, imported in graph.items():
        if folder[name] != ".":
            folders.setdefault(folder[name], set()).update({folder[other] for other in imported} - {folder[name], "."})
    assert_no_cycle(folders)


def test_four_modules_are_next_to_the_rooms_and_no_room_is_crowded():
    counts = Counter(path.parent for path in SOURCE.rglob("*.py") if path.name != "__init__.py")
    assert counts.pop(SOURCE) == 4
    assert {str(folder.relative_to(SOURCE)): number for folder, number in counts.items() if number > MOST_MODULES} == {}


def test_no_two_modules_share_a_name_unless_they_are_one_step_for_different_things():
    counts = Counter(path.stem for path in SOURCE.rglob("*.py") if path.name != "__init__.py")
    assert {name for name, number in counts.items() if number > 1} == set(SAME_STEP)


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(SOURCE.rglob("*.py"))
        if re.search(r">>> (?!.*\+SKIP)", path.read_text()) and path.parent.name != "backends"
    ],
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_the_examples_in_docstrings_give_what_they_say(path):
    results = doctest.testmod(import_module(module_of(path)))
    assert results.attempted > 0 or path == SOURCE / "__init__.py"
    assert results.failed == 0


@pytest.mark.slow
def test_no_test_imports_from_another_test_file():
    for path in (ROOT / "tests").rglob("*.py"):
        parts = {part for name in imports_of(path) for part in name.split(".")}
        assert not [part for part in parts if part.startswith("test_")], path


def test_the_map_in_contributing_is_the_table_of_this_test():
    assert CONTRIBUTING.read_text(encoding="utf-8") == contributing_with_map()
    rooms = {
        path.name
        for path in SOURCE.iterdir()
        if path.name not in ("__init__.py", "__main__.py", "__pycache__", "py.typed")
    }
    assert rooms == {name for floor in FLOORS for name in floor}


@pytest.mark.slow
def test_keras_stays_behind_one_door_and_each_of_its_backends_behind_a_file_of_its_own():
    owners = {"tensorflow": "network/backends/tensorflow.py", "jax": "network/backends/jax.py"}
    for path in SOURCE.rglob("*.py"):
        lazily = "if TYPE_CHECKING" in path.read_text()
        packages = {name.split(".")[0] for name in imports_of(path)}
        assert all(path == SOURCE / owner for package, owner in owners.items() if package in packages), path
        if room_of(path) != KERAS_ROOM and not lazily:
            assert "keras" not in packages, path


def test_every_layer_type_has_its_row_in_the_documentation():
    from archnet.spec.layers import LAYERS

    text = (ROOT / "docs/pages/guide/architectures.md").read_text()
    cells = re.findall(r"^\| ((?:`[A-Z]+`(?:, )?)+) \|", text, re.MULTILINE)
    assert [name for cell in cells for name in re.findall("[A-Z]+", cell)] == list(LAYERS)
