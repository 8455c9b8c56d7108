"""A site whose users are rows of its own model: with a UUID as key, known by their address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.acceptance.servers import POSTGRES, absent, is_there, postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., str]

SETTINGS = """
from project.settings import *

INSTALLED_APPS = [*INSTALLED_APPS, "people"]
AUTH_USER_MODEL = "people.Person"
ALLOWED_HOSTS = ["testserver"]
"""
MODELS = """
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class People(BaseUserManager):
    pass


class Person(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_staff = models.BooleanField(default=True)

    USERNAME_FIELD = EMAIL_FIELD = "email"
    objects = People()
"""
#: What one of these users changes on every page, and what is known of it afterwards, as JSON.
VISIT = """
import json

import django

django.setup()

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from offload.models import ChangeRecord, Instance, Queue, Rule, Switch
from tests.integration.admin.pages import ADD_QUEUE, ADD_RULE, QUEUE, RULE, RULES, address
from tests.integration.browser.buttons import CELL, DESIRED, SWITCH
from tests.integration.browser.pages import FLEET, MATRIX
from tests.integration.world import HERE, join

anna = get_user_model().objects.create(email="anna@site.example", is_superuser=True)
join()
client = Client()
client.force_login(anna)

statuses = {
    name: client.post(at, data).status_code
    for name, at, data in [
        ("a rule", ADD_RULE, RULE),
        ("a cell of the matrix", DESIRED, {"allow": CELL}),
        ("an exclusive list", DESIRED, {"exclusive": CELL}),
        ("off", SWITCH, {"switch": "off"}),
        ("on", SWITCH, {"switch": "on"}),
        ("a switch", reverse("admin:offload_switch_add"), {"instance": HERE, "note": "disk"}),
        ("a queue", ADD_QUEUE, QUEUE),
    ]
}
rows = [one.objects.get() for one in (Instance, Queue, Rule, Switch)]
pages = [MATRIX, FLEET, *(address(row, name) for row in rows for name in ("change", "history"))]
pages += [
    reverse(f"admin:offload_{model._meta.model_name}_changelist")
    for model in apps.get_app_config("offload").get_models()
]
refused = {page: status for page in pages if (status := client.get(page).status_code) != 200}
said = {
    name: anna.email in client.get(page).content.decode()
    for name, page in [
        ("the rules", RULES),
        ("the instance", address(rows[0], "change")),
        ("its history", address(rows[0], "history")),
        ("the changes", reverse("admin:offload_changerecord_changelist")),
    ]
}
known = {
    "statuses": sorted(set(statuses.values())),
    "refused": refused,
    "silent": [name for name, is_said in said.items() if not is_said],
    "made by": [row.created_by == anna for row in Rule.objects.all()],
    "recorded": sorted(set(ChangeRecord.objects.values_list("actor", "entrance"))),
    "logged by": sorted({entry.user.email for entry in LogEntry.objects.all()}),
    "entries": [LogEntry.objects.count() == ChangeRecord.objects.count() == len(statuses)],
}
anna.delete()
known["left"] = [row.created_by_id for row in Rule.objects.all()]
print(json.dumps(known))
"""


#: Each time it is one that tells apart the types of keys, if there is one.
STRICT = is_there("postgresql+redis")


@pytest.fixture(
    params=[
        pytest.param("sqlite", marks=[pytest.mark.long] if STRICT else []),
        pytest.param("postgresql", marks=[] if STRICT else [pytest.mark.long]),
    ]
)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty database; that of none stands for a file."""
    if request.param == "sqlite":
        yield ""
        return
    if missing := absent("postgresql+redis"):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    with postgresql(tmp_path, f"people_{os.getpid()}") as made:
        yield urlsplit(POSTGRES)._replace(path=f"/{made['NAME']}").geturl()


@pytest.fixture
def run(root: Path, tmp_path: Path, database: str) -> Run:
    """Return a function that runs Python in a site with users of its own and returns its output."""
    people = tmp_path / "people"
    (people / "migrations").mkdir(parents=True)
    for name in ("__init__.py", "migrations/__init__.py"):
        (people / name).touch()
    (people / "settings.py").write_text(SETTINGS)
    (people / "models.py").write_text(MODELS)
    variables = {
        "DJANGO_SETTINGS_MODULE": "people.settings",
        "PYTHONPATH": f"{root}{os.pathsep}{tmp_path}",
        "OFFLOAD_VAR": str(tmp_path / "var"),
        "OFFLOAD_DATABASE": database,
    }

    def run(*arguments: str) -> str:
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    return run


@pytest.mark.timeout(300)
def test_users_with_a_uuid_change_everything_and_are_known_as_who_did_it(run: Run) -> None:
    run("-m", "django", "makemigrations", "people")
    run("-m", "django", "makemigrations", "--check", "--dry-run", "offload")
    run("-m", "django", "migrate")

    known: dict[str, Any] = json.loads(run("-c", VISIT).splitlines()[-1])

    assert known == {
        "statuses": [302],
        "refused": {},
        "silent": [],
        "made by": [True],
        "recorded": [["anna@site.example", "admin"]],
        "logged by": ["anna@site.example"],
        "entries": [True],
        "left": [None],
    }
