"""The methods of a run as paragraphs for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from archnet.files.atomic import write_text
from archnet.report.paper.answers import answer
from archnet.report.run_files import RunFiles

METHODS_FILE: Final = "methods.txt"

_PARAGRAPHS: Final = {
    "Data": ("data_source", "reference_standard", "preprocessing", "subset", "partitions", "disjointness", "set_sizes",
             "missing_data"),
    "Network": ("technology", "layers", "initialization"),
    "Training": ("training", "augmentation", "imbalance", "selection", "duration"),
    "Evaluation": ("test_time", "threshold", "measures", "statistics"),
    "Software": ("software", "hardware"),
}  # fmt: skip


def methods_paragraphs(run: RunFiles) -> dict[str, str]:
    """The methods by heading, omitting what the run does not record.

    Raises:
        DataError: cases.csv is damaged.
    """
    texts = {
        name: " ".join(filter(None, (answer(run, topic) for topic in topics))) for name, topics in _PARAGRAPHS.items()
    }
    return {name: text for name, text in texts.items() if text}


def methods_text(run: RunFiles) -> str:
    """The methods as plain text, a paragraph for each heading.

    Raises:
        DataError: cases.csv is damaged.
    """
    return "\n\n".join(f"{name}. {text}" for name, text in methods_paragraphs(run).items())


def write_methods(run: RunFiles) -> Path:
    """Write methods.txt to the run folder.

    Raises:
        DataError: cases.csv is damaged.
    """
    return write_text(run.folder / METHODS_FILE, methods_text(run) + "\n")
