"""Unsaved texts survive a crash and `archnet data prune --all`, and are gone once they are discarded."""

import errno
import re
import stat
import sys

import pytest

from archnet.data.user_files.removal import remove_user_files
from archnet.data.user_files.user_files import list_user_files
from studio_client import StudioClient
from user_home import listed, use_home

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folders that Linux uses are written here")

DIGEST = "0" * 64


@pytest.fixture
def home(tmp_path, monkeypatch):
    use_home(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture
def folder(home):
    folder = home / "project"
    folder.mkdir()
    return folder


def keep(studio, path, text, base_digest=None):
    return studio.put("/api/draft", json={"path": path, "text": text, "base_digest": base_digest})


def draft(studio, path):
    return studio.get("/api/draft", params={"path": path}).json()["draft"]


def test_a_draft_outlives_the_server_and_is_listed_until_it_is_discarded(folder):
    with StudioClient(folder) as studio:
        assert draft(studio, "mine.json") is None
        assert keep(studio, "mine.json", '{"a": "é\U0001f600\r\n', DIGEST).json() == {"path": "mine.json"}
        assert keep(studio, "mine.json", "{\r\n", DIGEST).status_code == 200
    with StudioClient(folder) as studio:
        kept = draft(studio, "mine.json")
        assert (kept["path"], kept["text"], kept["base_digest"]) == ("mine.json", "{\r\n", DIGEST)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", kept["saved"])
        drafts = studio.get("/api/drafts").json()["drafts"]
        assert drafts == [{"path": "mine.json", "base_digest": DIGEST, "saved": kept["saved"]}]
        discards = [studio.delete("/api/draft", params={"path": "mine.json"}).json() for _ in range(2)]
        assert discards == [{"was_there": True}, {"was_there": False}]
        assert draft(studio, "mine.json") is None
    assert list(folder.iterdir()) == []


def test_without_a_home_folder_a_draft_is_refused_with_the_reason(folder, monkeypatch):
    monkeypatch.setattr("archnet.studio.workspace.document_drafts.draft_folder", lambda: None)
    with StudioClient(folder) as studio:
        answer = keep(studio, "mine.json", "{")
    assert answer.status_code == 422
    assert answer.json()["error"] == "The home folder of this user is unknown, so unsaved texts cannot be stored."


def test_folders_do_not_see_the_drafts_of_each_other(folder):
    (folder / "inner").mkdir()
    with StudioClient(folder / "inner") as inner, StudioClient(folder) as studio:
        keep(inner, "mine.json", "inner")
        assert studio.get("/api/drafts").json() == {"drafts": []}
        assert draft(studio, "mine.json") is None


def test_drafts_are_no_way_out_of_the_folder(folder):
    with StudioClient(folder) as studio:
        assert keep(studio, "../mine.json", "{}").status_code == 403
        assert studio.delete("/api/draft", params={"path": "/etc/hosts.json"}).status_code == 403


def test_a_damaged_draft_is_as_good_as_none(folder, home):
    with StudioClient(folder) as studio:
        keep(studio, "mine.json", "{}")
        (file,) = (home / "XDG_STATE_HOME/archnet/drafts").iterdir()
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        for content in ("{", "[]", '{"path": 1}', ""):
            file.write_text(content)
            assert draft(studio, "mine.json") is None
            assert studio.get("/api/drafts").json() == {"drafts": []}


def test_prune_lists_drafts_and_leaves_them(folder, home):
    with StudioClient(folder) as studio:
        keep(studio, "mine.json", "{}")
        ((kind, path),) = listed(home)
        assert kind == "draft"
        assert remove_user_files(list_user_files()) == [
            f"{home / 'XDG_STATE_HOME/archnet/drafts'}: 1 unsaved text of archnet studio were kept. Save or discard them "
            "in archnet studio, or remove the folder."
        ]
        assert (home / path).exists()
        studio.delete("/api/draft", params={"path": "mine.json"})
    assert remove_user_files(list_user_files()) == []
    assert not (home / "XDG_STATE_HOME/archnet").exists()


def test_a_draft_that_cannot_be_written_is_refused_with_its_file(folder, home, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("archnet.studio.workspace.document_drafts.write_json", full)
    with StudioClient(folder) as studio:
        answer = keep(studio, "mine.json", "{}")
        assert draft(studio, "mine.json") is None
    assert answer.status_code == 422
    file, _, reason = answer.json()["error"].rpartition(": cannot be written: ")
    assert file.startswith(str(home / "XDG_STATE_HOME/archnet/drafts"))
    assert reason == "No space left on device. Save the document."


def test_drafts_are_bounded_in_number(folder, monkeypatch):
    monkeypatch.setattr("archnet.studio.workspace.document_drafts.MAX_DRAFTS", 2)
    with StudioClient(folder) as studio:
        answers = [keep(studio, f"{name}.json", "{}") for name in "abb"]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        refused = keep(studio, "c.json", "{}")
        assert (refused.status_code, refused.json()["error"]) == (
            422,
            "There are 2 unsaved texts already. Save or discard some.",
        )
