"""Put images through the workflow at two sites, and verify the results."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django_rich.management import RichCommand

from offload.core.exceptions import MissingFile, OffloadError, UnreadableFile
from offload.launchers import launch
from offload.models import PayloadFile
from offload.workflows import start
from project.claim import FolderInUse
from project.dam.workflow import UPDATE_ASSET
from project.demo import report
from project.demo.account import Account, held
from project.demo.assets import PHOTOS, NoAssets, assets_in
from project.demo.rows import folder_name, rows_of
from project.demo.separation import separation_problems
from project.demo.verification import problems
from project.demo.watch import Stalled, watch
from project.fleet import ProgramEnded, StopRequest, ending_in_order
from project.running import NotReady, OtherSite, await_ready, running
from project.sites import RENDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.management.base import CommandParser

    from offload.models import Run
    from project.demo.account import Held
    from project.demo.assets import Asset
    from project.demo.row import Row
    from project.running import Sites

#: Variables that make the workers of the demo quick to notice things.
QUICK_VARIABLES = {"OFFLOAD_PROFILE": "fast"}


class Command(RichCommand):
    """The demo."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a folder of images."""
        parser.add_argument(
            "--assets", type=Path, default=PHOTOS, help="a folder of images (ours if left out)"
        )

    def handle(self, *_: Any, assets: Path, **__: Any) -> None:
        """Run the demo; raise CommandError unless everything required is there and verified."""
        if not self.console.is_terminal:
            self.console.width = report.TABLE_COLUMNS
        try:
            with ending_in_order() as stop:
                self.demonstrate(assets_in(assets), stop)
        except KeyboardInterrupt as interrupt:
            raise CommandError(
                "Interrupted; everything was stopped.", returncode=130
            ) from interrupt
        except (FolderInUse, NoAssets, NotReady, OffloadError, OtherSite, ProgramEnded) as error:
            raise CommandError(str(error)) from error

    def demonstrate(self, assets: list[Asset], stop: StopRequest) -> None:
        """Run sites and workers, process the assets, show and verify the results."""
        starting = f"Starting both sites and their workers (logs: {settings.VAR / 'log'}) ..."
        self.console.print(starting, soft_wrap=True)
        with running(QUICK_VARIABLES, stop, afresh=True) as sites:
            await_ready(sites)
            runs = list(submitted(sites, assets))
            originals = stored_originals(runs)
            where = " and ".join(f"{url}/" for url in sites.urls.values())
            self.console.print(f"{len(assets)} assets are on their way; the sites are at {where}")
            try:
                watch(sites, self.console, runs)
            except Stalled as stalled:
                self.explain(stalled)
            author, render = accounts(sites)
        found = list(separation_problems(author, render, originals))
        self.conclude(collect(runs, author, render), found)

    def explain(self, stalled: Stalled) -> None:
        """Say for each topic why its jobs wait, and give up."""
        for topic in stalled.topics:
            call_command("offload", "explain", topic)
        raise CommandError(str(stalled)) from stalled

    def show(self, rows: list[Row]) -> None:
        """Print the rows as a table, or as lines where the terminal is too narrow for it."""
        if self.console.width >= report.UNFOLDED_COLUMNS:
            self.console.print(report.table(rows))
            return
        for line in report.listing(rows):
            self.console.print(line, soft_wrap=True, highlight=False)

    def conclude(self, results: list[tuple[Asset, list[Row]]], found: list[str]) -> None:
        """Show and record the results of the assets; raise CommandError if they are wrong."""
        rows = [row for _, some in results for row in some]
        report.write(settings.VAR / "demo" / "report.json", rows)
        self.show(rows)
        found += [problem for asset, some in results for problem in problems(asset, some)]
        if found:
            raise CommandError("The demo failed:\n  " + "\n  ".join(found))
        refused = sum(some[0].state != "SUCCEEDED" for _, some in results)
        self.console.print(report.transfers(rows), soft_wrap=True)
        self.console.print(report.ways(rows), soft_wrap=True)
        self.console.print(
            f"Assets: {len(results) - refused} done and verified, {refused} could not be read. "
            f"Report: {settings.VAR / 'demo' / 'report.json'}",
            soft_wrap=True,
        )


def submitted(sites: Sites, assets: list[Asset]) -> Iterator[tuple[Asset, Run]]:
    """Launch the assets one by one, as long as the sites run."""
    # Of their own for each demo: nothing is launched twice from one path.
    folder = f"demo/{uuid4().hex}"
    for number, asset in enumerate(assets, 1):
        sites.fleet.check()
        # The launcher demo-whole takes what is below whole/; one is enough to show it.
        way = "whole/" if number == 1 else ""
        yield asset, submit(asset, f"{folder}/{way}{folder_name(number, asset)}")


def submit(asset: Asset, path: str) -> Run:
    """Give an asset to the launchers, under a path; raise CommandError if none starts a run.

    One that cannot be opened goes in without its file and with the reason: its steps end in
    ERROR, and the others are done.
    """
    try:
        found = launch(asset.path, path=path, by="demo")
    except (MissingFile, UnreadableFile) as error:
        return start(UPDATE_ASSET, user_data={"file": asset.name, "problem": str(error)}).row
    run = next((one.run for one in found if one.run is not None), None)
    if run is None:
        raise CommandError(f"{asset.name} was not launched: {found[0].problem}")
    return run.row


def stored_originals(runs: list[tuple[Asset, Run]]) -> list[Held]:
    """Return the files that the author's site has just stored of the assets."""
    payloads = [run.payload_id for _, run in runs if run.payload_id]
    rows = PayloadFile.objects.inputs().filter(payload__in=payloads)
    storage = storages["offload"]
    paths = [Path(storage.path(location)) for location in rows.values_list("location", flat=True)]
    return [found for path in paths if (found := held(path)) is not None]


def accounts(sites: Sites) -> tuple[Account, Account]:
    """Return the accounts of both sites, the author's first."""
    path = settings.VAR / "demo" / "render.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "manage.py", "account", str(path)]
    sites.fleet.start("render-account", command, {"OFFLOAD_SITE": RENDER})
    sites.fleet.complete("render-account")
    return Account.here(), Account.load(path)


def collect(runs: list[tuple[Asset, Run]], *seen: Account) -> list[tuple[Asset, list[Row]]]:
    """Return the results of the assets; their files replace those of the last demo."""
    folder = settings.VAR / "demo" / "outputs"
    shutil.rmtree(folder, ignore_errors=True)
    return [
        (asset, rows_of(asset, run, folder / folder_name(number, asset), seen))
        for number, (asset, run) in enumerate(runs, 1)
    ]
