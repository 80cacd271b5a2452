"""Answers about a text while it is edited: problems, network, completions, hover texts, formatting, drawing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from archnet.files.strict_json import MAX_BYTES
from archnet.spec.analysis.analyze import Analysis, AnalysisOptions, analyze
from archnet.spec.outputs.schema_parts import Schema, list_of, map_of, nullable
from archnet.studio.answers.analysis_document import (
    analysis_document,
    completions_document,
    edits_document,
    hover_document,
)
from archnet.studio.answers.utf16_offsets import Utf16Offsets
from archnet.studio.requests.api_route import RequestRefusal, request_of
from archnet.studio.workspace.document_files import DOCUMENT_TEXT, PATH
from archnet.studio.workspace.workspace import Workspace

_TEXT_KEYS: Final[dict[str, Schema]] = {"path": PATH, "text": DOCUMENT_TEXT}
_SIZE: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 65_536}

OPTION_KEYS: Final[dict[str, Schema]] = {
    "input_shape": {
        **nullable(list_of(_SIZE, 2, 3)),
        "description": "Spatial input, (height, width) or (height, width, depth); null for that of the document.",
    },
    "num_classes": {"type": "integer", "minimum": 2, "maximum": 65_536, "default": 2},
    "batch_size": {"type": "integer", "minimum": 1, "maximum": 65_536, "default": 64},
    "budget_bytes": {"type": ["integer", "null"], "minimum": 1, "maximum": 2**53, "default": None},
    "spacing_mm": {
        **nullable(list_of({"type": "number", "exclusiveMinimum": 0, "maximum": 1000}, 2, 3)),
        "description": "Voxel size along the same axes, for receptive fields in millimetres.",
    },
    "open_files": {
        **map_of(DOCUMENT_TEXT),
        "maxProperties": 50,
        "description": "Unsaved texts of other files, by path; documents that name these files use them.",
    },
}

ANALYSIS_REQUEST: Final = request_of(_TEXT_KEYS, OPTION_KEYS)
POSITION_REQUEST: Final = request_of(
    {**_TEXT_KEYS, "offset": {"type": "integer", "minimum": 0, "maximum": MAX_BYTES}}, OPTION_KEYS
)


class DocumentAnswers:
    """Answers about texts of the documents in a workspace.

    Args:
        workspace: The folder.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def analysis(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """All problems, and the network."""
        return analysis_document(self.analyze(request))

    def completion(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Completions at an offset."""
        analysis = self.analyze(request)
        offsets = Utf16Offsets(analysis.text)
        return completions_document(analysis.complete(offsets.from_utf16(request["offset"])), offsets)

    def hover(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The explanation of a key or value at an offset."""
        analysis = self.analyze(request)
        offsets = Utf16Offsets(analysis.text)
        return hover_document(analysis.hover(offsets.from_utf16(request["offset"])), offsets)

    def format(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Edits that give a document the house style."""
        analysis = self.analyze(request)
        return edits_document(analysis.format(), Utf16Offsets(analysis.text))

    def analyze(self, request: Mapping[str, Any]) -> Analysis:
        """Analyze the text of a request.

        Raises:
            RequestRefusal: A path leads out of the folder.
        """
        source = self._workspace.document(request["path"]).path
        return analyze(request["text"], str(source), self._options(request))

    def _options(self, request: Mapping[str, Any]) -> AnalysisOptions:
        shape, spacing = request.get("input_shape"), request.get("spacing_mm")
        open_files = {self._workspace.document(path).path: text for path, text in request.get("open_files", {}).items()}

        def read_text(path: Path) -> str | None:
            return open_files.get(path.resolve()) if open_files else None

        if spacing and shape and len(spacing) < len(shape):
            raise RequestRefusal(400, "$.spacing_mm: expected one number per axis of input_shape.")
        return AnalysisOptions(
            input_shape=tuple(shape) if shape else None,
            num_classes=request.get("num_classes", 2),
            batch_size=request.get("batch_size", 64),
            budget_bytes=request.get("budget_bytes"),
            spacing_mm=tuple(spacing) if spacing else None,
            read_text=read_text,
        )
