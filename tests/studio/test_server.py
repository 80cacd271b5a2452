"""The server as a process: its address, its end, many requests at once, and a real run that outlives it."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import time

import anyio
import httpx
import pytest

from archnet.studio.studio_server import serve_studio
from command_line import invoked
from finished_runs import NET_2D, write_cubes
from plain_training import PLAIN
from studio_client import StudioClient
from studio_process import client, studio_process


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mine.json").write_text(json.dumps(NET_2D))
    return folder


@pytest.mark.slow
def test_the_address_is_of_this_machine_alone_and_ctrl_c_ends_the_page(folder):
    with studio_process(folder) as (process, address, token):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
        assert len(token) == 43
        with client(address, token) as studio:
            assert studio.get("/api/folder").json()["folder"] == str(folder)
            assert studio.get("/", params={"token": token}).status_code == 200
            assert "server" not in studio.get("/api/folder").headers
        process.send_signal(signal.SIGINT)
        output, messages = process.communicate(timeout=30)
        assert (process.returncode, output) == (130, "")
        assert messages == (
            "Press Ctrl-C to stop the server. Runs started from the page continue.\n"
            "Server stopped. Runs started from the page continue.\n"
        )


def test_a_port_in_use_and_a_missing_folder_are_refused(folder):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = invoked("studio", folder, "--no-browser", "--port", port)
        assert done.exit_code == 1
        assert str(done.exception) == (
            f"--port {port}: cannot be used: Address already in use. Choose another port, or omit --port for a free one."
        )
    assert str(invoked("studio", folder / "none", "--no-browser").exception) == (
        f"{folder / 'none'}: no such folder. Name the folder of your architectures and experiments."
    )


def test_the_server_has_limits_and_says_nothing_of_itself(folder, monkeypatch):
    configured, announced, listeners = [], [], []

    class Server:
        def __init__(self, config):
            configured.append(config)

        def run(self, sockets):
            assert sockets[0].getsockname()[0] == "127.0.0.1"
            assert sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
            listeners.extend(sockets)
            raise KeyboardInterrupt

    monkeypatch.setattr("uvicorn.Server", Server)
    with pytest.raises(KeyboardInterrupt, match=r"^Server stopped\. Runs started from the page continue\.$"):
        serve_studio(folder, 0, lambda *addresses: announced.extend(addresses))
    (config,) = configured
    assert (config.limit_concurrency, config.backlog) == (4096, 2048)
    assert (config.timeout_keep_alive, config.timeout_graceful_shutdown) == (5, 2)
    assert (config.log_level, config.access_log, config.lifespan, config.ws) == ("critical", False, "off", "none")
    assert (config.proxy_headers, config.server_header) == (False, False)
    assert [listener.fileno() for listener in listeners] == [-1]
    page, launch = announced
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", page)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/launch/[\w-]{43}", launch)


@pytest.mark.parametrize(
    ("method", "path", "values", "number"),
    [
        ("GET", "/api/processes", {}, 4),
        ("GET", "/api/folder", {}, 2),
        ("POST", "/api/duration", {"json": {"path": "mine.json", "text": "{"}}, 1),
    ],
)
def test_few_requests_are_answered_at_once(folder, monkeypatch, method, path, values, number):
    limits, run_sync = [], anyio.to_thread.run_sync

    async def run(function, *arguments, limiter):
        limits.append(limiter.total_tokens)
        return await run_sync(function, *arguments, limiter=limiter)

    monkeypatch.setattr("anyio.to_thread.run_sync", run)
    with StudioClient(folder) as studio:
        studio.request(method, path, **values)
    assert limits == [number]


def test_the_page_opens_in_the_browser_unless_it_is_not_wanted(folder, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "archnet.studio.studio_server.serve_studio", lambda folder, port, announce: announce("http://x", "http://once")
    )
    monkeypatch.setattr("typer.launch", opened.append)
    for options in ((), ("--no-browser",)):
        done = invoked("studio", folder, *options)
        assert done.stdout == "archnet studio: http://x\n"
    assert opened == ["http://once"]


@pytest.mark.slow
def test_the_server_starts_without_keras_and_the_libraries_of_scans(folder):
    code = (
        "import sys, archnet.studio.api_routes, archnet.studio.studio_app, archnet.studio.studio_server, uvicorn\n"
        "print([name for name in ('keras', 'tensorflow', 'SimpleITK', 'sklearn', 'scipy', 'matplotlib', 'ray')"
        " if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.long
def test_hundreds_of_requests_at_once_are_answered_or_asked_to_come_back(folder):
    async def send(address, token):
        headers = {"authorization": f"Bearer {token}"}
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=address, headers=headers, limits=limits, trust_env=False, timeout=60
        ) as many:
            tasks = [many.post("/api/analysis", json={"path": "mine.json", "text": "{"}) for _ in range(300)]
            return [answer.status_code for answer in await asyncio.gather(*tasks)]

    with studio_process(folder) as (process, address, token):
        codes = asyncio.run(send(address, token))
        assert set(codes) <= {200, 503}
        assert codes.count(200) >= 64
        with client(address, token) as studio:
            assert studio.get("/api/folder").status_code == 200
        assert process.poll() is None


@pytest.mark.slow
def test_a_large_body_gets_its_refusal_before_it_is_sent(folder):
    def body():
        for _ in range(100):
            yield b" " * 1_000_000

    kind = {"content-type": "application/json"}
    with studio_process(folder) as (_, address, token), client(address, token) as studio:
        for content in (b" " * 100_000_000, body()):
            answer = studio.put("/api/document", content=content, headers=kind)
            assert answer.status_code == 413
        assert studio.get("/api/folder").status_code == 200


def wait_for(condition, seconds=240):
    for _ in range(seconds * 4):
        if found := condition():
            return found
        time.sleep(0.25)
    raise AssertionError("it did not happen")


@pytest.mark.slow
def test_a_run_is_started_followed_stopped_resumed_and_read_and_outlives_the_page(folder):
    write_cubes(folder / "cubes.npz")
    settings = {f"training.{key}": value for key, value in {**PLAIN, "epochs": 150, "batch_size": 8}.items()}
    path = "runs/cubes/flat"

    def state(studio):
        answer = studio.get("/api/run", params={"path": path})
        return answer.json() if answer.status_code == 200 else {"state": "none", "num_epochs": 0}

    with studio_process(folder) as (_, address, token), client(address, token) as studio:
        request = {"documents": ["mine.json"], "data": "npz:cubes.npz", "settings": settings}
        assert studio.post("/api/run/start", json=request).status_code == 200
        running = wait_for(lambda: (now := state(studio))["num_epochs"] >= 3 and now)
        assert (running["state"], running["can_stop"], running["max_epochs"]) == ("running", True, 150)
        assert running["seconds_left"] > 0
    with studio_process(folder) as (_, address, token), client(address, token) as studio:
        now = state(studio)
        assert (now["state"], now["can_stop"]) == ("running", True)
        assert now["num_epochs"] >= running["num_epochs"]
        assert "archnet run" in studio.post("/api/run/stop", json={"path": path}).json()["stopped"]
        stopped = wait_for(lambda: (now := state(studio))["state"] != "running" and now)
        assert (stopped["state"], stopped["can_resume"]) == ("interrupted", True)
        epochs = stopped["num_epochs"]
        assert studio.post("/api/run/resume", json={"path": path}).status_code == 200
        finished = wait_for(lambda: (now := state(studio))["state"] == "finished" and now)
        assert finished["num_epochs"] == 150
        assert finished["history"]["train_loss"][: epochs - 1] == pytest.approx(
            stopped["history"]["train_loss"][: epochs - 1], rel=1e-5
        )
        assert finished["confusion_matrices"]["test"]
        report = studio.post("/api/report", json={"path": path}).json()["address"]
        assert "flat" in studio.get(report).text
