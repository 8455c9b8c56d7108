"""The page about two sites, done to the letter: two folders, two databases, one broker."""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.docs.newcomer import FENCE, Newcomer
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

SITES = ("author", "render")
#: Seconds for both sites to hear each other on a busy machine.
LIMIT = 90.0


def usual(root: Path) -> list[tuple[str, str]]:
    """Return the files of a site that the README shows, without its examples."""
    section = (root / "README.md").read_text().split("## Use it\n")[1].split("\n## ")[0]
    blocks = [text for language, text in FENCE.findall(section) if language == "python"]
    files = [text.split("\n", 1) for text in blocks if text.startswith("# mysite/")]
    return [(head.removeprefix("# ").split(",")[0], code) for head, code in files]


def make(name: str, newcomer: Newcomer, root: Path) -> None:
    """Make a site as the README says."""
    place = newcomer.folder / name
    place.mkdir()
    python = [sys.executable, "-m", "django"]
    newcomer.run([*python, "startproject", "mysite", str(place)])
    (place / "dam").mkdir()
    newcomer.run([*python, "startapp", "dam", str(place / "dam")])
    for path, code in usual(root):
        with (place / path).open("a") as file:
            file.write(code)


@pytest.fixture
def newcomer(tmp_path: Path, root: Path) -> Iterator[Newcomer]:
    """Return somebody with two new sites in a folder."""
    kept = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR") if key in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    one = Newcomer(tmp_path, root, {**kept, "PATH": path, "PYTHONPATH": str(root)})
    for name in SITES:
        make(name, one, root)
    yield one
    one.leave()


def export(newcomer: Newcomer, line: str) -> None:
    """Do what ``export NAME=$(…)`` does for all later commands."""
    name, value = line.removeprefix("export ").split("=", 1)
    newcomer.environment[name] = newcomer.run(["sh", "-c", f"echo {value}"]).strip()


def hears(newcomer: Newcomer, site: str) -> bool:
    """Tell whether a site has heard the other one, and may begin its jobs."""
    told = newcomer.run(["python", f"{site}/manage.py", "offload", "peers"])
    return re.search(r"1/1 .* s ?$", told, re.MULTILINE) is not None


def follow(newcomer: Newcomer, text: str) -> str:
    """Type a block of commands; after those that go on, wait until the sites hear each other."""
    lines = [line.removeprefix("$ ") for line in text.splitlines()]
    said = ""
    for line in lines:
        if line.startswith("export "):
            export(newcomer, line)
        else:
            said += newcomer.type(line)
    if lines[-1].endswith("&"):
        for site in SITES:
            eventually(partial(hears, newcomer, site), within=LIMIT, what=f"{site} hears")
    return said


@pytest.mark.timeout(600)
def test_what_the_page_says_works_when_it_is_pasted(newcomer: Newcomer, root: Path) -> None:
    page = (root / "docs/howto/two-sites.md").read_text()
    told, answers = "", []
    for language, text in FENCE.findall(page):
        if language == "console":
            told += follow(newcomer, text)
        elif language == "python" and text.startswith("# anywhere in author"):
            shell = ["python", "author/manage.py", "shell", "-v0", "-c", text]
            answers.append(newcomer.run(shell))
        elif language == "python":
            newcomer.do(language, text)

    assert "render/celery@render would run it" in told
    assert re.search(r"ok +peers +render was heard", told)
    assert not re.search(r"^(warn +peers|fail)\b", told, re.MULTILINE), told
    printed = page.split("# anywhere in author")[1:]
    expected = [re.findall(r"^```text\n(.*?)^```$", one, re.M | re.S)[0] for one in printed]
    assert answers == expected
