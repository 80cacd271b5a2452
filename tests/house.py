"""The rooms of `src/archnet`: what each is for, and which of them it may import.

`python tests/house.py` writes the map in CONTRIBUTING.md from this table; `test_house.py` holds the code and the map to it.
"""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/archnet"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"

FLOORS = (
    {
        "errors.py": "exceptions for user errors, and “did you mean” hints",
        "interruption.py": "how a command ends after Ctrl-C, SIGTERM and SIGHUP",
        "machine.py": "the machine: versions, cores, memory",
    },
    {"files": "atomic writing, strict JSON and csv, locks, progress, user folders, free disk space"},
    {
        "spec": "what a JSON document means: layers, shapes, costs, memory, experiments, sweeps. No Keras, no image library",
        "imaging": "scans: geometry, readers, resampling. Arrays are (z, y, x), millimetres are LPS",
    },
    {
        "phantom": "generated chest scans in the layouts of LUNA16 and MosMed",
        "fetching": "public data sets: catalogue, download, archives",
    },
    {
        "data": "data sets: cases, splits, crops and their store. No Keras",
        "evaluation": "metrics, intervals, comparisons, FROC: all recomputed from `predictions.csv`. No Keras",
    },
    {
        "network": "the only room that imports Keras: build, augment, train, predict, explain, export",
        "report": "figures, HTML pages and terminal tables, from run folders alone. No Keras",
        "tracking": "the logs of TensorBoard and MLflow",
    },
    {"runs": "from experiment to run folder: combines data, network, evaluation and report"},
    {
        "inference": "predictions and explanations for new scans",
        "export": "models for other tools, with a model card",
        "sweep": "many runs of one experiment on Ray Tune; the sweep folder holds the whole state",
    },
    {"versus": "2D, 2.5D and 3D twins of one architecture, trained by the sweep engine and compared"},
    {"listing": "the table of all runs under a folder, with tags and notes. No Keras"},
    {"api": "the public functions of `import archnet`, and their progress displays"},
    {
        "lsp": "the language server for editors",
        "studio": "the local page: its server, and the built page in `page/`",
    },
    {"cli": "the command line: parse, call one function, print"},
)
"""A room imports only rooms of earlier floors, and none of its own."""

CLOSED = {"network": {"imaging", "phantom", "fetching", "data"}, "report": {"imaging", "phantom", "fetching", "data"}}
"""Rooms of earlier floors that a room does not import all the same."""

LAZY_DOORS = {"spec/arch.py": {"network", "report"}, "evaluation/comparison/comparison.py": {"report"}}
"""Lazy upward imports: `Arch.build` imports the compiler, notebook tables import the report."""

START, END = "<!-- map: python tests/house.py -->", "<!-- end of map -->"


def room_of(path):
    """The room of a source file, named as in `FLOORS`; the package's own `__init__` lies in none."""
    return path.relative_to(SOURCE).parts[0]


def open_rooms(room):
    """The rooms that a room may import."""
    above = set()
    for floor in FLOORS:
        if room in floor:
            return above - CLOSED.get(room, set())
        above |= set(floor)
    raise KeyError(room)


def contributing_map():
    """The map as CONTRIBUTING.md shows it: the floors, then the task of each room."""
    drawing = " > ".join(", ".join(name.removesuffix(".py") for name in floor) for floor in FLOORS)
    rows = [f"| `{name}{'' if '.' in name else '/'}` | {task} |" for floor in FLOORS for name, task in floor.items()]
    closed = " and ".join(f"`{room}`" for room in CLOSED)
    return "\n".join(
        [
            "```text",
            *textwrap.wrap(drawing, 100, subsequent_indent="    ", break_on_hyphens=False),
            "```",
            "",
            *textwrap.wrap(
                f"A room imports only rooms to its left, none from its own group. {closed} do not import `data` either. "
                "Imports to the right are lazy: `Arch.build` imports `network`, and the notebook tables of an `Arch` and "
                "a `Comparison` import `report`. No modules and no folders import each other in a cycle.",
                120,
            ),
            "",
            "| room | task |",
            "|---|---|",
            *rows,
        ]
    )


def contributing_with_map():
    """CONTRIBUTING.md with the map of this table in place of its own."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    return re.sub(
        f"{re.escape(START)}.*?{re.escape(END)}",
        lambda _: f"{START}\n\n{contributing_map()}\n\n{END}",
        text,
        flags=re.S,
    )


if __name__ == "__main__":
    CONTRIBUTING.write_text(contributing_with_map(), encoding="utf-8")
