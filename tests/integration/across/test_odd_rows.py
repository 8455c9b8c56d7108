"""Every page, poll and verb answers, whatever the rows contain."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from offload.db import database
from offload.fleet import leadership, membership, snapshots
from offload.management.verbs import VERBS
from offload.models import Job, PayloadFile
from offload.worker.agent.duties import new_duties
from tests.databases import POSTGRESQL, SQLITE
from tests.integration.across import rows
from tests.integration.world import announcement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from django.db.models import Model

    from offload.fleet.duties import Duty
    from offload.fleet.leadership import Term

#: Hundreds of pages and calls a test.
pytestmark = pytest.mark.timeout(900)

MODELS = list(apps.get_app_config("offload").get_models())
#: What is shown, what leads elsewhere, and what refuses to be edited, or to be read.
ANSWERS = {200, 302, 403, 405}
#: Of these, the ones that look at no row, and after how many of them no further row is tried.
REFUSALS, REFUSALS_MAX = {403, 405}, 3
#: All rows are there each time, and the long tests ask for the pages and the verbs of all.
SHARES = pytest.mark.parametrize("every", [10, pytest.param(1, marks=pytest.mark.long)])
#: No storage has the files of odd rows.
ANSWERS_OF_FILES = {404}


@pytest.fixture
def boss(db: None) -> Client:
    """Return the browser of somebody who may see everything."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("odd"))
    return client


def odd_rows(every: int = 1) -> list[Model]:
    """Return rows with odd values, just stored: all, or every so many of them."""
    found = rows.make()
    snapshots.forget()
    kept = [row for row in found if row.pk == "plain" or crc32(repr(row.pk).encode()) % every == 0]
    # No page is without a row.
    return kept + [row for row in found if not any(type(one) is type(row) for one in kept)]


def pages(made: list[Model]) -> Iterator[list[str]]:
    """Yield the addresses of every page and poll: one, or those of these rows of its model."""
    yield [reverse("admin:app_list", args=["offload"])]
    for model in MODELS:
        keys = [quote(row.pk) for row in made if type(row) is model]
        for url in admin.site._registry[model].get_urls():
            placements = placed(url.pattern.converters, keys) if url.name else []
            yield [reverse(f"admin:{url.name}", args=arguments) for arguments in placements]


def placed(converters: Collection[str], keys: list[str]) -> list[list[Any]]:
    """Return what to put into a URL, for each of its pages."""
    if not converters:
        return [[]]
    if set(converters) == {"quoted", "file_id"}:
        return [["plain", file] for file in PayloadFile.objects.values_list("pk", flat=True)]
    assert set(converters) <= {"quoted", "object_id"}, "put something into this URL"
    assert keys, "make odd rows for this URL"
    return [[key] for key in keys]


def broken(client: Client, page: list[str]) -> list[str]:
    """Return the errors of a page.

    One that refuses the first rows does so by its method or permission, and looks at no row.
    """
    found, refused = [], 0
    for number, address in enumerate(page, start=1):
        try:
            answer: Any = client.get(address)
        except Exception as error:
            found.append(f"{address}: {type(error).__name__}: {error!s:.200}")
            continue
        found += problems(address, answer)
        refused += answer.status_code in REFUSALS
        if refused == number == REFUSALS_MAX:
            break
    return found


def problems(address: str, answer: Any) -> list[str]:
    """Return what is wrong with a response."""
    if answer.status_code < 500:
        usual = ANSWERS_OF_FILES if "/files/" in address else ANSWERS
        return [] if answer.status_code in usual else [f"{address}: {answer.status_code}"]
    kind, raised, _ = getattr(answer, "exc_info", None) or (Exception, "", None)
    return [f"{address}: {kind.__name__}: {raised!s:.200}"]


@SHARES
@pytest.mark.usefixtures("app")
def test_every_page_answers(boss: Client, every: int) -> None:
    assert [told for page in pages(odd_rows(every)) for told in broken(boss, page)] == []


