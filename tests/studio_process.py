"""`archnet studio` in a process of its own, and requests to it."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx


@contextmanager
def studio_process(folder, *options):
    """The process, its address and its token; interrupted at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "archnet", "studio", str(folder), "--no-browser", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        line = process.stdout.readline()
        address, _, token = line.removeprefix("archnet studio: ").strip().partition("/?token=")
        yield process, address, token
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        finally:
            process.kill()


def client(address, token, **options):
    """A client that sends the token."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=address, headers=headers, timeout=60, trust_env=False, **options)
