"""Bring a site's database, static files and rules up to date, as demo and up do before they start.

If ADMIN_HASH is set in the environment, the user admin gets it as the hash of its password, unless
there is that user.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from django.core.management import BaseCommand

from project.preparing import make_admin, prepare

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """The preparation."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether rules begin afresh."""
        parser.add_argument(
            "--afresh", action="store_true", help="give workers the rules that they had at first"
        )

    def handle(self, *_: Any, afresh: bool, **__: Any) -> None:
        """Prepare the site that OFFLOAD_SITE names."""
        prepare(afresh=afresh)
        if given := os.environ.get("ADMIN_HASH"):
            make_admin(given)
