"""The extension of VS Code: its package, and its message where archnet is not installed.

Installing the front end's packages is set-up, not test: `npm ci --ignore-scripts` in `studio/vscode`, as `.ci/run` does it.
"""

import json
import os
import re
import shutil
import subprocess
from zipfile import ZipFile

import pytest

from archnet.lsp.editor_settings import read_settings
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("no-such-program", 'The program "no-such-program" was not found. '),
        ("${workspaceFolder}/bin/archnet", 'The program "/project/bin/archnet" was not found. '),
        ("false", 'The program "false" does not run: Command failed: false --version'),
    ],
)
def test_without_archnet_the_user_sees_the_remedy(package, tmp_path, program, problem):
    with ZipFile(package) as file:
        bundle = file.extract("extension/dist/extension.js", tmp_path)
    command = ["node", str(ROOT / "tests/lsp/fake_vscode.cjs"), bundle, program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
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
