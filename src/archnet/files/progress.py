"""Progress: how long work reports how far it has come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Passes items through and shows how far they have come."""

    def __call__(self, items: Iterable[T], description: str, total: int) -> Iterable[T]:
        """The same items, in the same order."""


def no_progress(items: Iterable[T], description: str, total: int) -> Iterable[T]:
    """A `Progress` that shows nothing."""
    return items
