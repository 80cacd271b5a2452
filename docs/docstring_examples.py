"""Griffe extension: doctests in docstrings become code blocks, without the options for doctest."""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)
_OPTION = re.compile(r" *# doctest: .*")


class DocstringExamples(griffe.Extension):
    """Fence the doctests of every docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object that has been loaded."""
        if obj.docstring:
            obj.docstring.value = fence_examples(obj.docstring.value)


def fence_examples(text: str) -> str:
    """A docstring whose doctests are Markdown code blocks.

    >>> print(fence_examples(">>> 1 + 1  # doctest: +SKIP"))
    ```pycon
    >>> 1 + 1
    ```
    """
    return _EXAMPLE.sub(lambda found: f"```pycon\n{_OPTION.sub('', found[0])}\n```", text)
