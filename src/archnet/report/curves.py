"""ROC and precision-recall curves as points, for figures and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import detection_counts
from archnet.evaluation.curve_bands import Band, RankedCases, curve_bands
from archnet.evaluation.metric_entry import Estimate, class_estimate, macro_estimate
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.ranking import precision_recall_curve, roc_curve
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, reported_set
from archnet.spec.metrics import METRICS

Point = tuple[float, float]
Points = tuple[Floats, Floats]

_GRID: Final[Floats] = np.linspace(0, 1, 401)
_MOST_BANDS: Final = 3

MAX_CLASS_CURVES: Final = 6
"""Maximum number of classes whose curves are drawn in addition to their mean."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvaluationResult:
    """Cases evaluated together: a set of one run, or an architecture of a comparison.

    Attributes:
        name: Text of the legend.
        predictions_by_seed: The predictions of each seed's network for the cases.
        metrics: As in `metrics.json`; means for several seeds.
        operating_points: The entries `operating_points` of `metrics.json`; empty for several runs.
        hue: The name of its colour in the theme, that of a set or a network; empty for the colour of its index.
        has_band: Whether its curves have a confidence band.
    """

    name: str
    predictions_by_seed: tuple[Predictions, ...]
    metrics: Mapping[str, Any]
    operating_points: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hue: str = ""
    has_band: bool = True

    @property
    def first(self) -> Predictions:
        """The predictions of the first seed; those of the others have the same cases, classes and groups."""
        return self.predictions_by_seed[0]

    def is_positive(self, k: int) -> NDArray[np.bool_]:
        """Whether each case is of class k, shape (N,)."""
        is_of_class: NDArray[np.bool_] = self.first.y_true == k
        return is_of_class

    def plottable_classes(self, k: int | None) -> list[int]:
        """Class k, or all classes if it is None, except those without cases or without other cases."""
        classes = range(len(self.first.classes)) if k is None else [k]
        return [one for one in classes if 0 < self.is_positive(one).mean() < 1]

    def area(self, name: str, k: int | None) -> Estimate:
        """The area under a curve of class k, or the mean over the classes if it is None."""
        if k is None:
            return macro_estimate(self.metrics, name)
        return class_estimate(self.metrics, name, self.first.classes[k])


Entry = tuple[EvaluationResult, int | None, str]
"""The cases, the index of the class (None for the mean over the classes), and the text of the legend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The labels of a kind of curve.

    Attributes:
        name: Name of its file.
        title: Above.
        x: Below.
        y: At the left.
        area: Short name of the area under the curve.
    """

    name: str
    title: str
    x: str
    y: str
    area: str


