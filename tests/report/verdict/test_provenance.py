import json

from archnet.report.verdict.provenance import provenance


def write(folder, started="2026-11-26T23:59:00+00:00", commit="1a2b3c4d5e6f", **environment):
    folder.mkdir()
    git = {"commit": commit, "has_uncommitted_changes": commit.startswith("f")}
    document = {"started": started, "packages": {"archnet": "0.2.0"}, "git": git, **environment}
    (folder / "environment.json").write_text(json.dumps(document))
    (folder / "data.json").write_text(json.dumps({"digest": "0123456789abcdef" * 4}))
    (folder / "experiment.json").write_text('{"name": "phantom", "description": "Depth tells."}')
    return folder


def test_a_page_states_experiment_day_version_commit_and_data(tmp_path):
    runs = [write(tmp_path / name) for name in ("a", "b")]
    origin = provenance(tmp_path, runs)
    assert (origin.title, origin.description) == ("phantom", "Depth tells.")
    assert origin.texts == ("26 November 2026", "archnet 0.2.0", "commit 1a2b3c4d5e", "data digest 0123456789")


def test_what_differs_between_runs_is_listed_and_uncommitted_changes_are_marked(tmp_path):
    runs = [
        write(tmp_path / "a"),
        write(tmp_path / "b", started="2026-12-01T00:01:00+00:00", commit="f00d" * 3, packages={"archnet": "0.3.0"}),
    ]
    assert provenance(tmp_path, runs).texts == (
        "26 November 2026 to 1 December 2026",
        "archnet 0.2.0 and 0.3.0",
        "commit 1a2b3c4d5e and f00df00df0 with uncommitted changes",
        "data digest 0123456789",
    )


def test_runs_of_other_experiments_and_without_records_leave_the_folders_name(tmp_path):
    runs = [tmp_path / "a", tmp_path / "b"]
    for run in runs:
        run.mkdir()
        (run / "experiment.json").write_text(json.dumps({"name": run.name}))
    origin = provenance(tmp_path, runs)
    assert (origin.title, origin.description, origin.texts) == (tmp_path.name, "", ())
