"""The methods of a comparison as paragraphs for a paper: shared sentences once, then the differences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.report.paper.comparison.comparison_statistics import comparison_statistics
from archnet.report.paper.methods_text import methods_paragraphs
from archnet.report.run_files import RunFiles
from archnet.report.wording import word_list

_SENTENCE_END: Final = re.compile(r"(?<=\.) (?=[A-Z])")


def comparison_methods(comparison: Comparison, runs: Mapping[str, RunFiles], *, has_froc: bool) -> dict[str, str]:
    """The methods by heading.

    Args:
        comparison: The comparison.
        runs: The first run of each network, by the network's name.
        has_froc: Whether the FROC curves are compared as well.

    Raises:
        DataError: cases.csv is damaged.
    """
    by_network = {name: methods_paragraphs(run) for name, run in runs.items()}
    headings = dict.fromkeys(heading for paragraphs in by_network.values() for heading in paragraphs)
    texts = {
        heading: merge_texts({name: paragraphs.get(heading, "") for name, paragraphs in by_network.items()})
        for heading in headings
    }
    runs_text = " ".join(filter(None, map(_repetition_text, comparison.rows)))
    texts["Training"] = " ".join(filter(None, [texts.get("Training", ""), runs_text]))
    statistics = comparison_statistics(comparison, has_froc=has_froc)
    ordered = [heading for heading in texts if heading != "Software"]
    return {
        **{heading: texts[heading] for heading in ordered if texts[heading]},
        **({"Comparison": statistics} if statistics else {}),
        **({"Software": texts["Software"]} if texts.get("Software") else {}),
    }


def _repetition_text(row: ComparisonRow) -> str:
    """The seeds and folds of a network, whose first run the paragraphs describe."""
    seeds = f"seeds {word_list([str(seed) for seed in row.seeds])}" if len(row.seeds) > 1 else ""
    folds = f"{len(row.folds)} folds, whose test cases were pooled" if row.folds else ""
    if not seeds and not folds:
        return ""
    kinds = word_list([kind for kind, text in (("seed", seeds), ("fold", folds)) if text])
    repetitions = word_list([text for text in (seeds, folds) if text])
    return f"{row.run} was trained with {repetitions}; what depends on the {kinds} is stated for the first run."


def merge_texts(texts: Mapping[str, str]) -> str:
    """Merge the texts of several networks: each sentence once, after the names of its networks.

    >>> merge_texts({"flat": "Crops. A slice.", "deep": "Crops. A volume.", "wide": "Crops. A volume."})
    'Crops. flat: A slice. deep and wide: A volume.'
    >>> merge_texts({"flat": "It is 2D. New weights.", "deep": "It is 3D. New weights."})
    'flat: It is 2D. All networks: New weights. deep: It is 3D.'
    """
    names_by_sentence: dict[str, list[str]] = {}
    for name, content in texts.items():
        for sentence in dict.fromkeys(_SENTENCE_END.split(content) if content else []):
            names_by_sentence.setdefault(sentence, []).append(name)
    sentences_by_names: dict[tuple[str, ...], list[str]] = {}
    for sentence, names in names_by_sentence.items():
        sentences_by_names.setdefault(tuple(names), []).append(sentence)
    parts: list[str] = []
    for members, sentences in sentences_by_names.items():
        about_all = "All networks: " if parts else ""
        about = about_all if len(members) == len(texts) else f"{word_list(list(members))}: "
        parts.append(about + " ".join(sentences))
    return " ".join(parts)
