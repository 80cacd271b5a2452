"""The server of the page as an ASGI application."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from archnet.errors import ArchnetError
from archnet.machine import package_version
from archnet.studio.requests.api_route import ApiRoute, Lane, RequestRefusal
from archnet.studio.requests.openapi_document import openapi_document
from archnet.studio.requests.request_guard import AccessToken, RequestGuard, Tickets, page_policy
from archnet.studio.requests.request_values import read_request
from archnet.studio.requests.static_files import index_page, static_files
from archnet.studio.trainings.run_reports import read_report

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

log: Final = logging.getLogger("archnet")

_NUM_THREADS: Final[Mapping[Lane, int]] = {"quick": 4, "slow": 2, "long": 1}
"""Number of requests that are answered at once, by lane; others of the lane wait."""

_Threads = Mapping[Lane, anyio.CapacityLimiter]

LAUNCH: Final = "launch"
"""Value of a ticket that leads to the page: other users can read the browser's command line, which has no token."""

REPORT_POLICY: Final = (
    "sandbox allow-scripts allow-popups allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'none'"
)
"""Content security policy of a report, which is not trusted: its scripts run, but cannot reach the API."""


def studio_app(routes: Sequence[ApiRoute], tickets: Tickets, token: AccessToken, port: int) -> ASGIApp:
    """Create the application.

    Args:
        routes: The operations of the API.
        tickets: One-time addresses: the files of reports, and `LAUNCH` for the page itself.
        token: The token of this start.
        port: Port of the server.
    """
    document = openapi_document(routes, package_version("archnet") or "0")
    threads: _Threads = {lane: anyio.CapacityLimiter(number) for lane, number in _NUM_THREADS.items()}

    async def openapi(request: Request) -> Response:
        return json_response(document)

    async def index(request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {"content-security-policy": page_policy(nonce)}
        return Response(index_page(token.static_key, nonce), media_type="text/html; charset=utf-8", headers=headers)

    async def launch(request: Request) -> Response:
        if tickets.redeem(request.path_params["ticket"]) != LAUNCH:
            raise HTTPException(
                404, "This address was valid only once. Open the address that `archnet studio` printed."
            )
        return RedirectResponse(f"/?token={token.text}", status_code=303)

    async def static(request: Request) -> Response:
        file = static_files().get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        return Response(file.content, media_type=file.media_type)

    async def report(request: Request) -> Response:
        path = tickets.redeem(request.path_params["ticket"])
        if not isinstance(path, Path):
            raise HTTPException(
                404, "This address of a report was valid only once. Open the report from the page again."
            )
        content = await anyio.to_thread.run_sync(read_report, path, limiter=threads["slow"])
        headers = {"content-security-policy": REPORT_POLICY}
        return Response(content, media_type="text/html; charset=utf-8", headers=headers)

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/launch/{ticket}", launch),
            Route("/static/{key}/{name:path}", static),
            Route("/report/{ticket}", report),
            Route("/api/openapi.json", openapi),
            *_api_routes(routes, threads),
        ],
        exception_handlers={
            HTTPException: _answer_http_error,
            RequestRefusal: _answer_refusal,
            ArchnetError: _answer_user_error,
            ClientDisconnect: _answer_refusal,
            Exception: _answer_bug,
        },
    )
    return RequestGuard(app, token, port)


def _api_routes(routes: Sequence[ApiRoute], threads: _Threads) -> list[Route]:
    """One route per path, so that another method is answered with 405 and the allowed ones."""
    paths = dict.fromkeys(route.path for route in routes)
    return [
        Route(
            path,
            _endpoint({route.method: route for route in routes if route.path == path}, threads),
            methods=[route.method for route in routes if route.path == path],
        )
        for path in paths
    ]


def _endpoint(routes: Mapping[str, ApiRoute], threads: _Threads) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def answer(request: Request) -> Response:
        route = routes["GET" if request.method == "HEAD" else request.method]
        values = await read_request(request, route)
        return json_response(await anyio.to_thread.run_sync(route.handle, values, limiter=threads[route.lane]))

    return answer


def json_response(value: Any, status: int = 200) -> Response:
    """A JSON response; NaN and infinity, which JSON does not have, are a bug."""
    content = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(content.encode("utf-8", "replace"), status_code=status, media_type="application/json")


async def _answer_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    texts = {
        404: f"{request.url.path}: this address does not exist.",
        405: f"{request.method} is not allowed at this address.",
    }
    message = detail if detail != HTTPStatus(status).phrase else texts.get(status, detail)
    response = json_response({"error": message}, status)
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def _answer_refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestRefusal):  # the browser has disconnected
        return json_response({"error": "The request was cancelled."}, 400)
    return json_response({"error": error.message, **error.details}, error.status)


async def _answer_user_error(request: Request, error: Exception) -> Response:
    return json_response({"error": str(error)}, 422)


async def _answer_bug(request: Request, error: Exception) -> Response:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    return json_response({"error": f"This request failed because of a bug in archnet: {type(error).__name__}."}, 500)
