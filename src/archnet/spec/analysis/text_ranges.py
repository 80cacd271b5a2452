"""Parts of a text, and changes of it."""

from __future__ import annotations

from dataclasses import dataclass

from archnet.files.documents.text_edits import TextEdit as TextEdit
from archnet.files.documents.text_edits import TextRange as TextRange
from archnet.files.documents.text_edits import apply_edits as apply_edits


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A change that removes a problem.

    Attributes:
        title: What it does, such as 'Rename to "kernel_size"'.
        edits: The edits, which do not overlap, in the order of the text; all offsets refer to the unchanged text.
        is_guess: Whether what it adds is guessed; such a fix is offered only if no other problem follows from it.
    """

    title: str
    edits: tuple[TextEdit, ...]
    is_guess: bool = False
