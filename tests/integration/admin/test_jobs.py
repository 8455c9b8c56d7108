"""Jobs in the admin: lists, filters, and acts on many."""

from __future__ import annotations

from dataclasses import replace
from functools import partial, partialmethod
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from offload.admin import paging
from offload.admin.jobs import JobAdmin
from offload.db import database  # fmt: skip
from offload.models import Job
from offload.operations import bulk
from offload.tracking import terminations
from tests.arranging import arrange
from tests.integration.admin.pages import press, told
from tests.integration.world import TOPIC, age, bound, join, states, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from offload.browser.jobs.actions import Action


def _act_on_three(jobs: JobAdmin, act: Any, request: Any, which: Any, what: Action) -> Any:
    """Change no more than three jobs by one request."""
    do: Any = what.do
    return act(jobs, request, which, replace(what, do=partial(do, most=3)))


class TestJobs:
    """The action on the list of jobs."""

    LIST = reverse("admin:offload_job_changelist")

    def test_selected_jobs_are_stopped_and_logged(self, boss: Client) -> None:
        ids = waiting(2)
        ended = Job.objects.get(pk=waiting()[0])
        arrange(Job.objects.filter(pk=ended.pk), state="SUCCEEDED", finished_at=ended.created_at)

        answer = press(boss, self.LIST, "stop", *Job.objects.all())

        assert states([*ids, ended.pk]) == ["STOPPED", "STOPPED", "SUCCEEDED"]
        assert "2 jobs were asked to stop." in told(answer)
        assert {entry.object_id for entry in LogEntry.objects.all()} == set(ids)

    def test_stopping_needs_its_permission(self, staff: Callable[..., Client]) -> None:
        ids = waiting()

        press(staff("view_job"), self.LIST, "stop", *Job.objects.all())
        assert states(ids) == ["PENDING"]

        press(staff("view_job", "operate_job"), self.LIST, "stop", *Job.objects.all())
        assert states(ids) == ["STOPPED"]

    def test_what_has_ended_is_retried_once(self, boss: Client) -> None:
        ids = waiting(2)
        terminations.give_up(ids, state="GIVEN_UP", error_type="builtins.ValueError", error="no")

        first = press(boss, self.LIST, "retry", *Job.objects.all())
        again = press(boss, self.LIST, "retry", *Job.objects.ids(ids))

        assert "2 jobs were submitted again." in told(first)
        assert "2 jobs were skipped" in told(again)
        assert "It was retried as" in told(again)
        assert Job.objects.exclude(retry_of=None).count() == 2

    @pytest.mark.parametrize(
        ("action", "state", "said"),
        [
            ("force", "STOPPED", "2 jobs are stopped by force."),
            ("remove", "DROPPED", "2 jobs were removed."),
        ],
    )
    def test_what_is_risky_is_asked_before(
        self, boss: Client, action: str, state: str, said: str
    ) -> None:
        ids = waiting(2)

        page = press(boss, self.LIST, action, *Job.objects.all()).content.decode()
        assert "<strong>2</strong> of the selected jobs" in page
        assert states(ids) == ["PENDING", "PENDING"]

        data = {"action": action, "_selected_action": ids, "post": "yes", "select_across": "0"}
        assert said in told(boss.post(self.LIST, data))
        assert states(ids) == [state, state]

    def test_all_that_match_are_asked_about_bounded_and_the_rest_is_counted(
        self, boss: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = waiting(5)
        others = waiting(topic="dam/other")
        monkeypatch.setattr(JobAdmin, "act", partialmethod(_act_on_three, JobAdmin.act))
        at = f"{self.LIST}?topic={TOPIC}"
        data = {"action": "stop", "_selected_action": ids[:1], "select_across": "1"}

        asked = boss.post(at, data).content.decode()
        assert "<strong>5</strong> of the selected jobs" in asked
        answer = boss.post(at, {**data, "post": "yes"})

        assert "3 jobs were asked to stop." in told(answer)
        assert "2 more are left" in told(answer)
        assert states(ids).count("STOPPED") == 3
        assert states(others) == ["PENDING"]
        assert LogEntry.objects.count() == 3

    @pytest.mark.parametrize(("most", "shown"), [(4, "4+"), (5, "5")])
    def test_a_count_that_ends_before_the_jobs_do_says_so(
        self, boss: Client, monkeypatch: pytest.MonkeyPatch, most: int, shown: str
    ) -> None:
        ids = waiting(5)
        monkeypatch.setattr(paging, "COUNTED_ROWS_MAX", most)
        monkeypatch.setattr(bulk, "COUNTED_JOBS_MAX", most)
        monkeypatch.setattr(JobAdmin, "list_per_page", 2)
        data = {"action": "stop", "_selected_action": ids[:1], "select_across": "1"}

        listed = boss.get(self.LIST).content.decode()
        asked = boss.post(self.LIST, data).content.decode()

        assert f"Select all {shown} jobs" in listed
        assert f"All {shown} selected" in listed
        assert f"<strong>{shown}</strong> of the selected jobs" in asked

    @pytest.mark.parametrize(
        ("within", "shown"), [("hour", 1), ("day", 2), ("week", 3), ("x", 4), ("", 4)]
    )
    def test_jobs_are_narrowed_by_when_they_were_submitted(
        self, boss: Client, within: str, shown: int
    ) -> None:
        for job_id, hours in zip(waiting(4), (0, 2, 30, 200), strict=True):
            age([job_id], "created_at", seconds=hours * 3600)

        page: Any = boss.get(f"{self.LIST}?submitted={within}")

        assert len(page.context["cl"].result_list) == shown

    def test_what_was_submitted_lately_is_found_by_an_index(self) -> None:
        lately = Job.objects.filter(created_at__gt=timezone.now(), topic=TOPIC)

        plan = lately.order_by("-created_at", "-id")[:50].explain()

        assert "created_at>" in plan

    def test_topics_and_instances_are_broken_between_their_parts(self, boss: Client) -> None:
        join()
        bound()

        listed = boss.get(self.LIST).content.decode()

        assert "dam/<wbr>rendition/<wbr>web</span></a>" in listed
        assert "render@<wbr>gpu1</span></td>" in listed

    @pytest.mark.parametrize("action", ["retry", "stop", "force", "remove"])
    def test_no_action_is_offered_without_its_permission(
        self, staff: Callable[..., Client], action: str
    ) -> None:
        ids = waiting()

        viewer = staff("view_job")
        press(viewer, self.LIST, action, *Job.objects.all())

        assert f'value="{action}"' not in viewer.get(self.LIST).content.decode()
        assert states(ids) == ["PENDING"]
        assert Job.objects.count() == 1

    def test_thousands_are_stopped_by_a_few_statements_for_each_batch(self, boss: Client) -> None:
        count = 2 * bulk.JOBS_PER_TRANSACTION
        waiting(count)
        data = {"action": "stop", "_selected_action": ["x"], "select_across": "1", "post": "yes"}

        with CaptureQueriesContext(database.connection()) as asked:
            answer = boss.post(self.LIST, data)

        assert f"{count} jobs were asked to stop." in told(answer)
        assert Job.objects.filter(state="STOPPED").count() == count
        assert len(asked) < 50

    def test_the_list_shows_states_by_glyph_and_word(self, boss: Client) -> None:
        waiting()

        assert "◌</span> pending" in boss.get(self.LIST).content.decode()
