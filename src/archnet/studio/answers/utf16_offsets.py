"""Offsets of texts as JavaScript counts them, in UTF-16 code units."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

_LAST_BASIC: Final = "\uffff"
"""Characters after this one take two code units."""


@dataclass(frozen=True, slots=True)
class Utf16Offsets:
    r"""Converts offsets of a text.

    >>> offsets = Utf16Offsets("a\U0001f600b")
    >>> [offsets.to_utf16(offset) for offset in range(4)], [offsets.from_utf16(offset) for offset in range(5)]
    ([0, 1, 3, 4], [0, 1, 2, 2, 3])

    Attributes:
        text: The text.
    """

    text: str
    _pairs: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pairs = (index for index, one in enumerate(self.text) if one > _LAST_BASIC)
        object.__setattr__(self, "_pairs", () if self.text.isascii() else tuple(pairs))

    def to_utf16(self, offset: int) -> int:
        """Convert an offset in code points."""
        return offset + bisect_left(self._pairs, offset)

    def from_utf16(self, offset: int) -> int:
        """Convert an offset in code units, limited to the text; one inside a pair is that after the pair."""
        return bisect_left(range(len(self.text)), offset, key=self.to_utf16)
