"""MkDocs hooks: generated pages, and files of the repository, become part of the site."""

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from site_pages import generated_pages, repository_files, with_site_links


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not below `pages`."""
    for name, text in generated_pages().items():
        files.append(File.generated(config, name, content=text))
    for name, path in repository_files():
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Let the links of a page to files of the repository, which work in a clone, lead to their copies in the site."""
    name = page.file.src_uri
    return markdown if page.file.generated_by else with_site_links(markdown, f"docs/pages/{name}", name)
