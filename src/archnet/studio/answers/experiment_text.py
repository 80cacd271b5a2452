"""The experiments that a text describes, as `archnet run` would run them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from archnet.errors import DocumentError
from archnet.files.strict_json import Document, parse_document
from archnet.spec.experiment import Experiment
from archnet.spec.outputs.schema_parts import Schema
from archnet.spec.overrides import parse_settings
from archnet.spec.resolve import is_arch, parse_experiments, replace_data
from archnet.spec.sweeps.sweep import is_sweep
from archnet.studio.workspace.document_files import DOCUMENT_TEXT, PATH
from archnet.studio.workspace.workspace import Workspace

NAME_TEXT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 1000, "pattern": "^[^\\u0000-\\u001f]*$"}

TEXT_KEYS: Final[Mapping[str, Schema]] = {"path": PATH, "text": DOCUMENT_TEXT}
DATA_KEYS: Final[Mapping[str, Schema]] = {
    "data": {**NAME_TEXT, "description": "Name of a data set, or npz:PATH; replaces that of the document."},
    "root": {**NAME_TEXT, "description": "Folder of the data set."},
    "settings": {
        "type": "object",
        "maxProperties": 100,
        "propertyNames": {"maxLength": 200},
        "description": 'Overrides by dotted key, such as {"training.epochs": 5}.',
    },
}


def requested_experiments(
    request: Mapping[str, Any], workspace: Workspace
) -> tuple[tuple[Experiment, ...], Sequence[str]]:
    """The experiments of a text, one for each architecture and fold, and the options that the data set ignores.

    Args:
        request: Values of `TEXT_KEYS` and `DATA_KEYS`.
        workspace: The folder.

    Raises:
        DocumentError: The text is not a valid experiment or architecture.
    """
    document = _requested_document(request, workspace)
    ignored: Sequence[str] = ()
    if "data" in request:
        document, ignored = replace_data(document, request["data"])
    root = {"data.root": request["root"]} if "root" in request else {}
    return parse_experiments(document, parse_settings({**root, **request.get("settings", {})})), ignored


def _requested_document(request: Mapping[str, Any], workspace: Workspace) -> Document:
    source = str(workspace.document(request["path"]).path)
    document = parse_document(request["text"], source)
    if is_sweep(document.value):
        raise DocumentError(f"{source}: this is a sweep, not an experiment. Choose an experiment or an architecture.")
    if not is_arch(document.value):
        return document
    return Document(value={"archs": [source]}, source=source, files={source: document})
