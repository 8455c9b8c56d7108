"""The command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Where the processes of these tests write; nothing listens there.
NOBODY = "redis://127.0.0.1:1/0"


class Shell:
    """Runs the command in a process of its own."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "OFFLOAD_VAR": str(folder),
            "OFFLOAD_BROKER": NOBODY,
        }

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=180,
        )
