"""Serve the page on 127.0.0.1."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from archnet.errors import RunError
from archnet.studio.requests.request_guard import AccessToken, Tickets
from archnet.studio.workspace.workspace import open_workspace

HOST: Final = "127.0.0.1"

MAX_CONNECTIONS: Final = 4096
"""Maximum number of connections; while there are more, all requests are answered with 503."""

_BACKLOG: Final = 2048
_KEEP_ALIVE_SECONDS: Final = 5
_SHUTDOWN_SECONDS: Final = 2


def serve_studio(folder: Path, port: int, announce: Callable[[str, str], None]) -> None:
    """Serve the page until the process is interrupted.

    Args:
        folder: The folder whose documents the page shows.
        port: Port; 0 for a free one.
        announce: Called when the server accepts connections, with the address, which contains the token, and with an
            address that leads to it once, without the token.

    Raises:
        RunError: There is no such folder, or the port is in use.
        KeyboardInterrupt: The process was interrupted.
    """
    workspace = open_workspace(folder)
    listener = _listen(port)
    try:
        import uvicorn

        from archnet.studio.api_routes import api_routes
        from archnet.studio.studio_app import LAUNCH, studio_app
        from archnet.studio.trainings.run_processes import RunProcesses

        number, token, tickets = listener.getsockname()[1], AccessToken(), Tickets()
        processes = RunProcesses(workspace)
        config = uvicorn.Config(
            studio_app(api_routes(workspace, tickets, processes), tickets, token, number),
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )
        address = f"http://{HOST}:{number}"
        announce(f"{address}/?token={token.text}", f"{address}/launch/{tickets.issue(LAUNCH)}")
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Server stopped. Runs started from the page continue.") from None
    finally:
        listener.close()


def _listen(port: int) -> socket.socket:
    # Only sockets with this protocol number get TCP_NODELAY from asyncio, without which answers take 40 ms more.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR lets programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise RunError(
            f"--port {port}: cannot be used: {error.strerror}. Choose another port, or omit --port for a free one."
        ) from None
    return listener
