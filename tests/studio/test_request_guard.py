"""Only the page itself reaches the API: a token, its own Host and Origin, bounded bodies, and headers on all answers."""

import asyncio
import json
import re

import pytest

from archnet.studio.requests.api_route import RequestRefusal
from archnet.studio.requests.request_guard import MAX_REQUESTS, AccessToken, RequestGuard, Tickets
from archnet.studio.requests.request_values import MAX_BODY_BYTES, read_bounded
from archnet.studio.requests.static_files import StaticFile, index_page
from archnet.studio.studio_app import LAUNCH
from studio_client import ORIGIN, PORT, TOKEN, StudioClient

NO_TOKEN = "The token is missing or invalid. Open the address that `archnet studio` printed when it started."
FOREIGN = "Requests from other web pages are rejected."
WRONG_HOST = f"The Host must be 127.0.0.1:{PORT} or localhost:{PORT}."

OPERATIONS = [
    ("GET", "/api/folder"),
    ("GET", "/api/openapi.json"),
    ("PUT", "/api/document"),
    ("POST", "/api/run/start"),
]


def answer_to(folder, method, path, **headers):
    with StudioClient(folder, **headers) as studio:
        answer = studio.request(method, path)
    return answer.status_code, answer.json()["error"] if answer.status_code >= 400 else None


@pytest.mark.parametrize(("method", "path"), [*OPERATIONS, ("GET", "/nowhere")])
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN]
)
def test_without_the_token_nothing_is_answered(tmp_path, method, path, authorization):
    assert answer_to(tmp_path, method, path, authorization=authorization) == (401, NO_TOKEN)


@pytest.mark.parametrize("query", ["", "token=wrong", "token=<script>"])
def test_a_wrong_token_in_the_address_of_the_page_is_explained_by_a_page(tmp_path, query):
    with StudioClient(tmp_path, authorization=None) as studio:
        answer = studio.get(f"/?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert "Open the address that <code>archnet studio</code> printed when it started." in answer.text
    assert "<script>" not in answer.text


def test_the_styles_that_the_page_writes_have_a_nonce_that_is_new_for_each_answer(tmp_path, monkeypatch):
    files = {"index.html": StaticFile(b'<meta name="style-nonce" content="NONCE">', "text/html")}
    monkeypatch.setattr("archnet.studio.requests.static_files.static_files", lambda: files)
    with StudioClient(tmp_path) as studio:
        answers = [studio.get("/", params={"token": TOKEN}) for _ in range(2)]
        policy = studio.get("/api/folder").headers["content-security-policy"]
    assert {answer.headers["content-type"] for answer in answers} == {"text/html; charset=utf-8"}
    nonces = [re.search('content="([^"]{22})"', answer.text)[1] for answer in answers]
    assert nonces[0] != nonces[1]
    for answer, nonce in zip(answers, nonces, strict=True):
        assert answer.headers["content-security-policy"].endswith(f"; style-src 'self' 'nonce-{nonce}'")
    assert "style-src" not in policy


def test_the_token_in_the_address_opens_the_page_alone(tmp_path):
    with StudioClient(tmp_path, authorization=None) as studio:
        assert studio.get("/", params={"token": TOKEN}).status_code == 200
        assert studio.get("/api/folder", params={"token": TOKEN}).status_code == 401
        assert studio.get("/", params=[("token", TOKEN), ("token", TOKEN)]).status_code == 401
        assert studio.get("/", params={"token": f"{TOKEN}\0"}).status_code == 401


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    "origin",
    ["null", "http://evil.example", f"https://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 1}", "http://127.0.0.1",
     f"http://evil.example:{PORT}", f"127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT}/", "", f"http://127.0.0.1:{PORT}.evil"],
)  # fmt: skip
def test_requests_of_foreign_pages_are_refused(tmp_path, method, path, origin):
    assert answer_to(tmp_path, method, path, origin=origin) == (403, FOREIGN)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_browser_says_where_a_request_comes_from(tmp_path, site):
    assert answer_to(tmp_path, "GET", "/api/folder", **{"sec-fetch-site": site}) == (403, FOREIGN)
    assert answer_to(tmp_path, "GET", "/api/folder", **{"sec-fetch-site": "same-origin"}) == (200, None)


def test_a_link_in_a_terminal_in_the_browser_opens_the_page(tmp_path):
    with StudioClient(tmp_path, origin=None, **{"sec-fetch-site": "cross-site"}) as studio:
        assert studio.get("/", params={"token": TOKEN}).status_code == 200
        assert studio.get("/", params={"token": "wrong"}).status_code == 401
        assert studio.get("/api/openapi.json").status_code == 403


