"""The model card inside a run folder: use, data with their licence, results, limitations."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from archnet.files.atomic import write_text
from archnet.report.paper.card_sections import (
    NOT_CLINICAL,
    data_text,
    intended_use,
    limits_text,
    network_text,
    origin_text,
    output_text,
    results_text,
    training_text,
)
from archnet.report.paper.data_answers import preprocessing
from archnet.report.run_files import RunFiles
from archnet.report.sentences.run_cautions import cautions
from archnet.report.sentences.run_headline import headline

RUN_CARD_FILE: Final = "model_card.md"


def run_card(run: RunFiles) -> str:
    """The card as Markdown; `archnet export` writes a card of the exported model with its input and training scans."""
    parts = [
        [f"# {run.name}", NOT_CLINICAL, headline(run), *cautions(run)],
        ["## Intended use", intended_use(run)],
        ["## Input and output", preprocessing(run), output_text(run)],
        ["## Data", data_text(run)],
        ["## Results", results_text(run)],
        ["## Network", network_text(run)],
        ["## Training", training_text(run)],
        ["## Limitations", limits_text(run)],
        ["## Provenance", origin_text(run)],
    ]
    return "\n\n".join(text for part in parts for text in part if text) + "\n"


def write_run_card(run: RunFiles) -> Path:
    """Write model_card.md to the run folder."""
    return write_text(run.folder / RUN_CARD_FILE, run_card(run))
