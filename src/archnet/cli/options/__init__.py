"""Shared by several commands: options, the experiments that they describe, and printing."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from archnet.errors import DocumentError
from archnet.files.documents.json_text import json_text
from archnet.files.terminal_text import escape_json, escape_message, escape_name, name_stream
from archnet.spec.datasets import DATASETS, dataset_names

if TYPE_CHECKING:
    from archnet.data.checks.findings import Finding
    from archnet.inference.trained_run import TrainedOn
    from archnet.spec.experiment import Experiment

_SIZE: Final = re.compile("[0-9]{1,6}")
"""A number of voxels along one axis."""

_NOT_ASCII: Final = re.compile("[^\x00-\x7f]")

_MAX_SCANS: Final = 5
"""Scans that a warning names."""


def check_names() -> list[str]:
    """The names of the data checks."""
    from archnet.spec.schema import read_schema

    names: list[str] = read_schema("experiment")["properties"]["data"]["properties"]["allow"]["items"]["enum"]
    return names


JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        help=f"Data set: {dataset_names()}. Overrides that of an experiment file.",
        metavar="NAME",
        autocompletion=lambda: list(DATASETS),
    ),
]
RootOption = Annotated[
    Path | None,
    typer.Option(help="Data folder. Default: $ARCHNET_DATA/NAME, or the user data folder.", metavar="DIR"),
]
SeriesOption = Annotated[
    str | None,
    typer.Option(
        "--series",
        help="The CT series to read in DICOM folders that contain several, by its uid, number or description.",
        metavar="SERIES",
    ),
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Resume interrupted runs; skip finished ones.")]
RetryOption = Annotated[bool, typer.Option("--retry", help="With --resume: repeat failed runs.")]
BreakLockOption = Annotated[
    bool,
    typer.Option(
        "--break-lock",
        help="Break the lock of an archnet process on another machine that ended without releasing it.",
    ),
]
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Try all scans, then fail if any is unreadable or a candidate lies outside its scan (default: skip them).",
    ),
]


def set_option(help_text: str) -> Any:
    """The option `--set` of a command, with examples that suit it."""
    return typer.Option("--set", help=f"{help_text} May be repeated.", metavar="KEY=VALUE")


SetOption = Annotated[
    list[str] | None,
    set_option("Override any key of the experiment, such as training.epochs=5 or arch.layers[0].num_output=8."),
]
DataSetOption = Annotated[
    list[str] | None,
    set_option("Override any key of the data or the split, such as data.negatives_per_positive=5 or split.test=0.3."),
]

AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        help="Use the data even if this data check finds an error (data.allow); may be repeated.",
        metavar="CHECK",
        autocompletion=check_names,
    ),
]

MemoryOption = Annotated[
    str | None,
    typer.Option(
        "--memory",
        help="Memory limit for training, such as 4GB or 2GiB (training.memory). Default: the free memory.",
        metavar="SIZE",
    ),
]

DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="Training device: cpu, gpu (all GPUs) or one GPU, such as gpu:1. Default: one GPU if available.",
        metavar="DEVICE",
    ),
]
DeterministicOption = Annotated[
    bool,
    typer.Option(
        "--deterministic",
        help="Use deterministic (slower) GPU kernels; CPU runs are always reproducible.",
    ),
]
BaselineOption = Annotated[
    bool,
    typer.Option(
        "--baseline",
        help="Add a random forest and a logistic regression on the downsampled voxels to the comparison.",
    ),
]
TrackOption = Annotated[
    Literal["mlflow"] | None,
    typer.Option(
        "--track",
        help="Log finished runs to MLflow: $MLFLOW_TRACKING_URI, or mlflow.db next to the experiment folder "
        "(requires the extra: track).",
    ),
]


RESUME_HINT: Final = "Nothing is lost: run the same command with --resume to continue."
KEPT_RUNS: Final = "Finished runs and the last checkpoint are kept: run the same command with --resume to continue."
KEPT_SCANS: Final = "Finished scans are kept: run the same command to continue."


def echo(text: str, *, err: bool = False) -> None:
    """Print a text on stdout or stderr, with the control characters of the names in it escaped."""
    with name_stream(is_stderr=err):
        typer.echo(escape_message(text), err=err)


def print_paths(paths: list[Path], as_json: bool) -> None:
    """Print each path on its own line."""
    if as_json:
        print_json([str(path) for path in paths])
    else:
        for path in paths:
            echo(escape_name(str(path)))


def load_command_experiments(
    files: list[Path], data: str | None, root: Path | None, settings: list[str], allow: Sequence[str] = ()
) -> tuple[tuple[Experiment, ...], list[str]]:
    """The experiments of a command line, and notes for the user.

    Args:
        files: Architecture files, or one experiment file.
        data: `--data`; it overrides the file's.
        root: `--root`; it overrides both.
        settings: `--set`; they override everything.
        allow: `--allow`; these checks join those that the file allows.

    Raises:
        DocumentError: A file is not strict JSON, has problems, or is a sweep.
    """
    from archnet.spec.resolve import parse_experiments, read_experiment_document, replace_data
    from archnet.spec.sweeps.sweep import is_sweep

    document, notes = read_experiment_document(files), []
    if is_sweep(document.value):
        raise DocumentError(f"{files[0]}: this is a sweep. Run it with: archnet sweep {files[0]}")
    if data:
        document, dropped_keys = replace_data(document, data)
        if dropped_keys:
            notes.append(f"--data {data}: ignoring {', '.join(dropped_keys)}, which this data set does not support.")
    return parse_experiments(document, parse_overrides(root, settings, allow)), notes


def check_retry(*, retry: bool, resume: bool) -> None:
    """Check that failed runs are repeated only where runs are resumed.

    Raises:
        DocumentError: They are not.
    """
    if retry and not resume:
        raise DocumentError("--retry: repeats the failed runs of an earlier command. Add --resume, or leave it out.")


def flag_setting(key: str, value: int | str | None) -> list[str]:
    """A flag that abbreviates a key, in the form of `--set`; empty if it is not given."""
    return [] if value is None else [f"{key}={json.dumps(value)}"]


def parse_overrides(
    root: Path | None, settings: Sequence[str] | None, allow: Sequence[str] | None = None
) -> list[tuple[tuple[str | int, ...], Any]]:
    """The keys that `--root`, `--set` and `--allow` override, with their values."""
    from archnet.spec.overrides import parse_override
    from archnet.spec.resolve import allow_override

    overrides = [*(parse_override(text) for text in settings or []), *allow_override(allow or ())]
    return overrides if root is None else [(("data", "root"), str(root)), *overrides]


def parse_input_shape(text: str | None) -> tuple[int, ...] | None:
    """Parse sizes such as 64x64x10."""
    if text is None:
        return None
    sizes = text.lower().replace("×", "x").split("x")
    if not all(_SIZE.fullmatch(size) for size in sizes):
        raise DocumentError(f"--input {json_text(text)}: expected sizes joined by x, such as 64x64 or 64x64x10.")
    return tuple(map(int, sizes))


def print_json(value: Any) -> None:
    """Print one JSON value on stdout, in ASCII where stdout is not UTF-8."""
    print_json_text(json.dumps(value, indent=2, ensure_ascii=False))


def print_json_text(text: str) -> None:
    """Print formatted JSON on stdout, in ASCII where stdout is not UTF-8."""
    encoding = sys.stdout.encoding or "utf-8"  # io.StringIO has none, and holds every character
    is_utf8 = encoding.lower().replace("-", "") == "utf8"
    escaped = escape_json(text)
    with name_stream(is_stderr=False):
        typer.echo(escaped if is_utf8 else _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], escaped))


def print_messages(messages: Iterable[str]) -> None:
    """Print each message on its own line on stderr."""
    for message in messages:
        echo(message, err=True)


def print_findings(findings: Iterable[Finding]) -> None:
    """Print the findings about the data, one per line."""
    print_messages(f"{finding.severity.capitalize()}: {finding.text}" for finding in findings)


def print_scan_warnings(warnings: Mapping[Path, Sequence[str]]) -> None:
    """Print why scans are out of distribution, by scan."""
    print_messages(
        f"Warning: {scan} is out of distribution: {sentence}"
        for scan, sentences in warnings.items()
        for sentence in sentences
    )


def print_trainings(trained_on: Mapping[Path, Sequence[TrainedOn]]) -> None:
    """Print which scans runs were trained on: a line for each scan, or for each run if there are many scans."""
    scans: dict[TrainedOn, list[Path]] = {}
    for scan, runs in trained_on.items():
        for run in runs:
            scans.setdefault(run, []).append(scan)
    for run, paths in scans.items():
        if len(paths) <= _MAX_SCANS:
            print_messages(f"Warning: {scan} {run.sentence}" for scan in paths)
        else:
            first = ", ".join(map(str, paths[:_MAX_SCANS]))
            names = f"{first} and {len(paths) - _MAX_SCANS:,} more"
            print_messages([f"Warning: each of {len(paths):,} scans ({names}) {run.sentence}"])


@contextmanager
def hint_if_interrupted(hint: str, kept: str) -> Iterator[None]:
    """Add a hint on how to continue to an interruption, and a note on what was kept to a system error."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Interrupted. {hint}") from None
    except OSError as error:
        error.add_note(kept)
        raise