def test_the_address_for_the_browser_leads_to_the_page_once_and_only_its_own_tickets_do(tmp_path):
    with StudioClient(tmp_path, authorization=None, origin=None) as studio:
        address = f"/launch/{studio.tickets.issue(LAUNCH)}"
        first, second = studio.get(address), studio.get(address)
        assert (first.status_code, first.headers["location"]) == (303, f"/?token={TOKEN}")
        report = studio.get(f"/launch/{studio.tickets.issue(tmp_path / 'report.html')}")
        swapped = studio.get(f"/report/{studio.tickets.issue(LAUNCH)}")
    used = "This address was valid only once. Open the address that `archnet studio` printed."
    assert [(answer.status_code, answer.json()["error"]) for answer in (second, report)] == [(404, used)] * 2
    assert swapped.status_code == 404


@pytest.mark.parametrize(("method", "path"), [*OPERATIONS, ("GET", "/report/x"), ("GET", "/static/x/y")])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        f"127.0.0.1:{PORT + 1}",
        "",
        f"[::1]:{PORT}",
        f"127.0.0.1:{PORT}.evil.example",
    ],
)
def test_a_foreign_host_is_refused(tmp_path, method, path, host):
    assert answer_to(tmp_path, method, path, host=host) == (403, WRONG_HOST)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_both_names_of_this_machine_are_accepted_also_without_an_origin(tmp_path, host):
    with StudioClient(tmp_path, host=f"{host}:{PORT}", origin=None) as studio:
        assert studio.get("/api/folder").status_code == 200
    with StudioClient(tmp_path, host=f"{host}:{PORT}", origin=f"http://{host}:{PORT}") as studio:
        assert studio.get("/api/folder").status_code == 200


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "PATCH", "DELETE", "TRACE", "POST"])
def test_other_methods_are_not_allowed_and_there_is_no_permission_for_other_origins(tmp_path, method):
    with StudioClient(tmp_path) as studio:
        answer = studio.request(method, "/api/folder")
        assert answer.status_code == (200 if method == "HEAD" else 405)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        if method not in ("HEAD",):
            assert answer.json() == {"error": f"{method} is not allowed at this address."}
            assert sorted(answer.headers["allow"].split(", ")) == ["GET", "HEAD"]


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/api/folder", 200), ("/nowhere", 404), ("/api/document", 400)]
)
def test_every_answer_has_the_security_headers(tmp_path, path, status):
    with StudioClient(tmp_path) as studio:
        answer = studio.get(path, params={"token": TOKEN} if path == "/" else None)
    refused = StudioClient(tmp_path, authorization=None)
    with refused as studio:
        answers = [answer, studio.get(path)]
    assert [one.status_code for one in answers] == [status, 401]
    assert answers[1].headers["www-authenticate"] == "Bearer"
    assert answers[1].headers["content-length"] == str(len(answers[1].content))
    assert "www-authenticate" not in answers[0].headers
    for one in answers:
        policy = dict(part.split(" ", 1) for part in one.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"].replace("none", "self") == "'self'"
        assert "script-src" not in policy
        assert "unsafe-inline" not in one.headers["content-security-policy"]
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["referrer-policy"] == "no-referrer"
        assert one.headers["cache-control"] == "no-store"
        assert one.headers["x-frame-options"] == "DENY"


def test_the_files_of_the_page_are_a_fixed_list_below_a_secret_address(tmp_path, monkeypatch):
    files = {
        "index.html": StaticFile(b'<script src="./studio.js">', "text/html"),
        "studio.js": StaticFile(b"1", "text/javascript"),
    }
    monkeypatch.setattr("archnet.studio.requests.static_files.static_files", lambda: files)
    monkeypatch.setattr("archnet.studio.studio_app.static_files", lambda: files)
    key = AccessToken(TOKEN).static_key
    with StudioClient(tmp_path, authorization=None) as studio:
        assert studio.get("/", params={"token": TOKEN}).text == f'<script src="/static/{key}/studio.js">'
        script = studio.get(f"/static/{key}/studio.js")
        assert (script.status_code, script.text, script.headers["content-type"]) == (
            200,
            "1",
            "text/javascript; charset=utf-8",
        )
        assert studio.get("/static/wrong/studio.js").status_code == 401
        assert studio.get(f"/static/{TOKEN}/studio.js").status_code == 401
        for name in ("nothing.js", "../api_routes.py", "..%2fapi_routes.py", "/etc/passwd", ""):
            assert studio.get(f"/static/{key}/{name}").status_code in (401, 404)


def test_tokens_are_new_for_each_start_and_are_not_shown():
    first, second = AccessToken(), AccessToken()
    assert len(first.text) == 43  # 256 bits in base64
    assert first.text != second.text
    assert first.text not in repr(first)
    assert first.static_key not in first.text
    assert len(first.static_key) == 32  # 128 bits
    assert not first.matches("é\ud800")


def test_a_ticket_is_good_for_one_request_and_there_are_few():
    tickets = Tickets()
    first = tickets.issue("report")
    assert (tickets.redeem(first), tickets.redeem(first), tickets.redeem("x")) == ("report", None, None)
    for num_newer, value in ((15, "old"), (16, None)):
        old = tickets.issue("old")
        for _ in range(num_newer):
            tickets.issue("new")
        assert tickets.redeem(old) == value


def call(app, method, path, messages, **headers):
    """The status, the answer and the number of messages that the application took."""
    taken, sent = [], []
    given = {"host": f"127.0.0.1:{PORT}", "authorization": f"Bearer {TOKEN}", **headers}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "server": ("127.0.0.1", PORT),
        "client": ("127.0.0.1", 1), "headers": [(key.encode(), value.encode()) for key, value in given.items()],
    }  # fmt: skip

    async def receive():
        taken.append(1)
        return next(messages)

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"]), len(taken)


