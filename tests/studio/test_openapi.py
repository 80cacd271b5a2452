"""The OpenAPI document describes what the server does: schemathesis sends generated requests to every operation."""

import json
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from archnet.errors import RunError
from archnet.studio.api_routes import api_routes
from archnet.studio.requests.request_guard import Tickets
from archnet.studio.trainings.run_processes import RunProcesses
from archnet.studio.workspace.workspace import Workspace
from schema_limits import grouped_limits
from studio_client import PORT, TOKEN, StudioClient

ARCH = '{"input_shape": [8, 8], "layers": [{"type": "GAP"}, {"type": "T", "num_output": 2}]}'


def test_every_operation_is_described_with_what_it_refuses(tmp_path):
    with StudioClient(tmp_path) as studio:
        document = studio.get("/api/openapi.json").json()
    operations = [
        (method, operation) for methods in document["paths"].values() for method, operation in methods.items()
    ]
    names = [operation["operationId"] for _, operation in operations]
    assert len(names) == len(set(names)) > 20
    assert (document["openapi"], document["security"]) == ("3.1.0", [{"token": []}])
    for method, operation in operations:
        assert ("requestBody" in operation) == (method in ("put", "post"))
        assert {"200", "400", "401", "403", "422", "503"} <= set(operation["responses"])
        assert operation["summary"].endswith(".")
        of_body = {"413", "415"} if method in ("put", "post") else set()
        of_file = {"404"} if set(operation["responses"]) & {"404"} else set()
        of_change = {"409"} if operation["operationId"] == "writeDocument" else set()
        expected = {"200", "400", "401", "403", "422", "503"} | of_body | of_file | of_change
        assert set(operation["responses"]) == expected, operation["operationId"]
        assert operation.get("requestBody", {"required": True})["required"] is True
    parameters = [document["paths"][path]["get"].get("parameters") for path in ("/api/run", "/api/runs", "/api/folder")]
    assert [[(one["name"], one["in"], one["required"]) for one in each or ()] for each in parameters] == [
        [("path", "query", True)],
        [("set", "query", False)],
        [],
    ]
    without_file = {"listDocuments", "listDrafts", "listRuns", "listProcesses"}
    assert {
        operation["operationId"] for _, operation in operations if "404" not in operation["responses"]
    } == without_file
    json.dumps(document, allow_nan=False)


LIMITS = {
    "additionalProperties False": "$",
    "default 10": "columns count",
    "default 2": "num_classes",
    "default 64": "batch_size",
    "default False": "has_byte_order_mark",
    "default None": "budget_bytes",
    "default new": "mode",
    "default none": "match",
    "exclusiveMinimum 0": "spacing_mm[]",
    "maxItems 20": "documents",
    "maxItems 3": "input_shape spacing_mm",
    "maxLength 1000": "data documents[] out path root",
    "maxLength 200": "settings{key}",
    "maxLength 4000000": "open_files{} text",
    "maxProperties 100": "settings",
    "maxProperties 50": "open_files",
    "maximum 100": "count",
    "maximum 1000": "spacing_mm[]",
    "maximum 256": "input_shape[]",
    "maximum 4000000": "offset",
    "maximum 50": "columns",
    "maximum 65536": "batch_size input_shape[] num_classes",
    "maximum 9007199254740992": "budget_bytes",
    "minItems 1": "documents",
    "minItems 2": "input_shape spacing_mm",
    "minLength 1": "data documents[] out path root",
    "minimum 1": "batch_size budget_bytes columns count input_shape[]",
    "minimum 2": "num_classes",
}
"""The names of the values with each limit in the requests."""

LANES = {
    "slow": "listDocuments twin sweep crop listRuns readRun startRun stopRun resumeRun",
    "quick": (
        "readDocument writeDocument listDrafts readDraft keepDraft discardDraft analysis completion hover format "
        "drawing openReport listProcesses"
    ),
    "long": "experiment duration",
}


def test_the_limits_and_defaults_of_the_requests_and_their_lanes():
    workspace = Workspace(Path())
    routes = api_routes(workspace, Tickets(), RunProcesses(workspace))
    assert grouped_limits(*(route.request for route in routes)) == LIMITS
    assert {lane: " ".join(route.name for route in routes if route.lane == lane) for lane in LANES} == LANES
    assert all(route.request["additionalProperties"] is False for route in routes)


def refuse(*arguments, **options):
    raise RunError("No process is started in this test.")


@pytest.fixture
def api(tmp_path, monkeypatch):
    """The API of a folder with one document, without the processes that it would start."""
    monkeypatch.setattr("archnet.studio.trainings.run_processes.subprocess.Popen", refuse)
    monkeypatch.setattr("archnet.sweep.task_process.run_task", refuse)
    monkeypatch.setattr("archnet.studio.answers.crop_answers.MAX_VOXELS", 4096)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mine.json").write_text(ARCH)
    app = StudioClient(folder).app

    async def as_the_page(scope, receive, send):
        kept = [(key, value) for key, value in scope.get("headers", ()) if key != b"host"]
        await app({**scope, "headers": [*kept, (b"host", f"127.0.0.1:{PORT}".encode())]}, receive, send)

    return schemathesis.openapi.from_asgi(
        "/api/openapi.json", as_the_page, headers={"Authorization": f"Bearer {TOKEN}"}
    )


REQUESTS = sorted(
    (route.path, route.method, kind)
    for route in api_routes(Workspace(Path()), Tickets(), RunProcesses(Workspace(Path())))
    for kind in (("valid", "of the folder", "invalid") if route.request["properties"] else ("valid",))
)


@pytest.mark.slow
@pytest.mark.parametrize(("path", "method", "kind"), REQUESTS)
def test_every_answer_is_as_described(api, path, method, kind):
    """Valid requests are carried out, or refused for their content; requests that do not fit are refused."""
    operation = api[path][method]
    mode = GenerationMode.NEGATIVE if kind == "invalid" else GenerationMode.POSITIVE

    @given(case=operation.as_strategy(generation_mode=mode), length=st.integers(0, len(ARCH)))
    @settings(max_examples=12, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def send(case, length):
        if kind == "of the folder":
            for values in (values for values in (case.body, case.query) if isinstance(values, dict)):
                names = {"path": "mine.json", "text": ARCH[:length] if length % 2 else ARCH, "documents": ["mine.json"]}
                values.update({key: names[key] for key in names if key in values})
        answer = case.call_and_validate(
            headers={"Authorization": f"Bearer {TOKEN}"}, excluded_checks=[positive_data_acceptance]
        )
        assert kind == "invalid" or answer.status_code not in (400, 413, 415)

    send()
