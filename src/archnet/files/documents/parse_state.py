"""The problems that the parser of JSON reports, and where it is in the text."""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

from archnet.errors import DocumentError, pluralize
from archnet.files.documents.json_text import JsonPath
from archnet.files.documents.json_tree import JsonNode
from archnet.files.documents.syntax_problem import SyntaxProblem, expectation_text

MAX_SYNTAX_PROBLEMS: Final = 100
"""Maximum number of errors in one text that tolerant parsing reports."""


class LimitError(Exception):
    """The text exceeds a limit; the rest is not parsed."""


class ParseState:
    """The position in the tree, and the problems so far.

    Args:
        text: The text.
        source: Name of the file, for the first error, which is raised; null collects all errors in `problems`.
    """

    def __init__(self, text: str, source: str | None) -> None:
        self.text = text
        self.source = source
        self.problems: list[SyntaxProblem] = []
        self.num_values = 0
        self.path: list[str | int] = []
        self.open: list[JsonNode] = []
        self.is_ended = False

    def report(self, problem: SyntaxProblem) -> None:
        """Raise the first problem in strict mode; collect it in tolerant mode.

        Raises:
            DocumentError: This is strict mode.
        """
        if self.source is not None:
            raise DocumentError(problem.text(self.source, self.text))
        if len(self.problems) >= MAX_SYNTAX_PROBLEMS:
            raise LimitError
        self.problems.append(problem)

    def refuse(
        self, position: int, expected: str, *, at: tuple[int, int] | None = None, title: str = "", edits: Any = ()
    ) -> None:
        """Report an unexpected character, or once that the text ends."""
        if position >= len(self.text) and self.source is None:
            self.refuse_end(position, expected)
            return
        start, end = at or (position, min(position + 1, len(self.text)))
        self.report(
            SyntaxProblem(
                position=position,
                start=start,
                end=end,
                message=expectation_text(self.text, position, expected),
                path=tuple(self.path),
                shows_column=True,
                title=title,
                edits=edits,
            )
        )

    def refuse_rest(self, position: int) -> None:
        """Report text after the document."""
        rest = self.text[position:]
        edits = ((position, len(self.text), ""),) if re.fullmatch(r"[\s,\]}]*", rest) else ()
        self.refuse(
            position,
            "expected the end of the document",
            at=(position, len(self.text.rstrip())),
            title="Remove the text after the document" if edits else "",
            edits=edits,
        )

    def refuse_limit(self, position: int, message: str) -> NoReturn:
        """Report that a limit is exceeded, and stop.

        Raises:
            LimitError: Always.
        """
        self.report(
            SyntaxProblem(
                position=position,
                start=position,
                end=min(position + 1, len(self.text)),
                message=message,
                path=tuple(self.path),
            )
        )
        raise LimitError

    def refuse_text(self, start: int, end: int, path: JsonPath, message: str, edits: Any = (), title: str = "") -> None:
        """Report a key or a string that is valid JSON, but not allowed."""
        self.report(
            SyntaxProblem(
                position=start,
                start=start,
                end=end,
                message=message,
                path=path,
                shows_path=True,
                edits=edits,
                title=title,
            )
        )

    def refuse_end(self, position: int, expected: str) -> None:
        """Report once that the text ends too early, with the edit that drops an incomplete member and closes all."""
        if self.is_ended:
            return
        self.is_ended = True
        start = max(len(self.text.rstrip()) - 1, 0)
        cut = self.complete_end()
        self.report(
            SyntaxProblem(
                position=position,
                start=start,
                end=min(start + 1, len(self.text)),
                message=expectation_text(self.text, position, expected),
                path=tuple(self.path),
                shows_column=True,
                title=f"Close {pluralize(len(self.open), 'bracket')}" if self.open else "",
                edits=((cut, len(self.text), self.closing_brackets()),) if self.open else (),
            )
        )

    def closing_brackets(self) -> str:
        """The brackets that close all open values."""
        return "".join("}" if isinstance(node.members, dict) else "]" for node in reversed(self.open))

    def complete_end(self) -> int:
        """The end of the last complete value inside the innermost open value, or of its opening bracket."""
        if not self.open:
            return 0
        ends = [child.end for _, child in self.open[-1].children() if child.end > child.start]
        return ends[-1] if ends else self.open[-1].start + 1

    def last_end(self, node: JsonNode) -> int:
        """The end of the last value inside, or of the opening bracket."""
        children = node.children()
        return max(children[-1][1].end, children[-1][1].key_end) if children else node.start + 1
