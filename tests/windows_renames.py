"""Renames as on Windows, where a target that exists is refused."""

from pathlib import Path


def rename_as_on_windows(monkeypatch):
    """Refuse renames to a target that exists, also an empty folder."""
    rename = Path.rename

    def rename_to_free(self, target):
        if target.exists():
            raise FileExistsError(183, "Cannot create a file when that file already exists", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", rename_to_free)
