"""The forms of an architecture and the rules by which twins are matched, as the command line names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from archnet.errors import DocumentError, did_you_mean
from archnet.evaluation.comparison.network_form import Form

FormName = Literal["2d", "2.5d", "3d"]
Match = Literal["none", "macs", "parameters"]

FORMS: Final[Mapping[FormName, Form]] = {"2d": "2D", "2.5d": "2.5D", "3d": "3D"}
"""The forms in the order of comparisons."""

RANKS: Final[Mapping[FormName, float]] = {"2d": 2, "2.5d": 2.5, "3d": 3}
"""The rank of each form's twin."""

MATCHES: Final[Mapping[Match, str]] = {
    "none": "at the same widths",
    "macs": "at the same cost",
    "parameters": "at the same number of weights",
}
"""The rules by which twins are matched with the architecture, in the order of the questions that they answer."""

QUESTION_FOLDERS: Final[Mapping[Match, str]] = {
    "none": "same-widths",
    "macs": "same-cost",
    "parameters": "same-weights",
}
"""The folder of each question's comparison."""


def parse_forms(text: str) -> tuple[FormName, ...]:
    """Parse forms such as 2d,3d, in the order of comparisons.

    Raises:
        DocumentError: A form is unknown, or there are fewer than two.
    """
    given = _parse_names("--forms", text, list(FORMS))
    if len(given) < 2:
        raise DocumentError(f"--forms {text}: a comparison needs two forms or more. Add another form, such as 2d,3d.")
    return tuple(form for form in FORMS if form in given)


def parse_matches(text: str) -> tuple[Match, ...]:
    """Parse rules such as none,macs, in the order of their questions.

    Raises:
        DocumentError: A rule is unknown.
    """
    given = _parse_names("--match", text, list(MATCHES))
    return tuple(match for match in MATCHES if match in given)


def _parse_names(option: str, text: str, known: Sequence[str]) -> set[str]:
    names = [name.strip().lower() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise DocumentError(
                f'{option} {text}: unknown name "{name}".{did_you_mean(name, known)} Known: {", ".join(known)}.'
            )
    return set(names)
