"""The table of an ensemble: the results of each member alone, their mean, and those of all members together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import mean
from typing import Any, Final

from archnet.evaluation.metric_entry import macro_value
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, decimals
from archnet.spec.metrics import METRICS

_METRICS: Final = ("auc", "mcc", "recall")
_SETS: Final = ("test", "validation")


def members_table(run: RunFiles) -> dict[str, Any] | None:
    """The columns and rows of the table; None for a run with a single network."""
    members = run.metrics.get("members")
    if not members:
        return None
    columns = [(name, metric) for name in _SETS if name in members[0] for metric in _METRICS]
    alone = [[_value(member[name], metric) for name, metric in columns] for member in members]
    means = [_mean(values) for values in zip(*alone, strict=True)]
    together = [_value(run.metrics[name], metric) for name, metric in columns]
    rows = {
        **{f"member {number}, seed {one['seed']}": alone[number - 1] for number, one in enumerate(members, start=1)},
        "mean of the members": means,
        "together": together,
    }
    return {
        "columns": [f"{SET_NAMES[name]} {_label(metric, run)}" for name, metric in columns],
        "rows": [{"label": label, "values": [decimals(value) for value in values]} for label, values in rows.items()],
        "sentence": " ".join(_sentences(len(members), columns, means, together, run)),
    }


def _label(metric: str, run: RunFiles) -> str:
    return METRICS[metric].macro_label if len(run.classes) > 2 else METRICS[metric].label


def _value(results: Mapping[str, Any], metric: str) -> float | None:
    """A metric, or its mean over more than two classes."""
    value = macro_value(results.get(metric))
    return None if value is None else float(value)


def _mean(values: tuple[float | None, ...]) -> float | None:
    defined = [value for value in values if value is not None]
    return mean(defined) if len(defined) == len(values) else None


def _sentences(
    count: int,
    columns: list[tuple[str, str]],
    means: list[float | None],
    together: list[float | None],
    run: RunFiles,
) -> Iterator[str]:
    yield f"The model averages the probabilities of {count} networks that differ only in their random seed."
    for (name, metric), one, all_ in zip(columns, means, together, strict=True):
        if metric == "auc" and one is not None and all_ is not None:
            where = f"On the {SET_NAMES[name]} set"
            yield f"{where}, a member alone has a mean {_label(metric, run)} of {decimals(one)};"
            yield f"together they have {decimals(all_)}."
            return
