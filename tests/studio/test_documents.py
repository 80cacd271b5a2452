"""Documents are read and written byte for byte, only inside the folder, and never over a change of somebody else."""

import errno
import hashlib
import os
import socket
import stat
from pathlib import Path

import pytest

from archnet.files.documents.shipped_documents import shipped_documents
from archnet.studio.workspace.document_kinds import document_kind
from archnet.studio.workspace.folder_documents import MAX_DEPTH, MAX_DOCUMENTS, MAX_ENTRIES
from archnet.studio.workspace.workspace import Workspace
from studio_client import StudioClient

ARCH = '{"layers": [{"type": "T", "num_output": 2}]}'


def digest_of(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "project"
    (folder / "archs").mkdir(parents=True)
    (folder / "archs/mine.json").write_text(ARCH)
    return folder


@pytest.fixture
def studio(folder):
    with StudioClient(folder) as client:
        yield client


def read(studio, path):
    return studio.get("/api/document", params={"path": path})


def write(studio, path, text, expected_digest, **more):
    return studio.put("/api/document", json={"path": path, "text": text, "expected_digest": expected_digest, **more})


def test_the_folder_lists_documents_and_leaves_out_runs_hidden_folders_and_other_files(studio, folder):
    (folder / ".hidden").mkdir()
    (folder / ".hidden/a.json").write_text(ARCH)
    (folder / "runs/one").mkdir(parents=True)
    for name in ("experiment.json", "arch.json"):
        (folder / "runs/one" / name).write_text(ARCH)
    (folder / "package.json").write_text('{"version": 1}')
    (folder / "half.json").write_text('{"archs": ["a.js')
    (folder / "broken.json").write_text('{"versi')
    (folder / "sweep.json").write_text('{"base": "experiment.json"}')
    listing = studio.get("/api/folder").json()
    own = {entry["path"]: entry["kind"] for entry in listing["documents"] if not entry["is_shipped"]}
    assert own == {"half.json": "experiment", "sweep.json": "sweep", "archs/mine.json": "arch"}
    assert (listing["folder"], listing["is_complete"]) == (str(folder.resolve()), True)
    shipped = {entry["path"]: entry for entry in listing["documents"] if entry["is_shipped"]}
    assert shipped["shipped:res2d"]["kind"] == "arch"
    assert all(entry["is_read_only"] for entry in shipped.values())


@pytest.mark.parametrize(
    "content", [b"{\r\n}\r\n", b"{\n}", b"{\r\n}\n", b"\xef\xbb\xbf{}\n", '{"é\U0001f600": 1}'.encode(), b""]
)
def test_a_document_is_saved_with_the_bytes_that_it_had(studio, folder, content):
    (folder / "a.json").write_bytes(content)
    given = read(studio, "a.json").json()
    assert given["digest"] == digest_of(content)
    done = write(studio, "a.json", given["text"], given["digest"], has_byte_order_mark=given["has_byte_order_mark"])
    assert done.json() == {"path": "a.json", "digest": digest_of(content)}
    assert (folder / "a.json").read_bytes() == content


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"[]", "other"),
        (b'[{"type": "C"}]', "arch"),
        (b'[{"type": "C"}, {"a": 1}]', "other"),
        (b'[{"type": "C"}, 1]', "other"),
        (b'["type"]', "other"),
        (b"3", "other"),
        (b'{"layers": 3}', "other"),
        (b'{"arch": 1}', "experiment"),
        (b'{"$schema": "schemas/sweep.schema.json"}', "sweep"),
        (b'{"$schema": 3}', "other"),
        (b'{"versi', "other"),
    ],
)
def test_the_kind_of_a_file_is_recognized_by_its_keys(content, kind):
    assert document_kind(content) == kind


@pytest.mark.parametrize(
    ("content", "newline"), [(b"{\r\n}\r\n", "\r\n"), (b"{\r\n}\n", "\n"), (b"{}", "\n"), (b"{\r}\r\n", "\n")]
)
def test_new_lines_end_as_in_the_file(studio, folder, content, newline):
    (folder / "a.json").write_bytes(content)
    assert read(studio, "a.json").json()["newline"] == newline


