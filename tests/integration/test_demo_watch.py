from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from offload.models import Job
from offload.workflows import start
from project.dam.workflow import UPDATE_ASSET
from project.demo.assets import Asset
from project.demo.row import Row
from project.demo.rows import rows_of
from project.demo.steps import STEPS
from project.demo.verification import problems
from project.demo.watch import Stalled, look, picture, watch
from project.fleet import Fleet
from project.site import Site

if TYPE_CHECKING:
    from pathlib import Path

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
    return start(UPDATE_ASSET, files={"original": asset.path})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site without programs."""
    return Site(fleet=Fleet(tmp_path, {}), url="http://127.0.0.1/")


def shown(console: Console) -> str:
    """Return what was printed."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_jobs_that_nobody_runs_stall_the_demo_and_their_topics_are_named(
    asset: Asset, run: Run, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("project.demo.watch.STALL", 0.3)

    with pytest.raises(Stalled, match="5 jobs have not ended") as stalled:
        watch(site, Console(file=io.StringIO()), [(asset, run)])

    assert stalled.value.topics == ["dam/metadata", "dam/rendition/thumbnail", "dam/rendition/web"]


def test_where_nothing_can_be_drawn_each_asset_gets_a_line_when_it_is_done(
    asset: Asset, run: Run, site: Site
) -> None:
    Job.objects.all().delete()
    console = Console(file=io.StringIO())

    watch(site, console, [(asset, run)])

    assert shown(console) == "chelsea.png: 0 of 0 steps succeeded\n"


def test_a_file_with_brackets_in_its_name_is_named_as_it_is(
    asset: Asset, run: Run, site: Site
) -> None:
    Job.objects.all().delete()
    console = Console(file=io.StringIO())
    odd = replace(asset, name="a[/b] [red].png")

    watch(site, console, [(odd, run)])
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
        file="chelsea.png", topic="dam/metadata", instance="", state="PENDING", error=""
    )
    assert rows[-1].state == "MISSING"
    assert len(problems(asset, rows)) == len(STEPS)
