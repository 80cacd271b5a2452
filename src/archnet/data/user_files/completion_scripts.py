"""The shell completion that `archnet --install-completion` installs: its scripts, and the line in ~/.bashrc."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archnet.files.atomic import atomic_write

_SCRIPTS: Final = {
    "bash": ".bash_completions/archnet.sh",
    "zsh": ".zfunc/_archnet",
    "fish": ".config/fish/completions/archnet.fish",
}
"""The script of each shell in the home folder, as Typer installs it. PowerShell's is part of the user's profile."""

_MARK: Final = "_ARCHNET_COMPLETE"
"""The variable in each of Typer's scripts for archnet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionScript:
    """An installed script.

    Attributes:
        shell: Name of the shell.
        path: The script.
    """

    shell: str
    path: Path


def completion_scripts() -> list[CompletionScript]:
    """The installed scripts of archnet; links and other programs' scripts are not listed."""
    try:
        home = Path.home()
    except RuntimeError:
        return []
    scripts = [CompletionScript(shell=shell, path=home / name) for shell, name in _SCRIPTS.items()]
    return [script for script in scripts if not script.path.is_symlink() and _MARK in _text(script.path)]


def remove_completion(script: CompletionScript) -> str | None:
    """Remove a script, and for bash the line of ~/.bashrc that reads it, which would fail without the script.

    Returns:
        What the user still has to do; None if nothing. A ~/.bashrc that is a link is not edited, and its script stays.
    """
    line = f"source '{script.path}'"
    settings = Path.home() / ".bashrc"
    if script.shell == "bash" and line in map(str.rstrip, _lines(settings)):
        if settings.is_symlink():
            return f"{settings} is a link and was not edited. Remove this line from it, then {script.path}: {line}"
        lines = [text for text in _lines(settings) if text.rstrip("\r") != line]
        with atomic_write(settings) as draft:
            draft.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
            shutil.copymode(settings, draft)
    script.path.unlink()
    return None


def _lines(path: Path) -> list[str]:
    return _text(path).split("\n")


def _text(path: Path) -> str:
    """The content of a file; empty if it cannot be read."""
    with suppress(OSError):
        return path.read_bytes().decode("utf-8", "surrogateescape")
    return ""
