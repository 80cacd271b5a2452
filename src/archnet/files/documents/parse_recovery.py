"""Error recovery of the JSON parser, which infers the intended text."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, Final

from archnet.files.documents.broken_tokens import BrokenToken, read_broken_token
from archnet.files.documents.json_text import JsonPath, json_text, surrogate_problem
from archnet.files.documents.json_tree import JsonNode
from archnet.files.documents.parse_state import ParseState
from archnet.files.documents.syntax_problem import SyntaxProblem

KEY_EXPECTED: Final = "expected a key in double quotes"


class ParseRecovery(ParseState, ABC):
    """Recovers from syntax errors; in strict mode, reporting the first one raises it."""

    @abstractmethod
    def skip_space(self, position: int) -> int:
        """Skip white space, and comments in tolerant mode."""

    @abstractmethod
    def parse_value(self, position: int, node: JsonNode, step: tuple[str | int, ...]) -> None:
        """Parse the value at a position into a node."""

    @abstractmethod
    def next_position(self, node: JsonNode, child: JsonNode, closing: str) -> int | None:
        """The offset of the next value or key of an array or object; null if it is closed."""

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

    def recover_scalar(self, position: int, node: JsonNode, step: JsonPath, expected: str) -> None:
        """Report an invalid or missing scalar."""
        if node.key_start >= 0 and self.text.startswith((":", "="), position):
            edits = ((position, position + 1, ""),)
            self.refuse(position, expected, title="Remove", edits=edits)
            self.parse_value(self.skip_space(position + 1), node, step)
            return
        node.is_broken = True
        token = read_broken_token(self.text, position)
        if token is None:
            self.refuse(position, expected, at=self.missing_range(node, position))
            return
        self.refuse(position, expected, at=(position, token.end), **token_fix(position, token))
        node.value, node.end = token.value, token.end

    def missing_range(self, node: JsonNode, position: int) -> tuple[int, int]:
        """The text that a missing value is reported at: its key, or the character that is in its place."""
        if node.key_start >= 0:
            return node.key_start, node.key_end
        return min(position, max(len(self.text) - 1, 0)), min(position + 1, len(self.text))

    def check_key(self, key: str, node: JsonNode, child: JsonNode) -> None:
        """Report a key with a lone surrogate, or that occurs twice."""
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
                self.problems[index] = replace(problem, title="Remove the second occurrence", edits=edits)

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
                self.refuse(position, "expected a value" if closing == "]" else KEY_EXPECTED)
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
            expected = "expected a value" if closing == "]" else KEY_EXPECTED
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
            self.refuse(position, expected, at=(start, token.end), **token_fix(start, token))
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
        """Skip stray characters; an object after an object is the next entry of the array around it."""
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
        self.refuse(position, expected, at=(position, end), title="Remove", edits=((position, end, ""),))
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


def token_fix(position: int, token: BrokenToken) -> dict[str, Any]:
    """The title and the edits that replace an invalid scalar by a valid one."""
    if token.replacement is None:
        return {}
    return {
        "title": f"Write {json_text(json.loads(token.replacement))}",
        "edits": ((position, token.end, token.replacement),),
    }
