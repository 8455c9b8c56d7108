"""Somebody who types what the documentation says."""

from __future__ import annotations

import re
import signal
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from tests.polling import eventually

if TYPE_CHECKING:
    from pathlib import Path

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: Seconds that a command may take; the first one installs everything.
LIMIT = 240


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who types what the README says, in an empty folder."""

    folder: Path
    checkout: Path
    environment: dict[str, str]
    background: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def do(self, language: str, text: str) -> str:
        """Do what a block says and return what was printed."""
        if language == "console":
            lines = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
            return "".join(self.type(line) for line in lines)
        place, code = text.split("\n", 1)
        name = place.removeprefix("# ").split(",")[0].split(":")[0]
        if name == "anywhere":
            return self.run(["python", "manage.py", "shell", "-c", code])
        with (self.folder / name).open("a") as file:
            file.write(code)
        return ""

    def type(self, line: str) -> str:
        """Run a line of a terminal; one with an ampersand goes on in the background."""
        command = re.sub(r"\s+#.*", "", line).replace("/path/to/this/folder", str(self.checkout))
        if command.endswith("&"):
            self.start(command.rstrip("& "))
            return ""
        return self.run(["sh", "-c", command])

    def run(self, command: list[str]) -> str:
        """Run a command to its end and return what it printed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout

    def start(self, command: str) -> None:
        """Start a command that goes on, and wait until it says that it is ready."""
        log = self.folder / f"{len(self.background)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["sh", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.background.append(process)
        eventually(
            lambda: re.search(r"ready|redis", log.read_text()) or process.poll() is not None,
            within=60,
            what=f"the output of {command}",
        )
        assert process.poll() is None, log.read_text()

    def leave(self) -> None:
        """End what was started, the newest first."""
        for process in reversed(self.background):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()
