"""A recursive-descent parser of JSON that records the range of every key and value.

Strict parsing raises the first error; tolerant parsing reports all errors and completes what is missing.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

from archnet.files.documents.broken_tokens import read_broken_string, read_broken_token
from archnet.files.documents.json_text import JsonPath, json_text, surrogate_problem
from archnet.files.documents.json_tree import JsonNode, rebuild_value
from archnet.files.documents.parse_recovery import ParseRecovery, token_fix
from archnet.files.documents.parse_state import LimitError
from archnet.files.documents.syntax_problem import Replacement, SyntaxProblem

MAX_DEPTH: Final = 64
"""Maximum nesting of arrays and objects. Real architectures nest a few levels."""

MAX_VALUES: Final = 75_000
"""Maximum number of values in a document. The largest architecture, with 3,000 layers, has 60,000."""

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

_LITERALS: Final = {"true": True, "false": False, "null": None}


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


class _Parser(ParseRecovery):
    """A recursive-descent parser of RFC 8259 JSON."""

    def parse(self) -> JsonNode:
        root = JsonNode(0)
        try:
            self.parse_value(self.skip_space(0), root, ())
            end = self.skip_space(root.end)
            if end != len(self.text):
                self.refuse_rest(end)
        except LimitError:
            for node in (root, *self.open):
                node.end = max(node.end, len(self.text))
            rebuild_value(root)
        return root

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
                self.refuse(position, expected, at=(position, token.end), **token_fix(position, token))
                child.key_end = token.end
                return token.value
            if self.closes_outer(node, position, expected):
                return None
            end = token.end if token else position + 1
            last = self.last_end(node)
            is_last = self.text[_SPACE(self.text, end).end() :][:1] in ("", "}", "]", ",")  # type: ignore[union-attr]
            start = last if is_last and node.members and self.text[last:position].strip() == "," else position
            self.refuse(position, expected, at=(position, end), title="Remove", edits=((start, end, ""),))
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


_ITEM_STARTS: Final = frozenset('"{[-0123456789tfn')
