"""Near-duplicates: cases that are copies of each other up to noise, scaling, shift, flip, rotation or zoom.

Two stages: thumbnails propose pairs, and details at full resolution decide. Thumbnails of unrelated crops can be more
similar than those of a crop and its copy shifted by two voxels, so thumbnails never decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.duplicates.nearest import Search, find_nearest
from archnet.data.checks.duplicates.orientations import Orientation, orientations_of, rank_orientations
from archnet.data.checks.duplicates.pair_correlation import (
    MIN_PIXELS,
    MIN_VOXELS,
    central_block,
    correlate,
    correlate_slices,
    num_compared_voxels,
    required_correlation,
)
from archnet.data.checks.duplicates.spectra import NUM_DIMENSIONS, fit_basis
from archnet.data.checks.duplicates.thumbnails import (
    apply_along_axes,
    as_volumes,
    interpolation,
    measure_thumbnails,
    zoom_thumbnails,
)
from archnet.files.progress import Progress, no_progress

_SCALES: Final = (0.88, 0.77, 0.68)
"""Central parts that are compared with whole cases: zoomed copies are found up to a factor of 1.5."""
_FINER_SCALES: Final = (0.94, 1.0, 1.06)
_FACTORS: Final = ((0.98, 1.02), (0.98, 0.99, 1.01, 1.02))
"""Scale factors to try at full resolution, in two rounds."""
_IMAGES: Final = Search(count=5, min_similarity=0.45)
_VOLUMES: Final = Search(count=3, min_similarity=0.25)
"""Minimum similarity: a shift by two of ten slices reduces the similarity of copies to 0.3."""
_FEW: Final = 256
_OF_FEW: Final = Search(count=16, min_similarity=-1.0)
"""With few cases, more neighbours are compared, because a basis of few cases says little about similarity."""
_ENLARGED: Final = Search(count=2, min_similarity=0.6, description="Searching for zoomed copies")
_OF_MANY: Final = Search(count=2, min_similarity=0.45)
_MANY: Final = 50_000
"""Number of cases above which vectors are half as long and zoomed copies are not searched: time grows quadratically."""
_MIN_RANK: Final = 0.84
_MIN_RANK_OF_SHIFTED: Final = 0.5
_MIN_RANK_OF_SHIFTED_FEW: Final = 0.35
"""The means along the depth agree less for copies that are shifted along the depth."""
_RANK_MARGIN: Final = 0.02
_RANK_MARGIN_OF_FEW: Final = 0.1
"""Orientations whose similarity is this much below the best one are not tried."""
_MIN_ROUGH: Final = 0.4
"""Minimum correlation of roots for which a pair is compared in full."""
_MIN_SLICE: Final = 0.45
"""The same for central slices."""
_CHUNK: Final = 512
_BATCH_VOXELS: Final = 2**20


Scales = tuple[float, float]
"""The central part in the plane and along the depth that corresponds to a whole case."""
_SAME_SIZE: Final = (1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A hypothesis that one case is a transformed copy of another.

    Attributes:
        first: Row of the first case.
        second: Row of the second case.
        orientation: The flip and rotation that map the first case to the second.
        scales: The central part of the first case, in the plane and along the depth, that the second shows; 1 for a
            copy of the same size. The parts differ only if the second is 1.
    """

    first: int
    second: int
    orientation: Orientation
    scales: Scales

    @property
    def pair(self) -> tuple[int, int]:
        """Both rows, ascending."""
        return min(self.first, self.second), max(self.first, self.second)

    @property
    def is_zoomed(self) -> bool:
        """Whether the cases show parts of different sizes."""
        return self.scales != _SAME_SIZE

    def enlarge(self, factor: float) -> Proposal:
        """The same proposal with scales multiplied by a factor."""
        return replace(self, scales=vary_scales(self.scales, factor))

    def apply(self, case: NDArray[Any]) -> NDArray[Any]:
        """Transform the first case (height, width, depth), or its central block, to match the second."""
        if self.is_zoomed:
            parts = (self.scales[0], *self.scales)
            weights = [interpolation(length, part) for length, part in zip(case.shape, parts, strict=True)]
            case = apply_along_axes(case[np.newaxis].astype(np.float32), weights)[0]
        return self.orientation.apply(case)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedPair:
    """Two cases that are copies of each other.

    Attributes:
        first: Row of one case.
        second: Row of the other case; it is larger.
        correlation: Correlation of their details.
    """

    first: int
    second: int
    correlation: float


