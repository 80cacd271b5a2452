"""The rows of a table of strata, for the terminal, pages and csv files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archnet.files.csv_rows import csv_text

_CSV_HEADER: Final = (
    "attribute", "stratum", "cases", "positives", "groups", "is_small", "network", "metric", "value", "low", "high",
    "reference", "difference", "difference_low", "difference_high", "p", "p_holm",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StrataRow:
    """One network in one stratum.

    Attributes:
        stratum: The stratum's entry.
        network: Name of the network.
        place: Index of the network.
        results: The network's entry.
        reference: Name of the network that it is compared with; empty for the reference itself.
        differences: Differences from the reference, by metric.
    """

    stratum: Mapping[str, Any]
    network: str
    place: int
    results: Mapping[str, Any]
    reference: str
    differences: Mapping[str, Mapping[str, Any]]


def strata_rows(column: Mapping[str, Any], names: Sequence[str]) -> Iterator[StrataRow]:
    """The rows of an attribute.

    Args:
        column: Its entry in metrics.json or comparison.json.
        names: Names of the networks.
    """
    for stratum in column["strata"]:
        pairs = {pair["other"]: pair for pair in stratum.get("paired", ())}
        for place, (name, results) in enumerate(zip(names, stratum["networks"], strict=True)):
            pair = pairs.get(name)
            yield StrataRow(
                stratum=stratum,
                network=name,
                place=place,
                results=results,
                reference=pair["reference"] if pair else "",
                differences=pair["differences"] if pair else {},
            )


def strata_csv(strata: Mapping[str, Any], names: Sequence[str]) -> str:
    """The text of strata.csv: one line for each attribute, stratum, network and metric; undefined values are empty."""
    metrics = (strata["measure"], "auc")
    lines = (
        _csv_line(column["name"], row, metric)
        for column in strata["columns"]
        for row in strata_rows(column, names)
        for metric in metrics
        if metric in row.results
    )
    return csv_text(_CSV_HEADER, lines)


def _csv_line(column: str, row: StrataRow, metric: str) -> list[Any]:
    stratum, difference = row.stratum, row.differences.get(metric, {})
    return [
        column,
        *(stratum[key] for key in ("name", "n", "positives", "groups")),
        int(stratum["is_small"]),
        row.network,
        metric,
        row.results[metric],
        *(row.results["intervals"][metric] or (None, None)),
        row.reference,
        difference.get("difference"),
        *(difference.get("interval") or (None, None)),
        *(difference.get(key) for key in ("p", "p_holm")),
    ]
