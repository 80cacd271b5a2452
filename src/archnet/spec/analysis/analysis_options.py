"""The circumstances under which a document is analyzed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from archnet.spec.layers import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisOptions:
    """The circumstances of an analysis.

    Attributes:
        input_shape: Spatial input of the network; by default that of the document, or else the published crop.
        num_classes: Number of classes.
        batch_size: Batch size of the memory plan.
        budget_bytes: Memory budget; null for none.
        spacing_mm: Voxel size along (height, width, depth), for receptive fields in millimetres; null if unknown.
        read_text: Reads the text of another file that the document names, such as an open editor's unsaved buffer; null
            for a file that is not open.
    """

    input_shape: Shape | None = None
    num_classes: int = 2
    batch_size: int = 64
    budget_bytes: int | None = None
    spacing_mm: tuple[float, ...] | None = None
    read_text: Callable[[Path], str | None] = field(default=lambda path: None)
