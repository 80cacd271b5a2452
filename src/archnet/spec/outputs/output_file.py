"""Table of the JSON files that archnet reads back, and their reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn

from archnet.errors import DataError, DocumentError, RunError
from archnet.files.documents.quick_check import Check, SchemaChecks
from archnet.files.json_file import DamagedJsonError, parse_json, read_json_bytes
from archnet.files.strict_json import Document, Problem, parse_document
from archnet.spec.outputs import run_schemas, store_schemas
from archnet.spec.outputs.experiment_file import EXPERIMENT_FILE
from archnet.spec.outputs.schema_parts import Schema
from archnet.spec.schema import violation_problems

RUN_REMEDY: Final = "Restore the file, or run the experiment again."

_MAX_LOCATED_BYTES: Final = 1_000_000
"""Maximum size, in bytes, of a file for which line numbers are determined: in larger files, this takes seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """A kind of JSON file that archnet writes.

    Attributes:
        schema: JSON Schema of its content.
        remedy: What to do about a damaged file.
        max_bytes: Size limit.
        allows_surrogates: Whether it contains paths of scans, which may not be UTF-8.
    """

    schema: Schema
    remedy: str = RUN_REMEDY
    max_bytes: int = 16_000_000
    allows_surrogates: bool = False


_TRIAL_REMEDY: Final = "Remove its folder and run the sweep again with --resume."
STORE_REMEDY: Final = "Remove it with archnet data prune; the crops are then extracted again."

OUTPUT_FILES: Final[dict[str, OutputFile]] = {
    "experiment.json": OutputFile(schema=EXPERIMENT_FILE),
    "metrics.json": OutputFile(schema=run_schemas.METRICS_FILE),
    "network.json": OutputFile(schema=run_schemas.NETWORK),
    "data.json": OutputFile(schema=run_schemas.DATA, max_bytes=256_000_000),
    "training_scans.json": OutputFile(schema=run_schemas.TRAINING_SCANS, max_bytes=256_000_000),
    "manifest.json": OutputFile(
        schema=run_schemas.MANIFEST,
        remedy="Restore it, or remove it: the run is then read without a check of its files.",
    ),
    "environment.json": OutputFile(schema=run_schemas.ENVIRONMENT),
    "init.json": OutputFile(schema=run_schemas.INIT),
    "changes.json": OutputFile(schema=run_schemas.CHANGES),
    "tags.json": OutputFile(schema=run_schemas.TAGS, remedy="Remove the file; archnet runs tag writes a new one."),
    "curve.json": OutputFile(
        schema=run_schemas.FROC_CURVE, remedy="Regenerate it with `archnet report`.", max_bytes=256_000_000
    ),
    "comparison.json": OutputFile(schema=run_schemas.COMPARISON, remedy="Regenerate it with `archnet report`."),
    "trial.json": OutputFile(schema=store_schemas.TRIAL, remedy=_TRIAL_REMEDY),
    "sweep.json": OutputFile(
        schema=store_schemas.SWEEP, remedy="Restore the file, or start the sweep with a different --out."
    ),
    "judged.json": OutputFile(
        schema=store_schemas.EVALUATED_TRIALS,
        remedy="It lists the numbers of the trials that were evaluated on the test set. Restore the file.",
    ),
    "plan.json": OutputFile(
        schema=store_schemas.PLAN, remedy="Restore the file, or start the comparison with a different --out."
    ),
    "versus.json": OutputFile(schema=store_schemas.VERSUS, remedy="Regenerate it with `archnet versus` and --resume."),
    "store.json": OutputFile(
        schema=store_schemas.STORE, remedy=STORE_REMEDY, max_bytes=256_000_000, allows_surrogates=True
    ),
}
"""The kinds by file name."""

CACHE_FILES: Final[dict[str, OutputFile]] = {
    "scans.jsonl": OutputFile(schema=store_schemas.SCAN_RECORD),
    "copies": OutputFile(schema=store_schemas.COPIED_PAIRS, max_bytes=256_000_000),
    "reservation": OutputFile(schema=run_schemas.RESERVATION),
}
"""Kinds of caches, which are silently regenerated if damaged; the first is a line of a file."""


