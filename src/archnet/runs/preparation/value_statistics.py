"""The voxel values of a data set by class: percentiles, shares clipped by the window, and histograms."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.runs.preparation.prepared_data import PreparedData

_MAX_CASES: Final = 128
"""Maximum number of sampled cases of each class, evenly spaced."""

_MAX_VOXELS: Final = 200_000
"""Maximum number of sampled voxels of each class, evenly spaced over its cases."""

_NUM_BINS: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassValues:
    """The values of one class, from a sample of its voxels.

    Attributes:
        class_name: The class.
        percentiles: The smallest value, the 1st, 50th and 99th percentile, and the largest value.
        below: Share of the voxels below the limits, which are clipped to 0.
        above: Share of the voxels above the limits, which are clipped to 1.
        histogram: Share of the voxels in each bin.
    """

    class_name: str
    percentiles: tuple[float, ...]
    below: float
    above: float
    histogram: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueStatistics:
    """The values of all classes.

    Attributes:
        classes: The classes that have cases.
        edges: Borders of the bins of all histograms; values beyond them count in the outer bins.
    """

    classes: tuple[ClassValues, ...]
    edges: tuple[float, ...]

    def to_document(self) -> dict[str, Any]:
        """The statistics, JSON-ready."""
        return {"classes": [_rounded(asdict(entry)) for entry in self.classes], "edges": list(self.edges)}


def measure_values(data: PreparedData) -> ValueStatistics:
    """Measure the values of some cases of each class in the first channel and the first window."""
    low_limit, high_limit = limits = data.limits.windows[0][0]
    samples = {
        name: _sample_values(data, data.rows[data.cases.labels == label])
        for label, name in enumerate(data.cases.classes)
        if np.any(data.cases.labels == label)
    }
    ends = np.array([np.percentile(values, [0.1, 99.9]) for values in samples.values()])
    low, high = min(ends[:, 0].min(), low_limit), max(ends[:, 1].max(), high_limit)
    edges = np.linspace(low, high, _NUM_BINS + 1)
    return ValueStatistics(
        classes=tuple(_class_values(name, values, edges, limits) for name, values in samples.items()),
        edges=tuple(edges.round(6).tolist()),
    )


def _sample_values(data: PreparedData, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    places = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _MAX_CASES)).round().astype(np.int64))
    values = np.concatenate([np.ravel(data.picture_values[row]) for row in rows[places].tolist()])
    step = -(-values.size // _MAX_VOXELS)
    return values[::step].astype(np.float32)


def _class_values(
    name: str, values: NDArray[np.float32], edges: NDArray[np.float64], limits: tuple[float, float]
) -> ClassValues:
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    return ClassValues(
        class_name=name,
        percentiles=tuple(np.percentile(values, [0, 1, 50, 99, 100]).tolist()),
        below=float(np.mean(values < limits[0])),
        above=float(np.mean(values > limits[1])),
        histogram=tuple((counts / values.size).tolist()),
    )


def _rounded(document: dict[str, Any]) -> dict[str, Any]:
    """Round shares to six decimals, and convert tuples to lists."""
    shares = {key: round(document[key], 6) for key in ("below", "above")}
    histogram = [round(share, 6) for share in document["histogram"]]
    return {**document, **shares, "percentiles": list(document["percentiles"]), "histogram": histogram}
