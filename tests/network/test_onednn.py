"""TensorFlow computes with oneDNN wherever it can, and its user learns where it does not."""

import json
import logging
import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from archnet.network import backend
from archnet.network.backend import execution_record, start_quietly
from archnet.network.backends import tensorflow as tensorflow_backend
from long_tests import long_except

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
WARNING = (
    "TensorFlow was imported before archnet started it, and does not use oneDNN on this processor: 3D networks train "
    f"several times slower. Set the environment variable {VARIABLE}=1 before TensorFlow is imported."
)
START = """
import json
from archnet.network.backend import execution_record, start_quietly
start_quietly()
from archnet.network.backends import tensorflow
print(json.dumps([tensorflow.lacks_onednn(), execution_record()["variables"].get("TF_ENABLE_ONEDNN_OPTS")]))
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="TensorFlow has oneDNN on x86 processors")
@pytest.mark.parametrize(("chosen", "lacks"), long_except({(None, False)}, [(None, False), ("0", True)]))
def test_a_process_computes_with_onednn_unless_its_user_has_chosen(chosen, lacks):
    others = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environment = others | ({VARIABLE: chosen} if chosen else {})
    done = subprocess.run([sys.executable, "-c", START], env=environment, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == [lacks, chosen or "1"]
    assert "oneDNN" not in done.stderr


@pytest.mark.parametrize(("machine", "expected"), [("x86_64", "1"), ("AMD64", "1"), ("aarch64", None), ("arm64", None)])
def test_the_variable_is_set_before_tensorflow_is_imported_and_on_its_processors_alone(monkeypatch, machine, expected):
    monkeypatch.setenv(VARIABLE, "1")  # what the start sets is undone after the test
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.delitem(sys.modules, "tensorflow")
    start_quietly()
    assert os.environ.get(VARIABLE) == expected


@pytest.mark.parametrize(
    ("lacks", "chosen", "is_first", "is_told"),
    [
        (True, None, True, True),
        (True, None, False, False),
        (True, "0", True, False),
        (False, None, True, False),
    ],
)
def test_the_first_start_tells_of_a_tensorflow_imported_without_onednn(
    monkeypatch, caplog, lacks, chosen, is_first, is_told
):
    monkeypatch.delenv(VARIABLE)
    if chosen:
        monkeypatch.setenv(VARIABLE, chosen)
    monkeypatch.setattr(tensorflow_backend, "lacks_onednn", lambda: lacks)
    monkeypatch.setattr(backend, "_process", backend._Process(has_devices=not is_first))
    with caplog.at_level(logging.WARNING, "archnet"):
        start_quietly()
        start_quietly()
    assert [record.getMessage() for record in caplog.records] == [WARNING] * is_told
    assert execution_record()["variables"].get(VARIABLE) == chosen  # it would have no effect any more


@pytest.mark.parametrize(
    ("system", "is_x86", "is_enabled", "expected"),
    [
        ("linux", True, False, True),
        ("win32", True, False, True),
        ("darwin", True, False, False),
        ("linux", False, False, False),
        ("linux", True, True, False),
    ],
)
def test_onednn_is_lacking_where_it_could_be_used(monkeypatch, system, is_x86, is_enabled, expected):
    build = SimpleNamespace(IsX86Available=lambda: is_x86, IsMklEnabled=lambda: is_enabled)
    monkeypatch.setattr(tensorflow_backend, "_build", build)
    monkeypatch.setattr(sys, "platform", system)
    assert tensorflow_backend.lacks_onednn() is expected
