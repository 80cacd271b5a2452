"""Imports for the commands of `forked_commands.py`: the fork server imports this module once and runs no operation."""

import contextlib
import os
from importlib import import_module

MODULES = (
    "keras",
    "sklearn.linear_model",
    "archnet.api.console",
    "archnet.api.experiments",
    "archnet.cli",
    "archnet.export.exported_model",
    "archnet.fetching.catalogue",
    "archnet.inference.predict_files",
    "archnet.network.build",
    "archnet.network.predict",
    "archnet.network.training.checkpoint",
    "archnet.runs.baselines",
    "archnet.runs.rereport",
    "archnet.runs.runner",
    "archnet.tracking.mlflow_store",
)


@contextlib.contextmanager
def silent_descriptor():
    """TensorFlow writes notes from C++ to descriptor 2."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with silent_descriptor():
    from archnet.network.optional_packages import skip_optional_packages

    skip_optional_packages()
    for name in MODULES:
        import_module(name)
