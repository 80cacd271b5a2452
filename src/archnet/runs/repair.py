"""Repair a finished run: regenerate changed or missing files from the others, without training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Final

from archnet.data.dataset import positive_class
from archnet.errors import DataError
from archnet.evaluation.integrity.digest import file_sha256
from archnet.evaluation.integrity.manifest import PAGES, RUN_FILES, is_one_of, read_manifest, rewrite_files
from archnet.evaluation.integrity.verification import Damage, find_damage
from archnet.evaluation.members.member_results import members_entry
from archnet.evaluation.metrics import collapse_entry, evaluate
from archnet.evaluation.predictions import Predictions, read_predictions, read_run_predictions
from archnet.evaluation.run_costs import RUN_COSTS
from archnet.evaluation.run_folder import read_history, read_json, read_optional_json
from archnet.evaluation.strata.run_strata import strata_entry
from archnet.files.atomic import write_json
from archnet.files.attribute_values import ATTRIBUTES_FILE
from archnet.files.strict_json import Document
from archnet.report.gallery_file import GALLERY_FILE, HEAT_MAP_FILE, read_gallery
from archnet.report.wording import word_list
from archnet.runs.artifacts import write_attributes
from archnet.runs.evaluation import evaluate_run, prediction_costs, prepare_again, training_costs
from archnet.runs.froc import recompute_run_froc, write_run_froc
from archnet.runs.gallery import write_gallery, write_run_heat_maps
from archnet.runs.log import log
from archnet.spec.cost import network_summary
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.memory import MicroBatch, estimate_memory, parse_bytes
from archnet.spec.resolve import parse_experiments
from archnet.spec.view import evaluated_views, input_shape


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairStep:
    """A step that regenerates one file, or a folder of files.

    Attributes:
        name: The file; a trailing "/" means all files of a folder.
        sources: The files of the run from which it is regenerated.
        needs_data: Whether the data set is also needed.
        make: Writes the file, given the run folder and the damage.
    """

    name: str
    sources: tuple[str, ...]
    needs_data: bool = False
    make: Callable[[Path, Damage], None]

    @property
    def source_text(self) -> str:
        """The sources in words."""
        return word_list([*self.sources, *(["the data"] if self.needs_data else [])])


def repair_run(folder: Path) -> None:
    """Regenerate missing or changed files of a finished run, where this needs no training.

    Regenerated files and their sources are logged. Report and figures are skipped, since `archnet report` redraws them,
    and a run without a manifest is left unchanged.

    Args:
        folder: The run folder.

    Raises:
        DataError: Some files cannot be regenerated; the message names each. The others are written.
    """
    for step in REPAIR_STEPS:
        damages = {damage.name: damage for damage in _find_damage(folder)}
        broken = next((damage for name, damage in damages.items() if is_one_of(name, [step.name])), None)
        if broken is None or any(is_one_of(name, step.sources) for name in damages):
            continue
        step.make(folder, broken)
        log.warning("%s: regenerated from %s.", folder / step.name, step.source_text)
    remaining = list(_find_damage(folder))
    if remaining:
        raise DataError("\n".join(_failure_message(folder, damage) for damage in remaining))


def _find_damage(folder: Path) -> Iterator[Damage]:
    manifest = read_manifest(folder)
    if manifest is None:
        return
    for damage in find_damage(folder, manifest, [name for name in RUN_FILES if name not in PAGES]):
        if not damage.is_rewritten:
            yield damage


def _failure_message(folder: Path, damage: Damage) -> str:
    state = "is missing" if damage.size is None else "has changed"
    step = next((step for step in REPAIR_STEPS if is_one_of(damage.name, [step.name])), None)
    if step is None:
        remedy = f"Restore it from a copy, or remove {folder} and run the experiment again."
        return f"{damage.path}: {state} and cannot be regenerated without training. {remedy}"
    return (
        f"{damage.path}: {state}. It is regenerated from {step.source_text}, which must be intact. Restore these first."
    )


def _make_arch(folder: Path, damage: Damage) -> None:
    with rewrite_files(folder, [damage.name], kept_edits=()):
        write_json(damage.path, _read_experiment(folder).arch.to_document())


def _make_attributes(folder: Path, damage: Damage) -> None:
    """Read the attributes of the cases from the data again."""
    with rewrite_files(folder, [damage.name], kept_edits=()):
        write_attributes(folder, prepare_again(folder, _read_experiment(folder), SETS))


def _make_network(folder: Path, damage: Damage) -> None:
    """Plan the network again; the micro-batch size is in environment.json."""
    experiment = _read_experiment(folder)
    gallery = read_gallery(folder / GALLERY_FILE)
    shape = experiment.data.crop_size or (gallery.shape if gallery else ())
    classes = read_predictions(folder / "predictions.csv").classes
    plan = experiment.arch.plan(input_shape(experiment, tuple(shape)), len(classes))
    execution = read_json(folder / "environment.json").get("execution", {})
    batch_size, num_devices = experiment.training.batch_size, max(1, len(execution.get("devices", [])))
    size = int(execution.get("micro_batch", batch_size))
    memory = estimate_memory(plan, experiment.training)
    micro = MicroBatch(
        batch_size=batch_size,
        size=size,
        peak_bytes=memory.peak_bytes(ceil(batch_size / num_devices), ceil(size / num_devices)),
        budget_bytes=None if experiment.training.memory is None else parse_bytes(experiment.training.memory),
    )
    with rewrite_files(folder, [damage.name], kept_edits=()):
        write_json(damage.path, network_summary(plan, micro, experiment.training.members))


def _make_metrics(folder: Path, damage: Damage) -> None:
    """Evaluate the predictions again; the peak memory is kept if this restores the recorded file."""
    document = read_json(folder / "experiment.json")
    predictions = read_predictions(folder / "predictions.csv")
    predictions = read_run_predictions(folder, [name for name in SETS if name in predictions.sets])
    positive = positive_class(predictions.classes, document.get("data", {}).get("positive"))
    metrics = _evaluate(folder, document, predictions, positive)
    with rewrite_files(folder, [damage.name, "froc/"], kept_edits=()):
        bootstraps = int(document.get("evaluation", {}).get("bootstraps", 1000))
        froc = recompute_run_froc(folder, predictions, positive, bootstraps)
        for peak_memory in (_read_peak_memory(damage.path), None):
            write_json(damage.path, {**metrics, "peak_memory_bytes": peak_memory, **froc})
            if file_sha256(damage.path) == damage.record.sha256:
                return
    log.warning("%s: the peak memory of the training cannot be restored.", damage.path)


def _evaluate(folder: Path, document: dict[str, Any], predictions: Predictions, positive: int) -> dict[str, Any]:
    """The content of metrics.json, without the peak memory and the FROC."""
    options = document.get("evaluation", {})
    sets = evaluate(
        predictions,
        positive=positive,
        threshold=options.get("threshold"),
        recall=options.get("recall"),
        bootstraps=int(options.get("bootstraps", 1000)),
    )
    network = read_optional_json(folder / "network.json") or {}
    num_members = network.get("members", 1)
    sizes = {name: num_members * network[name] if name in network else None for name in ("parameters", "macs")}
    num_views = len(evaluated_views(_read_experiment(folder))) if network else 1
    known = {"parameters": sizes["parameters"], **prediction_costs(sizes["macs"], num_views)}
    history = read_history(folder / "history.csv")
    costs = dict.fromkeys(RUN_COSTS) | known | training_costs(history)
    metrics = {"positive": predictions.classes[positive], "classes": list(predictions.classes), **sets, **costs}
    entries = collapse_entry(predictions, metrics, history) | strata_entry(folder, predictions, metrics)
    return metrics | entries | members_entry(folder, metrics, document)


def _read_peak_memory(path: Path) -> int | None:
    """The peak memory in a changed metrics.json."""
    try:
        value = (read_optional_json(path) or {}).get("peak_memory_bytes")
    except DataError:
        return None
    return value if isinstance(value, int) else None


def _make_predictions(folder: Path, damage: Damage) -> None:
    metrics = read_json(folder / "metrics.json")
    evaluate_run(folder, [name for name in SETS if name in metrics])


def _make_gallery(folder: Path, damage: Damage) -> None:
    experiment, predictions = _read_experiment(folder), read_predictions(folder / "predictions.csv")
    prepared = prepare_again(folder, experiment, [name for name in SETS if name in predictions.sets])
    predicted = predictions.predicted_classes(
        positive=prepared.cases.positive, threshold=experiment.evaluation.threshold
    )
    with rewrite_files(folder, [damage.name], kept_edits=()):
        write_gallery(damage.path, prepared, predictions, predicted, experiment.data)


def _make_heat_maps(folder: Path, damage: Damage) -> None:
    from archnet.network.backend import start_quietly

    start_quietly()
    from archnet.network.trained_model import load_run_model  # imports Keras: deferred until the first use

    predictions = read_predictions(folder / "predictions.csv")
    positive = predictions.classes.index(read_json(folder / "metrics.json")["positive"])
    with rewrite_files(folder, [damage.name], kept_edits=()):
        write_run_heat_maps(folder, load_run_model(folder), _read_experiment(folder), predictions, positive)


def _make_froc(folder: Path, damage: Damage) -> None:
    with rewrite_files(folder, ["froc/"], kept_edits=()):
        write_run_froc(folder, read_predictions(folder / "predictions.csv"), _read_experiment(folder))


def _read_experiment(folder: Path) -> Experiment:
    source = folder / "experiment.json"
    (experiment,) = parse_experiments(Document(value=read_json(source), source=str(source)))
    return experiment


REPAIR_STEPS: Final = (
    RepairStep(name="arch.json", sources=("experiment.json",), make=_make_arch),
    RepairStep(name=ATTRIBUTES_FILE, sources=("experiment.json", "split.csv"), needs_data=True, make=_make_attributes),
    RepairStep(
        name="network.json",
        sources=("experiment.json", "environment.json", "gallery.npz", "predictions.csv"),
        make=_make_network,
    ),
    RepairStep(
        name="metrics.json",
        sources=(
            *("predictions.csv", "members/", "split.csv", "cases.csv"),
            *("experiment.json", "network.json", "history.csv"),
        ),
        make=_make_metrics,
    ),
    *(
        RepairStep(
            name=name,
            sources=("model.keras", "experiment.json", "split.csv", "network.json", "metrics.json"),
            needs_data=True,
            make=_make_predictions,
        )
        for name in ("predictions.csv", "members/")
    ),
    RepairStep(
        name="gallery.npz",
        sources=("predictions.csv", "experiment.json", "split.csv"),
        needs_data=True,
        make=_make_gallery,
    ),
    RepairStep(
        name=HEAT_MAP_FILE,
        sources=("model.keras", GALLERY_FILE, "experiment.json", "network.json", "metrics.json", "predictions.csv"),
        make=_make_heat_maps,
    ),
    RepairStep(
        name="froc/",
        sources=("predictions.csv", "experiment.json", "split.csv"),
        needs_data=True,
        make=_make_froc,
    ),
)
"""The steps of a repair, ordered so that each can use the files of the steps before it."""
