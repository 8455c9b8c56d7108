"""The unit and integration tests on every supported Python, each with the Django that goes with it.

Each gets a virtual environment of its own under `var/versions`, and SQLite alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Every Python that is supported, and the Django to test on it.
SUPPORTED = {"3.11": "5.2", "3.12": "6.1", "3.13": "6.1"}
#: What only the acceptance tests need, and does not allow the newest Django.
LEFT_OUT = {"django-celery-beat"}
#: Where nothing listens.
NO_SERVER = "postgresql://postgres@127.0.0.1:1/postgres"
TESTS = ["-m", "pytest", "-m", "not long and not bench", "--numprocesses", "auto"]


def interpreter(version: str) -> str | None:
    """Return a Python of a version: one of pyenv, or one on the path."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*map(str, pyenv.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")]
    return next((one for one in found if one and _is_usable(one)), None)


def _is_usable(python: str) -> bool:
    """Tell whether it starts: a name that pyenv has put on the path may not."""
    done = subprocess.run([python, "-c", "import venv"], capture_output=True, check=False)
    return done.returncode == 0


def requirements(django: str) -> str:
    """Return the locked packages with another Django."""
    locked = (ROOT / "requirements.txt").read_text().splitlines()
    kept = [one for one in locked if "==" in one and one.split("==")[0] not in LEFT_OUT]
    others = [one for one in kept if not one.startswith("django==")]
    return "\n".join([*others, f"django~={django}.0", ""])


def prepared(version: str, python: str) -> str:
    """Return the Python of a version's virtual environment, made anew if what it needs changed."""
    folder = ROOT / "var/versions" / version
    needed, ready = requirements(SUPPORTED[version]), folder / "ready.txt"
    if not ready.exists() or ready.read_text() != needed:
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        (folder / "needed.txt").write_text(needed)
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--requirement"]
        subprocess.run([*pip, str(folder / "needed.txt")], check=True)
        ready.write_text(needed)
    return str(folder / "bin/python")


def tested(version: str) -> bool:
    """Run the tests on a version; return whether they passed. A Python that is absent fails."""
    python = interpreter(version)
    if python is None:
        sys.stderr.write(f"Python {version} was not found: install it, or name others.\n")
        return False
    sys.stdout.write(f"Python {version}, Django {SUPPORTED[version]}\n")
    sys.stdout.flush()
    environment = {**os.environ, "TEST_POSTGRES_URL": NO_SERVER, "CI": ""}
    command = [prepared(version, python), *TESTS, "tests/unit", "tests/integration"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    failed = [version for version in sys.argv[1:] or SUPPORTED if not tested(version)]
    sys.exit(f"Not passed: {', '.join(failed)}" if failed else 0)
