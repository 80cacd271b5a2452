"""The scripts of `experiments/` as modules."""

import importlib.util
from pathlib import Path

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


def load_script(name):
    """A script of `experiments/` that imports no other one, without running it."""
    specification = importlib.util.spec_from_file_location(name, EXPERIMENTS / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
