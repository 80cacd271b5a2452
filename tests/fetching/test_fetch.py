import hashlib
import itertools
import logging
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections import namedtuple

import numpy as np
import pooch
import pytest

from archnet.errors import DataError, RunError
from archnet.fetching.archive import ArchiveLimits, unpack
from archnet.fetching.catalogue import Servers, fetch
from archnet.fetching.download import Downloader, RemoteFile
from archnet.fetching.fetched_parts import FETCH_RECORD
from archnet.fetching.http import RetryPolicy, TransientError, open_url, read_chunks
from archnet.files.locks import LockedError
from archnet.spec.datasets import DATASETS
from server import Server, serve, zip_bytes, zip_entry
from windows_renames import rename_as_on_windows

LISTS = {"annotations.csv": b"seriesuid,coordX\n", "candidates.csv": b"seriesuid,coordX,class\n"}
DiskUsage = namedtuple("DiskUsage", "total used free")


def _random(num_bytes, seed=0):
    return np.random.default_rng(seed).bytes(num_bytes)


SCANS = {"subset0/1.2.3.mhd": b"ObjectType = Image\n", "subset0/1.2.3.raw": _random(300_000)}


def drop_after(num_bytes):
    return lambda handler, content: serve(handler, content, num_bytes=num_bytes)


def hang_after(num_bytes):
    def answer(handler, content):
        serve(handler, content, num_bytes=num_bytes)
        handler.wfile.flush()
        handler.owner.over.wait(30)

    return answer


def refuse(status, **headers):
    return lambda handler, content: handler.begin(status, {"Content-Length": 0, **headers})


def ignore_range(num_bytes=None, **headers):
    def answer(handler, content):
        handler.begin(200, {"Content-Length": len(content), **headers})
        handler.wfile.write(content[:num_bytes])

    return answer


