"""The badge of a comparison: its conclusion in a few words."""

from __future__ import annotations

from typing import Final

from archnet.evaluation.comparison.network_form import is_network
from archnet.evaluation.comparison.verdict import Conclusion, Verdict
from archnet.evaluation.comparison.verdict_kind import Kind
from archnet.report.sentences.side_names import label_text

_TEXTS: Final[dict[Kind, str]] = {
    "no_difference_shown": "No difference shown",
    "neither_better_than_chance": "Neither shown to be better than chance",
    "not_comparable": "Not comparable",
}


def badge_text(result: Verdict) -> str:
    """The main conclusion, such as "3D better"; empty without a conclusion."""
    conclusion = result.main_conclusion
    if conclusion is None:
        return ""
    if conclusion.is_identical and conclusion.kind == "no_difference_shown":
        return "Identical predictions"
    other, reference = (_short_name(result, name, conclusion) for name in (conclusion.other, conclusion.reference))
    texts: dict[Kind, str] = {
        "other_better": f"{other} better",
        "reference_better": f"{reference} better",
        "not_worse": f"{other} not worse by more than the margin",
    }
    return _TEXTS[conclusion.kind] if conclusion.kind in _TEXTS else texts[conclusion.kind]


def _short_name(result: Verdict, name: str, conclusion: Conclusion) -> str:
    """The form of a network if no other has the same form, otherwise its name with its form."""
    forms = [result.side(run).form for run in (conclusion.reference, conclusion.other)]
    networks = [side for side in result.sides if is_network(side.form)]
    side = result.side(name)
    is_unique = len(networks) == 2 and None not in forms and len(set(forms)) == 2
    return str(side.form) if is_unique else label_text(side)
