"""The answers of a versus side by side: the headline difference of each form in each question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archnet.report.comparison_wording import difference_names
from archnet.report.figures.paired import Entry, difference_drawing
from archnet.report.figures.svg import Drawing
from archnet.report.wording import signed, signed_bounds
from archnet.versus.plan.form_names import FORMS, MATCHES, FormName
from archnet.versus.results.questions import Question


def answer_drawing(questions: Sequence[Question], forms: Sequence[FormName]) -> Drawing | None:
    """Draw the difference of each form from the one with the least depth, with its interval.

    Args:
        questions: The questions with a comparison.
        forms: The forms of the versus, in order; the index determines the colour.

    Returns:
        None if the questions have different measures or reference forms, or compare nothing.
    """
    if len({answer_measure(question) for question in questions}) != 1:
        return None
    references = {question.variants[0].form for question in questions}
    others = [form for form in forms if any(form in _entries(question) for question in questions)]
    if len(references) != 1 or not others:
        return None
    reference = FORMS[references.pop()]
    rows = {
        MATCHES[question.match]: [_entries(question).get(form, (None, None)) for form in others]
        for question in questions
    }
    places = {str(FORMS[form]): forms.index(form) for form in others}
    return difference_drawing(reference, places, rows, _alt_text(reference, list(places), rows))


def answer_measure(question: Question) -> str:
    """The label of the compared measure, such as "recall at equal false-positive rate in validation"."""
    conclusion = question.result and question.result.main_conclusion
    if question.result is None or not conclusion:
        return ""
    return difference_names(question.result.num_classes).get(conclusion.measure, "recall")


def _entries(question: Question) -> dict[FormName, Entry]:
    """The difference from the reference and its interval, for each other form."""
    conclusions = question.result.conclusions if question.result else ()
    return {
        variant.form: (conclusion.difference, conclusion.interval)
        for variant, conclusion in zip(question.variants[1:], conclusions, strict=True)
    }


def _alt_text(reference: str, others: Sequence[str], rows: Mapping[str, Sequence[Entry]]) -> str:
    texts = [
        f"{label}: {'; '.join(f'{form} {_entry_text(entry)}' for form, entry in zip(others, entries, strict=True))}"
        for label, entries in rows.items()
    ]
    return f"Differences from {reference} with 95% intervals. {'. '.join(texts)}."


def _entry_text(entry: Entry) -> str:
    value, interval = entry
    return f"{signed(value)} ({signed_bounds(list(interval))})" if interval else signed(value)
