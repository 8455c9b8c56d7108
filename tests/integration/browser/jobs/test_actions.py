"""Buttons of a job: those that would change it, and what they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from offload.models import ChangeRecord, Job
from tests.arranging import arrange, arrange_new
from tests.integration.browser.buttons import STOP, page_of, told
from tests.integration.world import HERE, TOPIC, join, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client


@pytest.fixture(autouse=True)
def _cluster() -> None:
    join()
    Job.objects.create(pk="the-job", topic="dam/stopped", lane="default||dam/stopped")
    arrange_new(pk="ended", topic=TOPIC, lane="x||x", state="GIVEN_UP", finished_at=timezone.now())


def test_a_waiting_job_is_stopped_at_once_and_a_running_one_is_asked(boss: Client) -> None:
    assert "STOPPED" in told(boss.post(STOP))

    arrange_new(
        pk="runs", topic=TOPIC, lane="x||x", state="ACTIVE", instance=HERE, incarnation="i", epoch=1
    )
    answer = boss.post(reverse("admin:offload_job_stop", args=["runs"]))

    assert "was asked to stop" in told(answer)
    assert Job.objects.get(pk="runs").stop_requested


def test_a_job_is_removed_before_it_runs_and_refused_while_it_does(boss: Client) -> None:
    assert told(boss.post(page_of("the-job", "remove"))) == "The job is DROPPED."

    run = running()
    refused = boss.post(page_of(run.id, "remove"))

    assert told(refused).endswith(f"It runs on {HERE}; stop it instead.")
    assert run.row.state == "ACTIVE"


def test_a_stop_by_force_asks_before_it_is_done(boss: Client) -> None:
    run = running()
    page = boss.get(page_of(run.id, "force"))
    assert "Their processes are killed" in page.content.decode()
    assert not run.row.stop_forced

    answer = boss.post(page_of(run.id, "force"))

    assert Job.objects.filter(stop_forced=True).exists()
    assert "Its process is killed by its instance" in told(answer)


def test_a_retry_leads_to_the_new_job_and_the_old_one_names_it(boss: Client) -> None:
    answer: Any = boss.post(page_of("ended", "retry"))

    new = Job.objects.get(retry_of="ended")
    assert answer.url == page_of(new.pk, "change")
    assert "This is a new job that runs ended again." in told(answer)
    old = boss.get(page_of("ended", "change")).content.decode()
    assert "Retried as" in old
    assert new.pk in old
    assert "Retry again" in old


def test_buttons_are_those_that_would_change_the_job(
    boss: Client, staff: Callable[..., Client]
) -> None:
    def shown(client: Client, job_id: str) -> list[str]:
        content = client.get(page_of(job_id, "change")).content.decode()
        return [name for name in ("stop", "force", "remove", "retry") if f'id="{name}"' in content]

    run = running()
    assert shown(boss, "the-job") == ["stop", "remove"]
    assert shown(boss, run.id) == ["stop", "force"]
    assert shown(boss, "ended") == ["retry"]
    Job.objects.filter(pk=run.id).update(stop_requested=True)
    assert shown(boss, run.id) == ["force"]
    assert shown(staff("view_job"), "the-job") == []


@pytest.mark.parametrize(("state", "shown"), [("SUCCEEDED", True), ("STOPPED", False)])
def test_a_job_that_did_its_work_all_the_same_shows_that_it_was_asked_to_stop(
    boss: Client, state: str, shown: bool
) -> None:
    arrange(Job.objects.filter(pk="ended"), state=state, stop_requested=True)

    content = boss.get(page_of("ended", "change")).content.decode()

    assert ("stop requested" in content) is shown


def test_stopping_a_job_that_is_not_there_is_not_found(boss: Client) -> None:
    assert boss.post(reverse("admin:offload_job_stop", args=["nobody"])).status_code == 404


def test_who_acts_on_a_job_is_recorded_with_the_reason(boss: Client) -> None:
    boss.post(page_of("the-job", "force"), {"note": " it prints nonsense "})

    record, entry = ChangeRecord.objects.get(), LogEntry.objects.get()
    assert (record.actor, record.entrance, record.subject) == ("admin", "admin", "the-job")
    assert record.text == "Asked 1 job to stop by force (the-job): it prints nonsense."
    assert (entry.object_id, entry.change_message) == ("the-job", record.text)


def test_what_is_refused_is_not_recorded(boss: Client) -> None:
    boss.post(page_of("ended", "stop"))

    assert not ChangeRecord.objects.exists()
    assert not LogEntry.objects.exists()
