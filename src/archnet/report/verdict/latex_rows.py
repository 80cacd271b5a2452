r"""The verdict as a LaTeX table with booktabs rules, one row for each network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from archnet.evaluation.comparison.verdict import Conclusion, Verdict, VerdictSide
from archnet.report.wording import decimals, percent, short_count

_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\N{MINUS SIGN}": "$-$",
}


def latex_text(text: str) -> str:
    r"""A text with LaTeX's special characters escaped.

    >>> latex_text("random_forest, 50%")
    'random\\_forest, 50\\%'
    """
    return re.sub("|".join(map(re.escape, _SPECIAL)), lambda found: _SPECIAL[found[0]], text)


def latex_rows(result: Verdict) -> str:
    """A table of the architectures: form, recall, false positives, AUC, cost, and the difference from the reference."""
    measure = "Macro recall" if result.num_classes > 2 else "Recall"
    header = ["Network", "Form", f"{measure} (95% CI)", "False positives", "AUC (95% CI)", "Mult-adds", "Difference"]
    by_name = {conclusion.other: conclusion for conclusion in result.conclusions}
    rows = [_row(side, by_name.get(side.run), result) for side in result.sides]
    return latex_table(header, rows, "llccccc")


def latex_table(header: Sequence[str], rows: Sequence[Sequence[str]], columns: str) -> str:
    r"""A table with booktabs rules and escaped texts.

    Args:
        header: Of the columns.
        rows: Their cells.
        columns: The alignment of each column, such as "lcc".
    """
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _line(header),
        r"\midrule",
        *map(_line, rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(latex_text, cells)) + r" \\"


def _row(side: VerdictSide, conclusion: Conclusion | None, result: Verdict) -> list[str]:
    """The cells of one architecture; the reference's numbers are those of the main conclusion."""
    shown, key = (conclusion, "other") if conclusion else (result.main_conclusion, "reference")
    if shown is None:
        return [side.run, side.form or "", "", "", _number(side.auc, side.auc_interval), short_count(side.macs), ""]
    value, interval = (
        (shown.other_value, shown.other_interval) if conclusion else (shown.reference_value, shown.reference_interval)
    )
    points = shown.operating_points
    return [
        side.run,
        side.form or "",
        _share(value, interval),
        f"{points[key]['false_positives']:,} of {points[key]['others']:,}" if points else "",
        _number(side.auc, side.auc_interval),
        short_count(side.macs),
        _share(conclusion.difference, conclusion.interval) if conclusion else "reference",
    ]


def _share(value: float | None, interval: Sequence[float] | None) -> str:
    return percent(value) + (f" ({percent(interval[0])} to {percent(interval[1])})" if interval else "")


def _number(value: float | None, interval: Sequence[float] | None) -> str:
    return decimals(value) + (f" ({decimals(interval[0])} to {decimals(interval[1])})" if interval else "")
