"""Fragments that refresh a page, and versions that say when."""

from __future__ import annotations

import pytest
from django.test import Client

from offload.models import Job
from tests.integration.browser.pages import FLEET, FLEET_NOW, MATRIX, MATRIX_NOW, page_of, version
from tests.integration.world import bound, join, waiting


class TestLive:
    """Fragments under a version."""

    @pytest.mark.parametrize(("page", "now"), [(MATRIX, MATRIX_NOW), (FLEET, FLEET_NOW)])
    def test_a_known_version_is_answered_with_nothing(
        self, boss: Client, page: str, now: str
    ) -> None:
        join()
        known = version(boss.get(page).content)

        assert boss.get(now, {"v": known}).status_code == 204
        assert boss.get(now, {"v": "another"}).status_code == 200

        bound()
        changed = boss.get(now, {"v": known})
        assert changed.status_code == 200
        assert version(changed.content) != known

    def test_a_job_is_shown_anew_when_it_moves_on(self, boss: Client) -> None:
        join()
        job = bound()[0]
        known = version(boss.get(page_of(job.id, "now")).content)

        assert boss.get(page_of(job.id, "now"), {"v": known}).status_code == 204
        Job.objects.filter(pk=job.id).update(progress={"current": 1, "total": 2})
        assert boss.get(page_of(job.id, "now"), {"v": known}).status_code == 200

    def test_a_waiting_job_is_shown_anew_when_its_chances_change(self, boss: Client) -> None:
        job = waiting()[0]
        known = version(boss.get(page_of(job, "now")).content)

        join()

        changed = boss.get(page_of(job, "now"), {"v": known})
        assert b"can run it" in changed.content

    @pytest.mark.parametrize("address", [MATRIX_NOW, FLEET_NOW, page_of("x", "now")])
    def test_htmx_is_sent_to_the_login_page_whole(self, address: str) -> None:
        answer = Client().get(address, headers={"HX-Request": "true"})

        assert answer.headers["HX-Refresh"] == "true"
        assert answer.content == b""
