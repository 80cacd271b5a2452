"""`plan.json`: the plan of a versus, as printed before its first run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from archnet.evaluation.run_folder import read_optional_json
from archnet.versus.plan.duration import Duration, runs_at_once, total_seconds
from archnet.versus.plan.versus_files import PLAN_FILE
from archnet.versus.plan.versus_plan import VersusPlan


def plan_document(plan: VersusPlan, durations: Sequence[Duration]) -> dict[str, Any]:
    """The plan as a JSON object."""
    options = plan.options
    return {
        "name": plan.name,
        "arch": plan.experiment.arch.name,
        "data": plan.experiment.data.name,
        "forms": list(options.forms),
        "match": list(options.matches),
        "seeds": options.seeds,
        "folds": options.folds,
        "runs": plan.num_runs,
        "resources": asdict(options.resources),
        "runs_at_once": runs_at_once(options.resources),
        "seconds": total_seconds(plan, durations),
        "variants": [
            variant.to_document() | {"run": duration.to_document()}
            for variant, duration in zip(plan.variants, durations, strict=True)
        ],
    }


def read_durations(folder: Path, plan: VersusPlan) -> tuple[Duration, ...] | None:
    """The durations measured at the start of a versus.

    Returns:
        None if it has not started, or has different variants or resources.
    """
    document = read_optional_json(folder / PLAN_FILE)
    if document is None or document.get("resources") != asdict(plan.options.resources):
        return None
    keys = [item.name for item in fields(Duration)]
    durations = tuple(Duration(**{key: variant["run"][key] for key in keys}) for variant in document["variants"])
    names = [duration.name for duration in durations]
    return durations if names == [variant.name for variant in plan.variants] else None
