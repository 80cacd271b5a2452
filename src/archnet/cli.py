"""The command line: parse, call one function, print. Results go to stdout, progress and messages to stderr."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archnet.errors import ArchnetError, DocumentError

if TYPE_CHECKING:
    from archnet.spec.experiment import Experiment

app = typer.Typer(
    name="archnet",
    help="JSON architecture files to 2D and 3D convolutional networks for chest CT: train, evaluate, compare.",
    epilog="Start with: archnet run archs/arch3dsm.json --data phantom",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Look at data sets, fetch public ones, make the phantom.", no_args_is_help=True)
app.add_typer(data_app, name="data")

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object, for machines.")]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="Data set: luna16, phantom, mosmed, folder or npz:PATH. Overrides an experiment file's.",
        metavar="NAME",
    ),
]
RootOption = Annotated[
    Path | None,
    typer.Option(help="Folder of the data; otherwise $ARCHNET_DATA/NAME, else the user data folder.", metavar="DIR"),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Override any key of the experiment, such as training.epochs=5 or arch.layers[0].num_output=8.",
        metavar="KEY=VALUE",
    ),
]


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Architecture or experiment files.", metavar="FILE...")],
    input_text: Annotated[str | None, typer.Option("--input", help="Spatial input, such as 64x64x10.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Validate JSON files: every problem of every file, each with its place. Exit code 2 if there is one."""
    results = [_checked(path, input_text) for path in files]
    if as_json:
        _print_json(results)
    for result in results if not as_json else ():
        for warning in result["warnings"]:
            typer.echo(f"warning: {warning}", err=True)
        typer.echo(result["says"] if result["valid"] else "\n".join(result["problems"]), err=not result["valid"])
    if not all(result["valid"] for result in results):
        raise typer.Exit(2)


def _checked(path: Path, input_text: str | None) -> dict[str, Any]:
    from archnet.spec.arch import parse_arch
    from archnet.spec.cost import cost_of
    from archnet.spec.documents import read_document
    from archnet.spec.resolve import is_arch, parse_experiments

    result: dict[str, Any] = {"file": str(path), "valid": True, "problems": [], "warnings": []}
    try:
        document = read_document(path)
        if is_arch(document.value):
            arch = parse_arch(document)
            plan = arch.plan(_input_shape(input_text))
            sizes = "x".join(map(str, plan[0].input_shape))
            says = f"{arch.rank}D, {len(plan)} layers, {cost_of(plan).num_parameters:,} parameters at {sizes}"
            result["warnings"] = arch.warnings()
        else:
            experiments = parse_experiments(document)
            says = f"an experiment with {', '.join(experiment.arch.name for experiment in experiments)}"
            result["warnings"] = [text for experiment in experiments for text in experiment.arch.warnings()]
        return {**result, "says": f"{path}: valid: {says}"}
    except DocumentError as error:
        return {**result, "valid": False, "problems": str(error).splitlines()}


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Architecture file.")],
    input_text: Annotated[
        str | None, typer.Option("--input", help="Spatial input, such as 64x64x10; otherwise the file's own.")
    ] = None,
    classes: Annotated[int, typer.Option(help="Number of classes.", min=2)] = 2,
    batch: Annotated[int, typer.Option(help="Batch size for the memory estimate.", min=1)] = 32,
    as_json: JsonFlag = False,
) -> None:
    """Show a network: layers, shapes, parameters, multiply-adds, memory."""
    from archnet.spec.arch import parse_arch
    from archnet.spec.cost import network_summary
    from archnet.spec.resolve import architecture_document

    arch = parse_arch(architecture_document(file))
    summary = network_summary(arch.plan(_input_shape(input_text), classes), batch)
    for warning in arch.warnings():
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        _print_json(summary)
    else:
        from archnet.console import stdout
        from archnet.report.network_table import network_table

        stdout.print(network_table(arch.name, summary))


