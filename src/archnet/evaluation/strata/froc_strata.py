"""FROC by the diameter of nodules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.froc.curve import Froc, compute_froc
from archnet.evaluation.froc.hits import Findings, Hits, Marks, ReferenceStandard, match_marks
from archnet.evaluation.predictions import DEFAULT_BOOTSTRAPS
from archnet.evaluation.strata.stratification import stratify
from archnet.evaluation.strata.stratum_results import MIN_CASES, MIN_GROUPS
from archnet.files.luna16_lists import DIAMETER


def compute_froc_by_diameter(
    marks: Marks,
    reference: ReferenceStandard,
    *,
    max_marks: int | None = None,
    bootstraps: int = DEFAULT_BOOTSTRAPS,
    seed: int = 0,
) -> dict[str, Froc]:
    """Compute the FROC analysis of each stratum of nodule diameters; empty if all diameters are in one stratum.

    The sensitivity includes all nodules of the stratum, marked or not. The false positives are those of all scans: a
    mark in a nodule of another stratum is ignored, like one in an excluded finding. A stratum with fewer than 10
    nodules, or nodules in fewer than 5 scans, has no intervals, because bootstrap intervals would be too narrow.

    Args:
        marks: Marks of one detector.
        reference: The scans, all nodules and the excluded findings.
        max_marks: See `compute_froc`.
        bootstraps: See `compute_froc`.
        seed: See `compute_froc`.
    """
    return {
        name: compute_froc(
            marks,
            stratum,
            max_marks=max_marks,
            bootstraps=0 if _is_small(len(stratum.nodules.series), len(set(stratum.nodules.series))) else bootstraps,
            seed=seed,
        )
        for name, stratum in _references_by_diameter(reference).items()
    }


def match_marks_by_diameter(marks: Marks, reference: ReferenceStandard) -> dict[str, Hits]:
    """The hits in each stratum of nodule diameters, as evaluated by `compute_froc_by_diameter`."""
    return {name: match_marks(marks, stratum) for name, stratum in _references_by_diameter(reference).items()}


def _references_by_diameter(reference: ReferenceStandard) -> dict[str, ReferenceStandard]:
    """The reference standard of each stratum, in which the nodules of the others are excluded findings."""
    listed = set(reference.series)
    nodules = _select(reference.nodules, np.array([uid in listed for uid in reference.nodules.series], np.bool_))
    texts = np.array(["" if value < 0 else repr(value) for value in nodules.diameters_mm.tolist()], dtype=object)
    stratification = stratify(DIAMETER, texts, np.ones(len(texts), np.bool_))
    return {
        stratum.name: ReferenceStandard(
            series=reference.series,
            nodules=_select(nodules, stratum.rows),
            excluded=_join(reference.excluded, _select(nodules, ~stratum.rows)),
        )
        for stratum in (stratification.strata if stratification else ())
    }


def froc_strata_document(strata: Mapping[str, Froc]) -> list[dict[str, Any]]:
    """The results of each stratum, JSON-ready, with its `name` and whether it has few nodules (`is_small`)."""
    return [
        {
            "name": name,
            "is_small": has_few_nodules(froc.hits),
            **froc.to_document(),
        }
        for name, froc in strata.items()
    ]


def has_few_nodules(hits: Hits) -> bool:
    """Whether a stratum's nodules are too few for an interval."""
    return _is_small(int(hits.num_nodules.sum()), int(np.count_nonzero(hits.num_nodules)))


def _is_small(num_nodules: int, num_scans: int) -> bool:
    """Whether there are too few nodules for bootstrap intervals."""
    return num_nodules < MIN_CASES or num_scans < MIN_GROUPS


def _select(findings: Findings, is_selected: NDArray[np.bool_]) -> Findings:
    return Findings(
        series=[uid for uid, keep in zip(findings.series, is_selected.tolist(), strict=True) if keep],
        points_mm=findings.points_mm[is_selected],
        diameters_mm=findings.diameters_mm[is_selected],
    )


def _join(first: Findings, second: Findings) -> Findings:
    return Findings(
        series=[*first.series, *second.series],
        points_mm=np.concatenate([first.points_mm, second.points_mm]),
        diameters_mm=np.concatenate([first.diameters_mm, second.diameters_mm]),
    )
