"""Measure what installing archnet downloads: megabytes of each package, and seconds.

    python experiments/install_size.py [--extra NAME ...] [--wheels DIR] [--install] [--json]

The packages are downloaded with pip without its cache, as on a machine that has never used pip. The table lists each
package of at least 1 MB, with the packages that require it. `--install` also installs them into a fresh virtual
environment, without network, and prints the time. CPU seconds depend less than seconds on what else the machine does.

Examples:

    python experiments/install_size.py
    python experiments/install_size.py --extra sweep --extra track
    python experiments/install_size.py --wheels wheels --install      # packages that are already in a folder
"""

import argparse
import email
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MEGABYTE = 1_000_000
HEADER = "| package | download, MB | on disk, MB | required by |\n|---|---|---|---|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A downloaded package.

    Attributes:
        name: Normalized name.
        version: Version.
        num_bytes: Size of the wheel.
        num_unpacked_bytes: Size of the files in it, without byte code.
        requires: Normalized names that it requires on some platform, without those of its extras.
    """

    name: str
    version: str
    num_bytes: int
    num_unpacked_bytes: int
    requires: tuple[str, ...]


def normalize(name: str) -> str:
    """The name of a package as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_wheel(path: Path) -> Package:
    with zipfile.ZipFile(path) as wheel:
        (name,) = [name for name in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
        metadata = email.message_from_bytes(wheel.read(name))
        unpacked = sum(entry.file_size for entry in wheel.infolist())
    lines = [line for line in metadata.get_all("Requires-Dist", []) if not re.search(r"\bextra\s*==", line)]
    return Package(
        name=normalize(metadata["Name"]),
        version=metadata["Version"],
        num_bytes=path.stat().st_size,
        num_unpacked_bytes=unpacked,
        requires=tuple(sorted({normalize(re.match(r"[\w.-]+", line)[0]) for line in lines})),
    )


def table(packages: Sequence[Package], min_bytes: int = MEGABYTE) -> str:
    """A Markdown table, the largest download first; smaller packages share a row."""
    ordered = sorted(packages, key=lambda package: (-package.num_bytes, package.name))
    large = [package for package in ordered if package.num_bytes >= min_bytes]
    small = [package for package in ordered if package.num_bytes < min_bytes]
    rows = [row(package.name, [package], required_by(package.name, packages)) for package in large]
    if small:
        rows.append(row(f"{len(small)} smaller packages", small))
    rows.append(row(f"all {len(packages)}", packages))
    return "\n".join([HEADER, *rows])


def row(name: str, packages: Iterable[Package], parents: Iterable[str] = ()) -> str:
    packages = list(packages)
    download = sum(package.num_bytes for package in packages) / MEGABYTE
    unpacked = sum(package.num_unpacked_bytes for package in packages) / MEGABYTE
    return f"| {name} | {download:,.1f} | {unpacked:,.1f} | {', '.join(parents)} |"


def required_by(name: str, packages: Iterable[Package]) -> list[str]:
    return sorted(package.name for package in packages if name in package.requires)


def timed(command: Sequence[str]) -> dict[str, float]:
    """Run a command; return its seconds, and the CPU seconds of all its processes."""
    start, before = time.monotonic(), cpu_seconds()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {"seconds": time.monotonic() - start, "cpu_seconds": cpu_seconds() - before}


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def download(extras: Sequence[str], folder: Path) -> dict[str, float]:
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-cache-dir",
    ]  # as pip download, with archnet's own wheel
    return timed([*pip, "--wheel-dir", str(folder), target])


def install(wheels: Path, folder: Path) -> dict[str, float]:
    """Install all wheels of a folder into a new virtual environment."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-index", "--no-deps"]
    return timed([*pip, *map(str, sorted(wheels.glob("*.whl")))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extra", action="append", default=[], metavar="NAME", help="an extra of archnet as well")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="measure the wheels of a folder, download nothing")
    parser.add_argument("--install", action="store_true", help="also time the installation of the downloaded packages")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    times = {}
    with tempfile.TemporaryDirectory() as temporary:
        wheels = arguments.wheels or Path(temporary, "wheels")
        if arguments.wheels is None:
            times["download"] = download(arguments.extra, wheels)
        if arguments.install:
            times["install"] = install(wheels, Path(temporary, "venv"))
        packages = [read_wheel(path) for path in sorted(wheels.glob("*.whl"))]
    if not packages:
        parser.error(f"{wheels}: no wheels (*.whl) here")
    if arguments.json:
        print(json.dumps({"packages": [asdict(package) for package in packages], "times": times}, indent=2))
        return
    print(table(packages))
    for step, measured in times.items():
        print(f"{step}: {measured['seconds']:.0f} s, of which CPU {measured['cpu_seconds']:.0f} s")


if __name__ == "__main__":
    main()