@app.command()
def run(
    files: Annotated[
        list[Path], typer.Argument(help="Architecture files, or one experiment file.", metavar="ARCH...|EXPERIMENT")
    ],
    data: DataOption = None,
    root: RootOption = None,
    settings: SetOption = None,
    out: Annotated[
        Path | None, typer.Option(help="The experiment's folder; otherwise runs/<experiment>.", metavar="DIR")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of weights, order and augmentation (training.seed).", min=0)
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Train architectures, judge them on the test set, and leave a run folder with a report.

    Two or more architectures are trained on the same split and compared.

    Examples:
        archnet run archs/arch3dsm.json --data phantom

        archnet run archs/archsm.json archs/arch3dsm.json --data luna16 --root /data/LUNA16

        archnet run experiments/luna16_seed_protocol.json --set training.epochs=5
    """
    from archnet.console import progress, stderr, training_display

    experiments = _experiments(files, data, root, [*(settings or []), *_seed_setting(seed)])
    from archnet.network.backend import start_quietly

    stderr.print(start_quietly())
    from archnet.runner import run_all

    try:
        with training_display() as display:
            runs = run_all(experiments, out=out, progress=progress, watcher=display)
    except KeyboardInterrupt:
        typer.echo("Interrupted. Nothing finished is lost; the same command starts the unfinished run again.", err=True)
        raise
    if as_json:
        _print_json([{"folder": str(run.folder), "metrics": run.metrics} for run in runs])
    else:
        _print_runs([run.folder for run in runs])


def _seed_setting(seed: int | None) -> list[str]:
    return [] if seed is None else [f"training.seed={seed}"]


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or an experiment's folder.", metavar="RUN...")],
    as_json: JsonFlag = False,
) -> None:
    """Put finished runs side by side: recall, precision, MCC, AUC, confusion matrices, costs."""
    from archnet.evaluation.comparison import compare as compared

    comparison = compared(runs)
    if as_json:
        _print_json(comparison.as_json())
    else:
        from archnet.console import stdout
        from archnet.report.terminal import comparison_table

        stdout.print(comparison_table(comparison))


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or an experiment's folder.", metavar="RUN...")],
    as_json: JsonFlag = False,
) -> None:
    """Recompute metrics.json from predictions.csv, and draw the figures and report.html again."""
    from archnet.report.again import report_again

    _print_paths(report_again(runs), as_json)


@data_app.command()
def info(
    data: Annotated[str, typer.Argument(help="Data set: luna16, phantom, mosmed, folder or npz:PATH.")],
    root: RootOption = None,
    settings: SetOption = None,
    picture: Annotated[
        str | None,
        typer.Option(
            help='Draw this case\'s slices and what augmentation does to them; "first" is the first positive.'
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("case.png"),
    as_json: JsonFlag = False,
) -> None:
    """Tell what a data set holds: classes, groups, shape, and the sets of the default split."""
    from archnet.console import progress
    from archnet.preview import data_summary, draw_case
    from archnet.spec.resolve import data_experiment

    experiment = data_experiment(data, _settings(root, settings))
    summary = data_summary(experiment, progress)
    if picture:
        from archnet.network.backend import start_quietly

        start_quietly()
        summary["picture"] = str(draw_case(experiment, picture, out, progress))
    if as_json:
        _print_json(summary)
    else:
        for key, value in summary.items():
            typer.echo(
                f"{key:<9} {value if not isinstance(value, dict) else ', '.join(f'{k}: {v}' for k, v in value.items())}"
            )


@data_app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Data set: luna16 or mosmed.")],
    root: RootOption = None,
    subsets: Annotated[
        list[int] | None,
        typer.Option("--subset", help="A subset of LUNA16, 0 to 9; may be repeated. Otherwise all ten.", metavar="N"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Fetch a public data set, check it and unpack it. An interrupted fetch is continued by the next."""
    from archnet.console import progress, stderr
    from archnet.data.fetch import fetch as fetched
    from archnet.data.places import home

    def say(text: str) -> None:
        stderr.print(text, soft_wrap=True, markup=False)

    _print_paths(fetched(name, root or home() / name, subsets, progress, say), as_json)


@data_app.command()
def phantom(
    out: Annotated[Path, typer.Option(help="A new folder for the scans and lists.", metavar="DIR")],
    scans: Annotated[int, typer.Option(help="Number of scans.", min=1)] = 36,
    candidates: Annotated[int, typer.Option(help="Candidates of each scan; about a fifth are nodules.", min=5)] = 28,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.", min=0)] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Write a phantom in LUNA16's layout: scans, candidates.csv and annotations.csv. Use it with --data luna16."""
    from archnet.console import progress
    from archnet.data.phantom import Phantom, generate_phantom

    generate_phantom(out, Phantom(num_scans=scans, num_candidates=candidates, seed=seed), progress)
    _print_paths([out], as_json)


def _print_paths(paths: list[Path], as_json: bool) -> None:
    if as_json:
        _print_json([str(path) for path in paths])
    else:
        for path in paths:
            typer.echo(str(path))


def _print_runs(folders: list[Path]) -> None:
    from archnet.console import stdout
    from archnet.evaluation.comparison import compare as compared
    from archnet.evaluation.run_folder import read_json
    from archnet.report.terminal import comparison_table, run_summary

    for folder in folders:
        stdout.rule(folder.name)
        stdout.print(run_summary(read_json(folder / "metrics.json")))
        stdout.print(f"Pictures: {folder / 'figures'}", soft_wrap=True)
        stdout.print(f"Report:   {folder / 'report.html'}", soft_wrap=True)
    if len(folders) > 1:
        stdout.rule("comparison")
        stdout.print(comparison_table(compared(folders)))
        stdout.print(f"Report:   {folders[0].parent / 'report.html'}", soft_wrap=True)


def _experiments(files: list[Path], data: str | None, root: Path | None, settings: list[str]) -> tuple[Experiment, ...]:
    """What the command line asks for, with files, `--data` and `--set` in that order of precedence, last wins."""
    from archnet.spec.resolve import command_experiment, parse_experiments, with_data

    document = command_experiment(files)
    if data:
        document, dropped = with_data(document, data)
        if dropped:
            typer.echo(f"--data {data}: leaves out {', '.join(dropped)}, which this data set does not have.", err=True)
    return parse_experiments(document, _settings(root, settings))


def _settings(root: Path | None, settings: list[str] | None) -> list[tuple[tuple[str | int, ...], Any]]:
    from archnet.spec.resolve import parse_setting

    given = [parse_setting(text) for text in settings or []]
    return given if root is None else [(("data", "root"), str(root)), *given]


def _input_shape(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    sizes = text.lower().replace("×", "x").split("x")
    if not all(size.isascii() and size.isdigit() for size in sizes):
        raise DocumentError(f'--input "{text}": expected sizes joined by x, such as 64x64 or 64x64x10.')
    return tuple(map(int, sizes))


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def main() -> None:
    """Runs the command line and exits: 0 done, 1 a bug, 2 the user's input, 130 interrupted."""
    try:
        app()
    except ArchnetError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(
            f"{where}{error.strerror or error}. Check the path, its permissions and the space on the disk.", err=True
        )
        _logged_traceback()
        sys.exit(2)
    except Exception as error:
        name = type(error).__name__
        typer.echo(f"A bug in archnet: {name}: {error}\nThe traceback is in {_logged_traceback()}", err=True)
        sys.exit(1)


def _logged_traceback() -> Path:
    import traceback

    from platformdirs import user_log_path

    path = user_log_path("archnet", ensure_exists=True) / "last_error.txt"
    path.write_text(traceback.format_exc(), encoding="utf-8")
    return path