def test_a_file_that_changed_on_disk_is_not_overwritten(studio, folder):
    before = read(studio, "archs/mine.json").json()
    (folder / "archs/mine.json").write_text("[]")
    refused = write(studio, "archs/mine.json", "{}", before["digest"])
    assert refused.status_code == 409
    assert refused.json()["error"] == (
        "archs/mine.json: the file has changed on disk since it was read. Compare the two texts, and save again."
    )
    assert refused.json()["current"] == {**before, "text": "[]", "digest": digest_of(b"[]"), "kind": "other"}
    assert (folder / "archs/mine.json").read_text() == "[]"


def test_a_new_document_replaces_no_file_and_a_removed_one_does_not_come_back(studio, folder):
    refused = write(studio, "archs/mine.json", "{}", None)
    assert (refused.status_code, refused.json()["error"]) == (
        409,
        "archs/mine.json: the file already exists. Use a different name.",
    )
    assert write(studio, "new/deep.json", "{}", None).status_code == 200
    assert (folder / "new/deep.json").read_text() == "{}"
    (folder / "new/deep.json").unlink()
    gone = write(studio, "new/deep.json", "[]", digest_of(b"{}"))
    assert (gone.status_code, gone.json()) == (
        409,
        {"error": "new/deep.json: the file has been removed since it was read. Save it as a new file, or close it."},
    )
    assert not (folder / "new/deep.json").exists()


def test_saving_keeps_permissions_and_a_link_inside_the_folder(studio, folder):
    (folder / "archs/mine.json").chmod(0o640)
    (folder / "link.json").symlink_to("archs/mine.json")
    assert write(studio, "link.json", "{}", digest_of(ARCH.encode())).status_code == 200
    assert (folder / "link.json").is_symlink()
    assert (folder / "archs/mine.json").read_text() == "{}"
    assert stat.S_IMODE((folder / "archs/mine.json").stat().st_mode) == 0o640


OUTSIDE = "the path leads out of the folder of the page."
REFUSED_PATHS = {
    "../outside.json": OUTSIDE,
    "archs/../../outside.json": OUTSIDE,
    "/etc/passwd.json": OUTSIDE,
    "C:\\outside.json": OUTSIDE,
    "..\\outside.json": OUTSIDE,
    "\\\\host\\share\\a.json": OUTSIDE,
    ".git/config.json": "hidden files cannot be opened.",
    "archs/.mine.json": "hidden files cannot be opened.",
    "nul.json": "this is a reserved name on Windows.",
    "archs/mine.json\0.txt": "is not a path.",
    "archs/mine.txt": "only .json files can be opened.",
    "archs": "only .json files can be opened.",
    "out.json": "a link in this path leads out of the folder of the page.",
    "out/outside.json": "a link in this path leads out of the folder of the page.",
    "secret.json": "a link in this path leads to the hidden .hidden.",
}


@pytest.mark.parametrize("path", REFUSED_PATHS)
@pytest.mark.parametrize("method", ["read", "write", "analyze"])
def test_no_path_leads_out_of_the_folder(studio, folder, path, method):
    (folder.parent / "outside.json").write_text("secret")
    (folder / "out.json").symlink_to(folder.parent / "outside.json")
    (folder / "out").symlink_to(folder.parent)
    (folder / ".hidden").mkdir()
    (folder / ".hidden/a.json").write_text("secret")
    (folder / "secret.json").symlink_to(".hidden/a.json")
    if method == "read":
        refused = read(studio, path)
    elif method == "write":
        refused = write(studio, path, "{}", digest_of(b"secret"))
    else:
        refused = studio.post("/api/analysis", json={"path": path, "text": "{}"})
    assert refused.status_code == 403
    assert refused.json()["error"].endswith(f": {REFUSED_PATHS[path]}")
    assert (folder.parent / "outside.json").read_text() == (folder / ".hidden/a.json").read_text() == "secret"


def test_pipes_sockets_folders_and_circles_of_links_are_refused_without_waiting(studio, folder, monkeypatch):
    os.mkfifo(folder / "pipe.json")
    (folder / "folder.json").mkdir()
    (folder / "circle.json").symlink_to("circle.json")
    monkeypatch.chdir(folder)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.json")
        read(studio, "archs/mine.json")  # the first request starts an event loop
        num_open = len(list(Path("/dev/fd").iterdir()))
        answers = {name: read(studio, f"{name}.json") for name in ("pipe", "folder", "circle", "socket")}
        assert len(list(Path("/dev/fd").iterdir())) == num_open
    assert {name: (answer.status_code, answer.json()["error"]) for name, answer in answers.items()} == {
        "pipe": (403, "pipe.json: is not a regular file."),
        "folder": (403, "folder.json: is not a regular file."),
        "circle": (403, '"circle.json": a link in this path is broken or circular.'),
        "socket": (422, "socket.json: cannot be read: No such device or address."),
    }
    assert write(studio, "pipe.json", "{}", None).status_code == 403


