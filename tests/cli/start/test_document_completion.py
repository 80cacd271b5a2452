"""Completion of arguments that take a file or a shipped name."""

from archnet.cli.start.document_completion import complete_archs, complete_documents


def test_names_files_and_folders_that_start_with_the_text_are_offered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archive").mkdir()
    (tmp_path / "arch_mine.json").write_text("[]")
    (tmp_path / "archive.csv").write_text("")
    assert complete_archs("arch") == ["arch", "arch3d", "arch3dsm", "archsm", "arch_mine.json", "archive"]
    assert complete_archs("luna16") == []
    assert complete_documents("luna16") == ["luna16_seed_protocol", "luna16_small", "luna16_width"]
    assert complete_documents("archive/") == []
    assert {"arch3dsm", "vgg16", "sweep_width", "arch_mine.json"} <= set(complete_documents(""))
