"""A recursive-descent parser of JSON that records the range of every key and value.

Strict parsing raises the first error; tolerant parsing reports all errors and completes what is missing.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final, NoReturn

from archnet.errors import DocumentError, pluralize
from archnet.files.documents.broken_tokens import BrokenToken, read_broken_string, read_broken_token
from archnet.files.documents.json_text import JsonPath, json_text, surrogate_problem
from archnet.files.documents.json_tree import JsonNode, rebuild_value
from archnet.files.documents.syntax_problem import Replacement, SyntaxProblem, expectation_text

MAX_DEPTH: Final = 64
"""Maximum nesting of arrays and objects. Real architectures nest a few levels."""

MAX_VALUES: Final = 75_000
"""Maximum number of values in a document. The largest architecture, with 3,000 layers, has 60,000."""

MAX_SYNTAX_PROBLEMS: Final = 100
"""Maximum number of errors in one text that tolerant parsing reports."""

TOO_LONG_HINT: Final = 'Is this a data file? Use "REP" with "times" to repeat layers.'
"""Remedy for documents that are longer than any architecture, experiment or sweep."""

_SPACE = re.compile(r"[ \t\n\r]*").match
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|#[^\n]*", re.DOTALL).match
_TEXT = re.compile(r'"([^"\\\x00-\x1f]*)"').match
_KEY = re.compile(r'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*').match
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?").match
_LITERAL = re.compile("true|false|null").match
_CLOSED: Final = {"}": re.compile(r"[ \t\n\r]*}").match, "]": re.compile(r"[ \t\n\r]*]").match}
_NEXT = re.compile(r"[ \t\n\r]*([,}\]])[ \t\n\r]*").match
_COLON_AFTER = re.compile(r"""[ \t\n\r]*:""").match

_LITERALS: Final = {"true": True, "false": False, "null": None}


class _LimitError(Exception):
    """The text exceeds a limit; the rest is not parsed."""


def parse_strict_json(text: str, source: str) -> JsonNode:
    """Parse strict JSON.

    Args:
        text: The whole document.
        source: File name for messages.

    Raises:
        DocumentError: The text is not strict JSON, or has too many values.
    """
    return _Parser(text, source).parse()


def parse_tolerantly(text: str) -> tuple[JsonNode, list[SyntaxProblem]]:
    """Parse any text as JSON that may be incomplete.

    Args:
        text: The whole document.

    Returns:
        The value as far as it can be recognized, and the errors in the order of the text.
    """
    parser = _Parser(text, None)
    root = parser.parse()
    return root, parser.problems


class _Parser:
    """A recursive-descent parser of RFC 8259 JSON.

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

    def parse(self) -> JsonNode:
        root = JsonNode(self.skip_space(0))
        try:
            self.parse_value(root.start, root, ())
            end = self.skip_space(root.end)
            if end != len(self.text):
                self.refuse_rest(end)
        except _LimitError:
            for node in (root, *self.open):
                node.end = max(node.end, len(self.text))
            rebuild_value(root)
        return root

    # Errors

    def report(self, problem: SyntaxProblem) -> None:
        """Raise the first problem in strict mode; collect it in tolerant mode.

        Raises:
            DocumentError: This is strict mode.
        """
        if self.source is not None:
            raise DocumentError(problem.text(self.source, self.text))
        if len(self.problems) >= MAX_SYNTAX_PROBLEMS:
            raise _LimitError
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
        rest = self.text[position:]
        edits = ((position, len(self.text), ""),) if re.fullmatch(r"[\s,\]}]*", rest) else ()
        self.refuse(
            position,
            "expected the end of the document",
            at=(position, len(self.text.rstrip())),
            title="Remove the rest" if edits else "",
            edits=edits,
        )

    def refuse_limit(self, position: int, message: str) -> NoReturn:
        self.report(
            SyntaxProblem(
                position=position,
                start=position,
                end=min(position + 1, len(self.text)),
                message=message,
                path=tuple(self.path),
            )
        )
        raise _LimitError

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

    # Values

    def skip_space(self, position: int) -> int:
        """Skip white space, and comments in tolerant mode."""
        position = _SPACE(self.text, position).end()  # type: ignore[union-attr]
        while self.source is None and (comment := _COMMENT(self.text, position)):
            edits = ((position, comment.end(), ""),)
            self.refuse(position, "", at=comment.span(), title="Remove the comment", edits=edits)
            position = _SPACE(self.text, comment.end()).end()  # type: ignore[union-attr]
        return position

    def parse_value(self, position: int, node: JsonNode, step: tuple[str | int, ...]) -> None:
        """Parse the value at a position into a node.

        Args:
            position: Offset of its first character.
            node: The node.
            step: Its key or index within the innermost open value; empty for the root.
        """
        if self.num_values >= MAX_VALUES:
            self.refuse_limit(position, f"more than {MAX_VALUES:,} values. {TOO_LONG_HINT}")
        self.num_values += 1
        node.start = node.end = position
        start = self.text[position : position + 1]
        if start == '"':
            match = _TEXT(self.text, position)
            if match and match[1].isascii():
                node.value, node.end = match[1], match.end()
            else:
                self.parse_text(position, node, step)
        elif start in ("{", "["):
            self.path += step
            self.open.append(node)
            if start == "{":
                self.parse_object(node)
            else:
                self.parse_array(node)
            self.open.pop()
            del self.path[len(self.path) - len(step) :]
        else:
            self.parse_scalar(position, node, step)

    def parse_text(self, position: int, node: JsonNode, step: JsonPath) -> None:
        """Parse a string value; files cannot contain a lone surrogate."""
        node.value, node.end = self.parse_string(position)
        if problem := surrogate_problem(node.value):
            node.is_broken = True
            self.refuse_text(position, node.end, (*self.path, *step), f"{json_text(node.value)} {problem}")

    def parse_string(self, position: int, *, is_key: bool = False) -> tuple[str, int]:
        try:
            value, end = scanstring(self.text, position + 1, True)
        except json.JSONDecodeError as error:
            broken = read_broken_string(self.text, position)
            self.report_string(error, position, broken, is_key=is_key)
            return str(broken.value), broken.end
        return str(value), int(end)

    def report_string(self, error: json.JSONDecodeError, position: int, broken: BrokenToken, *, is_key: bool) -> None:
        """Report an invalid string; at the end of the text, close all brackets as well, without an incomplete key."""
        title = "Close the string" if error.msg.startswith("Unterm") else "Escape the character"
        edits = ((position, broken.end, str(broken.replacement)),)
        if broken.end >= len(self.text) and self.source is None:
            if self.is_ended:
                return
            self.is_ended = True
            start, new_text = (self.complete_end(), "") if is_key else (position, str(broken.replacement))
            edits = ((start, broken.end, f"{new_text}{self.closing_brackets()}"),)
        self.report(
            SyntaxProblem(
                position=min(error.pos, len(self.text)),
                start=position,
                end=broken.end,
                message=f"not valid JSON: {error.msg.rstrip(' at')}.",
                path=tuple(self.path),
                title=title,
                edits=edits,
            )
        )

    def parse_scalar(self, position: int, node: JsonNode, step: JsonPath) -> None:
        if match := _NUMBER(self.text, position):
            node.end = match.end()
            node.value = self.parse_number(match, node)
        elif match := _LITERAL(self.text, position):
            node.value, node.end = _LITERALS[match[0]], match.end()
        else:
            self.recover_scalar(position, node, step, "expected a value")

    def parse_number(self, match: re.Match[str], node: JsonNode) -> int | float:
        digits = match.group()
        is_float = match.group(1) or match.group(2)
        value = float(digits) if is_float or len(digits) > 300 else int(digits)
        if value in (float("inf"), float("-inf")):
            text = digits if len(digits) <= 20 else f"{digits[:20]}... of {len(digits):,} characters"
            node.is_broken = True
            self.report(
                SyntaxProblem(
                    position=match.start(),
                    start=match.start(),
                    end=match.end(),
                    message=f"the number {text} is beyond the range of a double.",
                    path=tuple(self.path),
                )
            )
            return 0
        return value

    def recover_scalar(self, position: int, node: JsonNode, step: JsonPath, expected: str) -> None:
        """Report an invalid or missing scalar."""
        if node.key_start >= 0 and self.text.startswith((":", "="), position):
            edits = ((position, position + 1, ""),)
            self.refuse(position, expected, title="Remove it", edits=edits)
            self.parse_value(self.skip_space(position + 1), node, step)
            return
        node.is_broken = True
        token = read_broken_token(self.text, position)
        if token is None:
            self.refuse(position, expected, at=self.missing_range(node, position))
            return
        self.refuse(position, expected, at=(position, token.end), **_token_fix(position, token))
        node.value, node.end = token.value, token.end

    def missing_range(self, node: JsonNode, position: int) -> tuple[int, int]:
        """The text that a missing value is reported at: its key, or the character that is in its place."""
        if node.key_start >= 0:
            return node.key_start, node.key_end
        return min(position, max(len(self.text) - 1, 0)), min(position + 1, len(self.text))

    def parse_array(self, node: JsonNode) -> None:
        items: list[Any] = []
        nodes: list[JsonNode] = []
        node.value, node.members = items, nodes
        position: int | None = self.enter(node, "]")
        while position is not None:
            child = JsonNode(position)
            nodes.append(child)
            items.append(None)
            self.parse_value(position, child, (len(items) - 1,))
            items[-1] = child.value
            match = _NEXT(self.text, child.end)
            if match and match[1] == "]":
                node.end = match.end(1)
                return
            is_simple = match and match[1] == "," and self.text[match.end() : match.end() + 1] in _ITEM_STARTS
            position = match.end() if match and is_simple else self.next_position(node, child, "]")

    def parse_object(self, node: JsonNode) -> None:
        values: dict[str, Any] = {}
        nodes: dict[str, JsonNode] = {}
        node.value, node.members = values, nodes
        position: int | None = self.enter(node, "}")
        while position is not None:
            child = JsonNode(position)
            key, position = self.parse_key(position, node, child)
            if position is None:
                return
            if key not in nodes:
                nodes[key] = child
                values[key] = None
            self.parse_value(position, child, (key,))
            if nodes[key] is child:
                values[key] = child.value
            else:
                self.fix_duplicate(node, child)
            match = _NEXT(self.text, child.end)
            if match and match[1] == "}":
                node.end = match.end(1)
                return
            is_simple = match and match[1] == "," and self.text[match.end() : match.end() + 1] == '"'
            position = match.end() if match and is_simple else self.next_position(node, child, "}")

    def enter(self, node: JsonNode, closing: str) -> int | None:
        """The offset of the first value after an opening bracket; null if the value is empty."""
        match = _CLOSED[closing](self.text, node.start + 1)
        if match:
            node.end = match.end()
            return None
        position = self.skip_space(node.start + 1)
        if self.text.startswith(closing, position):  # after a comment
            node.end = position + 1
            return None
        if len(self.open) > MAX_DEPTH:
            self.refuse_limit(position, f"nested more than {MAX_DEPTH} levels deep. Remove levels of nesting.")
        if closing == "]":
            return self.skip_commas(node, position, closing)
        return position

    def parse_key(self, position: int, node: JsonNode, child: JsonNode) -> tuple[str, int | None]:
        """Parse a key and its colon.

        Returns:
            The key, and the offset of its value; null if there is no key and the object is closed.
        """
        match = _KEY(self.text, position)
        if match:
            key, child.key_start, child.key_end = match[1], match.start(1) - 1, match.end(1) + 1
        else:
            found = self.find_key(position, node, child)
            if found is None:
                return "", None
            key = found
        if not key.isascii() or (node.members and key in node.members):
            self.check_key(key, node, child)
        if match:
            return key, match.end()
        return key, self.find_value(key, child)

    def check_key(self, key: str, node: JsonNode, child: JsonNode) -> None:
        place = f"the key {json_text(key)}"
        path = tuple(self.path)
        if problem := surrogate_problem(key):
            self.refuse_text(child.key_start, child.key_end, path, f"{place} {problem}")
        first = node.child(key)
        if first is not None:
            line = 1 + self.text.count("\n", 0, first.key_start)
            text = f"{place} occurs twice, first on line {line}. Remove one of the two."
            self.refuse_text(child.key_start, child.key_end, path, text)

    def fix_duplicate(self, node: JsonNode, child: JsonNode) -> None:
        """Add the edit that removes a repeated key to its problem."""
        for index, problem in enumerate(self.problems):
            if problem.shows_path and problem.start == child.key_start:
                edits = ((self.last_end(node), child.end, ""),)
                self.problems[index] = replace(problem, title="Remove the second", edits=edits)

    def find_key(self, position: int, node: JsonNode, child: JsonNode) -> str | None:
        """Find the next key, which is not simple, or close the object."""
        expected = "expected a key in double quotes"
        while True:
            position = child.key_start = self.skip_space(position)
            if self.text.startswith('"', position):
                key, child.key_end = self.parse_string(position, is_key=True)
                return key
            if position >= len(self.text):
                self.refuse(position, expected)
                node.end = position
                return None
            if self.text[position] == "}":
                node.end = position + 1
                return None
            token = read_broken_token(self.text, position)
            if token and isinstance(token.value, str):
                self.refuse(position, expected, at=(position, token.end), **_token_fix(position, token))
                child.key_end = token.end
                return token.value
            if self.closes_outer(node, position, expected):
                return None
            end = token.end if token else position + 1
            last = self.last_end(node)
            is_last = self.text[_SPACE(self.text, end).end() :][:1] in ("", "}", "]", ",")  # type: ignore[union-attr]
            start = last if is_last and node.members and self.text[last:position].strip() == "," else position
            self.refuse(position, expected, at=(position, end), title="Remove it", edits=((start, end, ""),))
            position = end

    def find_value(self, key: str, child: JsonNode) -> int:
        """The offset of the value after a key."""
        colon = self.skip_space(child.key_end)
        if self.text.startswith(":", colon):
            return self.skip_space(colon + 1)
        is_value = (
            re.match(r'[-\d"{\[\'\w]', self.text[colon : colon + 1]) and "\n" not in self.text[child.key_end : colon]
        )
        edits: tuple[Replacement, ...] = ((child.key_end, child.key_end, ":"),) if is_value else ()
        if self.text.startswith("=", colon):
            edits = ((colon, colon + 1, ":"),)
        self.refuse(
            colon,
            f'expected ":" after the key {json_text(key)}',
            at=(child.key_start, child.key_end),
            title='Insert ":"' if edits else "",
            edits=edits,
        )
        return self.skip_space(colon + 1) if self.text.startswith("=", colon) else colon

    def next_position(self, node: JsonNode, child: JsonNode, closing: str) -> int | None:
        """The offset of the next value or key of an array or object; null if it is closed."""
        position = self.skip_space(child.end)
        if self.text.startswith(closing, position):
            node.end = position + 1
            return None
        if self.text.startswith(",", position):
            return self.skip_commas(node, self.skip_space(position + 1), closing, position)
        return self.recover_position(node, child, position, closing)

    def skip_commas(self, node: JsonNode, position: int, closing: str, comma: int | None = None) -> int | None:
        """Skip repeated commas; null if the value is closed.

        Args:
            node: The array or object.
            position: Offset after a comma, or after the opening bracket.
            closing: The closing bracket.
            comma: Offset of the comma; null after the opening bracket.
        """
        text = self.text
        while text.startswith((closing, ","), position) or position >= len(text):
            if position >= len(text):
                self.refuse(position, "expected a value" if closing == "]" else _KEY_EXPECTED)
                node.end = position
                return None
            if text[position] == closing:
                start = position if comma is None else comma
                self.refuse(
                    position,
                    f'expected another value after the comma (no comma is allowed before "{closing}")',
                    at=(start, start + 1),
                    title="Remove the comma",
                    edits=((start, start + 1, ""),),
                )
                node.end = position + 1
                return None
            edits = ((position, position + 1, ""),)
            expected = "expected a value" if closing == "]" else _KEY_EXPECTED
            self.refuse(position, expected, title="Remove the comma", edits=edits)
            position = self.skip_space(position + 1)
        return position

    def recover_position(self, node: JsonNode, child: JsonNode, position: int, closing: str) -> int | None:
        """Continue after a value that neither a comma nor the closing bracket follows."""
        expected = f'expected "," or "{closing}"'
        if position >= len(self.text):
            self.refuse(position, expected)
            node.end = position
            return None
        if position == child.end and (token := self.glued_token(child, position)):
            start = child.start
            self.refuse(position, expected, at=(start, token.end), **_token_fix(start, token))
            child.end, child.value, child.is_broken = token.end, token.value, True
            self.store(node, child)
            return self.next_position(node, child, closing)
        if self.text[position] == ":" and isinstance(child.value, str) and child.start < child.end:
            return self.recover_key(node, child, position, closing)
        if self.closes_outer(node, position, expected):
            return None
        if re.match(r"""["'\w{\[.+-]""", self.text[position]) and not (closing == "}" and self.text[position] in "{["):
            edits = ((child.end, child.end, ","),)
            at = (max(child.end - 1, child.start), child.end) if child.end > child.start else None
            self.refuse(position, expected, at=at, title='Insert ","', edits=edits)
            return position
        return self.skip_garbage(node, child, position, closing)

    def skip_garbage(self, node: JsonNode, child: JsonNode, position: int, closing: str) -> int | None:
        expected = f'expected "," or "{closing}"'
        if self.text[position] == "{" and len(self.open) > 1 and isinstance(self.open[-2].members, list):
            edits = ((child.end, child.end, "},"),)  # the next object of the array around this one
            self.refuse(position, expected, at=(child.start, child.end), title='Insert "},"', edits=edits)
            node.end = child.end
            return None
        key = next((key for key, each in node.children() if each is child), None)
        if child.is_broken and key is not None and self.text[position] in "{[":
            self.parse_value(position, child, (key,))  # the value, after other characters that are not valid
            child.is_broken = False
            self.store(node, child)
            return self.next_position(node, child, closing)
        token = read_broken_token(self.text, position)
        end = token.end if token else position + 1
        self.refuse(position, expected, at=(position, end), title="Remove it", edits=((position, end, ""),))
        child.end = end
        return self.next_position(node, child, closing)

    def store(self, node: JsonNode, child: JsonNode) -> None:
        """Store the corrected value of the last child in its array or object."""
        if isinstance(node.members, list):
            node.value[-1] = child.value
        else:
            key = next((key for key, each in node.children() if each is child), None)
            if key is not None:
                node.value[key] = child.value

    def glued_token(self, child: JsonNode, position: int) -> BrokenToken | None:
        """The invalid scalar of which a number or a literal is the beginning, such as 016 or 3x3."""
        is_scalar = child.members is None and not isinstance(child.value, str)
        if not is_scalar or child.start == child.end or not re.match(r"[\w.+-]", self.text[position]):
            return None
        return read_broken_token(self.text, child.start)

    def recover_key(self, node: JsonNode, child: JsonNode, position: int, closing: str) -> int | None:
        """Read a string before a colon as the next key: the value before it is missing, or its array is not closed."""
        start, is_array = child.start, isinstance(node.members, list)
        if is_array and (len(self.open) < 2 or isinstance(self.open[-2].members, list)):
            return self.skip_garbage(node, child, position, closing)
        expected = f'expected "," or "{closing}"'
        if isinstance(node.members, list):
            node.members.pop()
            node.value.pop()
            end = self.last_end(node)
            comma = self.text.find(",", end, start)
            edits = ((end, end, "]"),) if comma >= 0 else ((end, end, "],"),)
            self.refuse(position, expected, at=(start, child.end), title='Insert "]"', edits=edits)
            node.end = end
            return None
        self.refuse(position, expected, at=(child.key_start, child.key_end))
        child.value, child.is_broken, child.start, child.end = None, True, child.key_end, child.key_end
        self.store(node, child)
        return start

    def closes_outer(self, node: JsonNode, position: int, expected: str) -> bool:
        """Whether a bracket closes a value around this one, which is then closed as well."""
        bracket = self.text[position]
        wanted = {"}": dict, "]": list}.get(bracket)
        if wanted is None or not any(isinstance(each.members, wanted) for each in self.open[:-1]):
            return False
        own = "}" if isinstance(node.members, dict) else "]"
        last = self.last_end(node)
        is_separated = not self.text[last:position].strip(" \t\r\n,")
        edits = ((last, position, own),) if is_separated else ((position, position, own),)
        self.refuse(position, expected, title=f'Insert "{own}"', edits=edits)
        node.end = last
        return True


_KEY_EXPECTED: Final = "expected a key in double quotes"

_ITEM_STARTS: Final = frozenset('"{[-0123456789tfn')


def _token_fix(position: int, token: BrokenToken) -> dict[str, Any]:
    """The title and the edits that replace an invalid scalar by a valid one."""
    if token.replacement is None:
        return {}
    return {
        "title": f"Write {json_text(json.loads(token.replacement))}",
        "edits": ((position, token.end, token.replacement),),
    }