def test_missing_large_and_binary_files_are_refused(studio, folder):
    (folder / "large.json").write_bytes(b" " * 4_000_001)
    (folder / "binary.json").write_bytes(b"{\n\xff")
    answers = [read(studio, f"{name}.json") for name in ("missing", "large", "binary", "a" * 300)]
    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [
        (404, "missing.json: no such file."),
        (422, "large.json: larger than 4 MB, the limit. Is this a data file?"),
        (422, "binary.json:2: not UTF-8 text (byte 2 is 0xff). Save the file as UTF-8."),
        (422, f"{'a' * 150}...{'a' * 145}.json: cannot be read: File name too long."),
    ]
    assert write(studio, "c.json", "é" * 2_000_000, None).status_code == 200
    refused = write(studio, "b.json", "é" * 2_000_001, None)
    assert (refused.status_code, refused.json()["error"]) == (422, "b.json: larger than 4 MB, the limit for documents.")


def test_documents_of_archnet_and_of_runs_are_read_but_not_written(studio, folder, monkeypatch):
    shipped_copy = folder.parent / "res2d.json"  # a broken check overwrites this file, not that of the package
    shipped_copy.write_bytes(shipped_documents()["res2d"].read_bytes())
    monkeypatch.setattr("archnet.studio.workspace.workspace.shipped_documents", lambda: {"res2d": shipped_copy})
    (folder / "runs/one").mkdir(parents=True)
    for name in ("experiment.json", "arch.json"):
        (folder / "runs/one" / name).write_text(ARCH)
    shipped, run = read(studio, "shipped:res2d").json(), read(studio, "runs/one/arch.json").json()
    assert (shipped["is_shipped"], shipped["is_read_only"]) == (True, True)
    assert (run["is_shipped"], run["is_read_only"]) == (False, True)
    answers = [write(studio, one["path"], "{}", one["digest"]) for one in (shipped, run)]
    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [
        (403, "shipped:res2d: comes with archnet and cannot be changed. Save it under a different name."),
        (403, "runs/one/arch.json: belongs to a run and cannot be changed. Save it under a different name."),
    ]
    unknown = read(studio, "shipped:../x")
    assert (unknown.status_code, unknown.json()["error"]) == (
        404,
        "shipped:../x: archnet ships no document of this name. All names: archnet list",
    )


def test_a_repeated_save_is_no_conflict(studio, folder):
    first = write(studio, "archs/mine.json", "{}", digest_of(ARCH.encode()))
    again = write(studio, "archs/mine.json", "{}", digest_of(ARCH.encode()))
    assert (again.status_code, again.json()) == (200, first.json())
    assert write(studio, "archs/mine.json", "[]", digest_of(ARCH.encode())).status_code == 409


def test_a_file_that_anyone_may_write_is_replaced(studio, folder):
    (folder / "archs/mine.json").chmod(0o406)
    assert write(studio, "archs/mine.json", "{}", digest_of(ARCH.encode())).status_code == 200


@pytest.mark.parametrize("mode", [0o444, 0o555])
def test_a_write_protected_file_is_not_replaced(studio, folder, mode):
    (folder / "archs/mine.json").chmod(mode)
    refused = write(studio, "archs/mine.json", "{}", digest_of(ARCH.encode()))
    assert (refused.status_code, refused.json()["error"]) == (
        422,
        "archs/mine.json: is write-protected. Make it writable, or save it under a different name.",
    )
    assert (folder / "archs/mine.json").read_text() == ARCH


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        'it\'s "quoted"',
        "\u00e4\U0001f600",
        "100%",
        "%2e%2e",
        "#1?x=1&y",
        "a\nb",
        "<img src=x>",
        "n" * 250,
        "é" * 125,
    ],
)
def test_any_file_name_can_be_read_saved_and_listed(studio, folder, name):
    path = f"archs/{name}.json"
    done = write(studio, path, ARCH, None)
    assert done.status_code == 200, done.text
    assert write(studio, path, '[{"type": "T"}]', done.json()["digest"]).status_code == 200
    assert read(studio, path).json()["text"] == '[{"type": "T"}]'
    assert path in [entry["path"] for entry in studio.get("/api/folder").json()["documents"]]
    assert sorted(one.name for one in (folder / "archs").iterdir()) == sorted(["mine.json", f"{name}.json"])


