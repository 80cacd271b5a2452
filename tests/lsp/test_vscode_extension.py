"""The extension of VS Code: its package, and its message where archnet is not installed.

Installing the front end's packages is set-up, not test: `npm ci --ignore-scripts` in `studio/vscode`, as `.ci/run` does it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from zipfile import ZipFile

import pytest

from archnet.lsp.editor_settings import read_settings
from archnet.machine import package_version
from command_line import ROOT

FOLDER = ROOT / "studio/vscode"
MANIFEST = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
MOST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package, built in a copy of the folder."""
    if not (shutil.which("npm") and (FOLDER / "node_modules").is_dir()):
        message = f"needs Node.js and, in {FOLDER.relative_to(ROOT)}, npm ci --ignore-scripts"
        if os.environ.get("CI") == "true":
            raise RuntimeError(message)
        pytest.skip(message)
    copy = tmp_path_factory.mktemp("vscode") / "extension"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("node_modules", "dist", "*.vsix"))
    (copy / "node_modules").symlink_to(FOLDER / "node_modules")
    done = subprocess.run(["npm", "run", "package"], cwd=copy, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy / "archnet-0.1.0.vsix"


@pytest.mark.slow
def test_the_package_has_the_bundle_the_manifest_and_the_licences_and_nothing_else(package):
    with ZipFile(package) as file:
        names = {name.removeprefix("extension/") for name in file.namelist()}
        bundle = file.read("extension/dist/extension.js").decode()
        licences = file.read("extension/dist/LICENSES.txt").decode()
        manifest = json.loads(file.read("extension/package.json"))
    assert names == {
        "[Content_Types].xml",
        "extension.vsixmanifest",
        "package.json",
        "readme.md",
        "LICENSE.txt",
        "dist/extension.js",
        "dist/LICENSES.txt",
    }
    assert package.stat().st_size < MOST_BYTES
    assert manifest == MANIFEST
    assert not re.search(rf"sourceMappingURL|{re.escape(str(ROOT))}|/home/|/tmp/", bundle)
    assert "vscode-languageclient 11" in licences
    assert licences.count("(MIT)") >= 3


def extension_session(package, folder, *arguments):
    """What a session of the packaged extension in `fake_vscode.cjs` shows and registers."""
    with ZipFile(package) as file:
        bundle = file.extract("extension/dist/extension.js", folder)
    command = ["node", ROOT / "tests/lsp/fake_vscode.cjs", bundle, *arguments]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
def test_the_extension_shows_the_problems_of_the_active_editor_and_creates_its_twin(package, tmp_path):
    (tmp_path / "archs").mkdir()
    text = (ROOT / "archs/archsm.json").read_text(encoding="utf-8").replace('"drop_out": 8.3', '"drop_out": 0.5', 1)
    (tmp_path / "archs/net.json").write_text(text, encoding="utf-8")
    program = tmp_path / "archnet"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archnet "$@"\n')
    program.chmod(0o755)
    seen = extension_session(package, tmp_path, program, tmp_path)
    warning = "drop_out is a percentage: 0.5 drops 0.5% of the values. Did you mean 50?"
    assert seen["problems"] == {str(tmp_path / "archs/net.json"): [warning]}
    ((message,),) = seen["messages"]
    assert message.startswith("archsm_3d.json: 3D twin of archsm, ")
    twin = str(tmp_path / "archs/archsm_3d.json")
    assert seen["created"] == [[twin, False, False], 1]
    assert seen["shown"] == [twin]
    assert seen["errors"] == []
    assert seen["commands"] == ["archnet.restartServer", "archnet.createTwin", "archnet.createTwin"]
    assert seen["log"].count(f"{program}: archnet {package_version('archnet')}") == 2  # it was restarted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("no-such-program", 'The program "no-such-program" was not found. '),
        ("${workspaceFolder}/bin/archnet", 'The program "/project/bin/archnet" was not found. '),
        ("false", 'The program "false" failed to run: Command failed: false --version'),
    ],
)
def test_without_archnet_the_user_sees_the_remedy(package, tmp_path, program, problem):
    seen = extension_session(package, tmp_path, program)
    ((message, *buttons),) = seen["errors"]
    assert message.startswith(problem)
    assert message.endswith(
        'Install it with "pip install archnet", or set "archnet.path" to its full path, '
        "such as ${workspaceFolder}/.venv/bin/archnet."
    )
    assert buttons == ["Open Settings", "Try Again"]
    assert seen["commands"] == ["archnet.restartServer"]
    assert seen["log"] == [message]


def test_the_server_reads_every_setting_of_the_extension():
    properties = MANIFEST["contributes"]["configuration"]["properties"]
    defaults = {name.removeprefix("archnet."): entry["default"] for name, entry in properties.items()}
    defaults["trace"] = {"server": defaults.pop("trace.server")}
    settings, problems = read_settings(defaults)
    assert (problems, settings) == ([], read_settings(None)[0])
    page = (ROOT / "docs/pages/how-to/editors.md").read_text(encoding="utf-8")
    own = {name for name in defaults if name not in ("path", "trace")}
    assert own == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert {f"archnet.{name}" for name in (*own, "path")} == set(
        re.findall(r"^\| `(archnet\.\w+)` \|", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_the_lock_file_names_no_address():
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert lock["packages"][""]["version"] == MANIFEST["version"]
