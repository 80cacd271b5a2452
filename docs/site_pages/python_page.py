"""The page of the Python functions and classes, which mkdocstrings fills from their docstrings."""

import archnet
from site_pages.schema_pages import page

_GROUPS = {
    "Architectures": ("load_arch", "Arch", "make_twin", "Twin"),
    "Runs": ("run", "run_all", "load_experiments", "Experiment", "load_run", "Run"),
    "Finished runs": ("compare", "write_report", "export_model"),
    "Scans": ("predict", "explain"),
    "Data": ("load_data", "check_data"),
    "Errors": ("ArchnetError",),
}


def python_page() -> str:
    """Every public name by group."""
    names = [name for group in _GROUPS.values() for name in group]
    if sorted(names) != sorted(archnet.__all__):
        raise ValueError(f"the groups of this page must hold exactly the public names {archnet.__all__}")
    blocks = [
        "# Python",
        "Everything is imported from `archnet`. [From Python](../guide/python.md) shows how the functions work "
        "together; they take the options of the [commands](command-line.md) of the same name.",
    ]
    for title, group in _GROUPS.items():
        blocks += [f"## {title}", *(f"::: archnet.{name}" for name in group)]
    return page(blocks)
