"""The command ``manage.py offload``: verbs for operators and programs."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from django.core.checks import run_checks
from django.core.management import CommandError
from django.db import DatabaseError
from django_rich.management import RichCommand
from rich.console import Console

from offload.core.exceptions import JobTimeout, OffloadError
from offload.management.terminal import Terminal
from offload.management.verbs import VERBS

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

#: Columns of tables that no terminal shows; as wide as they need to be.
WIDE = 250

#: Exit codes besides 1, which says that something failed.
TIMED_OUT, INTERRUPTED = 2, 130

EPILOG = (
    "Exit codes: 0 done, 1 failed or refused, 2 not ended in time (or misspelled), "
    "130 interrupted. 'manage.py offload VERB --help' lists a verb's options."
)


class Command(RichCommand):
    """See and steer jobs and instances."""

    help = "See and steer jobs and instances."
    # Warnings before every answer would be noise; errors are looked for in `handle`.
    requires_system_checks = ()

    def make_rich_console(self, **kwargs: Any) -> Console:
        """Return a console that does not fold tables where no terminal limits them."""
        is_shown = kwargs["file"].isatty() or "COLUMNS" in os.environ
        return Console(**kwargs, width=None if is_shown else WIDE)

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a verb and what belongs to it."""
        parser.epilog = EPILOG
        parser.add_argument("--json", action="store_true", dest="as_json", help="for programs")
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        for verb in VERBS.values():
            verb.arguments(self._parser(verbs, verb.name, verb.help))

    def _parser(self, verbs: Any, name: str, told: str) -> argparse.ArgumentParser:
        """Return a verb's parser, which takes the general options too."""
        # No abbreviations: --for, where a verb has none, would be --force-color.
        parser: argparse.ArgumentParser = verbs.add_parser(
            name, help=told, description=told, allow_abbrev=False
        )
        unset: dict[str, Any] = {"action": "store_true", "default": argparse.SUPPRESS}
        parser.add_argument("--json", dest="as_json", help="for programs", **unset)
        for option in ("--no-color", "--force-color", "--traceback"):
            parser.add_argument(option, help=argparse.SUPPRESS, **unset)
        for option in ("--settings", "--pythonpath"):
            parser.add_argument(option, help=argparse.SUPPRESS, default=argparse.SUPPRESS)
        return parser

    def handle(self, *_: Any, verb: str, as_json: bool, **options: Any) -> None:
        """Do what the verb says; raise CommandError, with the next step, where that fails."""
        chosen = VERBS[verb]
        if not chosen.tolerant:
            refuse_wrong_settings()
        try:
            chosen.run(Terminal(console=self.console, as_json=as_json), options)
        except JobTimeout as error:
            raise CommandError(str(error), returncode=TIMED_OUT) from error
        except OffloadError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(
                f"The database said: {error}\n'manage.py migrate' makes its tables; "
                "'manage.py offload doctor' says what else is wrong."
            ) from error
        except KeyboardInterrupt as interrupt:
            raise CommandError("Interrupted.", returncode=INTERRUPTED) from interrupt


def refuse_wrong_settings() -> None:
    """Raise CommandError where the system checks find an error."""
    found = run_checks(tags=["offload"])
    wrong = [one for one in found if one.is_serious() and not one.is_silenced()]
    if wrong:
        told = "\n".join(f"{one.id}: {one.msg} {one.hint or ''}" for one in wrong)
        raise CommandError(f"The settings are wrong:\n{told}")
