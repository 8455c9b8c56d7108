"""The README's "Use it", done to the letter: in a new environment, in a new site."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: Tests of the site that a runner puts into processes of their own.
SIDE_BY_SIDE = """
import offload
from django.test import TestCase, TransactionTestCase
from offload.models import Job
from offload.testing import run_jobs


class Renders:
    def test_a_photograph_is_rendered_and_seen_by_this_test_alone(self):
        with open("photo.jpg", "rb") as photo:
            job = offload.submit("dam/rendition/web", {"width": 8}, files={"original": photo})
        self.assertEqual(run_jobs(), [job])
        self.assertEqual([file.name for file in job.outputs], ["8.webp"])
        self.assertEqual(Job.objects.count(), 1)


class First(Renders, TestCase): ...
class Second(Renders, TransactionTestCase): ...
class Third(Renders, TestCase): ...
class Fourth(Renders, TransactionTestCase): ...
"""

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


@pytest.fixture
def newcomer(tmp_path: Path, root: Path) -> Iterator[Newcomer]:
    """Return somebody with a new virtual environment and a folder with a photograph."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(root / "project/photos/rocket.jpg", folder / "photo.jpg")
    kept = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR") if key in os.environ}
    path = f"{tmp_path / 'venv/bin'}:{os.environ['PATH']}"
    one = Newcomer(folder, root, {**kept, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    yield one
    one.leave()


@pytest.mark.timeout(600)
def test_what_the_readme_says_works_when_it_is_pasted(newcomer: Newcomer, root: Path) -> None:
    text = (root / "README.md").read_text()
    section = text.split("## Use it\n")[1].split("\n## ")[0]

    said = [newcomer.do(*block) for block in FENCE.findall(section)]
    tested = newcomer.run(["python", "manage.py", "test"])
    (newcomer.folder / "dam/tests_side_by_side.py").write_text(SIDE_BY_SIDE)
    kept = set((newcomer.folder / "var/files").rglob("*"))
    many = ["--parallel", "4", "dam.tests_side_by_side"]
    side_by_side = newcomer.run(["python", "manage.py", "test", *many])

    printed = "\n".join(said)
    assert re.search(r"\[\d+, \d+\] \['1280\.webp'\]", printed), printed
    assert "invoice of order 7" in printed
    assert "Ran 1 test" in tested
    assert "Ran 4 tests" in side_by_side
    assert side_by_side.count("Cloning test database") == 4
    assert kept
    assert set((newcomer.folder / "var/files").rglob("*")) == kept
    assert not re.search(r"^fail\b", printed, re.MULTILINE), printed
