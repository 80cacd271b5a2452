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
