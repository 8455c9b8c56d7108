from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

from project.environment import secret_key

if TYPE_CHECKING:
    from pathlib import Path

PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "project.production",
    "ALLOWED_HOSTS": "site.example",
    "OFFLOAD_DATABASE": "postgresql://site@db.example/site",
    "OFFLOAD_BROKER": "redis://broker.example/0",
}


def start_production(
    root: Path, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Load the production settings in a process of their own."""
    environment = {**os.environ, **PRODUCTION, "OFFLOAD_VAR": str(folder), **variables}
    # Set for as long as a browser is open in this process of the tests.
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"

    first = secret_key(path)

    assert len(first) >= 50
    assert secret_key(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_production_does_not_start_without_a_key(root: Path, tmp_path: Path) -> None:
    done = start_production(root, tmp_path, SECRET_KEY="")

    assert done.returncode != 0
    assert "SECRET_KEY is not set" in done.stderr


def test_production_leaves_nothing_for_the_deployment_check_to_say(
    root: Path, tmp_path: Path
) -> None:
    key = secret_key(tmp_path / "secret_key")

    done = start_production(root, tmp_path, SECRET_KEY=key)

    assert done.returncode == 0, done.stderr