def endless_body():
    while True:
        yield {"type": "http.request", "body": b" " * 1_000_000, "more_body": True}


def guarded(kind, path="/api/folder", **headers):
    """The messages of a guard, and the number of requests that reached its application."""
    passed, sent = [], []

    async def app(scope, receive, send):
        passed.append(scope)

    async def send(message):
        sent.append(message)

    given = {"host": [f"127.0.0.1:{PORT}"], "authorization": [f"Bearer {TOKEN}"], **headers}
    pairs = [(key.replace("_", "-").encode(), value.encode()) for key, values in given.items() for value in values]
    scope = {"type": kind, "method": "GET", "path": path, "query_string": b"", "headers": pairs}
    asyncio.run(RequestGuard(app, AccessToken(TOKEN), PORT)(scope, None, send))
    return sent, len(passed)


def test_the_guard_closes_websockets_and_passes_on_the_lifetime_of_the_server_only():
    assert guarded("websocket") == ([{"type": "websocket.close", "code": 1008}], 0)
    assert guarded("lifespan") == ([], 1)
    assert guarded("other") == ([], 0)


OWN = f"127.0.0.1:{PORT}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, None),
        ({"host": [OWN, OWN]}, 403),
        ({"host": [OWN, "evil.example"]}, 403),
        ({"host": []}, 403),
        ({"origin": [f"http://{OWN}", "http://evil.example"]}, 403),
        ({"sec_fetch_site": ["same-origin", "none"]}, None),
        ({"sec_fetch_site": ["same-origin", "cross-site"]}, 403),
        ({"sec_fetch_site": ["cross-site", "same-origin"]}, 403),
        ({"authorization": [f"Bearer {TOKEN}", f"Bearer {TOKEN}"]}, 401),
        ({"authorization": [f"bEARER {TOKEN}"]}, None),
        ({"authorization": []}, 401),
    ],
)
def test_a_header_that_occurs_twice_is_no_way_around_the_guard(headers, status):
    sent, num_passed = guarded("http", **headers)
    assert [message.get("status") for message in sent[:1]] == ([] if status is None else [status])
    assert num_passed == (status is None)


def test_a_foreign_host_gets_no_page():
    (_, body), _ = guarded("http", "/", host=["evil.example"])
    assert json.loads(body["body"]) == {"error": WRONG_HOST}


@pytest.mark.parametrize(("size", "announced", "is_refused"), [
    (8_000_000, "8000000", False), (8_000_000, None, False), (8_000_000, "many", False), (8_000_001, None, True),
    (0, "8000001", True),
])  # fmt: skip
def test_a_body_of_8_megabytes_is_read(size, announced, is_refused):
    async def parts():
        yield b" " * size

    if is_refused:
        with pytest.raises(RequestRefusal) as caught:
            asyncio.run(read_bounded(parts(), announced))
        assert caught.value.status == 413
    else:
        assert len(asyncio.run(read_bounded(parts(), announced))) == size


