"""`archnet list`: the architectures, experiments and sweeps that come with archnet."""

from __future__ import annotations

from archnet.cli.options import JsonFlag, print_json


def list_shipped(as_json: JsonFlag = False) -> None:
    """List the architectures, experiments and sweeps that archnet ships. Commands accept their names.

    Examples:
        archnet list

        archnet show arch3dsm

        archnet run arch3dsm --data phantom
    """
    from archnet.spec.shipped.shipped_list import shipped_list

    entries = shipped_list()
    if as_json:
        print_json(entries)
        return
    from archnet.api.console import stdout
    from archnet.report.terminal.shipped_tables import shipped_tables

    for table in shipped_tables(entries):
        stdout.print(table)
    stdout.print("Parameters are for two classes. Use a name in place of a file: archnet show arch3dsm", soft_wrap=True)