ROC: Final = Plot(name="roc", title="ROC", x="false-positive rate", y="recall", area=METRICS["auc"].short_label)
PRECISION_RECALL: Final = Plot(
    name="precision_recall",
    title="Precision and recall",
    x="recall",
    y="precision",
    area=METRICS["average_precision"].short_label,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """One curve, both axes from 0 to 1.

    Attributes:
        name: What the legend says.
        x: Values in ascending order, shape (S,).
        y: Values, shape (S,).
        area: The area under it; None where unknown.
        hue: The name of its colour in the theme; empty for that of its index among the curves.
        interval: 95% interval of the area, if known.
        mark: The operating point, if any.
        band: 95% confidence band, if any.
        seeds: The curve of each seed if there are several.
        chance: The precision of random scores, for a precision-recall curve.
    """

    name: str
    x: Floats
    y: Floats
    area: float | None
    hue: str = ""
    interval: list[float] | None = None
    mark: Point | None = None
    band: Band | None = None
    seeds: Sequence[tuple[Floats, Floats]] = ()
    chance: float | None = None


def run_curves(run: RunFiles) -> dict[Plot, list[Curve]]:
    """The curves of each set for two classes; for more, the mean and each class on the reported set.

    Of many classes, the `MAX_CLASS_CURVES` with the lowest AUC are drawn. Bands are drawn for the reported set, and for
    classes if there are few.
    """
    reported = reported_set(run.sets)
    if len(run.classes) == 2:
        results = [replace(result, has_band=result.hue == reported) for result in set_results(run)]
        return all_curves([(result, run.positive, result.name) for result in results])
    result = replace(_set_result(run, reported), hue="", has_band=len(run.classes) <= _MOST_BANDS)
    weakest = sorted(result.plottable_classes(None), key=lambda k: result.area("auc", k).value or 0.0)
    each: list[Entry] = [(result, k, run.classes[k]) for k in sorted(weakest[:MAX_CLASS_CURVES])]
    return all_curves([(result, None, "macro average"), *each])


def set_results(run: RunFiles) -> list[EvaluationResult]:
    """Each set of a run, training first."""
    return [_set_result(run, name) for name in run.sets]


def _set_result(run: RunFiles, name: str) -> EvaluationResult:
    entry = run.metrics[name]
    points = entry.get("operating_points", {})
    return EvaluationResult(
        name=SET_NAMES[name],
        hue=name,
        predictions_by_seed=(run.predictions.select(name),),
        metrics=entry,
        operating_points=points,
    )


def all_curves(entries: Sequence[Entry]) -> dict[Plot, list[Curve]]:
    """Both kinds of curves of a class, or of the mean over the classes, where both positives and negatives exist.

    The mean has no band.
    """
    plottable = [entry for entry in entries if entry[0].plottable_classes(entry[1])]
    if not plottable:
        return {}
    bands = [_bands(result, k) for result, k, _ in plottable]
    return {
        ROC: [_roc_curve(*entry, band) for entry, (band, _) in zip(plottable, bands, strict=True)],
        PRECISION_RECALL: [
            _precision_recall_curve(*entry, band) for entry, (_, band) in zip(plottable, bands, strict=True)
        ],
    }


def _bands(result: EvaluationResult, k: int | None) -> tuple[Band | None, Band | None]:
    if k is None:
        return None, None
    cases = RankedCases(
        scores_by_seed=[cases.probabilities[:, k] for cases in result.predictions_by_seed],
        is_positive=result.is_positive(k),
        groups=result.first.groups,
    )
    return (curve_bands(cases) if result.has_band else None) or (None, None)


def _roc_curve(result: EvaluationResult, k: int | None, name: str, band: Band | None) -> Curve:
    """The recall at each false-positive rate, averaged over several seeds or classes (Fawcett 2006).

    doi:10.1016/j.patrec.2005.10.010
    """
    curve = _curve(name, result.hue, _seed_curves(result, k, roc_curve), result.area("auc", k))
    return replace(curve, band=band, mark=threshold_marks(result, k)[0])


def _precision_recall_curve(result: EvaluationResult, k: int | None, name: str, band: Band | None) -> Curve:
    """A step function whose area is the average precision; for several seeds or classes, their mean at each recall."""
    curve = _curve(name, result.hue, _seed_curves(result, k, _staircase), result.area("average_precision", k))
    chance = float(result.is_positive(k).mean()) if result.has_band and k is not None else None
    return replace(curve, band=band, mark=threshold_marks(result, k)[1], chance=chance)


def _seed_curves(result: EvaluationResult, k: int | None, curve: Callable[..., Points]) -> list[Points]:
    """The curve of each seed; the mean over the classes if the class is None."""
    return [
        _mean_curve([curve(cases.probabilities[:, one], cases.y_true == one) for one in result.plottable_classes(k)])
        for cases in result.predictions_by_seed
    ]


def _curve(name: str, hue: str, seeds: Sequence[tuple[Floats, Floats]], area: Estimate) -> Curve:
    x, y = _mean_curve(seeds)
    shown_seeds = tuple(seeds) if len(seeds) > 1 else ()
    return Curve(name=name, hue=hue, x=x, y=y, area=area.value, interval=area.interval, seeds=shown_seeds)


def _staircase(scores: Floats, is_positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Precision as a step function of recall: each recall has the precision at its threshold."""
    recall, precision = precision_recall_curve(scores, is_positive)
    return np.concatenate([[0.0], np.repeat(recall, 2)])[:-1], np.repeat(precision, 2)


def _mean_curve(curves: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    if len(curves) == 1:
        return curves[0]
    mean: Floats = np.mean([np.interp(_GRID, *points) for points in curves], axis=0)
    return _GRID, mean


def threshold_marks(result: EvaluationResult, k: int | None) -> tuple[Point | None, Point | None]:
    """The position of the threshold of two classes on the ROC and precision-recall curves."""
    if k is None or result.metrics["threshold"] is None:
        return None, None
    counts = detection_counts(result.metrics["confusion_matrix"], k)
    true_positives, false_positives = counts["true_positives"], counts["false_positives"]
    recall, num_predicted = true_positives / counts["positives"], true_positives + false_positives
    precision_recall_mark = (recall, true_positives / num_predicted) if num_predicted else None
    return (false_positives / counts["others"], recall), precision_recall_mark
