"""``launch``: give files to the launchers, or see what would start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management import CommandError

from offload.core.exceptions import OffloadError
from offload.launchers import launch, preview
from offload.launchers.watched_folders import below
from offload.management.terminal import Terminal, sanitized
from offload.management.verb import Options, Verb
from offload.messaging.installation import celery_app
from offload.operations.changes.actors import at_terminal

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

    from rich.text import Text

    from offload.launchers import Launched


def arguments(parser: ArgumentParser) -> None:
    """Take the files, and what their paths are relative to."""
    parser.add_argument("files", nargs="+", metavar="PATH", help="a file")
    parser.add_argument(
        "--under", metavar="FOLDER",
        help="compare paths relative to this folder; files outside it are refused",
    )  # fmt: skip
    parser.add_argument(
        "--dry-run", action="store_true", help="start nothing; say what would start, and why not"
    )


def run(terminal: Terminal, options: Options) -> None:
    """Launch the files; raise CommandError if one could not be."""
    celery_app().loader.import_default_modules()
    act = _preview if options["dry_run"] else _launch
    facts, shown, wrong = [], [], 0
    for name in options["files"]:
        try:
            found = act(Path(name), _path(name, options["under"]))
        except OffloadError as error:
            wrong += 1
            facts.append({"file": name, "error": str(error), "launchers": []})
            shown.append(sanitized(str(error), "red"))
            continue
        wrong += sum(one.failed for one in found)
        facts.append({"file": name, "error": None, "launchers": [as_facts(one) for one in found]})
        shown.extend(lines(name, found, is_preview=options["dry_run"]))
    terminal.answer(facts, *shown)
    if wrong:
        raise CommandError(f"{wrong} of these could not be launched; the lines above say why.")


def _path(name: str, under: str | None) -> str:
    return below(Path(under), Path(name)) if under is not None else name


def _launch(file: Path, path: str) -> tuple[Launched, ...]:
    return launch(file, path=path, by=at_terminal().name)


def _preview(file: Path, path: str) -> tuple[Launched, ...]:
    return preview(file if _exists(file) else None, path=path)


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # Such as for a name that is too long for any file.
        return False


def as_facts(one: Launched) -> dict[str, Any]:
    """Return an outcome as JSON values."""
    return {
        "launcher": one.launcher,
        "workflow": one.workflow,
        "path": one.path,
        "started": one.started,
        "run": one.run_id or None,
        "problem": one.problem or None,
    }


def lines(name: str, found: tuple[Launched, ...], *, is_preview: bool) -> Iterator[Text]:
    """Yield the outcomes for people."""
    if not found:
        hint = "'manage.py offload launchers' lists them"
        yield sanitized(f"{name}: no launcher has a pattern for its path; {hint}.", "yellow")
    for one in found:
        if one.problem:
            before = f" Its run: {one.run_id}" if one.run_id else ""
            text = f"{name}: {one.launcher} starts nothing: {one.problem.rstrip('.')}.{before}"
            yield sanitized(text, "red" if one.failed else "yellow")
        elif is_preview:
            yield sanitized(f"{name}: {one.launcher} would start {one.workflow}.")
        else:
            yield sanitized(f"{name}: {one.launcher} started run {one.run_id} of {one.workflow}.")


LAUNCH = Verb(
    name="launch",
    help="give files to the launchers, which start their workflows",
    arguments=arguments,
    run=run,
)
