"""Texts for a data check: its conclusion, and the rows that describe the data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archnet.errors import pluralize
from archnet.report.data_findings import FindingText, count_findings, finding_text
from archnet.report.wording import SET_NAMES, count, decimals, percent, shape, word_list
from archnet.spec.experiment import ranges_of

NO_VOXELS = "not checked (--quick)"


def check_findings(check: Mapping[str, Any]) -> list[FindingText]:
    """The findings of a data check.

    Args:
        check: The document of a `DataCheck`.
    """
    return [finding_text(finding) for finding in check["findings"]]


def check_sentence(check: Mapping[str, Any]) -> str:
    """The conclusion of a data check."""
    findings = check_findings(check)
    counts = count_findings(findings)
    if check["problem"] is not None:
        return f"No run is possible: {check['problem']} Findings: {counts}."
    if not check["is_usable"]:
        blocking = [one.check for one in findings if one.severity == "error" and not one.is_allowed]
        flags = " ".join(f"--allow {name}" for name in dict.fromkeys(blocking))
        return f"These data would stop a run: {counts}. Fix the errors, or use the data anyway with {flags}."
    return f"A run can use these data: {counts}."


def summary_rows(check: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The contents of a data set, as labels and texts."""
    summary = check["summary"]
    rows = [
        ("cases", f"{count(summary['cases'])}: {_class_counts(summary['classes'])}"),
        ("positive class", f'"{summary["positive"]}"'),
        ("groups", f"{count(summary['groups'])} (scans or patients)"),
        *_scan_rows(summary.get("scans")),
        (
            "shape of a case",
            f"{shape(summary['shape'])} voxels" if len(summary["shape"]) > 2 else shape(summary["shape"]),
        ),
        ("scaled to 0 to 1", word_list([_range(*limits) for limits in ranges_of(summary["limits"])])),
        *_value_rows(summary, is_quick=check["is_quick"]),
        *((name.replace("_", " "), text) for name, text in label_texts(summary).items()),
        *((entry["name"], attribute_text(entry)) for entry in summary["attributes"]),
    ]
    if "split" in summary:
        rows += [
            ("split", _split_text(summary["split"], summary["split_reason"])),
            ("cases in use", f"{count(summary['in_use'])} of {count(summary['cases'])}"),
        ]
        expected = summary["expected_recall"]
        rows += [("expected recall", expected["text"])] if expected else []
    return rows


def set_rows(check: Mapping[str, Any]) -> list[tuple[str, str, str, Sequence[str]]]:
    """The sets of the split: name, cases, groups, and the cases of each class."""
    return [
        (
            SET_NAMES[name],
            count(part["cases"]),
            count(part["groups"]),
            [count(number) for number in part["classes"].values()],
        )
        for name, part in check["summary"].get("sets", {}).items()
    ]


def label_texts(summary: Mapping[str, Any]) -> dict[str, str]:
    """Texts on the soft labels and weights of the data, if any, by their keys in a summary.

    >>> weights = {"least": 0.5, "largest": 2.0, "effective_cases": 48.26}
    >>> label_texts({"cases": 60, "case_weights": weights})
    {'case_weights': '0.5 to 2, effective number of cases 48.3 of 60'}
    """
    texts, total = {}, pluralize(summary["cases"], "case")
    if soft := summary.get("soft_labels"):
        texts["soft_labels"] = (
            f"{count(soft['soft'])} of {total}, mean largest share {decimals(soft['mean_largest_share'])}, mean "
            f"entropy {decimals(soft['mean_entropy_bits'])} bits"
        )
    if weights := summary.get("case_weights"):
        texts["case_weights"] = (
            f"{weights['least']:.3g} to {weights['largest']:.3g}, effective number of cases "
            f"{weights['effective_cases']:,.1f} of {count(summary['cases'])}"
        )
    return texts


def attribute_text(entry: Mapping[str, Any]) -> str:
    """The range or the values of an attribute, and the number of cases for which it is known.

    >>> entry = {"known": 2, "cases": 9, "known_positives": 2, "positives": 2, "range": [3.5, 21.0]}
    >>> attribute_text(entry)
    '3.5 to 21, known for 2 of 9 cases (2 of 2 positives)'
    """
    known = f"known for {count(entry['known'])} of {pluralize(entry['cases'], 'case')}"
    if entry["known"] < entry["cases"]:
        known += f" ({count(entry['known_positives'])} of {pluralize(entry['positives'], 'positive')})"
    if "range" in entry:
        return f"{_range(*entry['range'])}, {known}"
    others = entry["num_values"] - len(entry["values"])
    values = [*(f"{name}: {count(number)}" for name, number in entry["values"].items())]
    return f"{', '.join(values)}{f', {others:,} other values' if others else ''}; {known}" if values else "unknown"


def _split_text(split: Mapping[str, Any], reason: str | None) -> str:
    options = ", ".join(f"{key} {value}" for key, value in split.items())
    return f"{options} (chosen automatically: {reason})" if reason else options


def _class_counts(classes: Mapping[str, int]) -> str:
    return ", ".join(f'{count(number)} "{name}"' for name, number in classes.items())


def _scan_rows(scans: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if not scans:
        return []
    spacing, size = (" × ".join(map(_range, *scans[key])) for key in ("spacing_mm", "size_mm"))
    return [
        ("scans", count(scans["count"])),
        ("voxel spacing", f"{spacing} mm (x, y, z)"),
        ("size of a scan", f"{size} mm (x, y, z)"),
    ]


def _value_rows(summary: Mapping[str, Any], *, is_quick: bool) -> list[tuple[str, str]]:
    if summary.get("values") is None:
        return [("values", NO_VOXELS)] if is_quick else []
    shown = f" ({summary['pictures']})" if "pictures" in summary else ""
    return [
        (f'values of "{entry["class_name"]}"{shown}', _values_text(entry)) for entry in summary["values"]["classes"]
    ]


def _values_text(entry: Mapping[str, Any]) -> str:
    low, p1, median, p99, high = map(_number, entry["percentiles"])
    outside = f"{percent(entry['below'])} below and {percent(entry['above'])} above the range"
    return f"{low} to {high} (98% from {p1} to {p99}), median {median}; {outside}"


def _range(low: float, high: float) -> str:
    """A range, or its only value.

    >>> _range(-0.5, 2.0), _range(1.0, 1.0)
    ('−0.5 to 2', '1')
    """
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
