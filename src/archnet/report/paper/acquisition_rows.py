"""The acquisition of the scans of each set, from cases.csv and data.json of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.strata.case_columns import read_case_columns
from archnet.files.attribute_values import parse_numbers
from archnet.report.paper.run_facts import SetSize, set_sizes
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, count

_COLUMNS: Final = {
    "slice_spacing_mm": "slice spacing (mm)",
    "pixel_spacing_mm": "pixel spacing (mm)",
    "slice_thickness_mm": "slice thickness (mm)",
    "num_slices": "slices",
    "scanner": "scanner",
    "kernel": "reconstruction kernel",
    "tube_voltage_kv": "tube voltage (kV)",
}
_MAX_VALUES: Final = 6
"""Maximum number of distinct texts that are counted separately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquisitionRow:
    """A row of the table.

    Attributes:
        label: Label of the row.
        texts: Text of each set, about its cases or its scans.
    """

    label: str
    texts: Mapping[str, str]


def acquisition_rows(run: RunFiles) -> list[AcquisitionRow]:
    """Cases, groups, scans and classes of each set, followed by the known acquisition parameters of its scans.

    Raises:
        DataError: cases.csv is damaged.
    """
    return [*_size_rows(run), *scan_rows(run)]


def scan_rows(run: RunFiles) -> list[AcquisitionRow]:
    """The known acquisition parameters of the scans of each set: medians with ranges, or counts.

    Raises:
        DataError: cases.csv is damaged.
    """
    columns = read_case_columns(run.folder)
    rows = [_column_row(run, label, columns[name]) for name, label in _COLUMNS.items() if name in columns]
    return [row for row in rows if any(row.texts.values())] or _range_rows(run)


def _size_rows(run: RunFiles) -> list[AcquisitionRow]:
    sizes = set_sizes(run)
    rows = [
        AcquisitionRow(label="cases", texts={size.name: count(size.cases) for size in sizes}),
        AcquisitionRow(label="patients or scans (groups)", texts={size.name: count(size.groups) for size in sizes}),
    ]
    if any(size.scans is not None for size in sizes):
        rows.append(AcquisitionRow(label="scans", texts={size.name: count(size.scans) for size in sizes}))
    return rows + [_class_row(sizes, number, name) for number, name in enumerate(run.classes)]


def _class_row(sizes: Sequence[SetSize], number: int, name: str) -> AcquisitionRow:
    texts = {
        size.name: f"{count(size.class_counts[number])} ({100 * size.class_counts[number] / size.cases:.1f}%)"
        for size in sizes
    }
    return AcquisitionRow(label=f"class {name}", texts=texts)


def _column_row(run: RunFiles, label: str, values: Mapping[str, str]) -> AcquisitionRow:
    texts = {}
    for name in run.sets:
        by_scan: dict[str, str] = {}
        for case in run.predictions.select(name).cases.tolist():
            scan = case.rpartition("#")[0] or case
            by_scan[scan] = by_scan.get(scan) or values.get(case) or ""
        texts[name] = summary_text(list(by_scan.values()))
    return AcquisitionRow(label=label, texts=texts)


def summary_text(values: Sequence[str]) -> str:
    """Median and range of numbers, or the count of each text; empty if all are unknown.

    >>> summary_text(["1.25", "2.5", "2.5", ""])
    '2.5 (1.25 to 2.5), unknown 1'
    >>> summary_text(["GE", "Siemens", "GE"])
    'GE 2, Siemens 1'
    >>> summary_text(list("aabcdefgh")), summary_text(list("abcdef"))
    ('a 2, b 1, c 1, d 1, e 1, f 1, others 2', 'a 1, b 1, c 1, d 1, e 1, f 1')
    """
    known = [value for value in values if value]
    if not known:
        return ""
    numbers = parse_numbers(known)
    text = _counts_text(known) if numbers is None else _range_text(numbers)
    return text + (f", unknown {count(len(values) - len(known))}" if len(known) < len(values) else "")


def _range_text(numbers: NDArray[np.float64]) -> str:
    low, middle, high = (f"{value:.4g}" for value in (np.nanmin(numbers), np.nanmedian(numbers), np.nanmax(numbers)))
    return middle if low == high else f"{middle} ({low} to {high})"


def _counts_text(values: Sequence[str]) -> str:
    counts = Counter(values).most_common()
    others = sum(number for _, number in counts[_MAX_VALUES:])
    texts = [f"{value} {count(number)}" for value, number in counts[:_MAX_VALUES]]
    return ", ".join(texts + ([f"others {count(others)}"] if others else []))


def _range_rows(run: RunFiles) -> list[AcquisitionRow]:
    """The ranges over the scans of all sets, recorded in runs without cases.csv."""
    scans = (run.data or {}).get("scans")
    if not scans:
        return []
    low, high = scans["spacing_mm"]
    texts = [f"{a:.4g}" if a == b else f"{a:.4g} to {b:.4g}" for a, b in zip(low, high, strict=True)]
    row = AcquisitionRow(label="voxel spacing x, y, z (mm), scans of all sets", texts={run.sets[-1]: ", ".join(texts)})
    return [row]


def acquisition_text(run: RunFiles) -> str:
    """The known acquisition parameters as sentences; empty if there are none.

    Raises:
        DataError: cases.csv is damaged.
    """
    return " ".join(f"{_sentence(row)}." for row in scan_rows(run))


def _sentence(row: AcquisitionRow) -> str:
    parts = {SET_NAMES[name]: text for name, text in row.texts.items() if text}
    label = row.label[0].upper() + row.label[1:]
    if len(set(parts.values())) == 1:
        return f"{label}: {next(iter(parts.values()))}"
    return f"{label}: {'; '.join(f'{name} {text}' for name, text in parts.items())}"
