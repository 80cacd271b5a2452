"""Progress of long work: what a command waits for, and how many items are done."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

T = TypeVar("T")

stage_log: Final = logging.getLogger("archnet.stage")
"""Logs what a command is about to do if that takes seconds or more, such as importing TensorFlow."""

stage_log.setLevel(logging.INFO)


class Progress(Protocol):
    """Yield items and show how many are done."""

    def __call__(self, items: Iterable[T], description: str, total: int) -> Iterable[T]:
        """Yield the same items in the same order."""


def no_progress(items: Iterable[T], description: str, total: int) -> Iterable[T]:
    """A `Progress` that shows nothing."""
    return items
