"""Send hostile and malformed requests to an `archnet studio` server, and print the response to each.

python experiments/check_studio.py
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

ARCH = '{"input_shape": [8, 8], "layers": [{"type": "GAP"}, {"type": "T"}]}\n'
JSON = {"content-type": "application/json"}


def start(folder):
    process = subprocess.Popen(
        [sys.executable, "-m", "archnet", "studio", str(folder), "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    address, _, token = process.stdout.readline().split()[-1].partition("/?token=")
    return process, address, token


def make_folder(parent):
    folder = parent / "project"
    folder.mkdir()
    (folder / "mine.json").write_text(ARCH)
    (parent / "outside.json").write_text(ARCH)
    (folder / "link.json").symlink_to(parent / "outside.json")
    (folder / "linked").symlink_to(parent)
    os.mkfifo(folder / "pipe.json")
    return folder


def chunks():
    for _ in range(100):
        yield b" " * 1_000_000


def outcome(answer):
    error = answer.json().get("error", "") if "json" in answer.headers.get("content-type", "") else ""
    return f"{answer.status_code} {error}".strip()


def single_requests(address, token):
    """Yield the name of each request and the response to it."""
    own = {"authorization": f"Bearer {token}"}
    port = address.rpartition(":")[2]

    def send(method, path, headers=own, **given):
        with httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=60) as client:
            try:
                return outcome(client.request(method, path, **given))
            except httpx.HTTPError as error:
                return f"{type(error).__name__}: {error}"

    def document(path):
        return send("GET", "/api/document", params={"path": path})

    yield "valid request", send("GET", "/api/folder")
    yield "no token", send("GET", "/api/folder", {})
    yield "no token, the page", send("GET", "/", {})
    yield "wrong token", send("GET", "/api/folder", {"authorization": "Bearer wrong"})
    yield "token in the address of the API", send("GET", "/api/folder", {}, params={"token": token})
    yield "foreign Origin", send("GET", "/api/folder", {**own, "origin": "http://evil.example"})
    yield "Origin null", send("GET", "/api/folder", {**own, "origin": "null"})
    yield "Origin of another port", send("GET", "/api/folder", {**own, "origin": "http://127.0.0.1:1"})
    yield "cross-site by Sec-Fetch-Site", send("GET", "/api/folder", {**own, "sec-fetch-site": "cross-site"})
    yield "preflight", send("OPTIONS", "/api/document", {**own, "origin": address})
    yield "foreign Host (DNS rebinding)", send("GET", "/api/folder", {**own, "host": f"evil.example:{port}"})
    yield "path outside the folder", document("../outside.json")
    yield "absolute path", document("/etc/passwd.json")
    yield "symlink out of the folder", document("link.json")
    yield "linked folder", document("linked/outside.json")
    yield "hidden file", document(".git/config.json")
    yield "named pipe", document("pipe.json")
    yield "null character in a path", document("mine.json\0")
    yield "form instead of JSON", send("POST", "/api/analysis", data={"path": "mine.json"})
    yield "100 MB body", send("PUT", "/api/document", {**own, **JSON}, content=b" " * 100_000_000)
    yield "100 MB in chunks, no length", send("PUT", "/api/document", {**own, **JSON}, content=chunks())
    yield "100,000 nested arrays", send("POST", "/api/analysis", {**own, **JSON}, content=b"[" * 100_000)
    yield "DELETE of a document", send("DELETE", "/api/document")


async def many_requests(address, token, number):
    limits = httpx.Limits(max_connections=None)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=address, headers=headers, limits=limits, trust_env=False, timeout=120
    ) as client:
        body = {"path": "mine.json", "text": ARCH}
        tasks = [client.post("/api/analysis", json=body) for _ in range(number)]
        results = await asyncio.gather(*tasks, return_exceptions=True)
    return Counter(type(one).__name__ if isinstance(one, Exception) else str(one.status_code) for one in results)


def latency_ms(address, token):
    """Number of shipped documents, and median and maximum latency of `/api/analysis` over them."""
    times = []
    with httpx.Client(
        base_url=address, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=60
    ) as client:
        documents = client.get("/api/folder").json()["documents"]
        for path in [entry["path"] for entry in documents if entry["is_shipped"]]:
            text = client.get("/api/document", params={"path": path}).json()["text"]
            for _ in range(5):
                begin = time.perf_counter()
                client.post("/api/analysis", json={"path": path, "text": text}).raise_for_status()
                times.append((1e3 * (time.perf_counter() - begin), path))
    times.sort()
    return len(times) // 5, times[len(times) // 2][0], times[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=1000, help="number of concurrent requests")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        process, address, token = start(make_folder(Path(parent).resolve()))
        try:
            check(address, token, options.requests)
            print(f"{'server process':32} {'running' if process.poll() is None else 'exited'}")
        finally:
            process.terminate()
            process.wait()


def check(address, token, num_requests):
    for name, result in single_requests(address, token):
        print(f"{name:32} {result}")
    begin = time.perf_counter()
    counts = asyncio.run(many_requests(address, token, num_requests))
    seconds = time.perf_counter() - begin
    print(f"{f'{num_requests:,} concurrent requests':32} {json.dumps(dict(counts))} in {seconds:.1f} s")
    print(f"{'valid request, after these':32} {next(result for _, result in single_requests(address, token))}")
    number, median, (most, path) = latency_ms(address, token)
    times = f"median {median:.1f} ms, maximum {most:.1f} ms ({path})"
    print(f"{'analysis, shipped documents':32} {number} files: {times}")


if __name__ == "__main__":
    main()
