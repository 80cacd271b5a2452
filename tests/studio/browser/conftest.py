"""One browser for the tests of the page, and a server on a folder for each file of tests."""

import pytest

from browser import start_reader
from studio_page import StudioPage, running_server


@pytest.fixture(scope="module")
def reader():
    reader = start_reader("--force-prefers-reduced-motion")
    yield reader
    reader.driver.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the page, empty."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def page(reader, folder, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        with running_server(folder) as server:
            yield StudioPage(reader, server)
