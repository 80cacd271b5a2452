"""The generated pages of the site: the reference, from schemas, docstrings and `--help`, and the repository's own."""

from collections.abc import Iterator
from pathlib import Path

from site_pages.command_page import command_page
from site_pages.dataset_page import dataset_page
from site_pages.layer_page import layer_page
from site_pages.python_page import python_page
from site_pages.repository_pages import PAGES, ROOT, files_page, repository_page
from site_pages.repository_pages import with_site_links as with_site_links
from site_pages.run_folder_page import run_folder_page
from site_pages.schema_pages import architecture_page, experiment_page, sweep_page

FILE_PATTERNS = (
    "archs/**/*.json",
    "schemas/*.json",
    "experiments/*.json",
    "experiments/*.py",
    "experiments/pictures/*.*",
    "experiments/results/**/*.*",
)
"""Files of the repository that pages link to, in `files/` of the site."""


def generated_pages() -> dict[str, str]:
    """The Markdown of each generated page by its path in the site."""
    return {
        "reference/architecture.md": architecture_page(),
        "reference/layers.md": layer_page(),
        "reference/experiment.md": experiment_page(),
        "reference/sweep.md": sweep_page(),
        "reference/datasets.md": dataset_page(),
        "reference/command-line.md": command_page(),
        "reference/python.md": python_page(),
        "reference/run-folder.md": run_folder_page(),
        "files/index.md": files_page(name.removeprefix("files/") for name, _ in repository_files()),
        **{page: repository_page(name) for name, page in PAGES.items()},
    }


def repository_files() -> Iterator[tuple[str, Path]]:
    """The path in the site and on disk of each file that pages link to."""
    for pattern in FILE_PATTERNS:
        for path in sorted(filter(Path.is_file, ROOT.glob(pattern))):  # names of folders can also contain a dot
            yield f"files/{path.relative_to(ROOT).as_posix()}", path
