"""Pages of the browser: what they show, to whom, and at what cost."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from offload.fleet import membership, rule_enforcement, rules
from offload.fleet.snapshots import snapshot
from offload.jobs import endings
from offload.models import Instance, Job, Run
from offload.tracking import terminations
from tests.integration.world import (
    HERE,
    THERE,
    TOPIC,
    age,
    announcement,
    bound,
    join,
    running,
    waiting,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

MATRIX = reverse("admin:app_list", args=["offload"])
MATRIX_NOW = reverse("admin:offload_instance_matrix")
FLEET = reverse("admin:offload_instance_changelist")
FLEET_NOW = reverse("admin:offload_instance_fleet")
JOBS = reverse("admin:offload_job_changelist")

#: Statements that find out who asks.
LOGIN = 2
#: Permissions of somebody who may not do everything.
PERMISSIONS = 2
#: Statements that read what the pages about the cluster show.
FACTS = 4


def page_of(job_id: str, name: str = "change") -> str:
    """Return an address of a job."""
    return reverse(f"admin:offload_job_{name}", args=[job_id])


def text(client: Client, address: str) -> str:
    """Return a page as text without its tags."""
    answer = client.get(address)
    assert answer.status_code == 200
    found = re.sub(r"<[^>]*>", " ", answer.content.decode().replace("<wbr>", ""))
    return re.sub(r"\s+", " ", found)


def apply(name: str = HERE) -> None:
    """Let an instance announce that it has applied the rules as they are."""
    row = Instance.objects.get(pk=name)
    rule_enforcement.announce(name, row.incarnation, snapshot(fresh=True))


def version(content: bytes) -> str:
    """Return the version a page shows."""
    found = re.search(rb'id="ob-version" name="v" value="([^"]*)"', content)
    assert found is not None
    return found[1].decode()


def fleet(count: int) -> None:
    """Let so many instances join that consume as many topics, each with a job and a rule."""
    consumers = [{"pattern": f"dam/topic{one}", "task": "dam.work"} for one in range(count)]
    for number in range(count):
        join(f"worker{number}@host", consumers=consumers)
        rules.deny(f"worker{number}@host", f"dam/topic{number}")
        waiting(topic=f"dam/topic{number}")
        apply(f"worker{number}@host")


def failed(
    topic: str = TOPIC,
    *,
    kind: str = "builtins.ValueError",
    error: str = "no",
    ago: float = 60,
    seconds: float = 1,
) -> str:
    """Return a job that was given up so many seconds ago, after an attempt of so many seconds."""
    job_id = waiting(topic=topic)[0]
    terminations.give_up([job_id], state="GIVEN_UP", error_type=kind, error=error)
    end = timezone.now() - timedelta(seconds=ago)
    Job.objects.filter(pk=job_id).update(
        attempts=11, started_at=end - timedelta(seconds=seconds), finished_at=end
    )
    return job_id


class TestFailures:
    """What failed lately, on the first page."""

    def test_they_are_told_by_topic_and_error_with_the_way_to_them(self, boss: Client) -> None:
        join()
        for _ in range(3):
            failed(topic="dam/bad")
        failed(topic="dam/bad", ago=2 * 3600)
        failed(topic="dam/other", kind="shop.errors.NoStock", error="none left of <b>it</b>")

        found = text(boss, MATRIX)

        assert "Failed: 4 in the last hour, 5 in the last day" in found
        assert "dam/bad ValueError no 3 4" in found
        assert "dam/other NoStock none left of &lt;b&gt;it&lt;/b&gt; 1 1" in found
        content = boss.get(MATRIX).content.decode()
        link = re.search(r'id="ob-failed-1" href="([^"]*)"', content)
        assert link is not None
        rows = boss.get(html.unescape(link[1])).context["cl"].queryset
        assert {row.topic for row in rows} == {"dam/bad"}
        assert len(rows) == 4

    def test_a_failure_shows_anew_what_polls(self, boss: Client) -> None:
        join()
        known = version(boss.get(MATRIX).content)
        failed()

        assert b"Failed: 1 in the last hour" in boss.get(MATRIX_NOW, {"v": known}).content

    def test_errors_are_for_those_who_may_see_jobs(self, staff: Callable[..., Client]) -> None:
        join()
        failed(error="secret")

        assert "secret" not in text(staff("view_instance"), MATRIX)
        assert "secret" in text(staff("view_instance", "view_job"), MATRIX)


class TestMatrix:
    """The matrix, at the address of the app."""

    def test_it_shows_instances_topics_and_reasons(self, boss: Client) -> None:
        join()
        rule = rules.deny(HERE, TOPIC)
        waiting(3)
        apply()

        found = text(boss, MATRIX)

        assert "Offloading Browser" in found
        assert f"✕ denied applied Rule {rule.pk} denies {TOPIC} on {HERE}." in found
        assert "3 wait · 0 queued · 0 run" in found
        assert "no instance can run it" in found
        assert f"To end the rule: manage.py offload clear {rule.pk}" in found

    def test_what_is_not_applied_yet_says_so_with_its_age(self, boss: Client) -> None:
        join()
        apply()
        rules.deny(HERE, TOPIC)

        assert "✕ denied ≠ applied: ✓ allowed · 0 s" in text(boss, MATRIX)

        apply()
        assert "≠" not in text(boss, MATRIX).split("What the cells say")[0]

    def test_an_empty_site_says_how_to_start_a_worker(self, boss: Client) -> None:
        found = text(boss, MATRIX)

        assert "No instance has announced itself." in found
        assert "celery -A project worker -n NAME@%h" in found

    def test_names_from_outside_are_text(self, boss: Client) -> None:
        join("<script>alert(1)</script>@host")

        assert b"<script>alert" not in boss.get(MATRIX).content

    def test_whoever_may_not_see_instances_sees_the_list_of_records_alone(
        self, staff: Callable[..., Client]
    ) -> None:
        join()

        found = text(staff("view_rule"), MATRIX)

        assert HERE not in found
        assert "All records" in found

    def test_buttons_are_for_those_who_may_press_them(self, staff: Callable[..., Client]) -> None:
        join()

        assert b'name="deny"' not in staff("view_instance").get(MATRIX).content
        router = staff("view_instance", "change_routing")
        assert b'name="deny"' in router.get(MATRIX).content

    def test_paused_it_asks_for_nothing(self, boss: Client) -> None:
        assert b"every 2s" in boss.get(MATRIX).content
        assert b"every 2s" not in boss.get(f"{MATRIX}?paused").content


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


class TestInstances:
    """The page of instances."""

    def test_it_shows_state_beat_slots_and_topics(self, boss: Client) -> None:
        join(labels=["gpu"])
        running()
        rules.switch(HERE, off=True)

        found = text(boss, FLEET)

        assert f"{HERE} gpu" in found
        off = "● ready ⊘ switched off ≠ rules not applied yet"
        assert f"{off} under 3 s ago 1 of 2 slots holds 1 of 4 nothing" in found
        assert "switch on" in found

    def test_it_names_what_an_instance_may_run_now(self, boss: Client) -> None:
        consumers = [{"pattern": one, "task": "dam.work"} for one in ("a/b", "c/*", "d")]
        join(consumers=consumers)
        rules.deny(HERE, "a/b")
        rules.deny(HERE, "c/d")

        found = text(boss, FLEET)

        assert "of 4 c/* in part d 0 s ago" in found
        assert "a/b" not in found

    def test_those_that_are_gone_are_kept_with_the_reason(self, boss: Client) -> None:
        membership.leave(HERE, join(), reason="its worker died", crash=False)

        assert "○ gone its worker died — 0 of 2 slots" in text(boss, FLEET)

    def test_a_late_beat_is_marked(self, boss: Client) -> None:
        join()
        from_django = Instance.objects.get(pk=HERE)
        Instance.objects.update(beat_at=from_django.beat_at.replace(year=2020))

        assert "⚠ late" in text(boss, FLEET)


class TestJob:
    """The page of one job."""

    def test_a_waiting_job_says_why_with_a_verdict_per_instance(self, boss: Client) -> None:
        join()
        join(THERE)
        rule = rules.deny(THERE, TOPIC)
        job = waiting()[0]

        found = text(boss, page_of(job))

        assert f"{HERE} would run it." in found
        assert f"{HERE} ✓ can run it" in found
        assert f"{THERE} ✕ cannot Rule {rule.pk} denies {TOPIC} on {THERE}." in found
        assert "It has not begun yet." in found

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

    def test_steps_of_its_run_are_shown_with_those_that_wait(self, boss: Client) -> None:
        run = Run.objects.create(id="run", workflow="dam/update")
        tail = {"link": [{"task": "offload.step", "options": {"offload_topic": "dam/after"}}]}
        first = waiting(run_id=run.pk, tail=tail)[0]
        waiting(topic="dam/beside", run_id=run.pk)

        found = text(boss, page_of(first))

        assert "Steps of dam/update" in found
        assert "dam/beside ◌ pending" in found
        assert "dam/after ◌ follows when the steps before it have ended" in found

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


class TestJobList:
    """The list of jobs."""

    def test_it_is_searched_by_id_and_filtered(self, boss: Client) -> None:
        join()
        here = bound()[0].id
        there = waiting(topic="dam/other")[0]

        def found(**query: str) -> set[str]:
            content = boss.get(JOBS, query).content.decode()
            return {one for one in (here, there) if f"/{one}/change/" in content}

        assert found() == {here, there}
        assert found(q=there) == {there}
        assert found(q=there.replace("-", "").upper()) == {there}
        assert found(q=there[:8]) == set()
        assert found(state__exact="QUEUED") == {here}
        assert found(topic="dam/other") == {there}
        assert found(instance=HERE) == {here}

    def test_a_line_says_when_a_job_is_due(self, boss: Client) -> None:
        waiting(delay=7230)
        waiting(delay=0)

        shown = boss.get(reverse("admin:offload_job_changelist")).content.decode()

        assert len(re.findall(r"due <time [^>]*>in 2 h</time>", shown)) == 1

    def test_a_line_says_what_failed_how_often_and_how_long_it_took(self, boss: Client) -> None:
        failed(topic="dam/bad", error="no such width: -3\nand more", seconds=75)

        found = text(boss, JOBS)

        assert "dam/bad ✕ given up" in found
        assert "ValueError: no such width: -3 11" in found
        assert "1 min 15 s" in found
        assert "and more" not in found

    def test_failures_are_found_by_time_error_and_topic(self, boss: Client) -> None:
        recent = failed(topic="dam/bad")
        old = failed(topic="dam/bad", ago=2 * 3600)
        ancient = failed(topic="dam/bad", ago=2 * 86_400)
        other = failed(topic="dam/other", kind="builtins.KeyError")
        waiting()

        def found(**query: str) -> set[str]:
            rows = boss.get(JOBS, query).context["cl"].queryset
            return {row.pk for row in rows}

        assert found(failed="hour") == {recent, other}
        assert found(failed="day") == {recent, old, other}
        assert found(failed="day", topic="dam/bad") == {recent, old}
        assert found(failed="day", error="builtins.KeyError") == {other}
        assert found(error="builtins.ValueError") == {recent, old, ancient}
        assert len(found(failed="nonsense")) == 5

    def test_the_newest_come_first(self, boss: Client) -> None:
        old, new = waiting(2)
        age([old], "created_at", seconds=60)

        content = boss.get(JOBS).content.decode()

        assert content.index(new) < content.index(old)

    def test_it_never_counts_the_whole_table(
        self, boss: Client, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(13) as captured:
            boss.get(JOBS)

        counts = [one["sql"] for one in captured.captured_queries if "COUNT(" in one["sql"]]
        assert counts
        assert all("LIMIT 10001" in sql for sql in counts)


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
            rules.deny(f"worker{number}@host", "dam/topic1")
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
    def test_a_job_costs_eight_questions_at_most(
        self, boss: Client, count: int, django_assert_max_num_queries: Any
    ) -> None:
        fleet(count)
        run = Run.objects.create(id="run", workflow="dam/update")
        job = waiting(count, run_id=run.pk, topic="dam/topic0")[0]
        Job.objects.filter(pk=job).update(epoch=2)

        with django_assert_max_num_queries(LOGIN + 8):
            boss.get(page_of(job))

    @pytest.mark.parametrize("count", [2, 20])
    def test_a_poll_of_a_job_as_it_was_asks_three_questions(
        self, boss: Client, count: int, django_assert_num_queries: Any
    ) -> None:
        fleet(count)
        job = Job.objects.latest("created_at").pk
        known = version(boss.get(page_of(job, "now")).content)

        with django_assert_num_queries(LOGIN + 3):
            assert boss.get(page_of(job, "now"), {"v": known}).status_code == 204


def test_the_log_of_an_instance_is_its_history(boss: Client, admin: User) -> None:
    join()
    boss.post(reverse("admin:offload_instance_desired"), {"deny": f"{HERE} {TOPIC}"})

    history = text(boss, reverse("admin:offload_instance_history", args=[HERE]))

    assert f"Denied {TOPIC} on {HERE}." in history
    assert announcement().name == HERE
