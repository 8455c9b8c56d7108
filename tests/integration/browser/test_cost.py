"""What pages cost: statements and bytes, however large the cluster is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.fleet.snapshots import snapshot
from offload.models import Job, Run
from offload.rules import editing
from tests.integration.browser.pages import (
    FLEET,
    FLEET_NOW,
    MATRIX,
    MATRIX_NOW,
    apply,
    page_of,
    version,
)
from tests.integration.world import join, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client


#: Statements that find out who asks.
LOGIN = 2
#: Permissions of somebody who may not do everything.
PERMISSIONS = 2
#: Statements that read what the pages about the cluster show.
FACTS = 4


def fleet(count: int) -> None:
    """Let so many instances join that consume as many topics, each with a job and a rule."""
    consumers = [{"pattern": f"dam/topic{one}", "task": "dam.work"} for one in range(count)]
    for number in range(count):
        join(f"worker{number}@host", consumers=consumers)
        editing.deny(f"worker{number}@host", f"dam/topic{number}")
        waiting(topic=f"dam/topic{number}")
        apply(f"worker{number}@host")


class TestCost:
    """Statements per page: the same however much there is to see."""

    @pytest.mark.parametrize("count", [2, 20])
    @pytest.mark.parametrize("address", [MATRIX, FLEET])
    def test_a_page_asks_four_questions(
        self, boss: Client, count: int, address: str, django_assert_num_queries: Any
    ) -> None:
        fleet(count)

        with django_assert_num_queries(LOGIN + FACTS):
            boss.get(address)

    @pytest.mark.parametrize("count", [2, 20])
    @pytest.mark.parametrize("address", [MATRIX_NOW, FLEET_NOW])
    def test_a_poll_asks_four_questions(
        self, boss: Client, count: int, address: str, django_assert_num_queries: Any
    ) -> None:
        fleet(count)
        known = version(boss.get(address).content)

        for asked in ("", known):
            with django_assert_num_queries(LOGIN + FACTS):
                boss.get(address, {"v": asked})

    @pytest.mark.parametrize("count", [2, 20])
    def test_what_is_not_applied_costs_one_question_more(
        self, boss: Client, count: int, django_assert_num_queries: Any
    ) -> None:
        fleet(count)
        for number in range(count):
            editing.deny(f"worker{number}@host", "dam/topic1")
        snapshot(fresh=True)

        with django_assert_num_queries(LOGIN + FACTS + 1):
            boss.get(MATRIX_NOW)

    def test_permissions_are_asked_for_once(
        self, staff: Callable[..., Client], django_assert_num_queries: Any
    ) -> None:
        fleet(2)
        client = staff("view_instance", "change_routing")

        with django_assert_num_queries(LOGIN + PERMISSIONS + FACTS):
            client.get(MATRIX_NOW)

    @pytest.mark.parametrize("count", [2, 20])
    def test_a_job_costs_nine_questions_at_most(
        self, boss: Client, count: int, django_assert_max_num_queries: Any
    ) -> None:
        fleet(count)
        run = Run.objects.create(id="run", workflow="dam/update")
        job = waiting(count, run_id=run.pk, topic="dam/topic0")[0]
        Job.objects.filter(pk=job).update(epoch=2)

        with django_assert_max_num_queries(LOGIN + 9):
            boss.get(page_of(job))

    @pytest.mark.parametrize("count", [2, 20])
    def test_a_poll_of_a_job_as_it_was_asks_four_questions(
        self, boss: Client, count: int, django_assert_num_queries: Any
    ) -> None:
        fleet(count)
        job = Job.objects.latest("created_at").pk
        known = version(boss.get(page_of(job, "now")).content)

        with django_assert_num_queries(LOGIN + 4):
            assert boss.get(page_of(job, "now"), {"v": known}).status_code == 204
