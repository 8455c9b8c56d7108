"""The page of a job."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from offload.jobs import endings
from offload.models import AttemptLog, Job, Run
from offload.reading.jobs.page_version import page_version
from offload.rules import editing
from tests.integration.browser.pages import JOBS, page_of, text
from tests.integration.world import HERE, THERE, TOPIC, join, running, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

#: As a row has them.
LINES: Any = [[0, "WARNING", "no <b>frame</b>"]]


class TestJob:
    """The page of one job."""

    def test_a_waiting_job_says_why_with_a_verdict_per_instance(self, boss: Client) -> None:
        join()
        join(THERE)
        rule = editing.deny(THERE, TOPIC)
        job = waiting()[0]

        found = text(boss, page_of(job))

        assert f"{HERE} would run it." in found
        assert f"{HERE} ✓ can run it" in found
        assert f"{THERE} ✕ cannot Rule {rule.pk} denies {TOPIC} on {THERE}." in found
        assert "It has not started yet." in found

    def test_a_job_that_was_handed_over_says_until_when(self, boss: Client) -> None:
        join()
        job = running()
        endings.hand_over(job.ending, 3600)

        found = text(boss, page_of(job.id))

        assert "It was handed over until 20" in found
        assert f"active on {HERE}" not in found
        assert "Stop" in found

    def test_a_running_job_shows_its_attempt_and_progress(self, boss: Client) -> None:
        join()
        job = running()
        Job.objects.update(progress={"current": 1, "total": 4, "message": "reading"})

        found = text(boss, page_of(job.id))

        assert f"► active on {HERE}" in found
        assert "25 % reading" in found
        assert "Stop" in found

    def test_the_log_of_each_attempt_is_shown_to_those_who_may_see_payloads(
        self, boss: Client, staff: Callable[..., Client]
    ) -> None:
        join()
        job = running()
        page = page_of(job.id)
        assert '<h2 id="log">' not in boss.get(page).content.decode()

        AttemptLog.objects.create(job_id=job.id, epoch=1, count=9, lines=LINES)

        found = text(boss, page)
        assert "8 lines are left out." in found
        assert "WARNING no <b>frame</b>" in html.unescape(found)
        assert "WARNING" not in text(staff("view_job"), page)

    def test_the_page_is_drawn_again_when_a_line_is_logged(self) -> None:
        join()
        job = running()
        before = page_version(job.id)
        AttemptLog.objects.create(job_id=job.id, epoch=1, count=1, lines=LINES)

        assert page_version(job.id) != before

    def test_steps_of_its_run_are_shown_with_those_that_wait(self, boss: Client) -> None:
        run = Run.objects.create(id="run", workflow="dam/update")
        tail = {"link": [{"task": "offload.step", "options": {"offload_topic": "dam/after"}}]}
        first = waiting(run_id=run.pk, tail=tail)[0]
        waiting(topic="dam/beside", run_id=run.pk)

        found = text(boss, page_of(first))

        assert "Steps of dam/update" in found
        assert "dam/beside ◌ pending" in found
        assert "dam/after ◌ waits for earlier steps" in found

    def test_an_id_is_any_text(self, boss: Client) -> None:
        join()
        odd = "a/b c_d?e#f"
        Job.objects.create(pk=odd, topic=TOPIC, lane=f"default||{TOPIC}")
        listed = boss.get(JOBS)

        link = re.search(rb'href="([^"]*/change/)', listed.content)

        assert link is not None
        assert odd in text(boss, link[1].decode())
        assert boss.get(link[1].decode().replace("/change/", "/now/")).status_code == 200

    def test_what_it_works_on_is_sealed(self, staff: Callable[..., Client]) -> None:
        job = waiting(properties={"iban": "secret"})[0]
        Job.objects.update(result="hidden", traceback="line 1")

        closed = text(staff("view_job"), page_of(job))
        opened = text(staff("view_job", "see_payload"), page_of(job))

        assert not any(word in closed for word in ("secret", "hidden", "line 1"))
        assert all(word in opened for word in ("secret", "hidden", "line 1"))

    def test_a_job_that_is_not_there_is_not_found(self, boss: Client) -> None:
        assert boss.get(page_of("nobody")).status_code == 404
        assert boss.get(page_of("nobody", "now")).status_code == 404
