"""Answers about valid architectures: their drawings and twins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from archnet.files.documents.house_style import compact_json
from archnet.files.strict_json import parse_document
from archnet.spec.arch import Arch, parse_arch
from archnet.spec.outputs.schema_parts import BOOLEAN, NUMBER, TEXT, list_of, one_of, record_of
from archnet.spec.twins.twin_network import MATCHES, make_twin
from archnet.spec.twins.twin_summary import twin_summary
from archnet.studio.answers.document_answers import OPTION_KEYS
from archnet.studio.answers.drawing_document import drawing_document
from archnet.studio.requests.api_route import request_of
from archnet.studio.workspace.document_files import DOCUMENT_TEXT, PATH
from archnet.studio.workspace.workspace import Workspace
from archnet.versus.plan.form_names import RANKS

_TEXT_KEYS: Final = {"path": PATH, "text": DOCUMENT_TEXT}
_INPUT_KEYS: Final = {key: OPTION_KEYS[key] for key in ("input_shape", "num_classes")}

_NUM_COLUMNS: Final = 10

DRAWING_REQUEST: Final = request_of(
    _TEXT_KEYS,
    {
        **_INPUT_KEYS,
        "columns": {
            "type": "integer",
            "minimum": 1,
            "maximum": 50,
            "default": _NUM_COLUMNS,
            "description": "Maximum number of blocks in a row of the drawing.",
        },
    },
)

TWIN_REQUEST: Final = request_of(
    {**_TEXT_KEYS, "form": one_of(*RANKS)},
    {**_INPUT_KEYS, "match": {**one_of(*MATCHES), "default": "none"}},
)
TWIN: Final = record_of(
    {
        "text": {**TEXT, "description": "The document of the twin."},
        "notes": list_of(TEXT),
        "agrees": {
            **BOOLEAN,
            "description": "Whether the twin matches the original within 3%, if a match was requested.",
        },
        "factor": {**NUMBER, "description": "Factor by which the widths are multiplied."},
        "parameters_difference": {**NUMBER, "description": "Relative difference in parameters from the original."},
        "macs_difference": NUMBER,
        "original": {"type": "object", "description": "The original, as in archnet twin --json."},
        "twin": {"type": "object", "description": "The twin, as in archnet twin --json."},
    }
)


class NetworkAnswers:
    """Answers about the valid architectures of a workspace.

    Args:
        workspace: The folder.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def drawing(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The drawing of an architecture.

        Raises:
            DocumentError: The text is not a valid architecture.
        """
        shape = request.get("input_shape")
        return drawing_document(
            self._arch(request),
            tuple(shape) if shape else None,
            request.get("num_classes", 2),
            request.get("columns", _NUM_COLUMNS),
        )

    def twin(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The twin of an architecture.

        Raises:
            DocumentError: The text is not a valid architecture, or has no such twin.
        """
        arch, shape, match = self._arch(request), request.get("input_shape"), request.get("match", "none")
        twin = make_twin(
            arch,
            RANKS[request["form"]],
            input_shape=tuple(shape) if shape else None,
            match=match,
            num_classes=request.get("num_classes", 2),
        )
        summary = twin_summary(arch, twin, match)
        return {
            "text": compact_json(summary["arch"]) + "\n",
            **{key: summary[key] for key in TWIN["properties"] if key != "text"},
        }

    def _arch(self, request: Mapping[str, Any]) -> Arch:
        path = self._workspace.document(request["path"]).path
        return parse_arch(parse_document(request["text"], str(path)))
