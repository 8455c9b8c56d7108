"""Actors: the person who makes a change, and where."""

from __future__ import annotations

import os
import pwd
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.contrib.auth.base_user import AbstractBaseUser

from offload.models.change_records import Entrance

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person who makes a change."""

    name: str
    entrance: Entrance
    #: The site's user, if there is one.
    user: AbstractBaseUser | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        """Return the name and the place."""
        return f"{self.name} ({self.entrance})"


def of_user(user: AbstractBaseUser | AnonymousUser) -> Actor:
    """Return the user of a page."""
    known = user if isinstance(user, AbstractBaseUser) else None
    return Actor(name=user.get_username(), entrance=Entrance.ADMIN, user=known)


def at_terminal() -> Actor:
    """Return the user who runs this command, as the operating system knows it.

    Environment variables are ignored, because anybody can set them.
    """
    name = f"{_os_user(os.getuid())}@{socket.gethostname()}"
    return Actor(name=name, entrance=Entrance.TERMINAL)


def _os_user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        # Containers may run under a user id without a name.
        return str(uid)
