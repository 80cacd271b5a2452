"""The page of the command line, from the same texts as `--help`."""

import re
import textwrap

from typer.cli import get_docs_for_click
from typer.main import get_command

from archnet.cli import PROGRAM, app

_COMMANDS = re.compile(r"\*\*Commands\*\*:\n\n(?:\* .*\n)+\n*")
"""Lists of commands, whose descriptions Typer cuts short; the headings follow anyway."""

_EXAMPLES = re.compile(r"^Examples?:\n((?:(?: {4}.*)?\n)+)", re.MULTILINE)
_EMPTY_LINES = re.compile(r"\n{3,}")


def command_page() -> str:
    """All commands with their arguments, options and examples."""
    command = get_command(app)
    with command.make_context(PROGRAM, [], resilient_parsing=True) as context:
        text = get_docs_for_click(obj=command, ctx=context, name=PROGRAM, title="Command line")
    text = _EXAMPLES.sub(_example_block, _COMMANDS.sub("", text))
    text = text.replace("<list[Path]>", "<path>")
    return _EMPTY_LINES.sub("\n\n", text)


def _example_block(found: re.Match[str]) -> str:
    lines = [line for line in textwrap.dedent(found[1]).splitlines() if line]
    text = re.sub(r"\n(?!archnet )\s*", r" \\\n    ", "\n".join(lines))
    return f"Examples:\n\n```sh\n{text}\n```\n\n"
