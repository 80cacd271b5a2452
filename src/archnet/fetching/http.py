"""One try to read from a server over HTTP: it may break off, stay silent or crawl, but it ends."""

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

_PIECE_BYTES = 1 << 18
# The server is busy or out of order for now; any other answer from 400 on stays as it is.
_PASSING = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a server is waited for.

    Attributes:
        num_tries: Tries in a row that bring next to nothing before giving up.
        first_wait_s: Pause after the first of them; each further one is twice as long.
        longest_wait_s: No pause is longer.
        timeout_s: Silence that ends a try, and the time over which the speed is judged.
        slowest_bytes_per_s: A try that stays slower is ended; one that brings less than this times `timeout_s` has
            brought next to nothing.
        sleep: Pauses for some seconds.
        clock: Seconds that only go forward.
    """

    num_tries: int = 8
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    timeout_s: float = 60.0
    slowest_bytes_per_s: float = 1000.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def wait_s(self, num_failures: int, asked_s: float = 0.0) -> float:
        """The pause after some failures in a row, at least what the server asks for.

        >>> [Patience().wait_s(failures) for failures in (1, 2, 3, 8)]
        [1.0, 2.0, 4.0, 60.0]
        """
        return min(max(self.first_wait_s * 2.0 ** (num_failures - 1), asked_s), self.longest_wait_s)


class BrokenError(Exception):
    """A try that came to nothing for now; the text says why, `asked_s` how long the server asks to wait."""

    def __init__(self, reason: str, asked_s: float = 0.0) -> None:
        super().__init__(reason, asked_s)
        self.reason = reason
        self.asked_s = asked_s


@contextmanager
def opened(url: str, start: int, patience: Patience) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request for a file from some byte on.

    Raises:
        BrokenError: There is none for now.
        DataError: The server refuses.
    """
    headers = {"User-Agent": "archnet", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = _opener().open(urllib.request.Request(url, headers=headers), timeout=patience.timeout_s)
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(url, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise BrokenError(_reason(error, patience.timeout_s)) from error
    with response:
        yield response


def pieces(response: http.client.HTTPResponse, url: str, longest: int, patience: Patience) -> Iterator[bytes]:
    """What a server sends, as it comes.

    Raises:
        BrokenError: It breaks off, stays silent or is too slow.
        DataError: More than `longest` bytes come.
    """
    since_s, num_since, num_bytes = patience.clock(), 0, 0
    while piece := _piece(response, patience.timeout_s):
        num_since += len(piece)
        num_bytes += len(piece)
        if num_bytes > longest:
            raise DataError(f"{url}: {longest:,} bytes were expected, but the server sends more.")
        yield piece
        seconds = patience.clock() - since_s
        if seconds >= patience.timeout_s:
            if num_since < patience.slowest_bytes_per_s * seconds:
                raise BrokenError(f"only {num_since:,} bytes came in {seconds:.0f} s")
            since_s, num_since = patience.clock(), 0


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to http, where anyone on the way could change the file."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise DataError(f"{req.full_url}: the server points to {newurl}, which is not https. Nothing was fetched.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https and nothing else: no file:, no ftp:."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=_certificates()),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SafeRedirects(),
    ):
        opener.add_handler(handler)
    return opener


@functools.cache
def _certificates() -> ssl.SSLContext:
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())  # some Pythons come without certificates
    return context


def _piece(response: http.client.HTTPResponse, timeout_s: float) -> bytes:
    try:
        return response.read1(_PIECE_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise BrokenError(_reason(error, timeout_s)) from error


def _refused(url: str, error: urllib.error.HTTPError) -> Exception:
    answer = f"the server answers {error.code} {error.reason}"
    if error.code not in _PASSING:
        return DataError(f"{url}: {answer}.")
    asked = error.headers.get("Retry-After") or ""
    return BrokenError(answer, float(asked) if asked.isdigit() else 0.0)


def _reason(error: Exception, timeout_s: float) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"nothing came for {timeout_s:g} s"
    if isinstance(cause, (ConnectionResetError, http.client.IncompleteRead)):
        return "the connection broke off"
    return f"the connection failed ({getattr(cause, 'strerror', None) or cause})"
