"""The table of what an installation downloads, on two small wheels."""

import re
import subprocess
import sys
import zipfile

import pytest

from experiment_scripts import EXPERIMENTS, load_script

TABLE = """\
| package | download, MB | on disk, MB | required by |
|---|---|---|---|
| large-one | 2.0 | 2.0 | mine |
| 1 smaller packages | 0.0 | 0.0 |  |
| all 2 | 2.0 | 2.0 |  |
"""


def write_wheel(folder, name, num_bytes, *requires):
    folder.mkdir(exist_ok=True)
    lines = [f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {text}" for text in requires)]
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w", zipfile.ZIP_STORED) as wheel:
        wheel.writestr(f"{name}/data.bin", b"\0" * num_bytes)
        wheel.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join(lines) + "\n\n")


def test_the_table_lists_sizes_and_what_requires_a_package(tmp_path):
    write_wheel(tmp_path, "mine", 1000, "Large.One>=1; python_version < '4'", 'other; extra == "more"')
    write_wheel(tmp_path, "large_one", 2_000_000)
    command = [sys.executable, EXPERIMENTS / "install_size.py", "--wheels", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == TABLE


def test_a_package_lists_what_it_requires_without_extras(tmp_path):
    script = load_script("install_size")
    write_wheel(tmp_path, "mine", 1000, "Large.One>=1; python_version < '4'", "b[c]>2", 'other; extra == "more"')
    package = script.read_wheel(next(tmp_path.glob("*.whl")))
    assert (package.name, package.version, package.requires) == ("mine", "1.0", ("b", "large-one"))
    assert package.num_unpacked_bytes == 1000 + len(
        "Name: mine\nVersion: 1.0\nRequires-Dist: Large.One>=1; python_version < '4'\nRequires-Dist: b[c]>2\n"
        'Requires-Dist: other; extra == "more"\n\n'
    )


def test_a_folder_without_wheels_is_refused(tmp_path):
    command = [sys.executable, EXPERIMENTS / "install_size.py", "--wheels", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith(f"error: {tmp_path}: no wheels (*.whl) here\n")


def test_the_readme_states_the_megabytes_of_the_kept_table():
    (table,) = re.findall(
        r"\n\| package \| download.*?\n\n", (EXPERIMENTS / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    megabytes = {name: float(value) for name, value in re.findall(r"\n\| ([^|]+) \| ([\d.]+) \|", table)}
    (total,) = [value for name, value in megabytes.items() if name.startswith("all ")]
    assert total == pytest.approx(sum(megabytes.values()) - total, abs=1)
    readme = (EXPERIMENTS.parent / "README.md").read_text(encoding="utf-8")
    numbers = re.search(r"downloads about (\d+) MB, of which\s(\d+) MB are TensorFlow", readme)
    assert [int(number) for number in numbers.groups()] == [round(total, -1), round(megabytes["tensorflow"], -1)]
