"""FROC by nodule diameter on a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from archnet.evaluation.froc.curve import RATE_NAMES, Froc
from archnet.evaluation.strata.froc_strata import froc_strata_document
from archnet.files.luna16_lists import DIAMETER
from archnet.report.strata.strata_wording import stratum_label
from archnet.report.tables import titled_table
from archnet.report.wording import bounds, decimals


def froc_strata_table(strata: Mapping[str, Froc]) -> Table:
    """The sensitivities and the CPM for nodules of each diameter, against the false positives of all scans."""
    entries = {entry["name"]: entry for entry in froc_strata_document(strata)}
    table = titled_table("By nodule diameter, sensitivity at false positives per scan")
    table.add_column("")
    for name in ("nodules", *RATE_NAMES, "CPM"):
        table.add_column(name, justify="right")
    for name, froc in strata.items():
        nodules = f"{entries[name]['num_nodules']:,}{', few' if entries[name]['is_small'] else ''}"
        numbers = [f"{value:.2f}" for value in froc.sensitivities.tolist()]
        cpm = Text(decimals(froc.cpm), style="bold")
        ends = bounds(froc.cpm_interval)
        cpm = cpm.append(f"\n{ends}", style="not bold dim") if ends else cpm
        table.add_row(stratum_label(DIAMETER, name), nodules, *numbers, cpm)
    return table
