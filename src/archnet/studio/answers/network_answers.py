"""Answers about valid architectures: their drawings and twins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from archnet.files.strict_json import Document, parse_document
from archnet.spec.arch import Arch, parse_arch
from archnet.spec.outputs.schema_parts import one_of
from archnet.studio.answers.document_answers import OPTION_KEYS
from archnet.studio.answers.drawing_document import LAYOUTS, drawing_document
from archnet.studio.requests.api_route import request_of
from archnet.studio.workspace.document_files import DOCUMENT_TEXT, PATH
from archnet.studio.workspace.workspace import Workspace

_INPUT_KEYS: Final = {key: OPTION_KEYS[key] for key in ("input_shape", "num_classes")}

DRAWING_REQUEST: Final = request_of(
    {"path": PATH, "text": DOCUMENT_TEXT},
    {
        **_INPUT_KEYS,
        "layout": {
            **one_of(*LAYOUTS),
            "default": LAYOUTS[0],
            "description": "Width: rows of at most 10, 7 or 3 columns.",
        },
    },
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
            request.get("layout", LAYOUTS[0]),
        )

    def _document(self, request: Mapping[str, Any]) -> Document:
        path = self._workspace.document(request["path"]).path
        return parse_document(request["text"], str(path))

    def _arch(self, request: Mapping[str, Any]) -> Arch:
        return parse_arch(self._document(request))
