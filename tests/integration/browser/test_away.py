"""A database that becomes unreachable while somebody uses the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.utils import quote
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve, reverse

from offload.browser.outage import DatabaseAway
from offload.models import Rule
from tests.integration.world import HERE, TOPIC, join

if TYPE_CHECKING:
    from django.test import Client

PAGES = [
    reverse("admin:offload_instance_changelist"),
    reverse("admin:offload_instance_change", args=[quote(HERE)]),
    reverse("admin:offload_job_changelist"),
    reverse("admin:offload_rule_changelist"),
    reverse("admin:offload_rule_add"),
    reverse("admin:offload_queue_changelist"),
    reverse("admin:offload_lease_internals"),
    reverse("admin:offload_instance_matrix"),
]
DESIRED = reverse("admin:offload_instance_desired")


def gone(*_: Any) -> Any:
    """Fail as a driver does whose server went away."""
    raise OperationalError("server closed the connection unexpectedly at 10.0.0.7")


@pytest.mark.parametrize("address", PAGES)
def test_a_page_says_that_the_database_is_away_and_tells_no_stranger_where_it_is(
    boss: Client, address: str
) -> None:
    join()
    with connection.execute_wrapper(gone):
        answer = boss.get(f"{address}?p=1")

    told = answer.content.decode()
    assert answer.status_code == 503
    assert "The database does not answer" in told
    assert f'href="{address}?p=1"' in told
    assert "10.0.0.7" not in told


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_button_says_so_too_and_changes_nothing(boss: Client, error: type[Exception]) -> None:
    join()

    def fail(*_: Any) -> Any:
        raise error("gone")

    with connection.execute_wrapper(fail):
        answer = boss.post(DESIRED, {"deny": f"{HERE} {TOPIC}"})

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert f'href="{reverse("admin:index")}"' in answer.content.decode()
    assert not Rule.objects.exists()


STARTS = [reverse("admin:index"), reverse("admin:app_list", args=["offload"])]


@pytest.mark.parametrize("address", STARTS)
@pytest.mark.parametrize("debug", [True, False])
def test_the_pages_of_django_itself_say_so_by_a_middleware(
    boss: Client, settings: Any, address: str, debug: bool
) -> None:
    settings.DEBUG = debug
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "offload.browser.outage.DatabaseAway"]
    join()
    assert boss.get(address).status_code == 200

    with connection.execute_wrapper(gone):
        answer = boss.get(f"{address}?p=1")

    assert answer.status_code == 503
    assert f'href="{address}?p=1"' in answer.content.decode()
    assert "10.0.0.7" not in answer.content.decode()


def test_the_middleware_leaves_other_errors_and_other_pages_alone() -> None:
    middleware = DatabaseAway(lambda request: HttpResponse())
    request = RequestFactory().get(STARTS[0])
    assert middleware.process_exception(request, OperationalError()) is None
    request.resolver_match = resolve(STARTS[0])
    assert middleware.process_exception(request, ValueError()) is None
    assert middleware.process_exception(request, OperationalError()) is not None
