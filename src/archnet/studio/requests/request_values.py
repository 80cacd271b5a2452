"""Read a request: its JSON body or query parameters, bounded and validated against the schema of the operation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from archnet.files.documents.json_text import json_text, normalize_integers, path_text
from archnet.files.documents.schema_validator import schema_validator
from archnet.files.json_file import DamagedJsonError, parse_json
from archnet.spec.schema import violation_problems
from archnet.studio.requests.api_route import ApiRoute, RequestRefusal

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_BODY_BYTES: Final = 8_000_000
"""Maximum size of a request. A document has at most 4 MB, and JSON doubles quotes and newlines."""

_MAX_LISTED: Final = 5
"""Problems of a request that the answer lists."""


async def read_request(request: Request, route: ApiRoute) -> Mapping[str, Any]:
    """Read and validate the values of a request; whole numbers are integers, such as 64 for 64.0.

    Raises:
        RequestRefusal: The request is too large, not JSON, or does not fit the schema.
    """
    if route.has_body:
        values = await _read_body(request)
    else:
        values = _query_values(request.query_params.multi_items())
    problems = [
        f"{path_text(path)}: {message}"
        for error in schema_validator()(route.request).iter_errors(values)
        for path, message, *_ in violation_problems(error)
    ]
    if problems:
        raise RequestRefusal(400, " ".join(problems[:_MAX_LISTED]))
    return dict(normalize_integers(values))


async def _read_body(request: Request) -> Any:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestRefusal(415, f"Content-Type: expected application/json, got {json_text(media_type)}.")
    content = await read_bounded(request.stream(), request.headers.get("content-length"))
    try:
        return parse_json(content)
    except DamagedJsonError as error:
        raise RequestRefusal(400, f"The body of the request: {error}.") from None


async def read_bounded(stream: AsyncIterator[bytes], content_length: str | None) -> bytes:
    """Read a body up to the limit; a larger one is refused without being read.

    Args:
        stream: The parts of the body.
        content_length: The header of this name, which a chunked body does not have.

    Raises:
        RequestRefusal: The body is too large.
    """
    if content_length is not None and content_length.isdecimal() and int(content_length[:20]) > MAX_BODY_BYTES:
        raise _size_refusal()
    content = bytearray()
    async for part in stream:
        content += part
        if len(content) > MAX_BODY_BYTES:
            raise _size_refusal()
    return bytes(content)


def _size_refusal() -> RequestRefusal:
    return RequestRefusal(413, f"The request is larger than {MAX_BODY_BYTES // 1_000_000} MB, the limit. Send less.")


def _query_values(items: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The query parameters, which are texts in all operations."""
    values: dict[str, str] = {}
    for key, text in items:
        if key in values:
            raise RequestRefusal(400, f"The parameter {json_text(key)} occurs twice. Give it once.")
        values[key] = text
    return values