@pytest.fixture
def server(monkeypatch):
    """A server on this machine; nothing else can be reached."""
    connect = socket.socket.connect

    def connect_here(self, address):
        if address[0] != "127.0.0.1":
            raise AssertionError(f"a test reaches for {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    server.publish(3723295, LISTS | {"subset0.zip": zip_bytes(SCANS)})
    yield server
    server.close()


def _refuse_link(*_):
    raise OSError(95, "Operation not supported")


SUBSET0 = "/api/records/3723295/files/subset0.zip/content"


def _files(folder):
    """The content of each file, without the record of what was fetched."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != FETCH_RECORD]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def _raises(message):
    return pytest.raises(DataError, match=f"^{re.escape(message)}$")


def test_the_zenodo_records_are_in_one_table():
    files = DATASETS["luna16"].published
    subsets, lists = ([file for file in files if (file.subset is None) == is_list] for is_list in (False, True))
    assert [file.record for file in subsets] == [3723295] * 7 + [4121926] * 3
    assert [file.record for file in lists] == [3723295] * 4
    assert [file.archive for file in subsets] == [f"subset{number}.zip" for number in range(10)]
    assert Servers().zenodo == "https://zenodo.org/api/records"
    assert [f"{Servers().mosmed}/{part.archive}" for part in DATASETS["mosmed"].published] == [
        f"https://github.com/hasibzunair/3D-image-classification-tutorial/releases/download/v0.2/{name}"
        for name in ("CT-0.zip", "CT-23.zip")
    ]


def test_the_lists_and_the_chosen_subsets_come_and_nothing_else(tmp_path, server):
    server.publish(4121926, {"subset8.zip": zip_bytes({"subset8/4.5.mhd": b"8"}), "subset9.zip": b""})
    bars = []

    def progress(items, description, total):
        bars.append((description, total, list(items)))
        return bars[-1][-1]

    root = tmp_path / "new" / "luna16"
    pooch.get_logger().setLevel("INFO")
    paths = fetch("luna16", root, [8, 0, 8], progress, servers=server.servers())
    assert not pooch.get_logger().isEnabledFor(logging.INFO)  # it would print its own progress
    assert paths == [root / name for name in ("annotations.csv", "candidates.csv", "subset0", "subset8")]
    assert _files(root) == LISTS | SCANS | {"subset8/4.5.mhd": b"8"}
    assert not (root / ".fetch").exists()
    assert (root / FETCH_RECORD).read_text() == "annotations.csv\ncandidates.csv\nsubset0\nsubset8\n"
    assert [name for name, _ in server.requests] == [
        "3723295", "4121926", "annotations.csv", "candidates.csv", "subset0.zip", "subset8.zip",
    ]  # fmt: skip
    assert ("Fetching subset0.zip (MB)", 1, [0]) in bars
    assert [(text, total) for text, total, _ in bars if text.startswith("Unp")] == [
        ("Unpacking subset0.zip", 2),
        ("Unpacking subset8.zip", 1),
    ]


def test_what_is_there_is_not_fetched_again(tmp_path, server):
    first = fetch("luna16", tmp_path, [0], servers=server.servers())
    server.requests.clear()
    said = []
    assert fetch("luna16", tmp_path, [0], log=said.append, servers=server.servers()) == first
    assert server.requests == []
    assert said == [f"{tmp_path}: annotations.csv, candidates.csv, subset0: already present."]


def test_lists_that_a_record_has_next_to_the_needed_ones_come_too(tmp_path, server):
    more = {
        "candidates_V2.zip": zip_bytes({"candidates_V2.csv": b"v2", "__MACOSX/x": b""}),
        "evaluationScript.zip": zip_bytes({"evaluationScript/annotations/annotations_excluded.csv": b"e"}),
    }
    server.publish(3723295, LISTS | more | {"subset0.zip": zip_bytes(SCANS)})
    fetch("luna16", tmp_path, [0], servers=server.servers())
    unpacked = {"candidates_V2.csv": b"v2", "evaluationScript/annotations/annotations_excluded.csv": b"e"}
    assert _files(tmp_path) == LISTS | SCANS | unpacked


@pytest.mark.parametrize("num_held", [0, 1_100_000])
@pytest.mark.parametrize(("num_bytes", "num_megabytes"), [(2_000_000, 2), (2_000_001, 3), (2_500_000, 3)])
def test_megabytes_are_counted_once_through_all_connections(tmp_path, server, num_bytes, num_megabytes, num_held):
    content = _random(num_bytes)
    server.files["/x"] = content
    server.answers["/x"] = [drop_after(700_000), drop_after(900_000)]
    (tmp_path / "x.part").write_bytes(content[:num_held])  # of an earlier run
    counted = []

    def progress(items, description, total):
        counted.append((description, total, list(items)))
        return ()

    downloader = Downloader(progress=progress, policy=server.servers().policy)
    remote = RemoteFile(name="x", url=f"{server.url}/x", size=len(content), checksum=None)
    assert downloader.fetch_file(remote, tmp_path).read_bytes() == content
    assert counted == [("Fetching x (MB)", num_megabytes, list(range(num_megabytes)))]


def test_a_dropped_connection_is_continued_where_it_broke(tmp_path, server):
    server.answers[SUBSET0] = [drop_after(100_000), drop_after(50_000), drop_after(0), drop_after(7)]
    waits, said = [], []
    servers = server.servers(sleep=waits.append)
    fetch("luna16", tmp_path, [0], log=said.append, servers=servers)
    assert _files(tmp_path) == LISTS | SCANS
    assert [start for name, start in server.requests if name == "subset0.zip"] == [
        0,
        100_000,
        150_000,
        150_000,
        150_007,
    ]
    assert waits == [1, 1, 2, 1]
    assert said[0] == f"{server.url}{SUBSET0}: the connection was interrupted; trying again in 1 s."


def test_a_server_that_ignores_range_is_read_past_what_is_there(tmp_path, server):
    server.answers[SUBSET0] = [ignore_range(100_000), ignore_range(60_000), ignore_range(200_001), ignore_range()]
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert _files(tmp_path) == LISTS | SCANS


@pytest.mark.slow
def test_a_killed_process_is_continued_by_the_next(tmp_path, server):
    server.answers[SUBSET0] = [hang_after(123_456)]
    code = (
        "import sys; from pathlib import Path; from archnet.fetching.catalogue import Servers, fetch;"
        "fetch('luna16', Path(sys.argv[1]), [0], servers=Servers(zenodo=sys.argv[2]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), server.servers().zenodo])
    part = tmp_path / ".fetch" / "subset0.zip.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size == 123_456) and time.monotonic() < deadline:
        time.sleep(0.01)
    message = f"{tmp_path}: another archnet process is writing to this folder: "
    with pytest.raises(LockedError, match=re.escape(message)):
        fetch("luna16", tmp_path, [0], servers=server.servers())
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    server.requests.clear()
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert server.requests == [("3723295", 0), ("subset0.zip", 123_456)]
    assert _files(tmp_path) == LISTS | SCANS


def test_a_check_that_is_interrupted_costs_no_second_download(tmp_path, server, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pooch.core.hash_matches", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch("luna16", tmp_path, [0], servers=server.servers())
    server.requests.clear()
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert [name for name, _ in server.requests] == ["3723295", "candidates.csv", "subset0.zip"]
    assert _files(tmp_path) == LISTS | SCANS


@pytest.mark.parametrize("has_links", [True, False])
def test_wrong_bytes_are_refused_and_fetched_anew(tmp_path, server, monkeypatch, has_links):
    if not has_links:
        monkeypatch.setattr("os.link", _refuse_link)
    good = server.files[SUBSET0]
    server.files[SUBSET0] = _random(len(good), seed=1)
    checksum = hashlib.md5(good).hexdigest()
    with _raises(
        f"{server.url}{SUBSET0}: the download does not match the checksum md5:{checksum} "
        f"from {server.url}/api/records/3723295 and was removed. Run the same command again."
    ):
        fetch("luna16", tmp_path, [0], servers=server.servers())
    assert _files(tmp_path) == LISTS
    server.files[SUBSET0] = good
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert _files(tmp_path) == LISTS | SCANS


def test_a_part_that_does_not_belong_to_the_file_is_thrown_away(tmp_path, server):
    (tmp_path / ".fetch").mkdir()
    part = tmp_path / ".fetch" / "subset0.zip.part"
    part.write_bytes(bytes(1_000_000))
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert _files(tmp_path) == LISTS | SCANS


def test_a_server_that_hangs_is_given_up(tmp_path, server):
    server.answers[SUBSET0] = [hang_after(1000), hang_after(0), hang_after(0)]
    size = len(server.files[SUBSET0])
    with _raises(
        f"{server.url}{SUBSET0}: failed after 3 tries; the last error: nothing came for 0.1 s. "
        f"1,000 of {size:,} bytes are kept; run the same command again to resume."
    ):
        fetch("luna16", tmp_path, [0], servers=server.servers(timeout_s=0.1))
    assert (tmp_path / ".fetch" / "subset0.zip.part").stat().st_size == 1000
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert server.requests[-1] == ("subset0.zip", 1000)


def test_a_server_that_crawls_is_given_up(tmp_path, server):
    server.answers[SUBSET0] = [drop_after(10)] * 3
    size = len(server.files[SUBSET0])
    clock = itertools.count(0, 100)
    with _raises(
        f"{server.url}{SUBSET0}: failed after 3 tries; the last error: received only 10 bytes in 100 s. "
        f"30 of {size:,} bytes are kept; run the same command again to resume."
    ):
        fetch("luna16", tmp_path, [0], servers=server.servers(timeout_s=20, clock=lambda: next(clock)))


def test_pauses_double_and_follow_what_the_server_asks_for(tmp_path, server):
    server.answers["/api/records/3723295"] = [
        refuse(503),
        refuse(429, **{"Retry-After": "40"}),
        refuse(502),
        refuse(500),
    ]
    waits = []
    fetch("luna16", tmp_path, [0], servers=server.servers(sleep=waits.append, max_attempts=5, max_delay_s=30))
    assert waits == [1, 30, 4, 8]


def test_every_temporary_failure_is_tried_again_after_the_first_pause_of_the_policy(tmp_path, server):
    server.answers["/api/records/3723295"] = [refuse(status) for status in (408, 425, 503, 504)]
    server.answers[SUBSET0] = [drop_after(0)]
    waits = []
    policy = {"sleep": waits.append, "max_attempts": 5, "initial_delay_s": 0.25}
    fetch("luna16", tmp_path, [0], servers=server.servers(**policy))
    assert waits == [0.25, 0.5, 1, 2, 0.25]


def test_only_attempts_below_the_minimum_speed_count_as_failures(tmp_path, server):
    server.answers[SUBSET0] = [drop_after(0), drop_after(100), drop_after(99)]
    waits = []
    policy = {"sleep": waits.append, "timeout_s": 5.0, "min_bytes_per_s": 20.0}
    fetch("luna16", tmp_path, [0], servers=server.servers(**policy))
    assert waits == [1, 1, 2]


def test_a_server_that_stays_out_of_order_is_given_up(tmp_path, server):
    server.answers["/api/records/3723295"] = [refuse(503)] * 3
    with _raises(
        f"{server.url}/api/records/3723295: failed after 3 tries; the last error: the server responds with 503 "
        f"Service Unavailable. Check the connection and run the same command again."
    ):
        fetch("luna16", tmp_path, [0], servers=server.servers())


def test_a_server_that_is_not_there_is_given_up(tmp_path, server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with _raises(
        f"{url}/3723295: failed after 3 tries; the last error: the connection failed (Connection refused). "
        f"Check the connection and run the same command again."
    ):
        fetch("luna16", tmp_path, [0], servers=Servers(zenodo=url, policy=server.servers().policy))


def test_an_answer_that_will_not_change_is_not_asked_for_again(tmp_path, server):
    del server.files[SUBSET0]
    with _raises(f"{server.url}{SUBSET0}: the server responds with 404 Not Found."):
        fetch("luna16", tmp_path, [0], servers=server.servers())
    assert [name for name, _ in server.requests].count("subset0.zip") == 1


def _chunked(handler, content):
    handler.begin(200, {})
    handler.wfile.write(content + b"more")


LENGTHS = {
    "another length": (
        [lambda handler, content: serve(handler, content, length=7, num_bytes=7)],
        "{size:,} bytes expected, but the server offers 7.",
    ),
    "more bytes and no length": ([_chunked], "{size:,} bytes expected, but the server sent more."),
    "another range": (
        [drop_after(1000), lambda handler, content: handler.begin(206, {"Content-Range": "bytes 0-9/10"})],
        'bytes 1000-{last}/{size} requested, but the server sent "bytes 0-9/10". Remove the .part file and run the '
        "same command again.",
    ),
    "no range": (
        [drop_after(1000), lambda handler, content: handler.begin(206, {})],
        'bytes 1000-{last}/{size} requested, but the server sent "". Remove the .part file and run the same command again.',
    ),
    "less, again and again": (
        [lambda handler, content: serve(handler, content, num_bytes=0)] * 3,
        "failed after 3 tries; the last error: the connection was interrupted. 0 of {size:,} bytes are kept; run the "
        "same command again to resume.",
    ),
}


@pytest.mark.parametrize(("answers", "reason"), LENGTHS.values(), ids=LENGTHS)
def test_a_server_that_lies_about_lengths_is_refused(tmp_path, server, answers, reason):
    server.answers[SUBSET0] = list(answers)
    size = len(server.files[SUBSET0])
    with _raises(f"{server.url}{SUBSET0}: " + reason.format(size=size, last=size - 1)):
        fetch("luna16", tmp_path, [0], servers=server.servers())
    assert "subset0" not in {path.name for path in tmp_path.iterdir()}


def test_a_redirect_is_followed_with_the_range(tmp_path, server):
    server.files["/elsewhere"] = server.files[SUBSET0]
    server.answers[SUBSET0] = [refuse(302, Location="/elsewhere")] * 2
    server.answers["/elsewhere"] = [drop_after(1000)]
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert _files(tmp_path) == LISTS | SCANS
    assert [start for name, start in server.requests if name == "elsewhere"] == [0, 1000]


def test_no_redirect_leads_from_https_to_http():
    from archnet.fetching.http import _SafeRedirects

    request = urllib.request.Request("https://example.org/CT-0.zip")
    with _raises(
        "https://example.org/CT-0.zip: the server redirects to http://example.org/, which is not https. "
        "Nothing was fetched."
    ):
        _SafeRedirects().redirect_request(request, None, 302, "Found", {}, "http://example.org/")


@pytest.mark.parametrize("kind", ["file", "ftp"])
def test_only_http_is_spoken(kind):
    with (
        pytest.raises(TransientError, match=f"unknown url type: {kind}"),
        open_url(f"{kind}:///etc/passwd", 0, RetryPolicy()),
    ):
        pass


LISTINGS = {
    "no JSON": (b"<html>", "line 1: not JSON (Expecting value)"),
    "no files": (b'{"id": 1}', "'files' is missing"),
    "a list": (b"[]", "list indices must be integers or slices, not str"),
    "another server": (
        {"links": {"self": "https://example.org/subset0.zip"}},
        "subset0.zip is on another server, https://example.org/subset0.zip",
    ),
    "another port": (
        {"links": {"self": "http://127.0.0.1:1/subset0.zip"}},
        "subset0.zip is on another server, http://127.0.0.1:1/subset0.zip",
    ),
    "a name that is a number": ({"key": 7.5}, "invalid file name 7.5"),
    "an unknown checksum": ({"checksum": "crc32:12345678"}, "invalid checksum of subset0.zip: crc32:12345678"),
    "no size": ({"size": "12"}, "invalid size of subset0.zip: 12"),
    "a negative size": ({"size": -1}, "invalid size of subset0.zip: -1"),
}


@pytest.mark.parametrize(("listing", "problem"), LISTINGS.values(), ids=LISTINGS)
def test_a_listing_that_is_none_is_refused(tmp_path, server, listing, problem):
    if isinstance(listing, bytes):
        server.files["/api/records/3723295"] = listing
    else:
        server.list(3723295, [server.listed(3723295, "subset0.zip", b"x", **listing)])
    with _raises(f"{server.url}/api/records/3723295: this is not the listing of a Zenodo record ({problem})."):
        fetch("luna16", tmp_path, [0], servers=server.servers())


def test_a_file_that_a_record_does_not_list_is_reported_with_those_it_does(tmp_path, server):
    with _raises(
        f"{server.url}/api/records/3723295: the record does not list subset3.zip. "
        f"It lists annotations.csv, candidates.csv, subset0.zip."
    ):
        fetch("luna16", tmp_path, [0, 3], servers=server.servers())
    assert _files(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "subsets", "message"),
    [
        ("luna", None, '"luna" cannot be fetched. Did you mean "luna16"? Known: luna16, mosmed.'),
        ("phantom", None, '"phantom" cannot be fetched. Known: luna16, mosmed.'),
        ("luna16", [0, 10], "--subset 10: luna16 has the subsets 0 to 9."),
        ("luna16", [-1], "--subset -1: luna16 has the subsets 0 to 9."),
        ("mosmed", [0], "--subset: mosmed has no subsets. Omit it."),
    ],
)
def test_names_and_subsets_that_are_not_there_are_refused(tmp_path, name, subsets, message):
    with _raises(message):
        fetch(name, tmp_path / "new", subsets)
    assert not (tmp_path / "new").exists()


def test_all_ten_subsets_are_asked_for_unless_some_are_chosen(tmp_path, server):
    with _raises(
        f"{server.url}/api/records/3723295: the record does not list subset1.zip. "
        f"It lists annotations.csv, candidates.csv, subset0.zip."
    ):
        fetch("luna16", tmp_path, servers=server.servers())


def test_a_full_disk_is_noticed_before_anything_is_fetched(tmp_path, server, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: DiskUsage(10**6, 10**6 - 900_000, 900_000))
    with _raises(
        f"{tmp_path}: 960.9 kB required for annotations.csv, candidates.csv, subset0.zip and their content, "
        f"but only 900.0 kB are free. Free some disk space, or choose a folder on a different disk with --root."
    ):
        fetch("luna16", tmp_path, [0], servers=server.servers())
    assert [name for name, _ in server.requests] == ["3723295"]
    (tmp_path / ".fetch").mkdir(parents=True)
    (tmp_path / ".fetch" / "subset0.zip.part").write_bytes(server.files[SUBSET0][:100_000])
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert server.requests[-1] == ("subset0.zip", 100_000)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path, server):
    (tmp_path / "file").write_bytes(b"")
    message = (
        f"{tmp_path / 'file'}: cannot be written: File exists. Check the path, its permissions and the space on "
        "the disk."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        fetch("luna16", tmp_path / "file", [0], servers=server.servers())


def _publish_mosmed(server):
    scans = {"CT-0": {"CT-0/a.nii.gz": _random(500, 1)}, "CT-23": {"CT-23/b.nii.gz": _random(600, 2)}}
    for name, entries in scans.items():
        server.files[f"/v0.2/{name}.zip"] = zip_bytes(entries)
    return scans["CT-0"] | scans["CT-23"]


def test_mosmed_comes_without_checksums_and_is_held_to_its_first_fetch(tmp_path, server):
    scans = _publish_mosmed(server)
    said = []
    assert fetch("mosmed", tmp_path, log=said.append, servers=server.servers()) == [
        tmp_path / "CT-0",
        tmp_path / "CT-23",
    ]
    sums = {name: hashlib.sha256(server.files[f"/v0.2/{name}"]).hexdigest() for name in ("CT-0.zip", "CT-23.zip")}
    assert _files(tmp_path) == scans | {f"{name}.sha256": f"{sums[name]}  {name}\n".encode() for name in sums}
    assert said == [
        f"{name}: no checksum is published for it. Its SHA-256 is {sums[name]}; it is stored in "
        f"{tmp_path / name}.sha256 and verified from now on."
        for name in sums
    ]

    shutil.rmtree(tmp_path / "CT-0")
    server.files["/v0.2/CT-0.zip"] = zip_bytes({"CT-0/a.nii.gz": _random(500, 3)})
    with _raises(
        f"{server.url}/v0.2/CT-0.zip: the download does not match the checksum sha256:{sums['CT-0.zip']} "
        f"from {tmp_path / 'CT-0.zip.sha256'} and was removed. Run the same command again."
    ):
        fetch("mosmed", tmp_path, servers=server.servers())
    for text in ("?", sums["CT-0.zip"], f"{sums['CT-0.zip'][:-1]}  CT-0.zip"):
        (tmp_path / "CT-0.zip.sha256").write_text(text, encoding="ascii")
        message = f"{tmp_path / 'CT-0.zip.sha256'}: expected the SHA-256 of CT-0.zip and its name. Remove this file."
        with _raises(message):
            fetch("mosmed", tmp_path, servers=server.servers())


def test_a_damaged_archive_without_a_checksum_is_removed(tmp_path, server):
    scans = _publish_mosmed(server)
    good = server.files["/v0.2/CT-0.zip"]
    server.files["/v0.2/CT-0.zip"] = good[:-30]
    archive = tmp_path / ".fetch" / "CT-0.zip"
    with _raises(f"{archive}: the zip archive is damaged (it is truncated, or not a zip archive). Fetch it again."):
        fetch("mosmed", tmp_path, servers=server.servers())
    assert _files(tmp_path) == {}
    server.files["/v0.2/CT-0.zip"] = good
    fetch("mosmed", tmp_path, servers=server.servers())
    assert _files(tmp_path).items() >= scans.items()


def test_a_file_of_unknown_length_is_refused(tmp_path, server):
    _publish_mosmed(server)
    server.answers["/v0.2/CT-0.zip"] = [_chunked]
    with _raises(
        f"{server.url}/v0.2/CT-0.zip: the server does not report the size of the file. Download and unpack it manually."
    ):
        fetch("mosmed", tmp_path, servers=server.servers())


def _with_method(packed, method):
    """The archive of one entry with another compression method in its two headers."""
    packed = bytearray(packed)
    packed[8:10] = method.to_bytes(2, "little")
    central = packed.index(b"PK\x01\x02")
    packed[central + 10 : central + 12] = method.to_bytes(2, "little")
    return bytes(packed)


def test_an_archive_for_another_tool_is_kept_and_taken_as_done_once_unpacked(tmp_path, server):
    server.publish(3723295, LISTS | {"subset0.zip": _with_method(zip_bytes({"subset0/1.mhd": b"1"}), 9)})
    archive = tmp_path / ".fetch" / "subset0.zip"
    with _raises(
        f"{archive}: is packed with deflate64, which archnet cannot unpack. Unpack it yourself and run the same "
        f"command again: 7z x {archive} -o{tmp_path}"
    ):
        fetch("luna16", tmp_path, [0], servers=server.servers())
    assert archive.exists()
    (tmp_path / "subset0").mkdir()
    (tmp_path / "subset0" / "1.mhd").write_bytes(b"1")
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert not (tmp_path / ".fetch").exists()


def _encrypted():
    packed = bytearray(zip_bytes({"a": b"1"}))
    for place in (6, packed.index(b"PK\x01\x02") + 8):
        packed[place] |= 1
    return bytes(packed)


def _flipped(place):
    packed = bytearray(zip_bytes({"scans/a": _random(100)}))
    packed[place] ^= 0xFF
    return bytes(packed)


def _twice():
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zip_bytes([("a/b", b"1"), ("a/b", b"2")])


OTHER = "Nothing was unpacked; get the archive from another source."
BAD_ARCHIVES = {
    "a name that begins with a null character": (
        lambda: zip_bytes({"ab": b""}).replace(b"ab", b"\0b"),
        f"a file in it has no name. {OTHER}",
    ),
    "absolute": (
        lambda: zip_bytes([(zip_entry("/etc/passwd"), b"")]),
        f'the entry "/etc/passwd" points outside its folder. {OTHER}',
    ),
    "above": (
        lambda: zip_bytes([(zip_entry("a/../../b"), b"")]),
        f'the entry "a/../../b" points outside its folder. {OTHER}',
    ),
    "above, for Windows": (
        lambda: zip_bytes([(zip_entry("a\\..\\..\\b"), b"")]),
        f'the entry "a\\..\\..\\b" points outside its folder. {OTHER}',
    ),
    "a drive": (lambda: zip_bytes([(zip_entry("C:b"), b"")]), f'the entry "C:b" points outside its folder. {OTHER}'),
    "a share": (
        lambda: zip_bytes([(zip_entry("\\\\host\\b"), b"")]),
        f'the entry "\\\\host\\b" points outside its folder. {OTHER}',
    ),
    "a link": (
        lambda: zip_bytes([(zip_entry("a", stat.S_IFLNK | 0o777), b"/etc/passwd")]),
        f'the entry "a" is a link, not a file. {OTHER}',
    ),
    "a device": (
        lambda: zip_bytes([(zip_entry("scans/null", stat.S_IFCHR | 0o666), b"")]),
        f'the entry "scans/null" is a device, not a file. {OTHER}',
    ),
    "a name twice": (_twice, f'the entry "a/b" appears 2 times in it. {OTHER}'),
    "a name in two spellings": (
        lambda: zip_bytes({"Scans/a": b"1", "scans/b": b"2"}),
        f'the entries "Scans" and "scans" are the same on systems that ignore case. {OTHER}',
    ),
    "a name in two forms of Unicode": (
        lambda: zip_bytes({"\u00e4": b"1", "a\u0308": b"2"}),
        f'the entries "\u00e4" and "a\u0308" are the same on systems that ignore case. {OTHER}',
    ),
    "a reserved name": (
        lambda: zip_bytes({"scans/nul.mhd": b"1"}),
        f'the entry "scans/nul.mhd" has a name that some systems reserve. {OTHER}',
    ),
    "a name that ends in a dot": (
        lambda: zip_bytes({"scans./a": b"1"}),
        f'the entry "scans./a" has a name that some systems reserve. {OTHER}',
    ),
    "control characters": (
        lambda: zip_bytes({"scans/\x1b[2J": b"1"}),
        f'the entry "scans/\x1b[2J" has control characters in its name. {OTHER}',
    ),
    "a deep folder": (
        lambda: zip_bytes({"d/" * 2000 + "a": b"1"}),
        f'the entry "{"d/" * 19}d…{"/d" * 19}/a" is 2,001 folders deep, more than 20. {OTHER}',
    ),
    "nothing": (lambda: zip_bytes({}), f"it contains no files. {OTHER}"),
    "folders alone": (lambda: zip_bytes({"scans/": b"", "scans/a/": b""}), f"it contains no files. {OTHER}"),
    "an empty folder of the target's name": (
        lambda: zip_bytes({"scans/": b"", "readme": b"1"}),
        "contains no files in the folder scans.",
    ),
    "a bomb": (
        lambda: zip_bytes({"a": bytes(200_000)}, compression=zipfile.ZIP_DEFLATED),
        f"it would unpack from {{size}} to 200,000 bytes, more than 100 times its size. {OTHER}",
    ),
    "too large": (
        lambda: zip_bytes({"a": _random(1_000_001)}),
        f"it would unpack to 1,000,001 bytes, more than 1,000,000. {OTHER}",
    ),
    "too many": (
        lambda: zip_bytes({str(number): b"" for number in range(51)}),
        f"it contains 51 entries, more than 50. {OTHER}",
    ),
    "not a zip": (
        lambda: b"<html>",
        "the zip archive is damaged (it is truncated, or not a zip archive). Fetch it again.",
    ),
    "cut off": (
        lambda: zip_bytes(SCANS)[:-5],
        "the zip archive is damaged (it is truncated, or not a zip archive). Fetch it again.",
    ),
    "a flipped bit": (
        lambda: _flipped(60),
        'the zip archive is damaged (its "scans/a" is damaged). Fetch it again.',
    ),
    "a lying header": (
        lambda: _flipped(0),
        'the zip archive is damaged (its "scans/a" is damaged). Fetch it again.',
    ),
    "encrypted": (
        _encrypted,
        "is encrypted, which archnet cannot unpack. Unpack it yourself and run the same command again: "
        "7z x {archive} -o{folder}",
    ),
    **{
        name: (
            lambda method=method: _with_method(zip_bytes({"a": b"1"}), method),
            f"is packed with {name}, which archnet cannot unpack. Unpack it yourself and run the same command again: "
            "7z x {archive} -o{folder}",
        )
        for method, name in {12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 97: "method 97", 98: "PPMd"}.items()
    },
    "a file that is a folder": (
        lambda: zip_bytes({"a": b"", "a/b": b""}),
        f'the entry "a" is both a file and a folder. {OTHER}',
    ),
}


@pytest.mark.parametrize(("packed", "reason"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_a_bad_archive_is_refused_and_leaves_nothing(tmp_path, packed, reason):
    folder = tmp_path / "folder"
    folder.mkdir()
    archive = folder / "scans.zip"
    archive.write_bytes(packed())
    limits = ArchiveLimits(num_entries=50, num_bytes=1_000_000, ratio=100)
    for key, value in {"{archive}": archive, "{folder}": folder, "{size}": archive.stat().st_size}.items():
        reason = reason.replace(key, str(value))
    with _raises(f"{archive}: {reason}"):
        unpack(archive, folder / "scans", limits)
    assert list(tmp_path.rglob("*")) == [folder, archive]


@pytest.mark.parametrize(("method", "name"), [
    (9, "deflate64"), (12, "bzip2"), (14, "LZMA"), (93, "Zstandard"), (95, "xz"), (98, "PPMd"), (10, "method 10"),
])  # fmt: skip
def test_the_compression_that_archnet_cannot_unpack_is_named(tmp_path, method, name):
    archive = tmp_path / "scans.zip"
    archive.write_bytes(_with_method(zip_bytes({"a": b"1"}), method))
    with pytest.raises(DataError, match=f"^{re.escape(f'{archive}: is packed with {name}, which archnet cannot')} "):
        unpack(archive, tmp_path / "scans")


def test_an_archive_at_the_limits_is_unpacked(tmp_path, monkeypatch):
    archive = tmp_path / "scans.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zip_file:
        zip_file.writestr("a/b/c", bytes(30_000))
    with zipfile.ZipFile(archive, "a") as zip_file:
        zip_file.comment = bytes(300 - archive.stat().st_size)
    assert archive.stat().st_size == 300
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: DiskUsage(10**6, 10**6 - 30_000, 30_000))
    unpack(archive, tmp_path / "scans", ArchiveLimits(num_entries=1, depth=3, num_bytes=30_000, ratio=100))
    assert _files(tmp_path / "scans") == {"a/b/c": bytes(30_000)}


def test_an_archive_without_a_top_folder_becomes_the_folder(tmp_path):
    archive = tmp_path / "CT-0.zip"
    archive.write_bytes(zip_bytes({"a.nii.gz": b"1", "deep/": b"", "deep/b.nii.gz": b"2"}))
    (tmp_path / "CT-0.unpacking").mkdir()
    (tmp_path / "CT-0.unpacking/c.nii.gz").write_bytes(b"of a process that was killed")
    unpack(archive, tmp_path / "CT-0")
    assert _files(tmp_path / "CT-0") == {"a.nii.gz": b"1", "deep/b.nii.gz": b"2"}


def test_an_archive_without_the_file_it_should_hold_is_refused(tmp_path):
    archive = tmp_path / "candidates_V2.zip"
    archive.write_bytes(zip_bytes({"a.csv": b"1"}))
    with _raises(f"{archive}: does not contain candidates_V2.csv."):
        unpack(archive, tmp_path / "candidates_V2.csv")
    assert list(tmp_path.iterdir()) == [archive]


def test_an_archive_larger_than_the_disk_is_not_unpacked(tmp_path, monkeypatch):
    archive = tmp_path / "scans.zip"
    archive.write_bytes(zip_bytes({"a": _random(2_000)}))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: DiskUsage(10**6, 10**6 - 1_999, 1_999))
    with _raises(
        f"{tmp_path}: 2.0 kB required to unpack scans.zip, but only 2.0 kB are free. "
        f"Free some disk space, or choose a folder on a different disk with --root."
    ):
        unpack(archive, tmp_path / "scans")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: DiskUsage(10**6, 10**6 - 2_000, 2_000))
    unpack(archive, tmp_path / "scans")
    assert (tmp_path / "scans/a").stat().st_size == 2_000


@pytest.mark.parametrize("is_made_before", [False, True])
def test_a_failed_fetch_leaves_no_empty_folder(tmp_path, server, is_made_before):
    root = tmp_path / "data" / "luna16"
    if is_made_before:
        root.mkdir(parents=True)
    server.answers["/api/records/3723295"] = [refuse(404)]
    with pytest.raises(DataError, match="the server responds with 404"):
        fetch("luna16", root, [0], servers=server.servers())
    assert list(tmp_path.rglob("*")) == [tmp_path / "data"]


def test_an_empty_folder_is_fetched_again(tmp_path, server):
    (tmp_path / "subset0").mkdir()
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert _files(tmp_path / "subset0")


def test_an_interrupted_unpacking_leaves_no_folder_and_is_done_again(tmp_path, server):
    def interrupted(items, description, total):
        for number, item in enumerate(items):
            if description.startswith("Unpacking") and number:
                raise KeyboardInterrupt
            yield item

    with pytest.raises(KeyboardInterrupt):
        fetch("luna16", tmp_path, [0], interrupted, servers=server.servers())
    assert sorted(_files(tmp_path)) == [".fetch/subset0.zip", *sorted(LISTS)]
    (tmp_path / ".fetch" / "subset0.unpacking").mkdir()
    (tmp_path / ".fetch" / "tmp123").write_bytes(b"")
    server.requests.clear()
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert server.requests == [("3723295", 0)]
    assert _files(tmp_path) == LISTS | SCANS
    assert not (tmp_path / ".fetch").exists()


def test_a_listing_that_breaks_off_is_asked_for_again(tmp_path, server):
    server.answers["/api/records/3723295"] = [drop_after(20), drop_after(0)]
    said = []
    fetch("luna16", tmp_path, [0], log=said.append, servers=server.servers())
    assert _files(tmp_path) == LISTS | SCANS
    reason = f"{server.url}/api/records/3723295: the connection was interrupted; trying again in"
    assert said == [f"{reason} 1 s.", f"{reason} 2 s."]


def test_a_listing_without_a_length_is_read(tmp_path, server):
    def answer(handler, content):
        handler.begin(200, {})
        handler.wfile.write(content)

    server.answers["/api/records/3723295"] = [answer]
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert [name for name, _ in server.requests].count("3723295") == 1


def test_without_hard_links_a_download_is_moved(tmp_path, server, monkeypatch):
    monkeypatch.setattr("os.link", _refuse_link)
    fetch("luna16", tmp_path, [0], servers=server.servers())
    assert _files(tmp_path) == LISTS | SCANS
    assert not (tmp_path / ".fetch").exists()


def test_an_archive_is_not_unpacked_over_a_folder_with_files(tmp_path):
    archive = tmp_path / "CT-0.zip"
    archive.write_bytes(zip_bytes({"CT-0/a.nii.gz": b"1"}))
    (tmp_path / "CT-0").mkdir()
    (tmp_path / "CT-0/mine").write_bytes(b"2")
    with _raises(f"{archive}: cannot be unpacked: Directory not empty."):
        unpack(archive, tmp_path / "CT-0")
    assert _files(tmp_path).keys() == {"CT-0.zip", "CT-0/mine"}
    assert not (tmp_path / "CT-0.unpacking").exists()


def test_files_of_an_earlier_unpacking_that_cannot_be_removed_do_not_get_into_the_folder(tmp_path, monkeypatch):
    archive = tmp_path / "CT-0.zip"
    archive.write_bytes(zip_bytes({"a.nii.gz": b"1"}))
    (tmp_path / "CT-0.unpacking").mkdir()
    monkeypatch.setattr(shutil, "rmtree", lambda folder, **_: None)
    with _raises(f"{archive}: cannot be unpacked: File exists."):
        unpack(archive, tmp_path / "CT-0")


def test_on_windows_an_empty_folder_is_removed_before_the_unpacked_one_takes_its_place(tmp_path, monkeypatch):
    rename_as_on_windows(monkeypatch)
    archive = tmp_path / "CT-0.zip"
    archive.write_bytes(zip_bytes({"a.nii.gz": b"1"}))
    (tmp_path / "CT-0").mkdir()
    unpack(archive, tmp_path / "CT-0")
    assert _files(tmp_path / "CT-0") == {"a.nii.gz": b"1"}


def test_a_file_where_downloads_should_go_is_reported(tmp_path, server):
    (tmp_path / ".fetch").write_bytes(b"mine")
    with _raises(f"{tmp_path}: cannot be written: File exists."):
        fetch("luna16", tmp_path, [0], servers=server.servers())
    assert _files(tmp_path) == {".fetch": b"mine"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 410, 425, 429, 500, 501, 502, 503, 504, 505])
def test_only_failures_that_may_pass_are_asked_for_again(server, status):
    server.answers[SUBSET0] = [refuse(status)]
    is_temporary = status in (408, 425, 429, 500, 502, 503, 504)
    with (
        pytest.raises(TransientError if is_temporary else DataError, match=f"the server responds with {status} "),
        open_url(server.url + SUBSET0, 0, RetryPolicy()),
    ):
        pass


@pytest.mark.parametrize(("text", "seconds"), [("40", 40.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0), ("-1", 0.0)])
def test_a_server_asks_for_a_pause_in_whole_seconds(server, text, seconds):
    server.answers[SUBSET0] = [refuse(503, **{"Retry-After": text})]
    with pytest.raises(TransientError) as caught, open_url(server.url + SUBSET0, 0, RetryPolicy()):
        pass
    assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize(("start", "wanted"), [(0, None), (1, "bytes=1-"), (1000, "bytes=1000-")])
def test_a_request_names_the_program_and_the_first_byte(server, start, wanted):
    found = []

    def answer(handler, content):
        found.append([handler.headers.get(name) for name in ("User-Agent", "Accept-Encoding", "Range")])
        serve(handler, content)

    server.answers[SUBSET0] = [answer]
    with open_url(server.url + SUBSET0, start, RetryPolicy()):
        pass
    assert found == [["archnet", "identity", wanted]]


class Chunks:
    """A response of these chunks."""

    def __init__(self, *sizes):
        self.sizes = list(sizes)

    def read1(self, most):
        assert most == 2**18
        return bytes(self.sizes.pop(0)) if self.sizes else b""


@pytest.mark.parametrize(
    ("sizes", "times", "problem"),
    [
        ((5, 5), (0, 9, 10), None),
        ((5, 5), (0, 9.9, 10), None),
        ((5, 4), (0, 9, 10), "received only 9 bytes in 10 s"),
        ((5, 5), (0, 9, 11), "received only 10 bytes in 11 s"),
        ((5, 4), (0, 5, 9.9), None),
        ((50, 9, 1), (0, 10, 10, 19, 20), None),
        ((50, 9), (0, 10, 10, 20), "received only 9 bytes in 10 s"),  # the speed is measured anew
        ((50, 9), (0, 10, 11, 20.9), None),
    ],
)
def test_an_attempt_that_is_too_slow_is_ended(sizes, times, problem):
    clock = iter((*times, 0, 0, 0))
    policy = RetryPolicy(timeout_s=10, min_bytes_per_s=1.0, clock=lambda: next(clock))
    chunks = read_chunks(Chunks(*sizes), "url", 1000, policy)
    if problem is None:
        assert tuple(map(len, chunks)) == sizes
    else:
        with pytest.raises(TransientError, match=f"'{problem}'"):
            list(chunks)


def test_a_response_may_have_as_many_bytes_as_expected():
    assert list(map(len, read_chunks(Chunks(4, 6), "url", 10, RetryPolicy()))) == [4, 6]
    with _raises("url: 10 bytes expected, but the server sent more."):
        list(read_chunks(Chunks(4, 7), "url", 10, RetryPolicy()))


@pytest.mark.parametrize(("num_bytes", "is_progress"), [(5, True), (4, False)])
def test_attempts_that_receive_enough_are_not_counted_as_failures(tmp_path, server, num_bytes, is_progress):
    server.answers[SUBSET0] = [drop_after(num_bytes)] * 6
    if is_progress:
        fetch("luna16", tmp_path, [0], servers=server.servers())
        assert _files(tmp_path) == LISTS | SCANS
    else:
        with pytest.raises(DataError, match="failed after 3 tries; the last error: the connection was interrupted"):
            fetch("luna16", tmp_path, [0], servers=server.servers())


def test_the_limits_are_those_of_the_documentation():
    policy, limits = RetryPolicy(), ArchiveLimits()
    assert (policy.max_attempts, policy.initial_delay_s, policy.max_delay_s) == (8, 1.0, 60.0)
    assert (policy.timeout_s, policy.min_bytes_per_s) == (60.0, 1000.0)
    assert (policy.sleep, policy.clock) == (time.sleep, time.monotonic)
    assert [policy.delay_s(number) for number in (1, 2, 6, 7, 8)] == [1, 2, 32, 60, 60]
    assert [policy.delay_s(2, requested) for requested in (1, 2, 3, 100)] == [2, 2, 3, 60]
    assert (limits.num_entries, limits.depth, limits.num_bytes, limits.ratio) == (20_000, 20, 10**11, 100)
