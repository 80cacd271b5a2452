"""The page's API in this process, without a socket."""

import asyncio

import httpx

from archnet.studio.api_routes import api_routes
from archnet.studio.requests.request_guard import AccessToken, Tickets
from archnet.studio.studio_app import studio_app
from archnet.studio.trainings.run_processes import RunProcesses
from archnet.studio.workspace.workspace import open_workspace

PORT = 8765
TOKEN = "token-of-the-test"
ORIGIN = f"http://127.0.0.1:{PORT}"


class StudioClient:
    """Sends requests as the page does; keywords replace its headers, and None removes one."""

    def __init__(self, folder, **headers):
        workspace, tickets = open_workspace(folder), Tickets()
        self.tickets = tickets
        self.runs = RunProcesses(workspace)
        self.app = studio_app(api_routes(workspace, tickets, self.runs), tickets, AccessToken(TOKEN), PORT)
        given = {"authorization": f"Bearer {TOKEN}", "origin": ORIGIN, **headers}
        self._headers = {key: value for key, value in given.items() if value is not None}

    def __enter__(self):
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=self._headers)
        return self

    def __exit__(self, *error):
        self._runner.run(self._client.aclose())
        self._runner.close()
        for started in self.runs.processes:
            started.process.kill()
            started.process.wait()
        self.runs.close()

    def request(self, method, path, **given):
        return self._runner.run(self._client.request(method, path, **given))

    def gather(self, number, method, path):
        """The answers to many equal requests at once."""

        async def send():
            return await asyncio.gather(*(self._client.request(method, path) for _ in range(number)))

        return self._runner.run(send())

    def get(self, path, **given):
        return self.request("GET", path, **given)

    def put(self, path, **given):
        return self.request("PUT", path, **given)

    def post(self, path, **given):
        return self.request("POST", path, **given)

    def delete(self, path, **given):
        return self.request("DELETE", path, **given)
