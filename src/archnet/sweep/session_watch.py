"""Watch Ray from the process that uses it: without its raylet or its control service, Ray Tune waits forever."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from archnet.sweep.session_processes import ended_children

CONNECT_SECONDS: Final = 10
"""Time that the head of a cluster has to accept a connection."""

CHECK_SECONDS: Final = 2
"""Interval between two checks."""

MAX_FAILURES: Final = 3
"""Checks in a row after which a session is lost; the control service of a cluster may start again."""


class SessionWatch:
    """Checks whether Ray's control service responds, and whether the node of this process is alive.

    Attributes:
        gcs_address: The address of the control service.
        node_id: The node of this process.
    """

    def __init__(self) -> None:
        import ray

        context = ray.get_runtime_context()
        self.gcs_address = str(context.gcs_address)
        self.node_id = str(context.get_node_id())

    def problem(self) -> str | None:
        """The failed part of Ray; None if Ray works."""
        import ray

        try:
            check_address(self.gcs_address)
        except ConnectionError:
            return "Ray's control service (gcs_server) has ended"
        if any(node["NodeID"] == self.node_id and node["Alive"] for node in ray.nodes()):
            return None
        return "Ray's process on this machine (raylet) has ended"


def find_ended_server() -> str | None:
    """The Ray server that has ended during startup; `ray.init` would wait for it for half a minute."""
    names = ended_children(("gcs_server", "raylet"))
    return f"Ray's process {names[0]} has ended during the start of Ray" if names else None


@contextmanager
def watch_session(find_problem: Callable[[], str | None], on_lost: Callable[[str], None]) -> Iterator[None]:
    """Check the session at intervals while the block runs.

    Args:
        find_problem: Returns which part of the session has failed; None if it works.
        on_lost: Called once, from another thread, with this text.
    """
    is_over = Event()
    Thread(target=_watch, args=(find_problem, on_lost, is_over), daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


def _watch(find_problem: Callable[[], str | None], on_lost: Callable[[str], None], is_over: Event) -> None:
    num_failures = 0
    while not is_over.wait(CHECK_SECONDS):
        problem = find_problem()
        num_failures = num_failures + 1 if problem else 0
        if problem and num_failures == MAX_FAILURES and not is_over.is_set():
            on_lost(problem)
            return


def check_address(address: str) -> None:
    """Check that a server listens at an address; Ray itself would wait for many minutes.

    Raises:
        ConnectionError: No server listens.
    """
    host, _, port = address.rpartition(":")
    if not host or "://" in address or not port.isdecimal():
        return
    try:
        with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS):
            pass
    except OSError as error:
        raise ConnectionError(str(error)) from None
