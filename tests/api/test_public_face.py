"""The public names: what tools and users see of archnet before they use it."""

import ast
import os
import pkgutil
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import venv
from importlib import import_module, metadata
from inspect import getdoc, signature
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest

import archnet
from command_line import ROOT
from long_tests import long_except

PUBLIC = {
    "Arch", "ArchnetError", "Experiment", "Run", "Twin", "check_data", "compare", "explain", "export_model", "load_arch",
    "load_data", "load_experiments", "load_run", "make_twin", "predict", "run", "run_all", "write_report",
}  # fmt: skip


def python(*arguments, **environment):
    """Run a Python command and return the finished process."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_dir_and_all_list_the_public_names_and_nothing_else():
    assert set(archnet.__all__) == PUBLIC
    assert dir(archnet) == sorted([*PUBLIC, "__version__"])


def test_a_type_checker_knows_the_names_that_are_loaded():
    tree = ast.parse(Path(archnet.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name))
    imported = {
        alias.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported == {name: f"archnet.{module}" for name, module in archnet._MODULES.items()}
    assert set(imported) == PUBLIC


def test_no_public_name_is_hidden_by_a_module_of_that_name():
    for module in pkgutil.walk_packages(archnet.__path__, "archnet."):
        if module.name != "archnet.network.backends.jax":  # jax need not be installed
            import_module(module.name)
    for name in PUBLIC:
        value = getattr(archnet, name)
        assert not isinstance(value, ModuleType)
        assert callable(value)
        assert value.__name__ == name


@pytest.mark.parametrize("name", sorted(PUBLIC - {"Arch", "ArchnetError", "Experiment", "Run", "Twin"}))
def test_each_function_says_what_it_takes_and_shows_an_example(name):
    function = getattr(archnet, name)
    text = getdoc(function)
    assert ">>> " in text
    assert "Raises:" in text
    for parameter in signature(function).parameters.values():
        assert parameter.annotation is not parameter.empty
    positional = [one for one in signature(function).parameters.values() if one.kind is not one.KEYWORD_ONLY]
    assert len(positional) <= 2


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'archnet' has no attribute 'train'$"):
        _ = archnet.train


def test_importing_archnet_imports_nothing_else_of_it():
    done = python("-c", "import sys; import archnet; print([name for name in sys.modules if 'archnet' in name])")
    assert done.stdout == "['archnet']\n"


@pytest.mark.slow
def test_reading_documents_imports_nothing_heavy():
    code = """
        import sys, archnet
        arch = archnet.load_arch("archs/archsm.json")
        archnet.load_experiments(arch, data="phantom")
        archnet.compare, archnet.run, archnet.predict, archnet.Run, archnet.load_data
        arch._repr_html_()
        print(sorted({"keras", "tensorflow", "scipy", "sklearn", "SimpleITK", "matplotlib"} & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_the_version_is_that_of_the_package_everywhere():
    version = metadata.version("archnet")
    assert archnet.__version__ == version
    done = python("-m", "archnet", "--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"archnet {version}\n", "", 0)


@pytest.mark.slow
def test_python_m_archnet_is_the_command_line():
    done = python("-m", "archnet", "compare", "no/where")
    assert done.returncode == 2
    assert done.stderr == "no/where: no such folder. Name a run folder, as `archnet run` printed it.\n"
    assert python("-m", "archnet", "--help").stdout.lstrip().startswith("Usage: archnet ")


@pytest.fixture
def program(tmp_path):
    """A folder with an `archnet` program, to put on the path."""
    path = tmp_path / "bin/archnet"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archnet "$@"\n')
    path.chmod(0o755)
    return path.parent


COMPLETIONS = {
    "archnet exp": ["explain", "export"],
    "archnet run --determ": ["--deterministic"],
    "archnet run archs/archsm.json --data ph": ["phantom"],
    "archnet explain --method ": ["gradcam", "occlusion"],
    "archnet data pr": ["prepare", "prune"],
    "archnet tw": ["twin"],
    "archnet stu": ["studio"],
    "archnet show arch3ds": ["arch3dsm"],
    "archnet ve": ["versus"],
    "archnet versus archs/archsm.json --forms 2d,2.5d,": ["2d,2.5d,3d"],
    "archnet twin archs/archsm.json --match m": ["macs"],
}


COMPLETED_IN_CI = {
    "archnet exp",
    "archnet explain --method ",
    "archnet show arch3ds",
    "archnet run archs/archsm.json --data ph",
    "archnet versus archs/archsm.json --forms 2d,2.5d,",
}
"""A command, a choice, a name, a data set and a list."""


@pytest.fixture(scope="module")
def completion_script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "completion.sh"
    path.write_text(python("-m", "archnet", "--show-completion", "bash").stdout)
    return path


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("line", long_except(COMPLETED_IN_CI, COMPLETIONS))
def test_bash_completes(program, completion_script, line):
    path = f"{program}{os.pathsep}{os.environ['PATH']}"
    words = line.split(" ")
    lines = [
        f"source {completion_script}",
        f"COMP_WORDS=({' '.join(words)} {chr(39) * 2 if not words[-1] else ''})",
        f"COMP_CWORD={len(words) - 1}",
        "$(complete -p archnet | sed 's/.*-F \\([^ ]*\\).*/\\1/') archnet",
        'printf "%s\\n" "${COMPREPLY[@]}"',
    ]
    done = subprocess.run(
        ["bash", "--norc", "-c", "\n".join(lines)],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == COMPLETIONS[line]


@pytest.mark.slow
def test_completion_is_installed_for_bash(tmp_path):
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    done = python("-m", "archnet", "--install-completion", "bash", **home)
    assert done.returncode == 0, done.stderr
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert str(script) in (tmp_path / ".bashrc").read_text()
    assert "_ARCHNET_COMPLETE=complete_bash" in script.read_text()


SCRIPT = """\
from pathlib import Path

import archnet

arch: archnet.Arch = archnet.load_arch("archs/arch3dsm.json")
experiments: tuple[archnet.Experiment, ...] = archnet.load_experiments(arch, data="phantom")
run: archnet.Run = archnet.run(arch, data="phantom", settings={"training.epochs": 5}, resume=True, progress=False)
recall: float = run.metrics["test"]["recall"]
paths: list[Path] = archnet.write_report([run])
best: str = archnet.compare([run, "runs/phantom/archsm"]).rows[0].run
result = archnet.predict(run, "scan.mhd", candidates="candidates.csv")
points: tuple[int, ...] = result.points_mm.shape
shape: tuple[int, ...] = archnet.load_data("phantom").images.shape
is_usable: bool = archnet.check_data("phantom", quick=True).is_usable
print(is_usable)
print(archnet.__version__, archnet.export_model(run, "onnx").model, experiments, recall, paths, best, points, shape)
"""
MISTAKES = {
    'archnet.run("net.json", epochs=3)': 'Unexpected keyword argument "epochs" for "run"  [call-arg]',
    'archnet.explain("run", "scan.mhd", method="lime")': "[arg-type]",
    "archnet.train()": 'Module has no attribute "train"  [attr-defined]',
    "archnet.predict('run', 'scan.mhd').points_mm": '"ScanResult" has no attribute "points_mm"',
}


@pytest.mark.slow
def test_a_script_passes_mypy_against_the_wheel_and_its_mistakes_do_not(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=False)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(tmp_path / "venv")}))
    with ZipFile(wheel) as archive:
        assert {"archnet/py.typed", "archnet/__main__.py"} <= set(archive.namelist())
        archive.extractall(site)
    (site / "others.pth").write_text(str(metadata.distribution("numpy").locate_file("")))
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "mistakes.py").write_text("import archnet\n" + "\n".join(MISTAKES))
    executable = Path(sysconfig.get_path("scripts", "venv", {"base": str(tmp_path / "venv")})) / "python"
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", executable, "script.py", "mistakes.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    *lines, summary = [line for line in done.stdout.splitlines() if ": note: " not in line]
    assert summary == f"Found {len(MISTAKES)} errors in 1 file (checked 2 source files)", done.stdout + done.stderr
    assert len(lines) == len(MISTAKES), done.stdout
    for message, line in zip(MISTAKES.values(), lines, strict=True):
        assert line.startswith("mistakes.py:"), line
        assert message in line
