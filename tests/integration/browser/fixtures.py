"""Users with few permissions, and a small cluster to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from offload.browser.cluster import sharing
from offload.fleet import snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def _database(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every test have tables, and no picture of another test's."""
    snapshots.forget()
    sharing.forget()
    monkeypatch.setattr(sharing, "SHARED_SECONDS", 0.0)
    yield
    snapshots.forget()


@pytest.fixture
def admin(db: None) -> User:
    """Return somebody who may do everything."""
    return User.objects.create_superuser("admin")


@pytest.fixture
def boss(admin: User) -> Client:
    """Return the browser of somebody who may do everything."""
    return signed_in(admin)


@pytest.fixture
def staff(db: None) -> Callable[..., Client]:
    """Return a maker of browsers for members of staff with these permissions of offload's."""

    def make(*codenames: str) -> Client:
        user = User.objects.create_user(f"staff-{'-'.join(codenames)}", is_staff=True)
        found = Permission.objects.filter(content_type__app_label="offload", codename__in=codenames)
        assert {one.codename for one in found} == set(codenames)
        user.user_permissions.set(found)
        return signed_in(user)

    return make


def signed_in(user: User) -> Client:
    """Return the browser of a user, in which forms are protected as on the site."""
    client = Client()
    client.force_login(user)
    return client
