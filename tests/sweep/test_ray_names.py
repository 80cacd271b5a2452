"""The classes that Ray Tune calls: their own names collide with none of Ray's."""

import inspect
import re

import pytest

pytest.importorskip("ray")

from archnet.sweep.searcher import JobSearcher
from archnet.sweep.supervisor import Supervisor

HOOKS = {
    Supervisor: {"setup", "step", "reset_config", "cleanup"},
    JobSearcher: {"suggest", "on_trial_result", "on_trial_complete", "save", "restore", "__deepcopy__", "__reduce__"},
}
"""What these classes override on purpose."""


def assigned_names(cls):
    """The attributes that a class defines, or that its methods assign."""
    is_own = lambda name: callable(vars(cls)[name]) and name not in {"__init__", "__doc__"}  # noqa: E731
    return {name for name in vars(cls) if is_own(name)} | set(re.findall(r"self\.(\w+)\s*[:=]", inspect.getsource(cls)))


@pytest.mark.parametrize("cls", HOOKS, ids=lambda cls: cls.__name__)
def test_no_attribute_hides_one_of_the_base_class(cls):
    bases = [base for base in cls.__mro__[1:] if base is not object]
    taken = {name for base in bases for name in {*dir(base), *assigned_names(base)}}
    assert {"_trial_info", "_metric"} & taken
    assert (assigned_names(cls) & taken) - HOOKS[cls] == set()
    assert assigned_names(cls) >= HOOKS[cls]
