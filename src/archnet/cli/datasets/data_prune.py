"""`archnet data prune`: remove stale crop stores, or everything that archnet keeps outside run folders."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from archnet.cli.options import BreakLockOption, JsonFlag, echo, print_json, print_messages
from archnet.errors import DocumentError, pluralize
from archnet.files.disk import format_bytes

if TYPE_CHECKING:
    from archnet.data.user_files.user_files import UserFiles


def prune(
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Remove everything that archnet data info lists: all stores, phantoms, fetched data, the last error "
            "and shell completion. Unsaved texts of archnet studio are kept.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --all: remove without asking, as in scripts.")] = False,
    break_lock: BreakLockOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Remove crop stores whose scans have changed; crops can be recreated. --all removes all of archnet's own files.

    Run folders and data that you placed yourself are never removed, and links are not followed.

    Examples:
        archnet data prune --dry-run

        archnet data prune --all
    """
    from archnet.files.locks import break_foreign_locks

    if yes and not everything:
        raise DocumentError("--yes: has no effect without --all. Add --all, or omit --yes.")
    with break_foreign_locks(is_wanted=break_lock):
        if everything:
            _remove_everything(is_dry=dry_run, is_confirmed=yes, as_json=as_json)
        else:
            _remove_stale_stores(is_dry=dry_run, as_json=as_json)


def _remove_stale_stores(*, is_dry: bool, as_json: bool) -> None:
    from archnet.data.store_list import prune_stores

    removed = prune_stores(dry_run=is_dry)
    if as_json:
        print_json([{**asdict(store), "folder": str(store.folder)} for store in removed])
        return
    for store in removed:
        echo(store.summary())
    total = sum(store.num_bytes for store in removed)
    would = "would be " if is_dry else ""
    echo(f"{pluralize(len(removed), 'store')} {would}removed, {total / 1e9:,.2f} GB")


def _remove_everything(*, is_dry: bool, is_confirmed: bool, as_json: bool) -> None:
    from archnet.data.user_files.removal import remove_user_files
    from archnet.data.user_files.user_files import list_user_files

    if as_json and not (is_dry or is_confirmed):
        raise DocumentError("--json: cannot ask for confirmation. Add --yes or --dry-run.")
    found = list_user_files()
    if as_json:
        print_json(found.to_document())
    else:
        print_user_files(found)
    if not found.num_items:
        return
    count = f"{pluralize(found.num_items, 'item')}, {format_bytes(found.num_bytes)}"
    if is_dry:
        print_messages([f"Would be removed: {count}"])
        return
    if not is_confirmed:
        _require_consent(count)
    notes = remove_user_files(found)
    print_messages([*notes, f"Removed: {count}" if not notes else "Everything else was removed."])


def _require_consent(count: str) -> None:
    """Ask on the terminal.

    Raises:
        DocumentError: There is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise DocumentError("--all: cannot ask for confirmation without a terminal. Add --yes.")
    if not typer.confirm(f"Remove {count}?", err=True):
        print_messages(["Nothing was removed."])
        raise typer.Exit(2)


def print_user_files(found: UserFiles) -> None:
    """Print a line for each store, file and folder, and the caches that other programs share."""
    entries = [(store.num_bytes, store.folder, store.description) for store in found.stores]
    entries += [(file.num_bytes, file.path, file.description) for file in found.files]
    for num_bytes, path, description in entries:
        echo(f"{format_bytes(num_bytes):>9}  {path}  {description}")
    echo(f"{format_bytes(found.num_bytes):>9}  in total: {pluralize(found.num_items, 'item')} outside run folders")
    if found.shared:
        echo("Shared with other programs; archnet does not remove them:")
        for cache in found.shared:
            echo(f"{format_bytes(cache.num_bytes):>9}  {cache.path}  {cache.description}")
