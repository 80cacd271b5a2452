"""`archnet runs`: the table of all runs under a folder, and their tags and notes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from archnet.cli.options import JsonFlag, echo, print_json, print_paths
from archnet.cli.process.command_help import CommandGroup, Commands


class _FolderFirst(CommandGroup):
    """A group whose first argument may be a folder: `archnet runs FOLDER` is `archnet runs list FOLDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_list = not args or (args[0] not in self.commands and args[0] != "--help")
        return super().parse_args(ctx, ["list", *args] if is_list else args)


runs_app = Commands(
    cls=_FolderFirst,
    help="List all runs under a folder: archnet runs [FOLDER]. Its options: archnet runs list --help.",
    epilog="Examples:\n\narchnet runs\n\narchnet runs tag edit-2 promising",
)


@runs_app.command("list")
def list_all(
    folder: Annotated[
        Path, typer.Argument(help="Folder with experiments, or one experiment.", metavar="FOLDER")
    ] = Path("runs"),
    sort: Annotated[
        str,
        typer.Option(
            help="Sort by name, date, state, a metric such as auc, or a setting such as training.epochs.", metavar="KEY"
        ),
    ] = "name",
    reverse: Annotated[bool, typer.Option("--reverse", help="Reverse the order.")] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", help="Show only runs with this tag; may be repeated.", metavar="TAG"),
    ] = None,
    set_name: Annotated[
        Literal["validation", "test"] | None,
        typer.Option("--set", help="Set whose results are shown. Default: validation, where runs have one."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the table as a page to this file.", metavar="FILE")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List all runs under a folder: state, results, changed settings, tags and notes. `archnet runs` is equivalent.

    The settings of each run are compared with those of the first run of the same architecture. Choose among runs by
    their results on the validation set: a choice on the test set makes its results optimistic.

    Examples:
        archnet runs

        archnet runs runs/luna16 --sort auc --tag baseline

        archnet runs --html runs.html
    """
    from archnet.listing.folder_rows import list_runs
    from archnet.listing.selection import select_rows

    selection = select_rows(list_runs(folder), tags=tag or (), sort=sort, reverse=reverse, set_name=set_name)
    if html is not None:
        from archnet.files.path_argument import output_file
        from archnet.listing.listing_page import write_listing_page

        print_paths([write_listing_page(output_file(html, "--html"), selection)], as_json)
    elif as_json:
        from archnet.listing.listing_document import listing_document

        print_json(listing_document(selection))
    else:
        from archnet.api.console import stdout
        from archnet.listing.listing_table import ListingTable

        stdout.print(ListingTable(selection))


@runs_app.command()
def tag(
    run: Annotated[
        Path, typer.Argument(help="A run or an experiment, by its folder or its name in archnet runs.", metavar="RUN")
    ],
    tags: Annotated[list[str] | None, typer.Argument(help="Tags to add.", metavar="TAG...")] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="Remove this tag; may be repeated.", metavar="TAG")
    ] = None,
    note: Annotated[str | None, typer.Option("--note", help='Set the note; "" removes it.', metavar="TEXT")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add tags and a note to a run, or to all runs of an experiment.

    They are saved in tags.json in the folder of the run, and are shown by `archnet runs`.

    Examples:
        archnet runs tag edit-2 wide promising

        archnet runs tag runs/luna16/arch3dsm --note "with the corrected labels"

        archnet runs tag edit-2 --remove promising
    """
    from archnet.errors import RunError
    from archnet.evaluation.run_folder import find_named_run
    from archnet.listing.folder_rows import list_runs
    from archnet.listing.tags import change_tags

    folder = find_named_run(run)
    rows = list_runs(folder).rows
    if not rows:
        raise RunError(f"{folder}: holds no run. Name a run as archnet runs shows it.")
    changed = {row.folder: change_tags(row.folder, tags or (), remove or (), note) for row in rows}
    if as_json:
        print_json([{"folder": str(path), **new.to_document()} for path, new in changed.items()])
        return
    for path, new in changed.items():
        echo(f"{path}: {', '.join(new.tags) or 'no tags'}{f'; {new.note}' if new.note else ''}")
