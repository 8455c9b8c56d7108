from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any

import psutil
import pytest
from PIL import Image

from project.sites import AUTHOR, RENDER, WORKERS
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Seconds that the demo may take.
LIMIT = 180
#: Of both sites: their web servers and workers.
PROGRAMS = 5
#: Jobs of an asset: metadata, three thumbnails, web, manifest.
STEPS = 6
#: The report's facts about each of them.
KEYS = (
    "file", "went", "topic", "cluster", "instance", "state", "error", "seconds", "bytes", "sha256",
    "path", "width", "height", "transport", "bytes_sent", "bytes_saved",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder for everything the site writes; nothing may run in it after the test."""
    yield tmp_path / "var"
    assert processes_of(tmp_path / "var") == []


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """Return a folder of images as people have them, and two files that are none."""
    folder = tmp_path / "my images"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.linear_gradient("L").resize((900, 500))
    picture.convert("RGB").save(folder / "on its side.JPG", "JPEG", exif=exif)
    picture.convert("CMYK").save(folder / "ink.jpeg")
    picture.convert("RGBA").save(folder / "-$(touch x) ü.webp")
    Image.new("I;16", (2000, 30), 40_000).save(folder / "sixteen bits.png")
    picture.convert("P").save(folder / "palette.gif")
    picture.convert("RGB").save(folder / "scan.of;a page'.tiff", compression="tiff_lzw")
    glass = picture.convert("RGB")
    glass.putalpha(picture)
    glass.save(folder / "glass.png")
    (folder / "sub folder").mkdir()
    picture.save(folder / "sub folder" / "glass.png")
    (folder / "cut off.jpg").write_bytes((folder / "ink.jpeg").read_bytes()[:3000])
    (folder / "letter.png").write_text("Dear all")
    return folder


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in the folder."""
    return [
        process
        for process in psutil.process_iter(["environ", "status"])
        if (process.info["environ"] or {}).get("OFFLOAD_VAR") == str(folder)
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def command(root: Path, folder: Path, *arguments: str) -> dict[str, Any]:
    """Return how a command of the site is run with its files in the folder."""
    return {
        "args": [sys.executable, "manage.py", *arguments],
        "cwd": root,
        "env": {
            **os.environ,
            "OFFLOAD_VAR": str(folder),
            "DJANGO_SETTINGS_MODULE": "project.settings",
        },
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }


def said_until(end: str, output: IO[str]) -> str:
    """Return the program's output up to a line."""
    lines = []
    for line in output:
        lines.append(line)
        if end in line:
            break
    return "".join(lines)


def await_programs(folder: Path) -> None:
    """Wait until all programs of both sites are started."""
    started = lambda: len(list(folder.glob("run/*.pid"))) == PROGRAMS  # noqa: E731
    eventually(started, within=LIMIT, what="all programs")


def rows_of(report: list[dict[str, Any]], file: str) -> list[dict[str, Any]]:
    """Return the rows of one asset."""
    return [row for row in report if row["file"] == file]


def demonstrated(root: Path, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Run the demo to its end; return what it reports."""
    done = subprocess.run(**command(root, folder, "demo", *arguments), timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stdout
    report: list[dict[str, Any]] = json.loads((folder / "demo" / "report.json").read_text())
    return report


def test_the_demo_makes_everything_of_its_own_photographs(root: Path, folder: Path) -> None:
    assert_all_is_made(root, demonstrated(root, folder))


# What its tasks make of such images, the unit tests ask.
@pytest.mark.long
def test_the_demo_makes_what_can_be_made_of_other_images_too(
    root: Path, folder: Path, assets: Path
) -> None:
    demonstrated(root, folder)

    assert_what_can_be_made_is(demonstrated(root, folder, "--assets", str(assets)))


def assert_all_is_made(root: Path, report: list[dict[str, Any]]) -> None:
    """Look for every photograph that comes with the project, and for every fact of each row."""
    photographs = sorted(path.name for path in (root / "project" / "photos").iterdir())
    assert len(photographs) >= 5
    assert sorted(row["file"] for row in report) == sorted(photographs * STEPS)
    assert {tuple(row) for row in report} == {KEYS}
    assert {row["state"] for row in report} == {"SUCCEEDED"}
    assert {(row["cluster"], row["instance"]) for row in report} == {
        (site, name) for site, workers in WORKERS.items() for name in workers
    }
    assert {row["transport"] for row in report if row["cluster"] == RENDER} == {"http"}
    assert {row["cluster"] for row in rows_of(report, photographs[0])} == {RENDER}
    assert {row["went"] for row in rows_of(report, photographs[0])} == {"whole"}
    assert {row["went"] for row in report if row["file"] != photographs[0]} == {"by steps"}
    assert {row["transport"] for row in report if row["cluster"] == AUTHOR} == {""}
    assert_originals_were_sent_once_at_least(root, report)
    assert {row["error"] for row in report} == {""}
    assert all(row["seconds"] > 0 and row["bytes"] > 0 and row["path"] for row in report)
    assert {len(row["sha256"]) for row in report} == {64}
    assert {row["topic"] for row in report if not row["width"]} == {"dam/metadata", "dam/manifest"}


def assert_originals_were_sent_once_at_least(root: Path, report: list[dict[str, Any]]) -> None:
    """Count the bytes between the sites: each original, and each rendition, or what spared it."""
    for path in (root / "project" / "photos").iterdir():
        rows = [row for row in rows_of(report, path.name) if row["cluster"] == RENDER]
        made = sum(row["bytes"] for row in rows)
        sent, saved = (sum(row[key] for row in rows) for key in ("bytes_sent", "bytes_saved"))
        # The original of a whole run goes once, otherwise once per step.
        times = 1 if rows[0]["went"] == "whole" else len(rows)
        assert sent + saved == made + times * path.stat().st_size
        assert sent >= path.stat().st_size


def assert_what_can_be_made_is(report: list[dict[str, Any]]) -> None:
    """Look for every image, and for the reason where a file is none."""
    assert len(report) == 10 * STEPS
    for file in ("cut off.jpg", "letter.png"):
        assert {row["state"] for row in rows_of(report, file)} == {"ERROR", "UNREACHED"}
        assert all(row["error"] and row["path"] is None for row in rows_of(report, file))
    made = [row for row in report if row["file"] not in ("cut off.jpg", "letter.png")]
    assert {row["state"] for row in made} == {"SUCCEEDED"}
    assert all(row["topic"] in WORKERS[row["cluster"]][row["instance"]] for row in made)
    sizes = [(row["width"], row["height"]) for row in rows_of(report, "on its side.JPG")]
    assert (27, 48) in sizes  # 900 x 500 lies on its side: 500 * 48 / 900 = 26.7


def test_an_interrupted_demo_leaves_nothing_running(root: Path, folder: Path) -> None:
    with subprocess.Popen(**command(root, folder, "demo")) as demo:
        await_programs(folder)
        demo.send_signal(signal.SIGINT)
        output, _ = demo.communicate(timeout=LIMIT)

    assert demo.returncode == 130, output
    assert "everything was stopped" in output


def test_a_killed_demo_leaves_nothing_running(root: Path, folder: Path) -> None:
    with subprocess.Popen(**command(root, folder, "demo")) as demo:
        await_programs(folder)
        demo.kill()

    eventually(lambda: not processes_of(folder), what="the end of all processes")


def test_the_running_sites_say_how_to_get_in_revive_their_broker_and_end_when_asked(
    root: Path, folder: Path
) -> None:
    with subprocess.Popen(**command(root, folder, "up")) as up:
        assert up.stdout is not None
        said = said_until("Ctrl-C stops both", up.stdout)
        broker = json.loads((folder / "broker" / "valkey.pid").read_text())["server"]["pid"]
        os.kill(broker, signal.SIGKILL)
        said_until("The broker ended and was started again", up.stdout)
        up.terminate()
        rest, _ = up.communicate(timeout=LIMIT)

    assert str(folder / "log") in said
    for site in WORKERS:
        assert re.search(rf"{site} is at \S+, its admin at http://127\.0\.0\.1:\d+/admin/", said)
    assert re.search(r"Log in to either as admin with the password \S{16} ", said)
    assert up.returncode == 0
    assert rest.endswith("Stopped; nothing is left running.\n")


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_images_is_refused_before_anything_starts(
    root: Path, folder: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()

    done = subprocess.run(
        **command(root, folder, "demo", "--assets", str(tmp_path / name)),
        timeout=LIMIT,
        check=False,
    )

    assert done.returncode == 1
    assert str(tmp_path / name) in done.stdout
    assert not (folder / "run").exists()
