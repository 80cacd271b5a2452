"""The limit on open files: raised where the system allows it, and named where it does not."""

import re

import pytest

from archnet.errors import RunError
from archnet.sweep.open_files import MIN_OPEN_FILES, require_open_files

resource = pytest.importorskip("resource", reason="limits of a Unix system")
NONE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "raised"),
    [
        ((256, 4096), (MIN_OPEN_FILES, 4096)),
        ((MIN_OPEN_FILES - 1, MIN_OPEN_FILES), (MIN_OPEN_FILES, MIN_OPEN_FILES)),
        ((256, NONE), (MIN_OPEN_FILES, NONE)),
        ((MIN_OPEN_FILES, MIN_OPEN_FILES), None),
        ((NONE, NONE), None),
    ],
)
def test_a_low_limit_is_raised_to_what_ray_needs_and_no_other(limits, raised, monkeypatch):
    found = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda kind, new: found.append((kind, new)))
    require_open_files()
    assert found == ([] if raised is None else [(resource.RLIMIT_NOFILE, raised)])


def test_a_limit_that_cannot_be_raised_is_named(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, MIN_OPEN_FILES - 1))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: pytest.fail("the limit cannot be raised"))
    text = (
        "This process may open 1,023 files (ulimit -n), but a sweep needs 1,024 for Ray. Raise the limit with ulimit -n "
        "1024 and run the same command again."
    )
    with pytest.raises(RunError, match=f"^{re.escape(text)}$"):
        require_open_files()