def find_near_duplicates(
    values: NDArray[Any], groups: NDArray[np.int64], progress: Progress = no_progress
) -> tuple[CopiedPair, ...]:
    """Find the pairs of cases in different groups that are copies of each other.

    Args:
        values: (n, height, width[, depth]); may be memory-mapped.
        groups: (n,) group numbers; cases of one group may overlap, and cases with negative numbers are ignored.
        progress: Wraps the items of a long loop.

    Returns:
        The pairs, ascending.
    """
    volumes = as_volumes(values)
    least = MIN_PIXELS if volumes.shape[3] == 1 else MIN_VOXELS
    if np.count_nonzero(groups >= 0) < 2 or num_compared_voxels(volumes.shape[1:]) < least:
        return ()
    proposals = list(_propose(measure_thumbnails(values, progress), groups, values.shape[1:], progress))
    required = required_correlation(volumes.shape[1:])
    best: dict[tuple[int, int], float] = {}
    size = _BATCH_VOXELS // central_block(volumes[0]).size
    starts = range(0, len(proposals), size)
    for start in progress(starts, "Comparing possible copies", len(starts)):
        batch = [proposal for proposal in proposals[start : start + size] if proposal.pair not in best]
        batch = _screen(volumes, batch)
        for proposal, correlation in zip(batch, _decide(volumes, batch), strict=True):
            if correlation >= required:
                best[proposal.pair] = max(correlation, best.get(proposal.pair, 0))
    return tuple(
        CopiedPair(first=first, second=second, correlation=correlation)
        for (first, second), correlation in sorted(best.items())
    )


def _decide(volumes: NDArray[Any], proposals: Sequence[Proposal]) -> list[float]:
    """Correlate the details of each proposed pair; the central part decides whether the whole cases are compared."""
    best = list(zip(_correlate_blocks(volumes, proposals), proposals, strict=True))
    for factors in _FACTORS:
        rows = [row for row, (score, proposal) in enumerate(best) if proposal.is_zoomed and score >= _MIN_ROUGH / 2]
        varied = [(row, best[row][1].enlarge(factor)) for row in rows for factor in factors]
        scores = _correlate_blocks(volumes, [proposal for _, proposal in varied])
        for (row, proposal), score in zip(varied, scores, strict=True):
            best[row] = max(best[row], (score, proposal), key=itemgetter(0))
    required = required_correlation(volumes.shape[1:])
    return [score if score < required else min(score, _correlate_whole(volumes, proposal)) for score, proposal in best]


def _screen(volumes: NDArray[Any], proposals: Sequence[Proposal]) -> list[Proposal]:
    """Select proposals whose central slices agree, in both depth directions; for images, all proposals."""
    if volumes.shape[3] == 1 or not proposals:
        return list(proposals)
    scores = correlate_slices(*_load_blocks(volumes, proposals))
    likely = [proposal for proposal, score in zip(proposals, scores.tolist(), strict=True) if score >= _MIN_SLICE]
    return [
        replace(proposal, orientation=replace(proposal.orientation, is_upside_down=is_upside_down))
        for proposal in likely
        for is_upside_down in (False, True)
    ]


def _correlate_blocks(volumes: NDArray[Any], proposals: Sequence[Proposal]) -> list[float]:
    if not proposals:
        return []
    scores: list[float] = correlate(*_load_blocks(volumes, proposals)).tolist()
    return scores


