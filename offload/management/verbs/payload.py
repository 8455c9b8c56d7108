"""``payload``: the files of jobs: list and verify them, and delete what nothing uses."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.files.storage import storages
from django.core.management import CommandError
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from offload.conf import settings
from offload.core.texts import counted
from offload.files import collection, verification
from offload.files.transfers import kept
from offload.management.arguments import times, words
from offload.management.arguments.numbers import positive
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Choices, Options, Verb, general
from offload.reading import payloads

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

    from offload.files.verification import FaultyFile
    from offload.models.payloads import PayloadFileQuerySet

STOCK_HEADERS = ("storage", "files", "size", "unused", "kept", "to be deleted", "failing")
PAYLOAD_HEADERS = ("payload", "storage", "made", "jobs", "files", "size")
FAULT_HEADERS = ("fault", "file", "storage", "location", "problem")
FOLD = {"location": 12, "problem": 12}
#: Files that a transaction which has not committed may have stored are younger.
ORPHAN_AGE = timedelta(days=1)
ORPHAN_AGE_MIN = timedelta(hours=1)
#: Seconds between two lines about the progress of long work.
PROGRESS_SECONDS = 5.0
#: Faults that are shown.
FAULTS_SHOWN = 50


def arguments(parser: ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, about, take in (
        ("list", "show how much each storage holds, and the largest payloads", _list_options),
        ("verify", "read all files, and compare them with their rows", _verify_options),
        ("prune", "delete now what nothing uses", _prune_options),
    ):
        one = actions.add_parser(name, help=about, description=about, allow_abbrev=False)
        general(one)
        take(one)
    actions.choices = Choices(actions, kind="action", help_of="offload payload")


def _list_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--limit", type=positive, default=20, metavar="N", help="how many payloads to show"
    )


def _verify_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--storage", type=words.written, metavar="ALIAS", help="only in this storage"
    )
    parser.add_argument("--payload", type=words.written, metavar="ID", help="only this payload")


def _prune_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--orphans",
        action="store_true",
        help="also files without a row; only if no other site stores jobs' files in this storage",
    )
    parser.add_argument(
        "--kept",
        action="store_true",
        help="also contents that are kept because another cluster may send them again",
    )
    parser.add_argument(
        "--older-than", type=times.span, metavar="1d",
        help="with --orphans: their age, an hour at least (1d)",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="delete nothing; count it")


def run(terminal: Terminal, options: Options) -> None:
    """List, verify or prune."""
    {"list": list_all, "verify": verify, "prune": prune}[options["action"]](terminal, options)


def list_all(terminal: Terminal, options: Options) -> None:
    """Show the storages and the largest payloads."""
    stocks, lines = payloads.stocks(), payloads.largest(options["limit"])
    facts = {
        "storages": [asdict(one) for one in stocks],
        "payloads": [asdict(one) for one in lines],
    }
    shown: list[Any] = [table(STOCK_HEADERS, map(_stock, stocks))]
    if lines:
        shown += ["", table(PAYLOAD_HEADERS, map(_payload, lines))]
    terminal.answer(facts, *(shown if stocks else ["No job has files."]))


def _stock(one: payloads.Stock) -> tuple[object, ...]:
    unused = f"{one.unused_files:,} ({filesizeformat(one.unused_bytes)})"
    kept_ = f"{one.kept_files:,} ({filesizeformat(one.kept_bytes)})"
    return (
        one.storage,
        one.files,
        filesizeformat(one.bytes),
        unused if one.unused_files else "",
        kept_ if one.kept_files else "",
        one.dying or "",
        sanitized(f"{one.failing}: {one.error}" if one.failing else "", "red"),
    )


def _payload(one: payloads.PayloadLine) -> tuple[object, ...]:
    made = times.moment(one.created_at)
    return one.id, one.storage, made, one.jobs, one.files, filesizeformat(one.bytes)


def verify(terminal: Terminal, options: Options) -> None:
    """Compare all files with their rows; raise CommandError if one is not as it should be."""
    files = stored(options["storage"], options["payload"])
    progress = Tally(terminal, total=files.count())
    faults = [one for one in map(progress.count, verification.verify(files)) if one is not None]
    if not options["payload"]:
        faults += found_orphans(options["storage"] or settings().storage, ORPHAN_AGE)
    facts = {"verified": progress.done, "faults": [asdict(one) for one in faults]}
    good = f"{counted(progress.done, 'file is', 'files are')} as stored."
    shown = table(FAULT_HEADERS, map(_fault, faults[:FAULTS_SHOWN]), fold=FOLD)
    terminal.answer(facts, *([shown] if faults else [good]))
    if faults:
        bad = counted(len(faults), "file is", "files are")
        raise CommandError(
            f"{bad} not as stored. Retry the jobs of damaged inputs with good copies; orphans are "
            "deleted by: manage.py offload payload prune --orphans"
        )


def stored(alias: str | None, payload: str | None) -> PayloadFileQuerySet:
    """Return the files to verify; raise CommandError if there is no such storage or payload."""
    if alias and alias not in storages.backends:
        known = ", ".join(storages.backends)
        raise CommandError(f"STORAGES has no storage {alias!r}, only {known}.")
    if payload and not payloads.exists(payload):
        raise CommandError(
            f"There is no payload {payload!r}. Ids are listed by: manage.py offload payload list"
        )
    return payloads.stored(alias, payload)


def _fault(one: FaultyFile) -> tuple[object, ...]:
    return sanitized(one.fault, "red"), one.name, one.storage, one.location, one.problem


def found_orphans(alias: str, age: timedelta) -> list[FaultyFile]:
    """Return the orphans of a storage; raise CommandError if it cannot list its files."""
    before = (timezone.now() - age).timestamp()
    try:
        return list(verification.orphans(alias, before=before))
    except NotImplementedError as error:
        raise CommandError(f"The storage {alias!r} cannot list its files.") from error


def prune(terminal: Terminal, options: Options) -> None:
    """Delete what nothing uses, or count it."""
    orphans = _old_orphans(options["older_than"], is_asked=options["orphans"])
    stocks = payloads.stocks()
    counts = {
        "unused": sum(one.unused_files for one in stocks),
        "kept": kept.droppable(is_all=options["kept"]).count(),
        "dying": sum(one.dying for one in stocks),
        "orphans": len(orphans),
        "bytes": sum(one.unused_bytes for one in stocks) + sum(one.size for one in orphans),
    }
    if not options["dry_run"]:
        kept.drop_all(is_all=options["kept"])
    left = 0 if options["dry_run"] else _prune(terminal, counts["unused"], orphans)
    facts = {**counts, "dry_run": options["dry_run"], "left": left}
    terminal.answer(facts, *_pruned(facts))
    if left:
        raise CommandError(
            f"{counted(left, 'file', 'files')} could not be deleted, and will be tried again. "
            "'manage.py offload payload list' shows an error."
        )


def _old_orphans(age: timedelta | None, *, is_asked: bool) -> list[FaultyFile]:
    """Return the orphans to delete; raise CommandError for an age that is refused."""
    if not is_asked:
        if age is not None:
            raise CommandError("--older-than is the age of orphans. Write: --orphans --older-than")
        return []
    if age is not None and age < ORPHAN_AGE_MIN:
        raise CommandError("Younger orphans may belong to a transaction. Write: --older-than 1h")
    return found_orphans(settings().storage, ORPHAN_AGE if age is None else age)


def _prune(terminal: Terminal, unused: int, orphans: list[FaultyFile]) -> int:
    """Delete; return how many files are left because their storage failed."""
    progress = Tally(terminal, total=unused + len(orphans))
    progress.add(collection.drop_orphans((one.storage, one.location) for one in orphans))
    while count := collection.drop(collection.unused()[: collection.SCANNED_ROWS]):
        progress.add(count)
    return collection.collect_all()


def _pruned(facts: dict[str, Any]) -> Iterator[str]:
    verb = "would be deleted" if facts["dry_run"] else "are deleted"
    yield (
        f"{facts['unused']:,} unused outputs and {facts['orphans']:,} orphans {verb} "
        f"({filesizeformat(facts['bytes'])}); {facts['dying']:,} files were to be deleted already."
    )
    if facts["kept"]:
        yield f"{counted(facts['kept'], 'kept file', 'kept files')} {verb}."


class Tally:
    """Counts long work, and says now and then how far it is; not to programs."""

    def __init__(self, terminal: Terminal, *, total: int) -> None:
        self._terminal, self._total = terminal, total
        self._shown_at = time.monotonic()
        self.done = 0

    def count(self, one: FaultyFile | None) -> FaultyFile | None:
        """Count one, and return it."""
        self.add(1)
        return one

    def add(self, count: int) -> None:
        """Count so many."""
        self.done += count
        if time.monotonic() - self._shown_at > PROGRESS_SECONDS and not self._terminal.as_json:
            self._shown_at = time.monotonic()
            self._terminal.show(sanitized(f"{self.done:,} of {self._total:,} files", "dim"))


PAYLOAD = Verb(
    name="payload",
    help="list and verify the files of jobs, and delete what nothing uses",
    arguments=arguments,
    run=run,
)
