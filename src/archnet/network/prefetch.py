"""Prefetching: a thread prepares items ahead, so that the network does not wait for its data."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Final, TypeVar

from archnet.errors import RunError

Item = TypeVar("Item")

PREFETCH_SIZE: Final = 2
"""Number of items kept ready; more would only use memory."""

_POLL_SECONDS: Final = 1.0
"""Interval, in seconds, at which a waiting thread checks whether the other one is alive."""


class _End:
    """Marker after the last item, with the error that ended the worker, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetch_items(items: Iterable[Item]) -> Generator[Item, None, None]:
    """Iterate over items that a background thread prepares in advance.

    An error in the worker is raised here. If the consumer stops early, the worker ends.

    Raises:
        RunError: The worker has died.
    """
    ready: queue.Queue[Item | _End] = queue.Queue(PREFETCH_SIZE)
    is_closed = threading.Event()
    worker = threading.Thread(target=_produce, args=(items, ready, is_closed), name="archnet-batches", daemon=True)
    worker.start()
    try:
        while not isinstance(item := _next(ready, worker), _End):
            yield item
        if item.error:
            raise item.error
    finally:
        is_closed.set()
        while not ready.empty():
            ready.get()
        worker.join()


def _produce(items: Iterable[Item], ready: queue.Queue[Item | _End], is_closed: threading.Event) -> None:
    try:
        for item in items:
            if not _put(item, ready, is_closed):
                return
    except BaseException as error:  # any error must reach the consumer, which would otherwise wait forever
        _put(_End(error), ready, is_closed)
    else:
        _put(_End(), ready, is_closed)


def _put(item: Item | _End, ready: queue.Queue[Item | _End], is_closed: threading.Event) -> bool:
    """Put an item into the queue; return false if the consumer has stopped."""
    while not is_closed.is_set():
        try:
            ready.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False


def _next(ready: queue.Queue[Item | _End], worker: threading.Thread) -> Item | _End:
    while True:
        try:
            return ready.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            if not worker.is_alive() and ready.empty():
                raise RunError("the thread that reads the training cases has died. Run again with --resume.") from None