def read_output(path: Path) -> dict[str, Any]:
    """Read one of the files of `OUTPUT_FILES`, and validate it against its schema.

    Raises:
        RunError: The file is missing.
        DataError: The file cannot be read or is damaged.
    """
    kind = OUTPUT_FILES[path.name]
    try:
        content = read_json_bytes(path, kind.max_bytes)
        value = parse_json(content, allows_surrogates=kind.allows_surrogates)
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{path}: no such file. Finish the run, or name a different run folder.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}. Check its permissions.") from error
    except DamagedJsonError as error:
        place = path if error.line is None else f"{path}:{error.line}"
        raise DataError(f"{place}: {error.problem}. {kind.remedy}") from None
    problems = (each for violation in schema_violations(value, path.name) for each in violation_problems(violation))
    problem = next(problems, None)
    if problem is not None:
        _refuse(path, content, value, problem, kind.remedy)
    result: dict[str, Any] = value
    return result


def read_optional_output(path: Path) -> dict[str, Any] | None:
    """Read one of the files of `OUTPUT_FILES`; null if it is missing.

    Raises:
        DataError: The file cannot be read or is damaged.
    """
    return read_output(path) if path.exists() else None


def read_cache(path: Path, kind: str) -> dict[str, Any] | None:
    """Read a file that can be regenerated; null if it is missing, unreadable or damaged.

    Args:
        path: The file.
        kind: A key of `CACHE_FILES`.
    """
    try:
        content = read_json_bytes(path, CACHE_FILES[kind].max_bytes)
    except (OSError, DamagedJsonError):
        return None
    return parse_cache(content, kind)


def parse_cache(content: bytes, kind: str) -> dict[str, Any] | None:
    """Parse a JSON text that can be regenerated; null if it is damaged."""
    try:
        value: dict[str, Any] = parse_json(content, allows_surrogates=True)
    except DamagedJsonError:
        return None
    return value if next(schema_violations(value, kind), None) is None else None


def schema_violations(value: Any, name: str) -> Iterator[Any]:
    """Yield the schema violations of a file of `OUTPUT_FILES` or `CACHE_FILES`, as jsonschema errors."""
    if _quick_check(name)(value):
        return iter(())
    errors: Iterator[Any] = _validator(name).iter_errors(value)
    return errors


@cache
def _quick_check(name: str) -> Check:
    """A check that only accepts valid files, in a tenth of the time of the validator."""
    schema = (OUTPUT_FILES | CACHE_FILES)[name].schema
    return SchemaChecks({name: schema}, allows_whole_floats=False).check(name)


@cache
def _validator(name: str) -> Any:
    return make_validator((OUTPUT_FILES | CACHE_FILES)[name].schema)


def make_validator(schema: Schema) -> Any:
    """Create a validator of Python values that is fast on long lists of text; 3.0 is not an integer."""
    from jsonschema import Draft202012Validator, validators

    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
    check_items = Draft202012Validator.VALIDATORS["items"]

    def check_texts(validator: Any, items: Any, value: Any, schema: Any) -> Iterator[Any]:
        is_text = items == {"type": "string"} and isinstance(value, list)
        if is_text and all(isinstance(entry, str) for entry in value):
            return iter(())
        errors: Iterator[Any] = check_items(validator, items, value, schema)
        return errors

    extend: Any = validators.extend
    return extend(Draft202012Validator, {"items": check_texts}, type_checker=types)(schema)


def _is_integer(_checker: Any, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _refuse(path: Path, content: bytes, value: Any, problem: Problem, remedy: str) -> NoReturn:
    document = Document(value=value, source=str(path), lines=_find_lines(content))
    raise DataError(f"{document.problem(problem.path, problem.message)} {remedy}")


def _find_lines(content: bytes) -> Mapping[Any, int]:
    """Find the line of each value; empty if the file is too large or the strict parser rejects it."""
    if len(content) > _MAX_LOCATED_BYTES:
        return {}
    try:
        return parse_document(content.decode("utf-8-sig"), "").lines
    except DocumentError:
        return {}
