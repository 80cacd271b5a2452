"""`archnet check`: validate JSON files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archnet.cli.options import JsonFlag, echo, parse_input_shape, print_json, print_messages
from archnet.cli.start.document_completion import complete_documents
from archnet.errors import DocumentError, pluralize
from archnet.files.documents.json_text import path_text
from archnet.files.path_argument import document_path

if TYPE_CHECKING:
    from archnet.files.strict_json import Document
    from archnet.spec.analysis.analyze import Analysis
    from archnet.spec.analysis.diagnostics import Diagnostic
    from archnet.spec.analysis.text_ranges import TextRange
    from archnet.spec.experiment import Experiment


def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Architectures, experiments or sweeps: files or names (archnet list).",
            metavar="FILE...",
            autocompletion=complete_documents,
        ),
    ],
    input_text: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="Spatial input of the architectures, such as 64x64x10. Default: the file's, or 64x64 and 64x64x10.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Validate JSON files: report all errors with line numbers. Exit code 2 if there is one.

    Examples:
        archnet check arch3dsm --input 64x64x10

        archnet check luna16_seed_protocol sweep_width
    """
    results = [_check_file(path, input_text) for path in files]
    if as_json:
        print_json(results)
    else:
        _print_results(results)
    if not all(result["valid"] for result in results):
        raise typer.Exit(2)


def _print_results(results: list[dict[str, Any]]) -> None:
    printed: list[str] = []
    for result in results:
        print_messages(f"warning: {warning}" for warning in result["warnings"])
        if result["valid"]:
            echo(result["says"])
        elif all(_is_printed(problem, printed) for problem in result["problems"]):
            print_messages([f"{result['file']}: not valid: its problems are listed above."])
        else:
            print_messages(result["problems"])
            printed += result["problems"]


def _is_printed(problem: str, printed: list[str]) -> bool:
    """Whether a problem, or that of the file that it cites, has been printed: files that name each other share them."""
    return any(problem == text or problem.endswith(f": {text}") for text in printed)


def _check_file(path: Path, input_text: str | None) -> dict[str, Any]:
    """Validate one file; the result is JSON-ready."""
    from archnet.files.strict_json import limit_problems, parse_document, read_document_text
    from archnet.spec.analysis.analyze import analyze

    result: dict[str, Any] = {"file": str(path), "valid": True, "problems": [], "warnings": [], "diagnostics": []}
    try:
        file = document_path(path, Path())
        text = read_document_text(path, file)
        analysis = analyze(text, str(file))
        result["diagnostics"] = [_diagnostic_json(diagnostic, text) for diagnostic in analysis.diagnostics]
        if problems := _problem_lines(analysis):
            return {**result, "valid": False, "problems": limit_problems(problems)}
        description, result["warnings"] = _describe(parse_document(text, str(file)), input_text)
        return {**result, "says": f"{path}: valid: {description}"}
    except DocumentError as error:
        return {**result, "valid": False, "problems": str(error).split("\n")}


def _problem_lines(analysis: Analysis) -> list[str]:
    """The errors of a text, one line each; those of syntax alone if there are any."""
    errors = [diagnostic for diagnostic in analysis.diagnostics if diagnostic.severity == "error"]
    shown = errors if analysis.is_json else [diagnostic for diagnostic in errors if diagnostic.is_syntax]
    return [line for diagnostic in shown for line in diagnostic.text.split("\n")]


def _diagnostic_json(diagnostic: Diagnostic, text: str) -> dict[str, Any]:
    """A diagnostic with lines and columns from 1, and its fixes as edits."""
    return {
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "path": path_text(diagnostic.path),
        **_range_json(diagnostic.range, text),
        "fixes": [
            {
                "title": fix.title,
                "edits": [{**_range_json(edit.range, text), "new_text": edit.new_text} for edit in fix.edits],
            }
            for fix in diagnostic.fixes
        ],
    }


def _range_json(part: TextRange, text: str) -> dict[str, int]:
    """The first character of a range, and the one after it, as lines and columns (in code points) from 1."""
    places = {"": part.start, "end_": part.end}
    return {
        f"{prefix}{name}": number
        for prefix, offset in places.items()
        for name, number in (
            ("line", text.count("\n", 0, offset) + 1),
            ("column", offset - text.rfind("\n", 0, offset)),
        )
    }


def _describe(document: Document, input_text: str | None) -> tuple[str, list[str]]:
    """Describe a valid document in a few words, and list its warnings.

    Raises:
        DocumentError: The document has problems.
    """
    from archnet.spec.resolve import is_arch
    from archnet.spec.sweeps.sweep import is_sweep

    if is_arch(document.value):
        return _describe_arch(document, input_text)
    return _describe_sweep(document) if is_sweep(document.value) else _describe_experiment(document)


def _describe_arch(document: Document, input_text: str | None) -> tuple[str, list[str]]:
    from archnet.spec.arch import parse_arch
    from archnet.spec.cost import network_cost
    from archnet.spec.layers.planned_layer import plan_input_shape

    arch = parse_arch(document)
    plan = arch.plan(parse_input_shape(input_text))
    sizes = "x".join(map(str, plan_input_shape(plan)))
    is_assumed = input_text is None and arch.input_shape is None
    assumption = ' (assumed; set it with --input or "input_shape")' if is_assumed else ""
    num_parameters = network_cost(plan).num_parameters
    return (
        f"{arch.rank}D, {pluralize(len(plan), 'layer')}, {num_parameters:,} parameters at {sizes}{assumption}",
        arch.warnings(),
    )


def _describe_sweep(document: Document) -> tuple[str, list[str]]:
    from archnet.spec.sweeps.document import parse_sweep

    sweep = parse_sweep(document)
    return f"a sweep of {pluralize(sweep.num_trials, 'trial')} over {', '.join(sweep.space) or 'folds and seeds'}", []


def _init_problem(experiment: Experiment) -> str | None:
    """The reason why the file of initial weights cannot be used, found without opening it; None if it can."""
    from archnet.evaluation.run_folder import find_weights_file

    try:
        if experiment.training.init:
            find_weights_file(Path(experiment.training.init.weights))
    except ValueError as error:
        return str(error)
    return None


def _describe_experiment(document: Document) -> tuple[str, list[str]]:
    from archnet.spec.resolve import parse_experiments
    from archnet.spec.view import describe_other_size

    experiments = parse_experiments(document)
    archs = {experiment.arch.name: experiment.arch for experiment in experiments}
    warnings = [text for experiment in experiments for text in experiment.warnings()]
    problems = {f"{document.source} $.training.init: {text}" for one in experiments if (text := _init_problem(one))}
    if problems:
        raise DocumentError("\n".join(sorted(problems)))
    warnings += [" ".join(texts) for experiment in experiments if (texts := describe_other_size(experiment))]
    return f"an experiment with {', '.join(archs)}", list(dict.fromkeys(warnings))
