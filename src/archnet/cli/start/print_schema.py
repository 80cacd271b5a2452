"""`archnet schema`: the JSON schemas of the documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from archnet.cli.options import print_json_text, print_paths


def schema(
    name: Annotated[
        Literal["arch", "experiment", "sweep"] | None,
        typer.Argument(
            help="The schema to print. Default: print the paths of all three.", metavar="arch|experiment|sweep"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the schema and those it refers to into this folder, in place of older ones.", metavar="DIR"
        ),
    ] = None,
) -> None:
    """Print the JSON schema of architectures, experiments or sweeps, which editors use to complete and explain keys.

    Examples:
        archnet schema arch

        archnet schema experiment > experiment.schema.json

        archnet schema --out schemas
    """
    from archnet.spec.schema import SCHEMAS, schema_path
    from archnet.spec.shipped.new_project import copy_schemas

    names = SCHEMAS if name is None else tuple(dict.fromkeys(("arch", name)))
    if out is not None:
        print_paths(copy_schemas(names, out), as_json=False)
    elif name is None:
        print_paths([schema_path(one) for one in names], as_json=False)
    else:
        print_json_text(schema_path(name).read_text("utf-8").rstrip("\n"))
