"""Wording for strata: the names of attributes and ranges, and the conclusion of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from archnet.errors import RunError, did_you_mean, pluralize
from archnet.evaluation.strata.stratum_results import MIN_CASES, MIN_GROUPS
from archnet.files.attribute_values import GEOMETRY_COLUMNS
from archnet.report.wording import signed, word_list

LEVEL: Final = 0.05
"""Adjusted p values below this level count as differences."""

_LABELS: Final = {"tube_voltage_kv": "tube voltage", "num_slices": "number of slices", "num_rows": "number of rows",
                  "num_columns": "number of columns", "diameter_mm": "nodule diameter"}  # fmt: skip
_UNITS: Final = {"tube_voltage_kv": "kV"}
_RANGE: Final = re.compile(r"(under |up to |over |from )?[-\d.e+]+( to [-\d.e+]+)?")


def column_label(name: str) -> str:
    """An attribute in words, without its unit.

    >>> column_label("diameter_mm"), column_label("slice_thickness_mm"), column_label("site")
    ('nodule diameter', 'slice thickness', 'site')
    """
    return _LABELS.get(name) or (name[: -len("_mm")].replace("_", " ") if name.endswith("_mm") else name)


def stratum_label(column: str, name: str) -> str:
    """A stratum with the unit of its attribute.

    >>> stratum_label("diameter_mm", "under 6"), stratum_label("diameter_mm", "unknown"), stratum_label("site", "B 2")
    ('under 6 mm', 'unknown', 'B 2')
    """
    unit = _UNITS.get(column) or ("mm" if column.endswith("_mm") else "")
    return f"{name} {unit}" if unit and _RANGE.fullmatch(name) else name


def measure_label(measure: str) -> str:
    """A metric of strata in words.

    >>> measure_label("macro_recall"), measure_label("auc")
    ('macro recall', 'AUC')
    """
    return "AUC" if measure == "auc" else measure.replace("_", " ")


def counted_cases(measure: str) -> str:
    """The noun for the cases that a metric of strata counts: positives, or all cases with more than two classes."""
    return "positive" if measure == "recall" else "case"


def choose_columns(strata: Mapping[str, Any], names: Sequence[str] = ()) -> list[Mapping[str, Any]]:
    """Choose the attributes of a table.

    Args:
        strata: The entry of metrics.json or comparison.json; may be empty.
        names: Names of attributes. Defaults to all except those of scan headers.

    Raises:
        RunError: The runs have no such attribute, or it has only one stratum.
    """
    columns = {column["name"]: column for column in strata.get("columns", ())}
    for name in names:
        if name not in columns:
            known = f"Attributes with strata: {', '.join(columns)}." if columns else "No attribute has two strata."
            raise RunError(
                f'--by {name}: the compared cases have no strata of "{name}".{did_you_mean(name, columns)} {known}'
            )
    chosen = list(dict.fromkeys(names)) or [name for name in columns if name not in GEOMETRY_COLUMNS]
    return [columns[name] for name in chosen]


def size_text(stratum: Mapping[str, Any], measure: str) -> str:
    """The number of cases of a stratum, their groups, and whether they are few.

    >>> size_text({"n": 30, "positives": 8, "groups": 6, "is_small": True}, "recall")
    '8 positives in 6 groups, few'
    """
    number = stratum["positives"] if measure == "recall" else stratum["n"]
    cases = pluralize(number, counted_cases(measure))
    return f"{cases} in {pluralize(stratum['groups'], 'group')}{', few' if stratum['is_small'] else ''}"


def strata_note(strata: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], *, names_area: bool = True) -> str:
    """Explain the numbers of a table.

    Args:
        strata: The entry of metrics.json or comparison.json.
        columns: The attributes shown.
        names_area: Whether the AUC is shown or mentioned.
    """
    measure, is_paired = strata["measure"], any("paired" in one for column in columns for one in column["strata"])
    sentences = [f"Each {measure_label(measure)} is measured at the network's own threshold and has a 95% interval."]
    if is_paired:
        sentences.append(
            "p is adjusted by Holm's method for all strata and networks of the attribute; the intervals are not."
        )
    if names_area and measure == "recall" and any(column["is_of_positives"] for column in columns):
        sentences.append("Where only positive cases have an attribute, the AUC ranks them against all other cases.")
    if any(one["is_small"] for column in columns for one in column["strata"]):
        sentences.append(
            f'"Few" marks strata with fewer than {MIN_CASES} {counted_cases(measure)}s or {MIN_GROUPS} groups.'
        )
    return " ".join(sentences)


def strata_sentence(column: Mapping[str, Any]) -> str:
    """The conclusion from the differences of an attribute; empty without a second network."""
    pairs = [(one["name"], pair) for one in column["strata"] for pair in one.get("paired", ())]
    if not pairs:
        return ""
    label, reference = column_label(column["name"]), pairs[0][1]["reference"]
    metrics = {name: measure_label(name) for name in pairs[0][1]["differences"]}
    parts = [
        f"the {metric_label} of {other} is {text}"
        for metric, metric_label in metrics.items()
        for other in dict.fromkeys(pair["other"] for _, pair in pairs)
        if (text := _network_text(column["name"], [one for one in pairs if one[1]["other"] == other], metric))
    ]
    if not parts:
        words = word_list(list(metrics.values())).replace(" and ", " or ")
        return f"By {label}, no stratum shows a difference in {words} from {reference} after Holm's correction."
    return f"By {label}, compared with {reference} and after Holm's correction: {'; '.join(parts)}."


def _network_text(column: str, pairs: Sequence[tuple[str, Mapping[str, Any]]], metric: str) -> str:
    """The strata in which one network is better or worse; empty if no difference is shown."""
    found = {
        word: list(_shown_differences(column, pairs, metric, sign)) for word, sign in (("higher", 1), ("lower", -1))
    }
    return " and ".join(f"{word} for {word_list(texts)}" for word, texts in found.items() if texts)


def _shown_differences(
    column: str, pairs: Sequence[tuple[str, Mapping[str, Any]]], metric: str, sign: int
) -> Iterator[str]:
    """The strata with a difference of one sign."""
    for name, pair in pairs:
        entry = pair["differences"][metric]
        if entry["p_holm"] is not None and entry["p_holm"] <= LEVEL and entry["difference"] * sign > 0:
            yield f"{stratum_label(column, name)} ({signed(entry['difference'])})"
