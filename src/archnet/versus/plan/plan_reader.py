"""Read the plan of a versus from its folder, without its architecture file or its data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archnet.errors import DataError
from archnet.evaluation.run_folder import read_json, read_optional_json
from archnet.spec.arch import parse_arch
from archnet.spec.sweeps.sweep import ARCH, Sweep
from archnet.sweep.results.trials import SWEEP_FILE, read_sweep
from archnet.versus.plan.form_names import FORMS
from archnet.versus.plan.variants import Variant
from archnet.versus.plan.versus_files import PLAN_FILE, VERSUS_FILE
from archnet.versus.plan.versus_plan import VersusOptions, VersusPlan


def is_versus_folder(folder: Path) -> bool:
    """Whether a folder contains a versus that has been started."""
    return (folder / PLAN_FILE).is_file() and (folder / SWEEP_FILE).is_file()


def read_plan(folder: Path) -> VersusPlan:
    """Read the plan of a versus from plan.json and sweep.json; the margin comes from versus.json.

    Raises:
        ArchnetError: A file is missing or damaged.
    """
    document, sweep = read_json(folder / PLAN_FILE), read_sweep(folder)
    names = [entry["name"] for entry in document["variants"]]
    if sweep is None or names != list(sweep.archs):
        raise DataError(f"{folder / PLAN_FILE}: does not describe the networks of {SWEEP_FILE}. Restore both files.")
    variants = tuple(_read_variant(entry, sweep) for entry in document["variants"])
    original = next(variant for variant in variants if variant.is_original)
    return VersusPlan(
        experiment=sweep.experiments({ARCH: original.name})[0],
        variants=variants,
        options=VersusOptions(
            forms=tuple(document["forms"]),
            matches=tuple(document["match"]),
            seeds=document["seeds"],
            folds=document["folds"],
            resources=sweep.resources,
            margin=_read_margin(folder),
        ),
        sweep=sweep,
    )


def _read_variant(entry: dict[str, Any], sweep: Sweep) -> Variant:
    """A variant of plan.json, with its architecture from sweep.json."""
    return Variant(
        arch=parse_arch(sweep.archs[entry["name"]]),
        form=next(form for form, text in FORMS.items() if text == entry["form"]),
        matches=tuple(entry["matches"]),
        is_original=entry["is_original"],
        factor=entry["factor"],
        notes=tuple(entry["notes"]),
        parameters=entry["parameters"],
        macs=entry["macs"],
    )


def _read_margin(folder: Path) -> float | None:
    """The margin of non-inferiority of the last result; None without a result or a margin."""
    questions = (read_optional_json(folder / VERSUS_FILE) or {"questions": []})["questions"]
    margins = [entry["margin"] for question in questions for entry in question["noninferiority"]]
    return margins[0] if margins else None
