"""archnet: JSON architecture files to 2D and 3D convolutional networks for chest CT.

>>> import archnet
>>> arch = archnet.load_arch("arch3dsm")  # doctest: +SKIP
>>> model = arch.build((64, 64, 10), num_classes=2)  # doctest: +SKIP
>>> run = archnet.run("arch3dsm", data="phantom", settings={"training.epochs": 5})  # doctest: +SKIP
>>> run.metrics["test"]["recall"]  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archnet.api.cases import load_data as load_data
    from archnet.api.check_data import check_data as check_data
    from archnet.api.experiments import load_experiments as load_experiments
    from archnet.api.experiments import run as run
    from archnet.api.experiments import run_all as run_all
    from archnet.api.finished_runs import compare as compare
    from archnet.api.finished_runs import export_model as export_model
    from archnet.api.finished_runs import write_report as write_report
    from archnet.api.scans import explain as explain
    from archnet.api.scans import predict as predict
    from archnet.errors import ArchnetError as ArchnetError
    from archnet.runs.result import Run as Run
    from archnet.runs.result import load_run as load_run
    from archnet.spec.arch import Arch as Arch
    from archnet.spec.arch import load_arch as load_arch
    from archnet.spec.experiment import Experiment as Experiment
    from archnet.spec.twins.twin_network import Twin as Twin
    from archnet.spec.twins.twin_network import make_twin as make_twin

    __version__: str

_MODULES = {
    "Arch": "spec.arch",
    "ArchnetError": "errors",
    "Experiment": "spec.experiment",
    "Run": "runs.result",
    "Twin": "spec.twins.twin_network",
    "check_data": "api.check_data",
    "compare": "api.finished_runs",
    "explain": "api.scans",
    "export_model": "api.finished_runs",
    "load_arch": "spec.arch",
    "load_data": "api.cases",
    "load_experiments": "api.experiments",
    "load_run": "runs.result",
    "make_twin": "spec.twins.twin_network",
    "predict": "api.scans",
    "run": "api.experiments",
    "run_all": "api.experiments",
    "write_report": "api.finished_runs",
}

__all__ = [
    "Arch",
    "ArchnetError",
    "Experiment",
    "Run",
    "Twin",
    "check_data",
    "compare",
    "explain",
    "export_model",
    "load_arch",
    "load_data",
    "load_experiments",
    "load_run",
    "make_twin",
    "predict",
    "run",
    "run_all",
    "write_report",
]

if not TYPE_CHECKING:  # with a `__getattr__`, a type checker would accept any name

    def __getattr__(name: str) -> Any:
        """Load a public name when it is first used, so that `import archnet` and `archnet show` stay fast."""
        if name == "__version__":
            from archnet.machine import package_version

            return package_version("archnet") or "unknown"
        if name not in _MODULES:
            raise AttributeError(f"module 'archnet' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"archnet.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted([*__all__, "__version__"])
