from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from offload.models import Job, Launcher
from offload.testing import run_jobs
from offload.workflows import start
from project.dam.management.commands import demo
from project.dam.workflow import UPDATE_ASSET
from project.demo.assets import Asset, assets_in
from project.demo.row import Row
from project.demo.rows import rows_of
from project.demo.steps import STEPS
from project.demo.verification import problems
from project.demo.watch import Stalled, look, picture, watch
from project.fleet import Fleet
from project.running import Sites

if TYPE_CHECKING:
    from offload.models import Run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asset(root: Path) -> Asset:
    """Return a photograph."""
    path = root / "project" / "photos" / "chelsea.png"
    return Asset(path=path, name=path.name, is_ours=True)


@pytest.fixture
def run(asset: Asset) -> Run:
    """Return a run of the workflow that no worker is there for."""
    return start(UPDATE_ASSET, files={"original": asset.path}).row


@pytest.fixture
def sites(tmp_path: Path) -> Sites:
    """Return sites without programs."""
    return Sites(fleet=Fleet(tmp_path, {}), urls={})


def shown(console: Console) -> str:
    """Return the printed text."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_jobs_that_nobody_runs_stall_the_demo_and_their_topics_are_named(
    asset: Asset, run: Run, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("project.demo.watch.STALL_SECONDS", 0.3)

    with pytest.raises(Stalled, match="5 jobs have not ended") as stalled:
        watch(sites, Console(file=io.StringIO()), [(asset, run)])

    assert stalled.value.topics == ["dam/metadata", "dam/rendition/thumbnail", "dam/rendition/web"]


def test_where_nothing_can_be_drawn_each_asset_gets_a_line_when_it_is_done(
    asset: Asset, run: Run, sites: Sites
) -> None:
    Job.objects.all().delete()
    console = Console(file=io.StringIO())

    watch(sites, console, [(asset, run)])

    assert shown(console) == "chelsea.png: 0 of 0 steps succeeded\n"


def test_a_file_with_brackets_in_its_name_is_named_as_it_is(
    asset: Asset, run: Run, sites: Sites
) -> None:
    Job.objects.all().delete()
    console = Console(file=io.StringIO())
    odd = replace(asset, name="a[/b] [red].png")

    watch(sites, console, [(odd, run)])
    console.print(picture([(odd, run)], look([(odd, run)]), room=5))

    assert shown(console).count("a[/b] [red].png") == 2


def test_on_a_terminal_assets_and_steps_are_drawn(asset: Asset, run: Run) -> None:
    console = Console(file=io.StringIO(), width=100)

    console.print(picture([(asset, run)], look([(asset, run)]), room=5))

    assert "0 of 6 steps ended" in shown(console)
    assert "chelsea.png" in shown(console)
    assert shown(console).count("waits") == 5  # the manifest comes into being with the last of them


def test_jobs_that_have_not_ended_are_rows_without_files_and_problems(
    asset: Asset, run: Run, tmp_path: Path
) -> None:
    rows = rows_of(asset, run, tmp_path)

    assert rows[0] == Row(
        file="chelsea.png", topic="dam/metadata", cluster="", instance="", state="PENDING", error=""
    )
    assert rows[-1].state == "WAITING"
    assert len(problems(asset, rows)) == len(STEPS)


def test_an_image_that_cannot_be_opened_ends_in_error_with_the_reason_and_no_other_does(
    asset: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name for name in ("gone.jpg", "locked.jpg")]
    paths[1].write_bytes(b"pixels")
    usual = Path.open

    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == paths[1]:
            raise PermissionError(13, "Permission denied", str(self))
        return usual(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    bad = [Asset(path=path, name=path.name, is_ours=False) for path in paths]
    Launcher.objects.create(name="demo", pattern="demo/**", workflow=UPDATE_ASSET)
    runs = [(one, demo.submit(one, f"demo/{one.name}")) for one in (*bad, asset)]

    run_jobs()

    gone, locked, fine = (
        rows_of(one, run, tmp_path / str(number)) for number, (one, run) in enumerate(runs)
    )
    assert {row.state for row in (*gone, *locked)} == {"ERROR", "UNREACHED"}
    assert all("There is no file" in row.error and "gone.jpg" in row.error for row in gone)
    assert all("cannot be read: Permission denied" in row.error for row in locked)
    assert (problems(bad[0], gone), problems(bad[1], locked)) == ([], [])
    assert {row.state for row in fine} == {"SUCCEEDED"}


def test_a_file_in_a_folder_that_hides_it_is_an_asset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"pixels")

    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)

    assert [one.name for one in assets_in(tmp_path)] == ["a.jpg"]
