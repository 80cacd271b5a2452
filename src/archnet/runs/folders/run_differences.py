"""Differences between the settings of two runs: those that can change a result, at their JSON paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from archnet.evaluation.comparison.document_differences import Difference, document_differences
from archnet.spec.arch import complete_arch
from archnet.spec.auto import restore_auto
from archnet.spec.section_options import complete_data, complete_evaluation, complete_training

SHARED_SECTIONS: Final = ("data", "split", "evaluation")
"""Sections that all runs in an experiment's folder have in common."""

RUN_SECTIONS: Final = ("arch", "data", "split", "training", "evaluation")
"""Sections of a run."""

_COMPLETE: Final = {
    "arch": complete_arch,
    "data": complete_data,
    "training": complete_training,
    "evaluation": complete_evaluation,
}
"""By section, a function that converts the section of an earlier version to the current form."""

_WITHOUT_EFFECT: Final = frozenset({("arch", "description"), ("data", "allow"), ("data", "cases")})
"""Keys that change no result."""

_RUN_KEYS: Final = frozenset({("training", "seed"), ("split", "fold")})
"""Keys in which the runs of one architecture differ."""


def setting_differences(
    reference: Mapping[str, Any], other: Mapping[str, Any], sections: Sequence[str] = RUN_SECTIONS
) -> list[Difference]:
    """Every setting in which two resolved experiments differ; a key that an earlier version lacked has its default.

    >>> setting_differences({"training": {"epochs": 5}}, {"training": {"epochs": 9}}, ["training"])
    [{'place': 'training.epochs', 'reference': 5, 'other': 9}]

    Args:
        reference: Document of an experiment.json.
        other: The same of another run.
        sections: The sections to compare.
    """
    return _differences(reference, other, sections, _WITHOUT_EFFECT)


def architecture_differences(reference: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference]:
    """Every setting in which two runs differ apart from seed and fold; automatic choices count as "auto"."""
    first, second = (restore_auto(document, ["training"]) for document in (reference, other))
    return _differences(first, second, RUN_SECTIONS, _WITHOUT_EFFECT | _RUN_KEYS)


def _differences(
    reference: Mapping[str, Any], other: Mapping[str, Any], sections: Sequence[str], ignored: frozenset[tuple[str, str]]
) -> list[Difference]:
    first, second = {}, {}
    for name in [name for name in sections if reference.get(name) != other.get(name)]:
        options, other_options = (_compared_options(document, name, ignored) for document in (reference, other))
        if name in _COMPLETE and _is_one_of_another_version(options, other_options):
            options, other_options = (
                _compared_options({name: _COMPLETE[name](one)}, name, ignored) for one in (options, other_options)
            )
        keys = dict.fromkeys([*options, *other_options])
        first[name], second[name] = ({key: one.get(key) for key in keys} for one in (options, other_options))
    found = document_differences(first, second)
    if found or first == second:
        return found
    return [  # a list of equal sizes that differs in its length alone
        {"place": name, "reference": first[name], "other": second[name]}
        for name in first
        if first[name] != second[name]
    ]


def _compared_options(document: Mapping[str, Any], name: str, ignored: frozenset[tuple[str, str]]) -> dict[str, Any]:
    return {key: value for key, value in (document.get(name) or {}).items() if (name, key) not in ignored}


def _is_one_of_another_version(options: Mapping[str, Any], other_options: Mapping[str, Any]) -> bool:
    """Whether one of two sections has a key that the other lacks; completing sections takes time."""
    differences = document_differences(dict(options), dict(other_options))
    return not all("reference" in difference and "other" in difference for difference in differences)