def test_a_body_beyond_the_limit_is_refused_without_being_read(tmp_path):
    refusal = {"error": "The request is larger than 8 MB, the limit. Send less."}
    app, kind = StudioClient(tmp_path).app, {"content-type": "application/json"}
    announced = call(app, "PUT", "/api/document", endless_body(), **kind, **{"content-length": "100000000"})
    assert announced == (413, refusal, 0)
    chunked = call(StudioClient(tmp_path).app, "PUT", "/api/document", endless_body(), **kind)
    assert chunked == (413, refusal, MAX_BODY_BYTES // 1_000_000 + 1)
    lying = call(StudioClient(tmp_path).app, "PUT", "/api/document", endless_body(), **kind, **{"content-length": "5"})
    assert lying[0] == 413
    longer = call(
        StudioClient(tmp_path).app, "PUT", "/api/document", endless_body(), **kind, **{"content-length": "9" * 5000}
    )
    assert longer == (413, refusal, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The body of the request: line 1: not JSON (Expecting value)."),
        (b"{", "The body of the request: line 1: not JSON (Expecting property name enclosed in double quotes)."),
        (b"\xff", "The body of the request: line 1: not UTF-8 text."),
        (b'{"path": "a.json", "path": "b.json"}', 'The body of the request: the key "path" occurs twice.'),
        (b'{"path": "\\ud800"}', "The body of the request: holds \\ud800, a lone surrogate."),
        (b"[" * 200 + b"]" * 200, "The body of the request: nested more than 100 levels deep."),
        (b"[" * 200_000, "The body of the request: nested more than 100 levels deep."),
        (b"[]", "$: expected an object, got []."),
        (b'{"path": "a.json", "text": NaN}', "The body of the request: line 1: NaN is not JSON."),
        (b'{"path": "a.json", "text": 1}', "$.text: expected a string, got 1."),
        (b'{"path": "a.json", "text": "", "batchsize": 1}', '$.batchsize: unknown key "batchsize". Did you mean "batch_size"?'),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_refused_with_the_reason(tmp_path, content, message):
    with StudioClient(tmp_path) as studio:
        answer = studio.post("/api/analysis", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"error": message})


def test_an_answer_lists_five_problems_of_a_request(tmp_path):
    values = {"path": "a.json", "text": "", **{f"unknown{number}": 1 for number in range(7)}}
    with StudioClient(tmp_path) as studio:
        answer = studio.post("/api/analysis", json=values)
    assert answer.json()["error"].count("unknown key") == 5


def test_the_media_type_of_a_body_has_any_case_and_parameters(tmp_path):
    content = json.dumps({"path": "a.json", "text": "[]"})
    with StudioClient(tmp_path) as studio:
        kind = {"content-type": " Application/JSON ; charset=utf-8"}
        assert studio.post("/api/analysis", content=content, headers=kind).status_code == 200
        answer = studio.post("/api/analysis", content=content)
    assert (answer.status_code, answer.json()["error"]) == (
        415,
        'Content-Type: expected application/json, got "".',
    )


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_of_a_form_is_refused(tmp_path, media_type):
    with StudioClient(tmp_path) as studio:
        answer = studio.post("/api/analysis", content=b"{}", headers={"content-type": media_type})
    assert (answer.status_code, answer.json()["error"]) == (
        415,
        f'Content-Type: expected application/json, got "{media_type}".',
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", '$: the key "path" is missing.'),
        ("path=a.json&path=b.json", 'The parameter "path" occurs twice. Give it once.'),
        ("path=a.json&x=1", '$.x: unknown key "x". Known keys: path.'),
        ("path=", "$.path: expected at least 1 characters, got \"\"."),
        (f"path={'a' * 1001}", None),
    ],
)  # fmt: skip
def test_query_parameters_are_validated(tmp_path, query, message):
    with StudioClient(tmp_path) as studio:
        answer = studio.get(f"/api/document?{query}")
    assert answer.status_code == 400
    assert message is None or answer.json() == {"error": message}


def test_more_requests_at_once_than_the_limit_are_asked_to_come_back(tmp_path, monkeypatch):
    with StudioClient(tmp_path) as studio:
        answers = studio.gather(MAX_REQUESTS + 20, "GET", "/api/folder")
        codes = [answer.status_code for answer in answers]
        assert (codes.count(200), codes.count(503)) == (MAX_REQUESTS, 20)
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.json() == {"error": "More than 64 concurrent requests. Try again."}
        assert refused.headers["retry-after"] == "1"
        assert studio.get("/api/folder").status_code == 200


def test_a_bug_is_answered_with_500_and_without_details(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("archnet.studio.api_routes.list_documents", lambda workspace: 1 / 0)
    with StudioClient(tmp_path) as studio:
        answer = studio.get("/api/folder")
    assert (answer.status_code, answer.json()) == (
        500,
        {"error": "This request failed because of a bug in archnet: ZeroDivisionError."},
    )
    monkeypatch.setattr("archnet.studio.api_routes.list_documents", lambda workspace: {"folder": float("nan")})
    with StudioClient(tmp_path) as studio:
        assert studio.get("/api/folder").status_code == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ORIGIN not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_a_page_that_is_not_built_says_how_to_build_it(monkeypatch):
    monkeypatch.setattr("archnet.studio.requests.static_files.static_files", dict)
    assert b"<p>The page is not built. In a clone of archnet: cd studio/page, npm ci, npm run build.</p>" in index_page(
        "key", "nonce"
    )
