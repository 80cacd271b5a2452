"""One operation of the page's API, and the error with which it refuses a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from archnet.spec.outputs.schema_parts import Schema, record_of

Method = Literal["GET", "PUT", "POST", "DELETE"]
Lane = Literal["quick", "slow", "long"]
Handler = Callable[[Mapping[str, Any]], Any]
"""Computes the answer to the values of a request."""


class RequestRefusal(Exception):  # noqa: N818 - an answer rather than a failure
    """A request that cannot be granted.

    Attributes:
        status: HTTP status code, 4xx or 5xx.
        message: The reason and the remedy.
        details: Further keys of the answer.
    """

    def __init__(self, status: int, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(status, message, details)
        self.status = status
        self.message = message
        self.details = details or {}

    def __str__(self) -> str:
        return self.message


def request_of(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Schema of a request: an object without other keys."""
    return {**record_of(required, optional), "additionalProperties": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRoute:
    """One operation of the API.

    Attributes:
        method: HTTP method.
        path: Path of the URL.
        name: Name of the operation in the OpenAPI document.
        summary: What it does, in one sentence.
        request: Schema of the request, an object: its keys are query parameters for GET and DELETE, and keys of the
            JSON body for PUT and POST.
        answer: Schema of the answer with status 200.
        refusals: Descriptions of answers with other statuses that only some operations give, by status.
        handle: Computes the answer in a thread; raises `RequestRefusal` or `ArchnetError`.
        lane: Its threads: "quick" operations take up to 50 ms, "slow" ones seconds, "long" ones minutes. An operation
            waits only for others of its lane.
    """

    method: Method
    path: str
    name: str
    summary: str
    request: Schema
    answer: Schema
    refusals: Mapping[int, str] = field(default_factory=dict)
    handle: Handler
    lane: Lane = "quick"

    @property
    def has_body(self) -> bool:
        """Whether the request is a JSON body rather than query parameters."""
        return self.method in ("PUT", "POST")
