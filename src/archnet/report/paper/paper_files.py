"""Write the files of a run folder for a paper: methods, tables and model card."""

from __future__ import annotations

from archnet.report.paper.methods_text import write_methods
from archnet.report.paper.paper_tables import write_tables
from archnet.report.paper.run_card import write_run_card
from archnet.report.run_files import RunFiles


def write_paper_files(run: RunFiles) -> None:
    """Write methods.txt, model_card.md and the folder `tables`.

    Raises:
        DataError: cases.csv is damaged.
    """
    write_methods(run)
    write_run_card(run)
    write_tables(run)