def _load_blocks(volumes: NDArray[Any], proposals: Sequence[Proposal]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Load the central blocks of both cases of each proposal; the first is transformed to match the second."""
    first = [proposal.apply(central_block(volumes[proposal.first])) for proposal in proposals]
    return np.stack(first), np.stack([central_block(volumes[proposal.second]) for proposal in proposals])


def _correlate_whole(volumes: NDArray[Any], proposal: Proposal) -> float:
    first, second = proposal.apply(volumes[proposal.first]), volumes[proposal.second]
    return float(correlate(first[np.newaxis], second[np.newaxis])[0])


def _propose(
    thumbnails: NDArray[np.floating], groups: NDArray[np.int64], shape: tuple[int, ...], progress: Progress
) -> Iterable[Proposal]:
    """Propose the pairs with similar thumbnails."""
    are_many = len(thumbnails) > _MANY
    basis = fit_basis(thumbnails, NUM_DIMENSIONS // 2 if are_many else NUM_DIMENSIONS)
    vectors = basis.project(thumbnails)
    pairs = find_nearest(vectors, vectors, groups, _search_of(len(thumbnails), shape), progress)
    yield from _rank_pairs(thumbnails, pairs, shape, _SAME_SIZE)
    if are_many:
        return
    for scales in _scales_of(shape):
        queries = basis.project(thumbnails, *scales)
        yield from _rank_pairs(thumbnails, find_nearest(queries, vectors, groups, _ENLARGED, progress), shape, scales)


def _search_of(num_cases: int, shape: tuple[int, ...]) -> Search:
    """The criteria for near pairs, by the number of cases of a shape."""
    if num_cases > _MANY:
        return _OF_MANY
    if num_cases <= _FEW:
        return _OF_FEW
    return _IMAGES if len(shape) == 2 else _VOLUMES


def _scales_of(shape: tuple[int, ...]) -> list[Scales]:
    """The central parts, (in the plane, along the depth), to search for."""
    plane = [(scale, 1.0) for scale in _SCALES]
    return plane if len(shape) == 2 else [*plane, *((scale, scale) for scale in _SCALES)]


def _rank_pairs(
    thumbnails: NDArray[np.floating],
    pairs: NDArray[np.int64],
    shape: tuple[int, ...],
    scales: Scales,
) -> Iterator[Proposal]:
    """Select pairs whose thumbnails are similar in some orientation, with the orientations."""
    is_same_size, are_few = scales == _SAME_SIZE, len(thumbnails) <= _FEW
    min_rank_of_shifted = _MIN_RANK_OF_SHIFTED_FEW if are_few else _MIN_RANK_OF_SHIFTED
    min_rank = min_rank_of_shifted if is_same_size and len(shape) == 3 else _MIN_RANK
    margin = _RANK_MARGIN_OF_FEW if are_few else _RANK_MARGIN
    parts = [scales] if is_same_size else [vary_scales(scales, factor) for factor in _FINER_SCALES]
    known = orientations_of(shape)
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        first, second = (thumbnails[chunk[:, side]].astype(np.float32) for side in (0, 1))
        ranks = np.stack([rank_orientations(zoom_thumbnails(first, *part), second, shape) for part in parts])
        best = ranks.max(2).argmax(0)
        for pair, number, rank in zip(chunk.tolist(), best.tolist(), ranks[best, np.arange(len(chunk))], strict=True):
            if rank.max() >= min_rank:
                chosen = [known[place] for place in np.flatnonzero(rank >= rank.max() - margin)]
                for orientation in chosen:
                    yield Proposal(first=pair[0], second=pair[1], orientation=orientation, scales=parts[number])


def vary_scales(scales: Scales, factor: float) -> Scales:
    """Multiply scales below 1; a scale of 1 does not change.

    >>> vary_scales((0.8, 0.8), 0.5), vary_scales((0.8, 1.0), 0.5)
    ((0.4, 0.4), (0.4, 1.0))
    """
    scale, depth_scale = (part * factor if part < 1 else part for part in scales)
    return scale, depth_scale