def test_a_link_that_takes_the_place_of_a_file_after_the_check_is_not_read(studio, folder, monkeypatch):
    (folder.parent / "outside.json").write_text("secret")
    document = Workspace.document

    def swapped(workspace, text):
        found = document(workspace, text)
        (folder / "archs/mine.json").unlink()
        (folder / "archs/mine.json").symlink_to(folder.parent / "outside.json")
        return found

    monkeypatch.setattr(Workspace, "document", swapped)
    assert "secret" not in read(studio, "archs/mine.json").text
    (folder / "archs/mine.json").unlink()
    (folder / "archs/mine.json").write_text(ARCH)
    assert write(studio, "archs/mine.json", "{}", digest_of(b"secret")).status_code == 422
    assert (folder.parent / "outside.json").read_text() == "secret"


def test_a_full_disk_leaves_the_file_as_it_was(studio, folder, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    refused = write(studio, "archs/mine.json", "{}", digest_of(ARCH.encode()))
    assert (refused.status_code, refused.json()["error"]) == (
        422,
        "archs/mine.json: cannot be written: No space left on device.",
    )
    assert (folder / "archs/mine.json").read_text() == ARCH
    assert [one.name for one in (folder / "archs").iterdir()] == ["mine.json"]


@pytest.mark.parametrize(("num_files", "num_listed", "is_complete"), [(2, 2, True), (3, 2, False), (4, 2, False)])
def test_the_listing_is_bounded_and_says_so(studio, folder, monkeypatch, num_files, num_listed, is_complete):
    monkeypatch.setattr("archnet.studio.workspace.folder_documents.MAX_DOCUMENTS", 2)
    (folder / "archs/mine.json").unlink()
    for number in range(num_files):
        (folder / f"{number}.json").write_text(ARCH)
    answer = studio.get("/api/folder").json()
    own = [entry["path"] for entry in answer["documents"] if not entry["is_shipped"]]
    assert own == [f"{number}.json" for number in range(num_listed)]
    assert answer["is_complete"] == is_complete


@pytest.mark.parametrize(("max_entries", "num_listed", "is_complete"), [(4, 2, True), (3, 1, False), (2, 0, False)])
def test_the_search_for_documents_is_bounded_and_says_so(
    studio, folder, monkeypatch, max_entries, num_listed, is_complete
):
    monkeypatch.setattr("archnet.studio.workspace.folder_documents.MAX_ENTRIES", max_entries)
    (folder / "a.json").write_text(ARCH)
    answer = studio.get("/api/folder").json()
    own = [entry["path"] for entry in answer["documents"] if not entry["is_shipped"]]
    assert own == ["a.json", "archs/mine.json"][:num_listed]
    assert answer["is_complete"] == is_complete


def test_documents_six_folders_deep_are_listed_but_not_those_of_installed_packages(studio, folder):
    six = folder / "a/b/c/d/e/f"
    for place in (six, six / "g", folder / "node_modules", folder / "__pycache__", folder / "site-packages"):
        place.mkdir(parents=True)
        (place / "x.json").write_text(ARCH)
    own = [entry["path"] for entry in studio.get("/api/folder").json()["documents"] if not entry["is_shipped"]]
    assert own == ["a/b/c/d/e/f/x.json", "archs/mine.json"]


def test_the_limits_of_the_listing():
    assert (MAX_DEPTH, MAX_ENTRIES, MAX_DOCUMENTS) == (6, 20_000, 1_000)


def test_a_document_of_the_maximum_size_is_listed_and_a_larger_one_is_not(studio, folder):
    for name, size in (("a", 4_000_000), ("b", 4_000_001)):
        (folder / f"{name}.json").write_text(ARCH.ljust(size))
    own = [entry["path"] for entry in studio.get("/api/folder").json()["documents"] if not entry["is_shipped"]]
    assert own == ["a.json", "archs/mine.json"]
