"""Metrics: one table with names, sources, directions and the places where each is shown.

The formulas of metrics that are not proportions are in `evaluation` (`confusion.FORMULAS`, `ranking.RANKING_FORMULAS`);
the loss is that of the training. All other lists of metrics are selections of `METRICS`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Source = Literal["loss", "matrix", "ranking"]
"""The source of a metric: the loss, the confusion matrix, or the ranking of the cases by probability."""

Count = Literal[
    "correct", "total", "true_positives", "positives", "predicted_positives", "true_negatives", "negatives"
]  # fmt: skip
"""Counts of a confusion matrix, see `evaluation.confusion.Counts`."""

Place = Literal[
    "train_columns",  # history.csv, for the training set
    "epoch_line",  # the terminal during training
    "training_curves",  # the figure of history.csv
    "class_report",  # the table of all classes, terminal and report
    "live_panel",  # the values above the report's threshold slider; needs a formula in scripts/text.js
    "operating_points",  # the report's table of thresholds
    "comparison",  # the terminal's table of several runs, and the figure of their intervals
    "paired_differences",  # comparison.json and its tables
    "sweep_report",  # the chosen trial's table
    "runs_table",  # `archnet runs`
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: Name in metrics.json, in documents, and in the columns of history.csv (see `history_column`).
        label: Label in tables and figures.
        detail: Alternative name, shown in parentheses in full labels.
        abbreviation: Label in narrow tables; `label` if empty.
        source: What it is computed from.
        is_per_class: Whether there is one value per class instead of one for the whole set.
        proportion: Numerator and denominator counts, for Wilson's interval; None if it is not a proportion.
        range: Lowest and highest value; None if unbounded.
        is_lower_better: Whether lower values are better.
        is_selectable: Whether it is computed on the validation set after each epoch, and can select the best weights,
            stop training and rank the trials of a sweep. Requires an entry in the enums of the schemas.
        shown_in: Where it is shown, with its rank there: lower ranks come first, equal ranks in the order of the table.
    """

    name: str
    label: str
    detail: str = ""
    abbreviation: str = ""
    source: Source
    is_per_class: bool = False
    proportion: tuple[Count, Count] | None = None
    range: tuple[float, float] | None = (0, 1)
    is_lower_better: bool = False
    is_selectable: bool = False
    shown_in: Mapping[Place, int] = field(default_factory=dict)

    @property
    def full_label(self) -> str:
        """The label with its detail."""
        return f"{self.label} ({self.detail})" if self.detail else self.label

    @property
    def macro_name(self) -> str:
        """Name of the mean over more than two classes, if there is one value per class."""
        return f"macro_{self.name}" if self.is_per_class else self.name

    @property
    def macro_label(self) -> str:
        """Label of the mean over more than two classes, if there is one value per class."""
        return f"macro {self.label}" if self.is_per_class else self.label

    def summary_label(self, num_classes: int) -> str:
        """Full label of the summary value for a number of classes.

        >>> METRICS["auc"].summary_label(2), METRICS["auc"].summary_label(3), METRICS["mcc"].summary_label(3)
        ('AUC (ROC)', 'macro AUC (ROC)', 'MCC')
        """
        return f"macro {self.full_label}" if self.is_per_class and num_classes > 2 else self.full_label

    @property
    def short_label(self) -> str:
        """The abbreviation, or else the label."""
        return self.abbreviation or self.label


METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric(
            name="loss",
            label="loss",
            source="loss",
            range=None,
            is_lower_better=True,
            is_selectable=True,
            shown_in={"train_columns": 0, "epoch_line": 0, "training_curves": 0},
        ),
        Metric(
            name="accuracy",
            label="accuracy",
            source="matrix",
            proportion=("correct", "total"),
            is_selectable=True,
            shown_in={"train_columns": 0, "training_curves": 0, "live_panel": 1, "paired_differences": 0},
        ),
        Metric(
            name="recall",
            label="recall",
            detail="sensitivity",
            source="matrix",
            is_per_class=True,
            proportion=("true_positives", "positives"),
            is_selectable=True,
            shown_in={
                "train_columns": 0, "epoch_line": 0, "training_curves": 0, "class_report": 1, "live_panel": 0,
                "operating_points": 0, "comparison": 0, "paired_differences": 0, "sweep_report": 0, "runs_table": 0,
            },
        ),
        Metric(
            name="precision",
            label="precision",
            abbreviation="prec.",
            source="matrix",
            is_per_class=True,
            proportion=("true_positives", "predicted_positives"),
            shown_in={
                "class_report": 0, "live_panel": 0, "operating_points": 0, "comparison": 0, "sweep_report": 0,
                "runs_table": 0,
            },
        ),
        Metric(
            name="specificity",
            label="specificity",
            source="matrix",
            is_per_class=True,
            proportion=("true_negatives", "negatives"),
            shown_in={"live_panel": 0, "operating_points": 0, "sweep_report": 0},
        ),
        Metric(
            name="f1",
            label="F1",
            source="matrix",
            is_per_class=True,
            shown_in={"class_report": 1, "live_panel": 0},
        ),
        Metric(
            name="mcc",
            label="MCC",
            source="matrix",
            range=(-1, 1),
            is_selectable=True,
            shown_in={
                "live_panel": 0, "operating_points": 0, "comparison": 0, "paired_differences": 0, "sweep_report": 0,
            },
        ),
        Metric(
            name="auc",
            label="AUC",
            detail="ROC",
            source="ranking",
            is_per_class=True,
            is_selectable=True,
            shown_in={
                "epoch_line": 0, "training_curves": 0, "comparison": 0, "paired_differences": 0, "sweep_report": 0,
                "runs_table": 0,
            },
        ),
        Metric(
            name="average_precision",
            label="average precision",
            abbreviation="AP",
            source="ranking",
            is_per_class=True,
            is_selectable=True,
            shown_in={"sweep_report": 0},
        ),
    )
}  # fmt: skip
"""All metrics, in the order of metrics.json and history.csv."""

EVALUATED_METRICS: Final = tuple(name for name, metric in METRICS.items() if metric.source != "loss")
"""The metrics of metrics.json."""

MATRIX_METRICS: Final = tuple(name for name, metric in METRICS.items() if metric.source == "matrix")
"""The metrics that are computed from a confusion matrix and therefore depend on the threshold."""

SELECTABLE_METRICS: Final = tuple(name for name, metric in METRICS.items() if metric.is_selectable)
"""The metrics that are computed on the validation set after each epoch."""


def metrics_shown_in(place: Place) -> list[Metric]:
    """The metrics of a table or figure, in display order.

    >>> [metric.name for metric in metrics_shown_in("class_report")]
    ['precision', 'recall', 'f1']
    """
    shown = [metric for metric in METRICS.values() if place in metric.shown_in]
    return sorted(shown, key=lambda metric: metric.shown_in[place])


def is_lower_better(name: str) -> bool:
    """Whether the lowest value of a metric is the best."""
    return METRICS[name].is_lower_better


def summary_name(name: str, num_classes: int) -> str:
    """Name of the summary value of a metric: that of the positive of two classes, or the macro mean of more.

    >>> summary_name("recall", 2), summary_name("recall", 3), summary_name("accuracy", 3)
    ('recall', 'macro_recall', 'accuracy')
    """
    return METRICS[name].macro_name if num_classes > 2 else name


def history_column(set_name: str, name: str) -> str:
    """The column of history.csv with a metric of a set.

    >>> history_column("validation", "auc")
    'validation_auc'
    """
    return f"{set_name}_{name}"


def find_summary_column(columns: Container[str], set_name: str, name: str) -> str:
    """Name of the column of history.csv with the summary of a metric of a set, which may be missing.

    >>> find_summary_column(["epoch", "validation_macro_auc", "validation_auc.CT-1"], "validation", "auc")
    'validation_macro_auc'

    Args:
        columns: Columns of the file. With more than two classes, there are macro means, except in files of earlier
            versions, which have the values of one class.
        set_name: The set.
        name: The metric.
    """
    macro = history_column(set_name, METRICS[name].macro_name)
    return macro if macro in columns else history_column(set_name, name)
