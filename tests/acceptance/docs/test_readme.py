"""The README's "Use it", done to the letter: in a new environment, in a new site."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.docs.newcomer import FENCE, Newcomer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


@pytest.fixture
def newcomer(tmp_path: Path, root: Path) -> Iterator[Newcomer]:
    """Return somebody with a new virtual environment and a folder with a photograph."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(root / "project/photos/rocket.jpg", folder / "photo.jpg")
    kept = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR") if key in os.environ}
    path = f"{tmp_path / 'venv/bin'}:{os.environ['PATH']}"
    # Only modules that are imported are compiled; pip wants a "no" for its --no-compile.
    pip = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_COMPILE": "no"}
    one = Newcomer(folder, root, {**kept, "PATH": path, **pip})
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
