"""A server on 127.0.0.1 that stands for those of public data sets."""

import hashlib
import http.server
import io
import json
import re
import threading
import zipfile

from archnet.fetching.catalogue import Servers
from archnet.fetching.http import RetryPolicy


def zip_bytes(entries, **options):
    """A zip archive; entries by name, or (ZipInfo, bytes) pairs."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, content)
    return file.getvalue()


class Server:
    """Serves files from memory and misbehaves as scripted; `answers[path]` is used up one a request."""

    def __init__(self):
        self.files, self.answers, self.requests = {}, {}, []
        self.over = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.handle_error = lambda request, address: None
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.over.set()
        self.http.shutdown()
        self.http.server_close()

    def publish(self, record, files):
        """A Zenodo record with its listing."""
        for name, content in files.items():
            self.files[f"/api/records/{record}/files/{name}/content"] = content
        self.list(record, [self.listed(record, name, content) for name, content in files.items()])

    def listed(self, record, name, content, **changes):
        link = f"{self.url}/api/records/{record}/files/{name}/content"
        checksum = "md5:" + hashlib.md5(content).hexdigest()
        return {"key": name, "size": len(content), "checksum": checksum, "links": {"self": link}, **changes}

    def list(self, record, files):
        self.files[f"/api/records/{record}"] = json.dumps({"id": record, "files": files}).encode()

    def servers(self, **policy):
        """Everything lies here, and is waited for briefly."""
        limits = {"max_attempts": 3, "timeout_s": 5.0, "min_bytes_per_s": 1.0, "sleep": lambda seconds: None}
        return Servers(
            zenodo=f"{self.url}/api/records", mosmed=f"{self.url}/v0.2", policy=RetryPolicy(**limits | policy)
        )


class _Handler(http.server.BaseHTTPRequestHandler):
    owner: Server

    def do_GET(self):
        self.owner.requests.append((self.path.split("/")[-2 if self.path.endswith("content") else -1], self.asked))
        answers = self.owner.answers.get(self.path, [])
        (answers.pop(0) if answers else serve)(self, self.owner.files.get(self.path))

    @property
    def asked(self):
        """The first byte that is asked for."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found[1]) if found else 0

    def begin(self, status, headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(handler, content, length=None, num_bytes=None):
    """As a server should, but for the bytes that are announced and those that come."""
    if content is None:
        handler.send_error(404)
        return
    start, size = handler.asked, len(content)
    headers = {"Content-Length": size - start if length is None else length}
    if start:
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    handler.begin(206 if start else 200, headers)
    handler.wfile.write(content[start:][:num_bytes])


def zip_entry(name, mode=0, **attributes):
    info = zipfile.ZipInfo("x")
    info.filename, info.external_attr = name, mode << 16
    for key, value in attributes.items():
        setattr(info, key, value)
    return info
