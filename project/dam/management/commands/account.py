"""Write down which files lie in a site's folder, and which the two sites sent each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management import BaseCommand

from project.demo.account import Account

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """The account."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to write it."""
        parser.add_argument("path", type=Path, help="the file to write, as JSON")

    def handle(self, *_: Any, path: Path, **__: Any) -> None:
        """Write the account of the site that OFFLOAD_SITE names."""
        Account.here().write(path)
