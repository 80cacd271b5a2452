"""One attempt to read from a server over HTTP, with limits on silence and slowness, so that it always ends."""

from __future__ import annotations

import functools
import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from archnet.errors import DataError

_CHUNK_BYTES = 1 << 18
# Status codes of temporary failures; other codes from 400 on are permanent.
_TRANSIENT_STATUSES = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When to retry and when to give up.

    Attributes:
        max_attempts: Number of consecutive attempts without progress before giving up.
        initial_delay_s: Delay after the first failure; it doubles with each further failure.
        max_delay_s: Maximum delay.
        timeout_s: Time without data that ends an attempt, and the window in which the speed is measured.
        min_bytes_per_s: Minimum speed; a slower attempt is ended. An attempt that receives fewer bytes than this times
            `timeout_s` counts as one without progress.
        sleep: Function that pauses for a number of seconds.
        clock: Monotonic clock, in seconds.
    """

    max_attempts: int = 8
    initial_delay_s: float = 1.0
    max_delay_s: float = 60.0
    timeout_s: float = 60.0
    min_bytes_per_s: float = 1000.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def delay_s(self, num_failures: int, retry_after_s: float = 0.0) -> float:
        """Delay after a number of consecutive failures, at least the one that the server requests.

        >>> [RetryPolicy().delay_s(failures) for failures in (1, 2, 3, 8)]
        [1.0, 2.0, 4.0, 60.0]
        """
        return min(max(self.initial_delay_s * 2.0 ** (num_failures - 1), retry_after_s), self.max_delay_s)


class TransientError(Exception):
    """A temporary failure; the text is the reason, and `retry_after_s` is the delay that the server requests."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason, retry_after_s)
        self.reason = reason
        self.retry_after_s = retry_after_s


@contextmanager
def open_url(url: str, start: int, policy: RetryPolicy) -> Iterator[http.client.HTTPResponse]:
    """Request a file, starting at a byte offset.

    Raises:
        TransientError: The request fails temporarily.
        DataError: The server rejects the request.
    """
    headers = {"User-Agent": "archnet", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = _build_opener().open(urllib.request.Request(url, headers=headers), timeout=policy.timeout_s)
    except urllib.error.HTTPError as error:
        with error:
            raise _http_error(url, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise TransientError(_failure_reason(error, policy.timeout_s)) from error
    with response:
        yield response


def read_chunks(response: http.client.HTTPResponse, url: str, max_bytes: int, policy: RetryPolicy) -> Iterator[bytes]:
    """Yield the chunks of a response.

    Raises:
        TransientError: The connection is interrupted, silent or too slow.
        DataError: The response is larger than `max_bytes`.
    """
    window_start_s, window_bytes, num_bytes = policy.clock(), 0, 0
    while chunk := _read_chunk(response, policy.timeout_s):
        window_bytes += len(chunk)
        num_bytes += len(chunk)
        if num_bytes > max_bytes:
            raise DataError(f"{url}: {max_bytes:,} bytes expected, but the server sent more.")
        yield chunk
        seconds = policy.clock() - window_start_s
        if seconds >= policy.timeout_s:
            if window_bytes < policy.min_bytes_per_s * seconds:
                raise TransientError(f"received only {window_bytes:,} bytes in {seconds:.0f} s")
            window_start_s, window_bytes = policy.clock(), 0


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to http, where a third party could change the file."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise DataError(
                f"{req.full_url}: the server redirects to {newurl}, which is not https. Nothing was fetched."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _build_opener() -> urllib.request.OpenerDirector:
    """Build an opener for http and https only, without file: and ftp:."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=_ssl_context()),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SafeRedirects(),
    ):
        opener.add_handler(handler)
    return opener


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())  # some Python builds have no certificates
    return context


def _read_chunk(response: http.client.HTTPResponse, timeout_s: float) -> bytes:
    try:
        return response.read1(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise TransientError(_failure_reason(error, timeout_s)) from error


def _http_error(url: str, error: urllib.error.HTTPError) -> Exception:
    answer = f"the server responds with {error.code} {error.reason}"
    if error.code not in _TRANSIENT_STATUSES:
        return DataError(f"{url}: {answer}.")
    retry_after = error.headers.get("Retry-After") or ""
    return TransientError(answer, float(retry_after) if retry_after.isdigit() else 0.0)


def _failure_reason(error: Exception, timeout_s: float) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"nothing came for {timeout_s:g} s"
    if isinstance(cause, (ConnectionResetError, http.client.IncompleteRead)):
        return "the connection was interrupted"
    return f"the connection failed ({getattr(cause, 'strerror', None) or cause})"
