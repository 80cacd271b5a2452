"""From architectures and experiments to runs: `load_experiments`, `run` and `run_all`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from archnet.api.display import ProgressOption, show_progress
from archnet.errors import DocumentError, RunError
from archnet.files.strict_json import Document, JsonPath, plain_json, read_document
from archnet.runs.folder import experiment_folder, run_name
from archnet.runs.result import Run
from archnet.spec.arch import Arch
from archnet.spec.experiment import Experiment
from archnet.spec.overrides import parse_key
from archnet.spec.resolve import is_arch, parse_experiments, replace_data

if TYPE_CHECKING:
    from archnet.network.training.loop import Callback

Source = Experiment | Arch | Mapping[str, Any] | PathLike[str] | str
"""An experiment or an architecture: as an object, as the document that a file would hold, or as its file."""

log = logging.getLogger("archnet")


def load_experiments(
    source: Source | Sequence[Source],
    *,
    data: str | None = None,
    root: PathLike[str] | str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Experiment, ...]:
    """Load the experiments of a file or a document, one for each architecture and fold.

    >>> archnet.load_experiments("experiments/luna16_seed_protocol.json", root="/data/LUNA16")  # doctest: +SKIP
    >>> archnet.load_experiments([flat, deep], data="phantom", settings={"training.epochs": 5})  # doctest: +SKIP

    Args:
        source: One experiment, or one or more architectures, which share data, split and training.
        data: The data set, as after `--data`: a name, or npz:PATH. Overrides the source's.
        root: Folder of the data.
        settings: Values of any keys, such as {"training.epochs": 5, "arch.layers[0].num_output": 8}; as `--set`, they
            override everything else.

    Raises:
        ArchnetError: The document has problems; the message has a line for each.
    """
    overrides = [*_root_override(root), *_parse_settings(settings)]
    experiments = [
        experiment
        for document in _documents(source, is_changed=bool(data or overrides))
        for experiment in _parse(document, data, overrides)
    ]
    return tuple(experiments)


def run(  # noqa: PLR0913 - the options of `archnet run`, by name
    source: Source,
    *,
    data: str | None = None,
    root: PathLike[str] | str | None = None,
    settings: Mapping[str, Any] | None = None,
    out: PathLike[str] | str | None = None,
    seed: int | None = None,
    memory: str | int | None = None,
    device: str | None = None,
    deterministic: bool = False,
    strict: bool = False,
    resume: bool = False,
    baseline: bool = False,
    track: Literal["mlflow"] | None = None,
    progress: ProgressOption = None,
    callback: Callback | None = None,
) -> Run:
    """Train and evaluate one architecture, and write its run folder.

    >>> run = archnet.run("archs/arch3dsm.json", data="phantom", settings={"training.epochs": 5})  # doctest: +SKIP
    >>> run.metrics["test"]["recall"], run.report  # doctest: +SKIP

    Args:
        source: An architecture, or an experiment with one architecture and no folds: an object, a document or a file.
        baseline: See `run_all`; the baselines' runs are in the experiment's folder.
        data, root, settings: See `load_experiments`; the other options: see `run_all`.

    Raises:
        ArchnetError: The documents, the data, the folder or the device cannot be used.
    """
    experiments = load_experiments(source, data=data, root=root, settings=settings)
    if len(experiments) != 1:
        names = ", ".join(run_name(one) for one in experiments)
        raise RunError(f"run makes one run, but the experiment has {len(experiments)} ({names}). Use run_all.")
    first, *_ = run_all(
        experiments,
        out=out,
        seed=seed,
        memory=memory,
        device=device,
        deterministic=deterministic,
        strict=strict,
        resume=resume,
        baseline=baseline,
        track=track,
        progress=progress,
        callback=callback,
    )
    return first


def run_all(  # noqa: PLR0913 - the options of `archnet run`, by name
    source: Source | Sequence[Source],
    *,
    data: str | None = None,
    root: PathLike[str] | str | None = None,
    settings: Mapping[str, Any] | None = None,
    out: PathLike[str] | str | None = None,
    seed: int | None = None,
    memory: str | int | None = None,
    device: str | None = None,
    deterministic: bool = False,
    strict: bool = False,
    resume: bool = False,
    baseline: bool = False,
    track: Literal["mlflow"] | None = None,
    progress: ProgressOption = None,
    callback: Callback | None = None,
) -> list[Run]:
    """Train and evaluate architectures on the same splits, one after another, and compare all runs of the folder.

    >>> archnet.run_all(["archs/archsm.json", "archs/arch3dsm.json"], data="phantom")  # doctest: +SKIP
    >>> archnet.compare("runs/phantom")  # doctest: +SKIP

    Args:
        source: One experiment, or one or more architectures: objects, documents or files; see `load_experiments`.
        data: See `load_experiments`.
        root: See `load_experiments`.
        settings: See `load_experiments`.
        out: The experiment's folder; by default runs/<experiment>.
        seed: Seed of initialization, shuffling and augmentation ("training.seed").
        memory: Memory limit for training, such as "4GB" ("training.memory"); by default the free memory.
        device: Where this process trains: "cpu", "gpu" (all of them) or "gpu:1"; null is a GPU if there is one.
        deterministic: Use deterministic (slower) GPU kernels.
        strict: Fail if a scan cannot be read; otherwise its cases are left out, with a warning.
        resume: Skip finished runs and resume interrupted ones.
        baseline: Add a random forest and a logistic regression on the downsampled voxels; their runs come last.
        track: "mlflow" logs the finished runs to MLflow: $MLFLOW_TRACKING_URI, or mlflow.db next to the experiment's
            folder (needs the extra: track).
        progress: Null shows progress in a notebook and on a terminal, true everywhere, false nowhere; or a function
            that wraps what takes long while the data are prepared.
        callback: Called after every training step and epoch.

    Raises:
        ArchnetError: The documents, the data, the folder or the device cannot be used.
    """
    flags = {"training.seed": seed, "training.memory": memory}
    given = {key: value for key, value in flags.items() if value is not None}
    experiments = load_experiments(source, data=data, root=root, settings={**(settings or {}), **given})
    from archnet.runs.baselines import run_baselines
    from archnet.runs.runner import RunOptions, run_experiments

    folder = experiment_folder(experiments[0], None if out is None else Path(out))
    store = _open_store(folder.parent, track)
    with show_progress(progress, callback) as display:
        options = RunOptions(
            progress=display.progress,
            callback=display.callback,
            strict=strict,
            resume=resume,
            device=device,
            deterministic=deterministic,
        )
        try:
            runs = run_experiments(experiments, out=folder, options=options)
            if baseline:
                runs += run_baselines(experiments, out=folder, progress=display.progress)
        except KeyboardInterrupt as error:
            error.add_note("Nothing is lost: run it again with resume=True to continue.")
            raise
    for finished_run in runs if store else ():
        store.add(finished_run.folder)
    return runs


def _open_store(experiments: Path, track: str | None) -> Any:
    """The tracking store, opened before anything is trained; null if nothing is tracked."""
    if track is None:
        return None
    if track != "mlflow":
        raise RunError(f'track="{track}": unknown. Known: "mlflow".')
    from archnet.tracking.mlflow_store import MlflowStore

    return MlflowStore(experiments)


def _root_override(root: PathLike[str] | str | None) -> list[tuple[JsonPath, Any]]:
    return [] if root is None else [(("data", "root"), str(Path(root)))]


def _parse_settings(settings: Mapping[str, Any] | None) -> list[tuple[JsonPath, Any]]:
    return [(parse_key(key), plain_json(value, key)) for key, value in (settings or {}).items()]


def _parse(
    document: Document | Experiment, data: str | None, overrides: Sequence[tuple[JsonPath, Any]]
) -> Sequence[Experiment]:
    """The experiments of a document on other data, with some values replaced."""
    if isinstance(document, Experiment):
        return [document]
    if data:
        document, dropped_keys = replace_data(document, data)
        if dropped_keys:
            log.warning("data=%r: ignoring %s, which this data set does not support.", data, ", ".join(dropped_keys))
    return parse_experiments(document, overrides)


def _documents(source: Source | Sequence[Source], *, is_changed: bool) -> Iterator[Document | Experiment]:
    """What a source means: experiments as they are unless they change, else one document."""
    sources: list[Any] = [source] if isinstance(source, Experiment | Arch | Mapping | PathLike | str) else list(source)
    if sources and all(isinstance(one, Mapping) and "type" in one for one in sources):
        sources = [{"layers": sources}]  # the layers of one architecture
    if not sources:
        raise DocumentError("no architecture and no experiment is given. Name one.")
    if all(isinstance(one, Experiment) for one in sources):
        yield from map(_experiment_document, sources) if is_changed else sources
        return
    documents = [_source_document(one, index) for index, one in enumerate(sources)]
    if len(documents) == 1 and not is_arch(documents[0].value):
        yield documents[0]
        return
    for document in documents:
        if not is_arch(document.value):
            raise DocumentError(
                f'{document.source}: expected an architecture (a list of layers, or an object with "layers"). Give one '
                "experiment alone, or architectures only."
            )
    names = [f"{index}/{document.source}" for index, document in enumerate(documents)]
    files = dict(zip(names, documents, strict=True))
    yield Document(value={"archs": names}, source="the experiment", files=files)


def _source_document(source: Source, index: int) -> Document:
    if isinstance(source, Experiment):
        return _experiment_document(source)
    if isinstance(source, Arch):
        return Document(value=source.to_document(), source=source.document.source)
    if isinstance(source, Mapping):
        name = "the experiment" if not is_arch(source) else f"arch{index + 1}"
        return Document(value=plain_json(source, name), source=name)
    return read_document(Path(source))


def _experiment_document(experiment: Experiment) -> Document:
    return Document(value=experiment.to_document(), source=f'the experiment "{experiment.name}"')
