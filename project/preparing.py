"""Preparation of a site, before its programs start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from offload.models import Rule, Switch
from offload.rules import editing, switching
from project.sites import WORKERS

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The user of both sites, whose password is the same at first.
ADMIN = "admin"


def prepare(*, afresh: bool) -> None:
    """Bring this site's database, static files and rules up to date.

    What an operator has changed about the workers' rules stays, unless they begin `afresh`.
    """
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    for name, topics in WORKERS[settings.SITE].items():
        give_rules(name, topics, afresh=afresh)


def give_rules(name: str, topics: Iterable[str], *, afresh: bool) -> None:
    """Make the worker exclusively for its topics, if it has no rules or begins afresh."""
    own = Rule.objects.filter(target=name)
    if afresh:
        own.delete()
        if Switch.objects.filter(pk=name).exists():
            switching.switch(name, off=False)
    if not own.exists():
        editing.exclusive(name, topics)


def make_admin(password_hash: str) -> None:
    """Make the site's user, unless there is one."""
    users = get_user_model().objects
    users.get_or_create(
        username=ADMIN,
        defaults={"password": password_hash, "is_staff": True, "is_superuser": True},
    )
