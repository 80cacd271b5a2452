"""The top of a comparison's page: conclusion, badge, bars, facts and cautions, also as text to copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archnet.errors import pluralize
from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.network_form import is_network
from archnet.evaluation.comparison.verdict import Conclusion, Verdict, VerdictSide
from archnet.report.comparison_wording import ratio_text
from archnet.report.figures.svg import Drawing, series_colour, write_drawing
from archnet.report.sentences.amounts import MACRO_RECALL, positive_cases
from archnet.report.sentences.badge import badge_text
from archnet.report.sentences.comparison_cautions import comparison_cautions
from archnet.report.sentences.comparison_sentence import (
    comparison_sentence,
    cost_sentences,
    main_sentence,
    other_sentences,
)
from archnet.report.sentences.side_names import label_text
from archnet.report.verdict.latex_rows import latex_rows
from archnet.report.verdict.provenance import Provenance, provenance
from archnet.report.verdict.recall_bars import NARROW, WIDE, Bar, recall_bars
from archnet.report.verdict.verdict_picture import PictureContent, verdict_picture
from archnet.report.wording import percent, short_count

PICTURE_FILE = "verdict.svg"
"""The file name of the verdict picture next to a comparison's page."""

Fact = tuple[str, str]
"""A number with its unit, and its label."""


def verdict_section(folder: Path, comparison: Comparison) -> dict[str, Any]:
    """The values of the template "verdict.html"; also write the picture next to the page.

    Args:
        folder: The folder of the page.
        comparison: The comparison.
    """
    result = comparison.verdict
    origin = provenance(folder, [Path(path) for row in comparison.rows for path in row.folders])
    sentence = main_sentence(result) or comparison_sentence(comparison)
    section = {
        "sentence": sentence,
        "others": other_sentences(result),
        "notes": [],
        "costs": cost_sentences(result),
        "badge": badge_text(result),
        "kind": result.main_conclusion.kind if result.main_conclusion else "",
        "facts": verdict_facts(result),
        "cautions": comparison_cautions(comparison),
        "origin": origin,
        "bars_title": "",
        "bars": None,
        "copies": None,
    }
    bars = verdict_bars(result)
    if not bars:
        (folder / PICTURE_FILE).unlink(missing_ok=True)  # from an earlier comparison
        return section
    title = bars_title(result)
    drawing = recall_bars(title, bars, WIDE, narrow=recall_bars(title, bars, NARROW))
    picture = _picture(section | {"bars_title": title}, recall_bars(title, bars, WIDE), origin)
    write_drawing(folder / PICTURE_FILE, picture)
    copies = {"text": _plain_text(section), "latex": latex_rows(result), "svg": picture.to_file()}
    return section | {"bars_title": title, "bars": drawing, "copies": copies}


def _plain_text(section: dict[str, Any]) -> str:
    origin: Provenance = section["origin"]
    lines = [section["sentence"], *section["others"], *section["costs"]]
    return "\n".join([" ".join(lines), *section["cautions"], " · ".join([origin.title, *origin.texts])])


def _picture(section: dict[str, Any], bars: Drawing, origin: Provenance) -> Drawing:
    return verdict_picture(
        PictureContent(
            title=origin.title,
            badge=section["badge"],
            sentences=(section["sentence"], *section["others"], *section["costs"]),
            bars_title=section["bars_title"],
            bars=bars,
            facts=tuple(f"{value} {label}" for value, label in section["facts"]),
            cautions=tuple(section["cautions"]),
            origin=" · ".join(origin.texts),
        )
    )


def bars_title(result: Verdict) -> str:
    """The title of the bars."""
    conclusion = result.main_conclusion
    if conclusion is not None and conclusion.measure == MACRO_RECALL:
        return "Macro recall with 95% intervals"
    rate = conclusion.false_positive_rate if conclusion else None
    return "Recall at equal false-positive rates" + (
        " with 95% intervals" if rate is None else f" in validation ({percent(rate)}), with 95% intervals"
    )


