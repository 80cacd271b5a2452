"""Pages of the repository's own Markdown files, whose links are made to work inside the site."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]

_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]*)(#[^)\s]*)?\)")

_PAGES = "docs/pages/"

PAGES = {
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "experiments/README.md": "results/experiments.md",
}
"""The page of each file."""


def repository_page(name: str) -> str:
    """A Markdown file of the repository as the page that `PAGES` says."""
    return with_site_links((ROOT / name).read_text(encoding="utf-8"), name, PAGES[name])


def with_site_links(text: str, file: str, page: str) -> str:
    """Markdown whose links to other files of the repository lead to their copies in the site.

    Args:
        text: The Markdown.
        file: Its path in the repository.
        page: Its path in the site.
    """
    folder = posixpath.dirname(file)

    def changed(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[1]))
        if file.startswith(_PAGES) and target.startswith(_PAGES):
            return link[0]
        return f"]({site_link(target, page)}{link[2] or ''})"

    return _LINK.sub(changed, text)


def site_link(target: str, page: str) -> str:
    """The link from a page to a file or folder of the repository, which lies below `files` unless it is a page.

    Args:
        target: Path in the repository.
        page: Path of the page in the site.
    """
    if target.startswith(_PAGES):
        found = target.removeprefix(_PAGES)
    elif (ROOT / target).is_dir():
        found = f"files/index.md#{folder_anchor(target)}"
    elif target in PAGES:
        found = PAGES[target]
    else:
        found = f"files/{target}"
    return posixpath.relpath(found, posixpath.dirname(page))


def files_page(names: Iterable[str]) -> str:
    """The page that lists the files of the repository in `files`, by folder.

    Args:
        names: Their paths in the repository.
    """
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        folders[posixpath.dirname(name)].append(name)
    blocks = ["# Files", "Files of the repository that these pages name, as they are."]
    for folder, inside in sorted(folders.items()):
        blocks.append(f"## `{folder}` {{ #{folder_anchor(folder)} }}")
        blocks.append("\n".join(f"- [{posixpath.basename(name)}]({name})" for name in inside))
    return "\n\n".join(blocks) + "\n"


def folder_anchor(folder: str) -> str:
    """The id of a folder's heading on the page of files.

    >>> folder_anchor("archs/zoo")
    'archs-zoo'
    """
    return folder.replace("/", "-")
