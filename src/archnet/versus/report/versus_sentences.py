"""The sentences of a versus: each question's answer, its uncertainty, and what the intervals cover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from archnet.errors import pluralize
from archnet.evaluation.comparison.verdict import Conclusion, Verdict
from archnet.report.sentences.badge import badge_text
from archnet.report.sentences.comparison_cautions import comparison_cautions
from archnet.report.sentences.comparison_sentence import cost_sentences, main_sentence, other_sentences
from archnet.report.sentences.side_names import network_text
from archnet.report.wording import SET_NAMES, signed, signed_bounds, word_list
from archnet.spec.twins.match_widths import TOLERANCE
from archnet.versus.plan.form_names import MATCHES, Match
from archnet.versus.results.questions import Question
from archnet.versus.results.versus_result import VersusResult

_MATCHED_NAMES: Final[dict[Match, str]] = {"macs": "multiply-adds", "parameters": "parameters"}


def question_text(question: Question) -> str:
    """The question.

    >>> question_text(Question(match="macs", comparison=None, result=None, variants=()))
    'What does depth add at the same cost?'
    """
    return f"What does depth add {MATCHES[question.match]}?"


def answer_sentence(question: Question) -> str:
    """The answer in one sentence, which begins with the condition of the question."""
    condition = MATCHES[question.match]
    condition = condition[0].upper() + condition[1:]
    if question.result is None:
        return f"{condition}: fewer than two forms have finished runs, so there is no answer."
    sentence = main_sentence(question.result)
    if sentence.startswith("At "):
        return f"{condition} and {sentence[0].lower()}{sentence[1:]}"
    return f"{condition}: {sentence}"


def further_sentences(question: Question) -> list[str]:
    """Supporting sentences: the other forms, differences in AUC, costs, and non-inferiority."""
    if question.result is None:
        return []
    return [
        *other_sentences(question.result),
        *_auc_sentences(question),
        *cost_sentences(question.result),
        *(_noninferiority_sentence(question.result, entry) for entry in question.noninferiorities),
    ]


def answer_badge(question: Question) -> str:
    """The answer in a few words, such as "3D better"; empty without an answer."""
    pair = _main_pair(question)
    return "" if pair is None else badge_text(pair)


def answer_kind(question: Question) -> str:
    """The kind of the main conclusion; empty without one."""
    conclusion = question.result and question.result.main_conclusion
    return conclusion.kind if conclusion else ""


def _main_pair(question: Question) -> Verdict | None:
    """The verdict restricted to the two sides of the main conclusion, named by their forms."""
    result = question.result
    if result is None or result.main_conclusion is None:
        return None
    conclusion = result.main_conclusion
    sides = (result.side(conclusion.reference), result.side(conclusion.other))
    return replace(result, sides=sides, conclusions=(conclusion,), main=0)


def _auc_sentences(question: Question) -> Iterator[str]:
    """The difference of the area under the ROC curve of each pair, in one sentence."""
    if question.comparison is None or question.result is None:
        return
    name = "Macro AUC" if question.result.num_classes > 2 else "AUC"
    texts = []
    for pair, conclusion in zip(question.comparison.pairs, question.result.conclusions, strict=True):
        entry = pair.differences["auc"]
        interval = f" (95% CI {signed_bounds(entry['interval'])})" if entry["interval"] else ""
        texts.append(f"{_form_pair(question.result, conclusion)} {signed(entry['difference'])}{interval}")
    yield f"{name}: {'; '.join(texts)}."


def _form_pair(result: Verdict, conclusion: Conclusion) -> str:
    """The forms of two sides, such as "3D minus 2D"."""
    other, reference = (result.side(name) for name in (conclusion.other, conclusion.reference))
    return f"{other.form or other.run} minus {reference.form or reference.run}"


def _noninferiority_sentence(result: Verdict, entry: dict[str, Any]) -> str:
    tested, against = (network_text(result.side(entry[key])) for key in ("tested", "against"))
    start = f"Non-inferiority of {tested} to {against}, with a margin of {100 * entry['margin']:g} percentage points,"
    if entry["lower"] is None:
        return f"{start} cannot be tested: the difference has no interval."
    reach = f"the 95% CI of the difference reaches {signed_points(entry['lower'])} percentage points"
    if entry["is_noninferior"]:
        return f"{start} is shown: {reach}."
    if entry["lower"] > -entry["margin"]:
        return f"{start} is not shown: {reach}, but with more false positives in the {SET_NAMES[result.set]} set."
    return f"{start} is not shown: {reach}."


def signed_points(share: float) -> str:
    """A share in percentage points with its sign.

    >>> signed_points(-0.0213), signed_points(0.5)
    ('−2.1', '+50.0')
    """
    return f"{100 * share:+.1f}".replace("-", "\N{MINUS SIGN}")


def uncertainty_sentence(result: VersusResult) -> str:
    """The sources of variance that the intervals cover."""
    seeds = result.plan.options.seeds
    if seeds == 1:
        return (
            "Each 95% interval covers the choice of patients only: with one training seed, the variance between seeds "
            "is unknown."
        )
    return (
        f"Patients and seeds are random: each 95% interval covers other patients (groups of cases) and other training "
        f"seeds, {seeds} of each network, by the variances of Obuchowski and Rockette with Student's t (Hillis 2014)."
    )


def versus_cautions(result: VersusResult) -> list[str]:
    """Cautions about the comparisons, the twins and failed runs."""
    of_comparisons = chain.from_iterable(map(comparison_cautions, result.comparisons.values()))
    own = [*_failure_cautions(result), *_match_cautions(result), *_seed_cautions(result)]
    return list(dict.fromkeys([*own, *of_comparisons]))


def _failure_cautions(result: VersusResult) -> Iterator[str]:
    """A sentence for each variant with runs that did not finish."""
    for variant in dict.fromkeys(failure.variant for failure in result.failures):
        runs = [failure.run for failure in result.failures if failure.variant == variant]
        if runs == [""]:
            yield f"{variant} was refused before it started: {_reason(result, variant)}"
        else:
            yield f"{pluralize(len(runs), 'run')} of {variant} failed ({word_list(runs)}): {_reason(result, variant)}"


def _reason(result: VersusResult, variant: str) -> str:
    reason = next(failure.reason for failure in result.failures if failure.variant == variant)
    return reason if reason.endswith(".") else f"{reason}."


def _match_cautions(result: VersusResult) -> Iterator[str]:
    """A sentence for each twin that does not match the original's cost or number of weights."""
    original = next(variant for variant in result.plan.variants if variant.is_original)
    for variant in result.plan.variants:
        ratios = {"macs": variant.macs / original.macs, "parameters": variant.parameters / original.parameters}
        for match, name in _MATCHED_NAMES.items():
            if match in variant.matches and not variant.is_original and abs(ratios[match] - 1) > TOLERANCE:
                yield (
                    f"{variant.name} has {ratios[match]:.2f} times the {name} of {original.name}, the closest that its "
                    f"widths allow: the comparison {MATCHES[match]} is not exact."
                )


def _seed_cautions(result: VersusResult) -> list[str]:
    if result.plan.options.seeds > 1:
        return []
    return ["One training seed per network: the variance between seeds is unknown. Use --seeds 5."]
