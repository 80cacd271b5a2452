"""Fixtures that several test files share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data():
    """The folder of real CTs, or a skip that says so."""
    folder = os.environ.get("ARCHNET_REAL_DATA")
    if not folder:
        pytest.skip("ARCHNET_REAL_DATA is not set: no real CTs to test on")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _store(tmp_path_factory):
    """Crops are stored in a folder that goes away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARCHNET_STORE", str(tmp_path_factory.mktemp("store")))
        yield
