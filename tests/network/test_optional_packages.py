"""Packages that are hidden from Keras in archnet's own processes, and stay visible to all other code."""

import subprocess
import sys

import pytest

from archnet.network.optional_packages import OPTIONAL_PACKAGES

IMPORTED = f"print(sorted({set(OPTIONAL_PACKAGES)!r} & set(sys.modules)))"


def printed(code):
    """Run a program in a separate process and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_keras_starts_without_them_and_others_still_import_them():
    lines = printed(
        "from archnet.network.optional_packages import skip_optional_packages\nskip_optional_packages()\n"
        "skip_optional_packages()\n"
        "from archnet.network.backend import start_quietly\nstart_quietly()\n"
        f"{IMPORTED}\n"
        "import matplotlib.pyplot, sklearn.ensemble\n"
        f"{IMPORTED}"
    )
    assert lines[0] == "[]"
    assert {"matplotlib", "sklearn"} <= set(eval(lines[1]))


@pytest.mark.long
def test_the_command_line_skips_them_and_a_script_that_imports_archnet_does_not():
    command = (
        "from archnet.cli import main\nsys.argv = ['archnet', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nimport keras\n"
    )
    assert printed(f"{command}{IMPORTED}")[-1] == "[]"
    script = f"from archnet.network.backend import start_quietly\nstart_quietly()\n{IMPORTED}"
    assert {"matplotlib", "sklearn"} <= set(eval(printed(script)[-1]))
