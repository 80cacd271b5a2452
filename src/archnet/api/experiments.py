"""Load and run experiments: `load_experiments`, `run` and `run_all`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from archnet.api.display import ProgressOption, show_progress
from archnet.api.paths import check_list
from archnet.errors import DocumentError, RunError
from archnet.files.locks import break_foreign_locks
from archnet.files.path_argument import output_folder, path_argument
from archnet.files.strict_json import Document, JsonPath, plain_json, read_document
from archnet.runs.folders.experiment_folder import run_name
from archnet.runs.folders.placement import open_experiment_folder
from archnet.runs.result import Run, Runs
from archnet.spec.arch import Arch
from archnet.spec.experiment import Experiment
from archnet.spec.overrides import parse_settings
from archnet.spec.resolve import allow_override, is_arch, parse_experiments, replace_data

if TYPE_CHECKING:
    from archnet.network.training.loop import Callback

Source = Experiment | Arch | Mapping[str, Any] | PathLike[str] | str
"""An experiment or an architecture: an object, a mapping with the content of a JSON file, the path of the file, or
the name of a document that archnet ships (`archnet list`)."""

log = logging.getLogger("archnet")


def load_experiments(
    source: Source | Sequence[Source],
    *,
    data: str | None = None,
    root: PathLike[str] | str | None = None,
    settings: Mapping[str, Any] | None = None,
    allow: Sequence[str] = (),
) -> tuple[Experiment, ...]:
    """Load experiments from a file or a document, one for each architecture and fold.

    >>> archnet.load_experiments("luna16_seed_protocol", root="/data/LUNA16")  # doctest: +SKIP
    >>> archnet.load_experiments([flat, deep], data="phantom", settings={"training.epochs": 5})  # doctest: +SKIP

    Args:
        source: One experiment, or one or more architectures, which share data, split and training.
        data: Name of a data set, or npz:PATH. Overrides the data set of the source.
        root: Data folder. Defaults to $ARCHNET_DATA/NAME, or the user data folder.
        settings: Overrides for any key of the experiment, such as {"training.epochs": 5,
            "arch.layers[0].num_output": 8}. They take precedence over `data` and `root`.
        allow: Data checks whose errors do not stop a run, in addition to those of the source ("data.allow").

    Returns:
        The experiments, with every default filled in.

    Raises:
        ArchnetError: The document is invalid; the message lists every problem on its own line.
    """
    if data is not None and not isinstance(data, str):
        raise DocumentError(f"data={data!r}: expected a name or npz:PATH. Give options of the data in settings=.")
    overrides = [*root_override(root), *parse_settings(settings), *allow_override(check_list(allow))]
    experiments = [
        experiment
        for document in _documents(source, is_changed=bool(data is not None or overrides))
        for experiment in _parse(document, data, overrides)
    ]
    return tuple(experiments)


def run(  # noqa: PLR0913 - the options of `archnet run`, by name
    source: Source,
    *,
    data: str | None = None,
    root: PathLike[str] | str | None = None,
    series: str | None = None,
    settings: Mapping[str, Any] | None = None,
    out: PathLike[str] | str | None = None,
    seed: int | None = None,
    memory: str | int | None = None,
    device: str | None = None,
    deterministic: bool = False,
    strict: bool = False,
    allow: Sequence[str] = (),
    resume: bool = False,
    overwrite: bool = False,
    baseline: bool = False,
    track: Literal["mlflow"] | None = None,
    break_lock: bool = False,
    progress: ProgressOption = None,
    callback: Callback | None = None,
) -> Run:
    """Train and evaluate one architecture, and write its run folder.

    >>> run = archnet.run("arch3dsm", data="phantom", settings={"training.epochs": 5})  # doctest: +SKIP
    >>> run.metrics["test"]["recall"], run.report  # doctest: +SKIP

    Args:
        source: An architecture, or an experiment with one architecture and no folds: an object, a document or a file.
        data, root, settings, allow: See `load_experiments`.
        series, out, seed, memory, device, deterministic, strict, resume, overwrite: See `run_all`.
        track, break_lock, progress, callback: See `run_all`.
        baseline: See `run_all`; the runs of the baselines are in the experiment folder.

    Returns:
        The finished run.

    Raises:
        ArchnetError: The source, the data, the output folder or the device is invalid.
    """
    experiments = load_experiments(source, data=data, root=root, settings=settings, allow=allow)
    if len(experiments) != 1:
        names = ", ".join(run_name(one) for one in experiments)
        raise RunError(f"archnet.run: expected one run, got {len(experiments)} ({names}). Use archnet.run_all.")
    first, *_ = run_all(
        experiments,
        series=series,
        out=out,
        seed=seed,
        memory=memory,
        device=device,
        deterministic=deterministic,
        strict=strict,
        resume=resume,
        overwrite=overwrite,
        baseline=baseline,
        track=track,
        break_lock=break_lock,
        progress=progress,
        callback=callback,
    )
    return first


def run_all(  # noqa: PLR0913 - the options of `archnet run`, by name
    source: Source | Sequence[Source],
    *,
    data: str | None = None,
    root: PathLike[str] | str | None = None,
    series: str | None = None,
    settings: Mapping[str, Any] | None = None,
    out: PathLike[str] | str | None = None,
    seed: int | None = None,
    memory: str | int | None = None,
    device: str | None = None,
    deterministic: bool = False,
    strict: bool = False,
    allow: Sequence[str] = (),
    resume: bool = False,
    overwrite: bool = False,
    baseline: bool = False,
    track: Literal["mlflow"] | None = None,
    break_lock: bool = False,
    progress: ProgressOption = None,
    callback: Callback | None = None,
) -> Runs:
    """Train and evaluate architectures on the same splits, one after another, and compare all runs in the folder.

    >>> runs = archnet.run_all(["archsm", "arch3dsm"], data="phantom")  # doctest: +SKIP
    >>> print(runs.comparison)  # doctest: +SKIP

    Args:
        source: One experiment, or one or more architectures: objects, documents or files; see `load_experiments`.
        data: See `load_experiments`.
        root: See `load_experiments`.
        series: The CT series to read in DICOM folders that contain several ("data.series").
        settings: See `load_experiments`.
        out: Experiment folder. Defaults to runs/<experiment>; an experiment whose settings have changed since gets a
            folder with a number, such as runs/<experiment>-2.
        seed: Seed for initialization, shuffling and augmentation ("training.seed").
        memory: Memory limit for training, such as "4GB" or "2GiB" ("training.memory"). Defaults to the free memory.
        device: Training device: "cpu", "gpu" (all GPUs) or one GPU, such as "gpu:1". Defaults to one GPU if available.
        deterministic: Use deterministic (slower) GPU kernels; CPU runs are always reproducible.
        strict: Try all scans, then fail if any is unreadable or a candidate lies outside its scan. By default, they are
            skipped with a warning.
        allow: See `load_experiments`.
        resume: Resume interrupted runs; skip finished ones.
        overwrite: Replace the latest runs, or those in `out`. They are kept in the folder .replaced of the experiment
            folder until the new runs are finished.
        baseline: Add a random forest and a logistic regression on the downsampled voxels to the comparison.
        track: "mlflow" logs finished runs to MLflow: $MLFLOW_TRACKING_URI, or mlflow.db next to the experiment folder
            (requires the extra: track).
        break_lock: Break the locks of processes on other machines that ended without releasing them.
        progress: None (the default) shows progress in notebooks and on terminals, True always, False never. A function
            of (items, description, total) replaces the display of data preparation: it yields the items.
        callback: Object with the methods `on_step(epoch, step, num_steps, logs)` and `on_epoch(row)`, which are called
            after every training step and epoch. If it has the method `on_member(number)`, that is called before each
            network of an ensemble, and a row has the key "member".

    Returns:
        The finished runs, in the order of the experiments; those of the baselines come last. `comparison` compares all
        finished runs in the folder (None where there is only one).

    Raises:
        ArchnetError: The source, the data, the output folder or the device is invalid.
    """
    flags = {"training.seed": seed, "training.memory": memory, "data.series": series}
    given = {key: value for key, value in flags.items() if value is not None}
    experiments = load_experiments(source, data=data, root=root, settings={**(settings or {}), **given}, allow=allow)
    from archnet.runs.baselines import run_baselines
    from archnet.runs.comparison import compare_finished_runs
    from archnet.runs.runner import RunOptions, run_experiments

    folder = None if out is None else output_folder(out)
    with ExitStack() as block:
        block.enter_context(break_foreign_locks(is_wanted=break_lock))
        display = block.enter_context(show_progress(progress, callback))
        placement = block.enter_context(open_experiment_folder(experiments, folder, resume=resume, overwrite=overwrite))
        folder = placement.folder
        store = _open_store(folder.parent, track)
        options = RunOptions(
            progress=display.progress,
            callback=display.callback,
            strict=strict,
            resume=resume,
            device=device,
            deterministic=deterministic,
            placement=placement,
        )
        try:
            runs = run_experiments(experiments, out=folder, options=options)
            if baseline:
                runs += run_baselines(experiments, out=folder, progress=display.progress)
            comparison = compare_finished_runs(folder)
        except KeyboardInterrupt as error:
            error.add_note("Nothing is lost: run it again with resume=True to continue.")
            raise
        for finished_run in runs if store else ():
            store.add(finished_run.folder)
    return Runs(runs, comparison)


def _open_store(experiments: Path, track: str | None) -> Any:
    """Open the tracking store before training starts; None without tracking."""
    if track is None:
        return None
    if track != "mlflow":
        raise RunError(f'track="{track}": unknown. Known: "mlflow".')
    from archnet.tracking.mlflow_store import MlflowStore

    return MlflowStore(experiments)


def root_override(root: PathLike[str] | str | None) -> list[tuple[JsonPath, Any]]:
    """The override for `root`."""
    return [] if root is None else [(("data", "root"), str(path_argument(root, "root")))]


def _parse(
    document: Document | Experiment, data: str | None, overrides: Sequence[tuple[JsonPath, Any]]
) -> Sequence[Experiment]:
    """Parse the experiments of a document after its data set and values are replaced."""
    if isinstance(document, Experiment):
        return [document]
    if data is not None:
        document, dropped_keys = replace_data(document, data)
        if dropped_keys:
            log.warning("data=%r: ignoring %s, which this data set does not support.", data, ", ".join(dropped_keys))
    return parse_experiments(document, overrides)


def _documents(source: Source | Sequence[Source], *, is_changed: bool) -> Iterator[Document | Experiment]:
    """Convert a source to documents; experiments without changes remain objects."""
    is_one = isinstance(source, Mapping | PathLike | str | bytes) or not isinstance(source, Iterable)
    sources: list[Any] = [source] if is_one else list(cast(Iterable[Any], source))
    if sources and all(isinstance(one, Mapping) and "type" in one for one in sources):
        sources = [{"layers": sources}]  # the layers of one architecture
    if not sources:
        raise DocumentError("no architecture or experiment is given. Pass at least one.")
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
                f'{document.source}: expected an architecture (a list of layers, or an object with "layers"). Pass one '
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
    return read_document(path_argument(source, "source"))


def _experiment_document(experiment: Experiment) -> Document:
    return Document(value=experiment.to_document(), source=f'the experiment "{experiment.name}"')
