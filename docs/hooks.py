"""MkDocs hooks: generated pages, and files of the repository, become part of the site."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from site_pages import generated_pages, repository_files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not below `pages`."""
    for name, text in generated_pages().items():
        files.append(File.generated(config, name, content=text))
    for name, path in repository_files():
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files
