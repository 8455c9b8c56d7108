"""The command ``manage.py offload``: verbs for operators and programs."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from django.core.checks import run_checks
from django.core.management import CommandError
from django.db import DatabaseError
from django_rich.management import RichCommand
from rich.console import Console

from offload.core.exceptions import JobTimeout, OffloadError
from offload.core.validation.ids import is_storable
from offload.diagnostics import outage
from offload.management.parsing import add_verbs
from offload.management.terminal import Terminal
from offload.management.verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.core.management.base import CommandParser

    from offload.management.verb import Options, Verb

#: Columns of output that does not go to a terminal; tables are as wide as they need to be.
UNBOUNDED_COLUMNS = 250

#: Exit codes besides 1, which says that something failed.
TIMED_OUT, MISSPELLED, INTERRUPTED = 2, 2, 130


#: Options with paths.
PATH_OPTIONS = ("files", "under", "settings", "pythonpath")


class Command(RichCommand):
    """See and steer jobs and instances."""

    help = "See and steer jobs and instances."
    # Warnings before every answer would be noise; `handle` checks for errors.
    requires_system_checks = ()
    #: The words of the command line, or all verbs if it was called by code.
    words: Collection[str] = VERBS
    #: Whether it was called by a command line with --json, so that errors are JSON too.
    is_read_by_program = False

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from the command line; with --json, errors are JSON too."""
        self.words = argv
        self.is_read_by_program = "--json" in argv
        super().run_from_argv(argv)

    def make_rich_console(self, **kwargs: Any) -> Console:
        """Return a console that does not fold tables unless a terminal limits them."""
        is_shown = kwargs["file"].isatty() or "COLUMNS" in os.environ
        return Console(**kwargs, width=None if is_shown else UNBOUNDED_COLUMNS)

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the verbs."""
        refuse = self.refuse_words if self.is_read_by_program else None
        add_verbs(parser, refuse, self.words)

    def refuse_words(self, message: str) -> NoReturn:
        """End the process with a usage error as JSON."""
        self.refuse(CommandError(message, returncode=MISSPELLED), kind="Misspelled")

    def refuse(self, error: CommandError, *, kind: str) -> NoReturn:
        """Raise the error for people; for programs, end the process with it as JSON."""
        if not self.is_read_by_program:
            raise error
        facts = {"error": str(error), "type": kind, "exit_code": error.returncode}
        self.stderr.write(json.dumps(facts), lambda text: text)
        sys.exit(error.returncode)

    def handle(self, *_: Any, verb: str, as_json: bool, **options: Any) -> None:
        """Run the verb; raise CommandError, with the next step, if it fails."""
        terminal = Terminal(console=self.console, as_json=as_json)
        try:
            run(VERBS[verb], terminal, options)
        except CommandError as error:
            self.refuse(error, kind=type(error.__cause__ or error).__name__)


def run(verb: Verb, terminal: Terminal, options: Options) -> None:
    """Run a verb; turn expected errors into CommandError."""
    try:
        refuse_unreadable(options)
        if not verb.tolerant:
            refuse_wrong_settings()
        verb.run(terminal, options)
    except JobTimeout as error:
        raise CommandError(str(error), returncode=TIMED_OUT) from error
    except OffloadError as error:
        raise CommandError(str(error)) from error
    except DatabaseError as error:
        raise CommandError(outage.of_database(error)) from error
    except KeyboardInterrupt as interrupt:
        raise CommandError("Interrupted.", returncode=INTERRUPTED) from interrupt


def refuse_unreadable(options: Options) -> None:
    """Raise CommandError for words that no database can store; paths may have any bytes."""
    for name, value in options.items():
        words = value if isinstance(value, list) else [value]
        for word in words if name not in PATH_OPTIONS else ():
            if isinstance(word, str) and not is_storable(word):
                raise CommandError(f"{word!r:.60} contains what is no character. Write UTF-8.")


def refuse_wrong_settings() -> None:
    """Raise CommandError if the system checks find an error."""
    found = run_checks(tags=["offload"])
    wrong = [one for one in found if one.is_serious() and not one.is_silenced()]
    if wrong:
        problems = "\n".join(f"{one.id}: {one.msg} {one.hint or ''}" for one in wrong)
        raise CommandError(f"The settings are wrong:\n{problems}")