def verdict_bars(result: Verdict) -> list[Bar]:
    """A bar for each architecture; empty if nothing can be compared.

    Each pair has its own operating point. The reference's bar is at that of the main conclusion; the bars of other
    architectures mark the reference's value at theirs.
    """
    main = result.main_conclusion
    if main is None or main.difference is None:
        return []
    by_name = {conclusion.other: conclusion for conclusion in result.conclusions}
    return [_bar(place, side, by_name.get(side.run), main, result) for place, side in enumerate(result.sides)]


def _bar(place: int, side: VerdictSide, own: Conclusion | None, main: Conclusion, result: Verdict) -> Bar:
    conclusion, key = (own, "other") if own else (main, "reference")
    value, interval = (
        (conclusion.other_value, conclusion.other_interval)
        if own
        else (conclusion.reference_value, conclusion.reference_interval)
    )
    points = conclusion.operating_points
    counts = f"{points[key]['true_positives']:,} of {points[key]['positives']:,}, " if points else ""
    return Bar(
        label=label_text(side),
        text=f"{counts}{percent(value)}",
        value=value,
        interval=interval,
        mark=conclusion.reference_value if own and own is not main else None,
        mark_name=result.sides[0].run,
        hue=series_colour(place),
    )


def verdict_facts(result: Verdict) -> list[Fact]:
    """Numbers of patients, scans and cases behind the conclusion, and the costs of the networks."""
    seeds = sorted({side.num_seeds for side in result.sides if is_network(side.form)})
    return [
        *group_facts(result.num_groups, result.num_scans),
        *case_facts(result.num_cases, result.num_positives, result.positive, result.num_classes),
        *_cost_facts(result),
        (" and ".join(map(str, seeds)), "training seed per network" if seeds == [1] else "training seeds per network"),
    ]


def group_facts(num_groups: int, num_scans: int | None) -> list[Fact]:
    """Numbers of patients and scans of the cases.

    >>> group_facts(12, 40), group_facts(40, 40), group_facts(7, None)
    ([('12', 'patients'), ('40', 'scans')], [('40', 'scans')], [('7', 'groups (scans or patients)')])
    """
    if num_scans is None or num_scans < num_groups:
        return [_fact(pluralize(num_groups, "group"), " (scans or patients)")]
    scans, patients = _fact(pluralize(num_scans, "scan")), _fact(pluralize(num_groups, "patient"))
    return [*([patients] if num_scans > num_groups else []), scans]


def case_facts(num_cases: int, num_positives: int, positive: str, num_classes: int) -> list[Fact]:
    """Numbers of positive and other cases; for more than two classes, of all cases.

    >>> case_facts(196, 42, "nodule", 2), case_facts(68, 13, "CT-1", 3)
    ([('42', 'nodules'), ('154', 'other cases')], [('68', 'cases of 3 classes')])
    >>> case_facts(2, 1, "nodule", 2)
    [('1', 'nodule'), ('1', 'other case')]
    """
    if num_classes > 2:
        return [_fact(pluralize(num_cases, "case"), f" of {num_classes} classes")]
    return [_fact(positive_cases(positive, num_positives)), _fact(pluralize(num_cases - num_positives, "other case"))]


def _fact(text: str, end: str = "") -> Fact:
    """A number with its noun as a fact."""
    number, noun = text.split(" ", 1)
    return number, noun + end


def _cost_facts(result: Verdict) -> list[Fact]:
    conclusion = result.main_conclusion
    if conclusion is None or conclusion.cost_ratio is None:
        return []
    other, reference = (result.side(name) for name in (conclusion.other, conclusion.reference))
    costs = f"multiply-adds ({short_count(other.macs)} against {short_count(reference.macs)})"
    return [(ratio_text(conclusion.cost_ratio), costs)]
