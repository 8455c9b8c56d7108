"""Whatever rows hold, every page, poll and verb answers."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from offload.fleet import leadership, membership, snapshots
from offload.leader.duties import DUTIES
from offload.models import Job
from tests.integration.across import rows
from tests.integration.world import announcement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

    from offload.fleet.duties import Duty
    from offload.fleet.leadership import Term

#: Hundreds of pages and calls a test.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def boss(db: None) -> Client:
    """Return the browser of somebody who may see everything."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("odd"))
    return client


def odd_rows() -> list[Model]:
    """Return rows with odd values, just stored."""
    found = rows.make()
    snapshots.forget()
    return found


def addresses(made: list[Model]) -> Iterator[str]:
    """Yield the pages of all these rows, and those of the cluster."""
    for name in ("instance_matrix", "instance_fleet"):
        yield reverse(f"admin:offload_{name}")
    yield reverse("admin:app_list", args=["offload"])
    for model in {type(row) for row in made}:
        yield reverse(f"admin:offload_{model._meta.model_name}_changelist")
    for row in made:
        yield reverse(f"admin:offload_{row._meta.model_name}_change", args=[row.pk])
        if isinstance(row, Job):
            yield reverse("admin:offload_job_now", args=[row.pk])


def broken(client: Client, address: str) -> str:
    """Return what a page fails with, nothing where it answers."""
    try:
        answer: Any = client.get(address)
    except Exception as error:
        return f"{address}: {type(error).__name__}: {error!s:.200}"
    if answer.status_code < 500:
        return ""
    kind, raised, _ = getattr(answer, "exc_info", None) or (Exception, "", None)
    return f"{address}: {kind.__name__}: {raised!s:.200}"


@pytest.mark.usefixtures("app")
def test_every_page_answers(boss: Client) -> None:
    assert [told for one in addresses(odd_rows()) if (told := broken(boss, one))] == []


VERBS = (
    ("status",),
    ("instances",),
    ("topics",),
    ("jobs", "--limit", "1000"),
    ("queues",),
    ("explain", "odd/topic"),
    ("rules",),
    ("doctor",),
)


def said(*arguments: str) -> str:
    """Return what the command fails with, nothing where it answers as it documents."""
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


@pytest.mark.usefixtures("app", "engine_database")
def test_every_verb_answers() -> None:
    jobs = [row.pk for row in odd_rows() if isinstance(row, Job)]
    calls = [*VERBS, *(("job", job) for job in jobs)]

    told = [said(*call, *extra) for call in calls for extra in ((), ("--json",))]

    assert [one for one in told if one] == []


@pytest.mark.usefixtures("app", "engine_database")
def test_every_duty_goes_on() -> None:
    incarnation = membership.join(announcement("odd@host"))
    odd_rows()
    term = leadership.acquire("odd@host", incarnation or "")
    assert term is not None

    assert {duty.name: told for duty in DUTIES if (told := failed(duty, term))} == {}


def failed(duty: Duty, term: Term) -> str:
    """Return what a duty fails with, nothing where it does not."""
    try:
        duty.run(term)
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.200}"
    return ""
