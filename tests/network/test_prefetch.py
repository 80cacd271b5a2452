"""Reading ahead: the same items, errors handed over, and no thread that is left or waited for."""

import re
import threading
import time

import pytest

from archnet.errors import RunError
from archnet.network import prefetch
from archnet.network.prefetch import PREFETCH_SIZE, prefetch_items


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "archnet-batches"]


def test_items_come_in_their_order_and_the_worker_ends():
    assert list(prefetch_items(iter(range(100)))) == list(range(100))
    assert workers() == []


def test_items_are_made_before_they_are_asked_for_but_not_many():
    made = []
    items = prefetch_items(made.append(number) or number for number in range(100))
    assert next(items) == 0
    for _ in range(100):
        if len(made) == PREFETCH_SIZE + 2:
            break
        time.sleep(0.01)
    time.sleep(0.02)
    assert len(made) == PREFETCH_SIZE + 2
    items.close()


def test_an_error_of_the_worker_is_raised_where_the_items_are_used():
    def failing():
        yield 1
        raise OSError("the disk is gone")

    items = prefetch_items(failing())
    assert next(items) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)
    assert workers() == []


def test_leaving_early_ends_the_worker():
    items = prefetch_items(iter(range(10**9)))
    next(items)
    items.close()
    assert workers() == []


def test_a_worker_that_dies_is_noticed(monkeypatch):
    monkeypatch.setattr(prefetch, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(prefetch, "_produce", lambda *arguments: None)
    message = "the thread that reads the training cases has died. Run again with --resume."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        list(prefetch_items([1, 2]))
