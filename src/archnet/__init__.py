"""archnet: JSON architecture files to 2D and 3D convolutional networks for chest CT.

>>> import archnet
>>> arch = archnet.load_arch("archs/arch3dsm.json")  # doctest: +SKIP
>>> model = arch.build((64, 64, 10), num_classes=2)  # doctest: +SKIP
>>> run = archnet.run("experiments/phantom_2d_vs_3d.json")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archnet.api import Arch as Arch
    from archnet.api import ArchnetError as ArchnetError
    from archnet.api import Run as Run
    from archnet.api import load_arch as load_arch
    from archnet.api import load_experiments as load_experiments
    from archnet.api import run as run
    from archnet.api import run_all as run_all

__all__ = ["Arch", "ArchnetError", "Run", "load_arch", "load_experiments", "run", "run_all"]


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used, so that `import archnet` and `archnet show` stay fast."""
    if name not in __all__:
        raise AttributeError(f"module 'archnet' has no attribute {name!r}")
    return getattr(import_module("archnet.api"), name)
