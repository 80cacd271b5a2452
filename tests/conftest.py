"""Fixtures that several test files share."""

import gc
import locale
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from archnet.phantom.layouts import Phantom
from finished_runs import draw_phantom, make_once, make_runs

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as archnet does, for tests that import Keras first
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which the processes of tests inherit

gc.disable()  # until the tests are collected: what they import stays, and walking over it costs seconds
settings.register_profile("archnet", deadline=None)  # no test depends on a clock
settings.load_profile("archnet")


def pytest_configure(config):
    config.option.loadscopereorder = False  # pytest-xdist would start with the files that have the most tests


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Run files with slow tests first, so that none of them runs alone at the end. Long tests are slow."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker("slow")
    num_slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -num_slow[item.path])


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


SPOKEN = locale.setlocale(locale.LC_ALL)


@pytest.fixture(autouse=True)
def _locale():
    """SimpleITK leaves the "C" locale behind when a test writes DICOM with it, and text is read as ASCII from then on."""
    locale.setlocale(locale.LC_ALL, SPOKEN)


@pytest.fixture(scope="session")
def real_data():
    """The folder of real CTs, or a skip that says so."""
    folder = os.environ.get("ARCHNET_REAL_DATA")
    if not folder:
        pytest.skip("ARCHNET_REAL_DATA is not set: no real CTs to test on")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _store(tmp_path_factory):
    """Crops are stored in a folder that goes away, and nothing that this process writes outlives a loss of power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARCHNET_STORE", str(tmp_path_factory.mktemp("store")))
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder that all processes of a test session share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def wheel(shared_folder):
    """The wheel of archnet."""

    def build(folder):
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", folder]
        subprocess.run([*command, Path(__file__).parents[1]], check=True, capture_output=True)

    (path,) = make_once(shared_folder / "wheel", build).glob("*.whl")
    return path


@pytest.fixture(scope="session")
def luna16_phantom(shared_folder):
    """The folder of a phantom of 8 scans with 10 candidates each; whoever changes a file takes a copy."""
    return draw_phantom(shared_folder, Phantom(num_scans=8, num_candidates=10))


@pytest.fixture(scope="session")
def finished_runs(shared_folder, _store):
    """The folder of `make_runs`: `cubes.npz`, and in `out` the runs `flat` and `deep` with their comparison."""
    return make_once(shared_folder / "finished_runs", make_runs)
