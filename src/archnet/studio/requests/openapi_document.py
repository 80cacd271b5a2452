"""The OpenAPI document of the page's API, made from its table of routes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from archnet.spec.outputs.schema_parts import TEXT, record_of
from archnet.studio.requests.api_route import ApiRoute

_REFUSALS: Final[Mapping[int, str]] = {
    400: "The request does not fit its schema.",
    401: "The token is missing or invalid.",
    403: "The Host, the Origin or the path is not allowed.",
    422: "The request is valid but cannot be carried out; the message states the reason.",
    503: "Too many concurrent requests.",
}
"""Answers that every operation can give in addition to its own."""

_BODY_REFUSALS: Final[Mapping[int, str]] = {
    413: "The body is larger than the limit.",
    415: "The body is not application/json.",
}

ERROR_SCHEMA: Final = record_of({"error": TEXT})


def openapi_document(routes: Sequence[ApiRoute], version: str) -> dict[str, Any]:
    """Describe an API in OpenAPI 3.1.

    Args:
        routes: The operations.
        version: Version of archnet.
    """
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route in routes:
        paths[route.path][route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "archnet studio",
            "version": version,
            "description": "The API of the local page. All offsets in texts count UTF-16 code units. Paths are "
            'relative to the folder of the server, with "/"; "shipped:NAME" is a document that archnet ships.',
        },
        "paths": dict(paths),
        "components": {
            "schemas": {"Error": ERROR_SCHEMA},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(route: ApiRoute) -> dict[str, Any]:
    refusals = {**_REFUSALS, **(_BODY_REFUSALS if route.has_body else {}), **route.refusals}
    return {
        "operationId": route.name,
        "summary": route.summary,
        **(_body(route) if route.has_body else _parameters(route)),
        "responses": {
            "200": _json_response("The answer.", route.answer),
            **{
                str(status): _json_response(text, {"$ref": "#/components/schemas/Error"})
                for status, text in sorted(refusals.items())
            },
        },
    }


def _body(route: ApiRoute) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": route.request}}}}


def _parameters(route: ApiRoute) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "query", "required": name in route.request["required"], "schema": schema}
        for name, schema in route.request["properties"].items()
    ]
    return {"parameters": parameters} if parameters else {}


def _json_response(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
