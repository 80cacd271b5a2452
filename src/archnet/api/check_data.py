"""`check_data`: summarize a data set and report its problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from archnet.api.display import ProgressOption, show_progress
from archnet.api.experiments import load_experiments, root_override
from archnet.api.paths import check_list
from archnet.errors import DocumentError
from archnet.files.path_argument import document_path, output_file, path_argument
from archnet.files.strict_json import plain_json, read_document
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import Experiment
from archnet.spec.overrides import parse_settings
from archnet.spec.resolve import allow_override, data_experiments, parse_experiments
from archnet.spec.sweeps.document import parse_sweep
from archnet.spec.sweeps.sweep import is_sweep

if TYPE_CHECKING:
    from archnet.runs.preparation.inspection import DataCheck


def check_data(  # noqa: PLR0913 - the options of `archnet data check`, by name
    data: Experiment | Mapping[str, Any] | PathLike[str] | str,
    *,
    root: PathLike[str] | str | None = None,
    settings: Mapping[str, Any] | None = None,
    allow: Sequence[str] = (),
    series: str | None = None,
    all: bool = False,  # named like `--all`
    quick: bool = False,
    html: PathLike[str] | str | None = None,
    progress: ProgressOption = None,
) -> DataCheck:
    """Check a data set: summarize it, report problems, and suggest fixes. Nothing is trained.

    `run`, `run_all` and `load_data` run the same checks and stop at errors; here, errors are ordinary findings. Only
    this function searches for near-duplicates; the others use its result. Crops that are not in the crop store yet are
    extracted.

    >>> check = archnet.check_data("phantom")  # doctest: +SKIP
    >>> check.is_usable, [finding.message for finding in check.select("warning")]  # doctest: +SKIP
    >>> archnet.check_data("npz:cubes.npz", html="check.html").summary["sets"]  # doctest: +SKIP

    Args:
        data: Name of a data set, npz:PATH, the "data" section of an experiment, or an experiment: an object, a document
            or a file; the file of a sweep names its base experiment.
        root: Data folder. Defaults to $ARCHNET_DATA/NAME, or the user data folder.
        settings: Overrides for other keys of the experiment, such as {"split.seed": 1}.
        allow: Data checks whose errors would not stop a run, such as ["near_duplicates"] ("data.allow").
        series: The CT series to read in DICOM folders that contain several ("data.series").
        all: Also check the candidates that are not drawn (all their crops are extracted).
        quick: Check only the lists: extract no crops and read no voxels.
        html: Write the check as a page with histograms and pictures of cases to this file; an existing file is
            replaced.
        progress: None (the default) shows progress in notebooks and on terminals, True always, False never.

    Returns:
        The check: `findings` with severity, cases and remedy; `summary`, JSON-ready; `is_usable`, whether a run would
        start.

    Raises:
        ArchnetError: The data set is unknown, missing or damaged, or does not match the options.
    """
    page = None if html is None else output_file(html)
    load = partial(_load, data, root=root, allow=check_list(allow))
    settings = {**(settings or {}), **({} if series is None else {"data.series": series})}
    experiments = load(settings=settings)
    if all and "negatives_per_positive" in DATASETS[experiments[0].data.name].options:
        experiments = load(settings={**settings, "data.negatives_per_positive": "all"})
    from archnet.runs.preparation.inspection import inspect_data

    with show_progress(progress) as display:
        check = inspect_data(experiments, display.progress, is_quick=quick)
    if page is not None:
        check.write_html(page)
    return check


def _load(
    data: Any, *, root: PathLike[str] | str | None, settings: Mapping[str, Any], allow: Sequence[str]
) -> tuple[Experiment, ...]:
    """The experiments of a data set, a section, a sweep or an experiment; one for each fold and architecture."""
    overrides = [*root_override(root), *parse_settings(settings), *allow_override(allow)]
    if not _is_data_section(data):
        document = read_document(path_argument(data, "source")) if isinstance(data, str | PathLike) else None
        if document and is_sweep(document.value):
            return parse_experiments(parse_sweep(document, overrides=overrides).base)
        return load_experiments(data, root=root, settings=settings, allow=allow)
    return data_experiments(data if isinstance(data, str) else plain_json(data, "data"), overrides)


def _is_data_section(data: Any) -> bool:
    """Whether data are given by name or as a section, not as an experiment or a file that contains one."""
    if isinstance(data, str):
        return data.partition(":")[0] in DATASETS or not (data.endswith(".json") or document_path(data).exists())
    if not isinstance(data, Experiment | Mapping | PathLike):
        expected = 'a name, npz:PATH, a mapping such as {"name": "phantom"}, or an experiment'
        raise DocumentError(f"data={data!r}: expected {expected}.")
    return isinstance(data, Mapping) and not {"arch", "archs", "layers"} & set(data)