#: How each verb is called; those that change something only say what they would change.
CALLS: dict[str, list[list[str]]] = {
    "status": [[]],
    "instances": [[], ["--all", "--long", "--properties"]],
    "peers": [[]],
    "topics": [[]],
    "queues": [[]],
    "resources": [[], ["set", "maya", "--capacity", "1", "--dry-run"]],
    "rules": [[]],
    "changes": [["--limit", "1000"], ["--of", "odd@host"]],
    "explain": [["odd/topic"]],
    "submit": [["odd/topic"]],
    "jobs": [["--limit", "1000"]],
    "job": [],
    "stop": [["--topic", "odd/**", "--dry-run"]],
    "retry": [["--topic", "odd/**", "--dry-run"]],
    "remove": [["--topic", "odd/**", "--dry-run"]],
    "deliver": [["--topic", "odd/**", "--dry-run"]],
    "allow": [["odd@host", "odd/**", "--dry-run"]],
    "deny": [["odd@host", "odd/**", "--dry-run"]],
    "clear": [["odd@host", "odd/never", "--dry-run"]],
    "exclusive": [["odd@host", "odd/**", "--dry-run"]],
    "off": [["odd@host", "--dry-run"]],
    "drain": [["odd@host", "--dry-run"]],
    "on": [["odd@host", "--dry-run"]],
    "transfers": [[]],
    "workflows": [[]],
    "runs": [[], ["show", "plain"]],
    "launch": [["odd/a", "--dry-run"]],
    "launchers": [[], ["off", "--dry-run"]],
    "payload": [["list"], ["verify"], ["prune", "--dry-run"]],
    "doctor": [[]],
    "lint": [[]],
}
#: It runs until it is told to end, and reads no row.
UNCALLED = {"broker"}


def calls(made: list[Model]) -> Iterator[tuple[str, ...]]:
    """Yield the calls of every verb: for programs, and on one database for people."""
    jobs = [[row.pk] for row in made if isinstance(row, Job)]
    given = {**CALLS, "job": jobs, "logs": jobs}
    for verb in VERBS.keys() - UNCALLED:
        for arguments in given[verb]:
            yield verb, *arguments, "--json"
            if database.vendor() == "sqlite":  # It accepts whatever any of them does.
                yield verb, *arguments


def said(*arguments: str) -> str:
    """Return the error of the command, or nothing if it answers as documented."""
    out = StringIO()
    try:
        call_command("offload", *arguments, stdout=out)
        if "--json" in arguments:
            json.loads(out.getvalue(), parse_constant=refused)
    except CommandError as error:
        return "" if len(str(error)) < 1000 else f"{arguments}: {error!s:.300}"
    except Exception as error:
        return f"{arguments}: {type(error).__name__}: {error!s:.200}"
    return ""


def refused(constant: str) -> None:
    """Refuse what is no JSON."""
    raise ValueError(f"{constant} is no JSON")


#: A verb is asked of hundreds of odd rows, which takes minutes; duties are run on both each time.
EACH = [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.long)]


@SHARES
@pytest.mark.parametrize("database_alias", EACH, indirect=True)
@pytest.mark.usefixtures("app", "database_alias")
def test_every_verb_answers(every: int) -> None:
    assert [told for call in calls(odd_rows(every)) if (told := said(*call))] == []


@pytest.mark.usefixtures("app", "database_alias")
def test_every_duty_goes_on() -> None:
    incarnation = membership.join(announcement("odd@host"))
    odd_rows()
    term = leadership.acquire("odd@host", incarnation or "")
    assert term is not None

    assert {
        duty.name: told for duty in new_duties(with_peers=False) if (told := failed(duty, term))
    } == {}


def failed(duty: Duty, term: Term) -> str:
    """Return the error of a duty, or nothing without one."""
    try:
        duty.run(term)
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.200}"
    return ""
