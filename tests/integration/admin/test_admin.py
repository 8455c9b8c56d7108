"""The admin: machine-made rows are looked at, what people desire is edited and acts at once."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.messages import get_messages
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from offload.admin import paging
from offload.admin.jobs import JobAdmin
from offload.db import database  # fmt: skip
from offload.fleet import rules
from offload.fleet.snapshots import snapshot
from offload.models import (
    Attempt,
    Dependency,
    Exclusion,
    Job,
    Join,
    Lease,
    Payload,
    PayloadFile,
    Queue,
    Rule,
    Run,
    Slot,
    Switch,
)
from offload.operations import bulk
from offload.tracking import terminations
from tests.arranging import arrange
from tests.integration.world import HERE, TOPIC, age, bound, join, states, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.db.models import Model
    from django.test import Client

EDITED = {Rule, Switch, Queue}
MODELS = list(apps.get_app_config("offload").get_models())
MACHINE_MADE = [model for model in MODELS if model not in EDITED]

ADD_RULE = reverse("admin:offload_rule_add")
RULES = reverse("admin:offload_rule_changelist")
RULE = {"verb": "deny", "scope": "instance", "target": HERE, "pattern": TOPIC, "note": ""}
ADD_QUEUE = reverse("admin:offload_queue_add")
QUEUES = reverse("admin:offload_queue_changelist")
QUEUE = {
    "name": "narrow",
    "topics": "dam/**",
    "ranking": "0",
    "type": "unordered",
    "max_parallel": "",
    "retries": "10",
    "retry_delay": "2",
    "backoff": "1",
    "retention_days": "",
}


def address(row: Model, name: str) -> str:
    """Return an address of a row."""
    return reverse(f"admin:offload_{row._meta.model_name}_{name}", args=[quote(row.pk)])


def errors(answer: Any) -> str:
    """Return what a form complains of; it must have been refused."""
    assert answer.status_code == 200
    form: Any = answer.context["adminform"].form
    return " ".join(str(one) for found in form.errors.values() for one in found)


def told(answer: Any) -> str:
    """Return what a change told; it must have been made."""
    assert answer.status_code == 302
    return " ".join(str(one) for one in get_messages(answer.wsgi_request))


def press(client: Client, at: str, action: str, *rows: Model) -> Any:
    """Run an action on rows of a list."""
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(at, data)


@pytest.fixture
def one_of_each() -> dict[type[Model], Model]:
    """Return a row of every model that the machine makes."""
    join()
    job = Job.objects.get(pk=waiting()[0])
    payload = Payload.objects.create(id="payload", storage="offload")
    canvas: dict[str, Any] = {"body": {"task": "dam.after"}, "tree": []}
    whole = Join.objects.create(id="join", **canvas)
    Slot.objects.get_or_create(instance=HERE)
    Attempt.objects.create(job=job, epoch=1, instance=HERE, incarnation="i", cause="failed")
    Dependency.objects.create(join=whole, needs=job.pk)
    Exclusion.objects.create(job=job, incarnation="i", reason="no", until=timezone.now())
    Lease.objects.create(
        name="leader", holder=HERE, incarnation="i", term=1, expires_at=timezone.now()
    )
    PayloadFile.objects.create(
        payload=payload, name="a", size=1, media_type="a/b", sha256="0" * 64, location="a"
    )
    Run.objects.create(id="run", workflow="dam/update")
    return {model: model._default_manager.all()[0] for model in MACHINE_MADE}


def test_every_model_is_in_the_admin() -> None:
    assert {model for model in MODELS if django_admin.site.is_registered(model)} == set(MODELS)


@pytest.mark.parametrize("model", MACHINE_MADE, ids=lambda model: model.__name__)
def test_machine_made_rows_are_looked_at_and_never_edited(
    model: type[Model], one_of_each: dict[type[Model], Model], boss: Client
) -> None:
    row, name = one_of_each[model], model._meta.model_name
    listed = reverse(f"admin:offload_{name}_changelist")

    assert boss.get(listed).status_code == 200
    assert boss.get(address(row, "change")).status_code == 200
    assert boss.get(address(row, "history")).status_code == 200
    assert boss.post(address(row, "change"), {"x": "1"}).status_code in {403, 405}
    assert boss.get(reverse(f"admin:offload_{name}_add")).status_code == 403
    assert boss.post(address(row, "delete"), {"post": "yes"}).status_code == 403
    press(boss, listed, "delete_selected", row)
    assert model._default_manager.filter(pk=row.pk).exists()


class TestRules:
    """Rules as forms."""

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"pattern": "a//b"}, "'a//b' is not a pattern: a segment is empty. Write 'a/b'"),
            ({"pattern": "a/*/b"}, "a wildcard stands alone as the last segment"),
            ({"target": "render@*"}, "This is a glob: choose the scope glob"),
            ({"target": ""}, "This field is required."),
            ({"until_0": "2020-01-01", "until_1": "00:00"}, "This has passed."),
        ],
    )
    def test_a_mistake_is_explained(
        self, boss: Client, change: dict[str, str], problem: str
    ) -> None:
        assert problem in errors(boss.post(ADD_RULE, {**RULE, **change}))
        assert not Rule.objects.exists()

    def test_the_same_rule_twice_is_refused(self, boss: Client) -> None:
        boss.post(ADD_RULE, RULE)

        assert "This rule exists already." in errors(boss.post(ADD_RULE, RULE))

    def test_a_new_rule_acts_at_once_and_knows_its_maker(self, boss: Client, admin: User) -> None:
        join()
        ids = [job.id for job in bound(2)]

        answer = boss.post(ADD_RULE, RULE)

        assert states(ids) == ["PENDING", "PENDING"]
        assert "2 unstarted jobs were taken back" in told(answer)
        assert Rule.objects.get().created_by == admin

    def test_a_changed_rule_acts_at_once(self, boss: Client) -> None:
        join()
        rule = rules.deny(HERE, "other")
        ids = [job.id for job in bound(2)]

        boss.post(address(rule, "change"), RULE)

        assert states(ids) == ["PENDING", "PENDING"]

    @pytest.mark.parametrize("in_bulk", [True, False])
    def test_a_deleted_rule_acts_at_once(self, boss: Client, in_bulk: bool) -> None:
        join()
        rules.allow(HERE, "other")
        allowing = rules.allow(HERE, TOPIC)
        ids = [job.id for job in bound(2)]
        before = snapshot(fresh=True).version

        if in_bulk:
            data = {"action": "delete_selected", "_selected_action": [allowing.pk], "post": "yes"}
            boss.post(RULES, data)
        else:
            boss.post(address(allowing, "delete"), {"post": "yes"})

        assert states(ids) == ["PENDING", "PENDING"]
        assert snapshot(fresh=True).version > before

    def test_an_allow_replaces_the_deny_of_the_same(self, boss: Client) -> None:
        join()
        rules.deny(HERE, TOPIC)

        answer = boss.post(ADD_RULE, {**RULE, "verb": "allow"})

        assert "replaces the deny" in told(answer)
        assert [rule.verb for rule in Rule.objects.all()] == ["allow"]

    def test_an_allow_for_a_time_lets_the_deny_rest(self, boss: Client) -> None:
        join()
        rules.deny(HERE, TOPIC)
        end = timezone.now() + timedelta(days=1)
        data = {**RULE, "verb": "allow", "until_0": f"{end:%Y-%m-%d}", "until_1": "00:00:00"}

        answer = boss.post(ADD_RULE, data)

        assert "rests until" in told(answer)
        deny, allow = Rule.objects.order_by("pk")
        assert deny.rests_until == allow.until

        boss.post(address(allow, "delete"), {"post": "yes"})

        assert Rule.objects.get().rests_until is None

    @pytest.mark.parametrize("in_bulk", [True, False])
    def test_who_deletes_the_last_allow_is_told_before_that_it_opens_the_instance(
        self, boss: Client, in_bulk: bool
    ) -> None:
        join()
        deny = rules.deny(HERE, "dam/other")
        last = rules.allow(HERE, TOPIC)

        def asked(rule: Rule) -> str:
            data = {"action": "delete_selected", "_selected_action": [rule.pk]}
            page = boss.post(RULES, data) if in_bulk else boss.get(address(rule, "delete"))
            return page.content.decode()

        assert f"This is the last allow of {HERE}." in asked(last)
        assert "last allow" not in asked(deny)

    def test_a_deny_leaves_the_allow(self, boss: Client) -> None:
        join()
        rules.allow(HERE, TOPIC)

        boss.post(ADD_RULE, RULE)

        assert {rule.verb for rule in Rule.objects.all()} == {"allow", "deny"}

    def test_a_name_nobody_has_is_a_warning(self, boss: Client) -> None:
        assert f"No worker named {HERE}" in told(boss.post(ADD_RULE, RULE))
        assert Rule.objects.count() == 1

    def test_an_end_to_come_is_kept(self, boss: Client) -> None:
        end = timezone.now() + timedelta(days=1)
        data = {**RULE, "until_0": f"{end:%Y-%m-%d}", "until_1": f"{end:%H:%M:%S}"}

        boss.post(ADD_RULE, data)

        assert Rule.objects.get().until == end.replace(microsecond=0)


class TestSwitches:
    """Instances that are off, as rows."""

    ADD = reverse("admin:offload_switch_add")

    def test_an_instance_is_switched_off_by_a_row_and_on_by_deleting_it(self, boss: Client) -> None:
        join()
        ids = [job.id for job in bound(2)]

        boss.post(self.ADD, {"instance": HERE, "note": "maintenance"})
        assert states(ids) == ["PENDING", "PENDING"]
        assert [one.is_off for one in snapshot(fresh=True).topology.instances] == [True]

        boss.post(address(Switch.objects.get(), "delete"), {"post": "yes"})
        assert [one.is_off for one in snapshot(fresh=True).topology.instances] == [False]

    def test_an_unknown_instance_is_refused_with_those_there_are(self, boss: Client) -> None:
        join()

        found = errors(boss.post(self.ADD, {"instance": "nobody", "note": ""}))

        assert f"No worker of that name was ever announced. There are: {HERE}." in found

    def test_moments_are_told_by_their_age(self, boss: Client) -> None:
        join()
        rules.switch(HERE, off=True)
        rules.deny(HERE, TOPIC, until=timezone.now() + timedelta(hours=3))

        at = reverse("admin:offload_switch_changelist")
        assert re.search(r"<time [^>]*>\d+ s ago</time>", boss.get(at).content.decode())
        assert re.search(r"<time [^>]*>in 2 h</time>", boss.get(RULES).content.decode())
        assert "in 2 h" in boss.get(RULES, {"o": "-6"}).content.decode()

    def test_the_note_is_edited_and_the_name_is_not(self, boss: Client) -> None:
        join()
        rules.switch(HERE, off=True)

        boss.post(address(Switch.objects.get(), "change"), {"instance": "x", "note": "later"})

        assert [(row.pk, row.note) for row in Switch.objects.all()] == [(HERE, "later")]


class TestQueues:
    """Queues as forms."""

    def test_patterns_are_lines(self, boss: Client) -> None:
        boss.post(ADD_QUEUE, {**QUEUE, "topics": "dam/**\r\n\r\n  billing/* \r\n"})

        queue = Queue.objects.get()
        assert queue.topics == ["dam/**", "billing/*"]
        page = boss.get(address(queue, "change")).content.decode()
        assert "dam/**\nbilling/*</textarea>" in page

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"topics": "dam/**\nb//c"}, "Line 2: 'b//c' is not a pattern: a segment is empty."),
            ({"topics": " \n "}, "This field is required."),
            ({"type": "ordered", "max_parallel": "3"}, "An ordered queue runs one job at a time"),
            ({"max_parallel": "0"}, "greater than or equal to 1"),
            ({"retries": "-2"}, "greater than or equal to -1"),
            ({"name": "a b"}, "slug"),
        ],
    )
    def test_a_mistake_is_explained(
        self, boss: Client, change: dict[str, str], problem: str
    ) -> None:
        assert problem in errors(boss.post(ADD_QUEUE, {**QUEUE, **change}))
        assert not Queue.objects.exists()

    def test_the_default_queue_is_shown_and_changed_without_a_row(self, boss: Client) -> None:
        page = boss.get(QUEUES).content.decode()
        assert "The queue <strong>default</strong> takes every topic" in page
        assert f'href="{ADD_QUEUE}?name=default"' in page

        form: Any = boss.get(f"{ADD_QUEUE}?name=default").context["adminform"].form
        assert form.initial["topics"] == ["**"]
        data = {key: value for key, value in form.initial.items() if value is not None}
        assert boss.post(ADD_QUEUE, {**data, "topics": "**", "retries": "3"}).status_code == 302

        assert snapshot(fresh=True).policy("default").retry.retries == 3
        assert "It has no row" not in boss.get(QUEUES).content.decode()

    def test_who_may_not_add_a_queue_is_not_offered_to(self, staff: Callable[..., Client]) -> None:
        page = staff("view_queue").get(QUEUES).content.decode()

        assert "The queue <strong>default</strong>" in page
        assert "?name=default" not in page

    def test_a_lower_limit_takes_back_what_is_beyond_it(self, boss: Client) -> None:
        join()
        queue = Queue.objects.create(name="narrow", topics=["dam/**"])
        ids = [job.id for job in bound(3, queue="narrow")]

        answer = boss.post(address(queue, "change"), {**QUEUE, "max_parallel": "1"})

        assert states(ids) == ["QUEUED", "PENDING", "PENDING"]
        assert "2 unstarted jobs were taken back" in told(answer)

    def test_jobs_know_a_queue_by_its_name_so_it_stays(self, boss: Client) -> None:
        queue = Queue.objects.create(name="narrow", topics=["dam/**"])

        boss.post(address(queue, "change"), {**QUEUE, "name": "wide", "ranking": "7"})

        assert [(row.name, row.ranking) for row in Queue.objects.all()] == [("narrow", 7)]

    def test_queues_are_suspended_and_resumed_from_the_list(self, boss: Client) -> None:
        join()
        queue = Queue.objects.create(name="narrow", topics=["dam/**"])
        ids = [job.id for job in bound(2, queue="narrow")]

        press(boss, QUEUES, "suspend", queue)
        assert states(ids) == ["PENDING", "PENDING"]
        assert snapshot(fresh=True).policy("narrow").suspended

        press(boss, QUEUES, "resume", queue)
        assert not snapshot(fresh=True).policy("narrow").suspended
        assert LogEntry.objects.count() == 2

    def test_the_list_says_why_a_queue_is_held_and_who_made_it(self, boss: Client) -> None:
        Queue.objects.create(name="a", topics=["a"], suspended=True, note="licence moves")
        Queue.objects.create(name="b", topics=["b"], is_declared=True)

        shown = boss.get(QUEUES).content.decode()

        assert "</span> licence moves" in shown
        assert "people" in shown
        assert "the settings</td>" in shown

    def test_jobs_that_a_queue_comes_too_late_for_are_told_of(self, boss: Client) -> None:
        waiting(2)
        add = reverse("admin:offload_queue_add")

        shown = boss.post(add, {**QUEUE, "topics": TOPIC}, follow=True).content.decode()

        assert "2 jobs of its topics were submitted before, and stay in their queues." in shown

    def test_suspending_needs_its_own_permission(self, staff: Callable[..., Client]) -> None:
        queue = Queue.objects.create(name="narrow", topics=["dam/**"])

        press(staff("view_queue"), QUEUES, "suspend", queue)
        assert not Queue.objects.get().suspended

        press(staff("view_queue", "manage_queue"), QUEUES, "suspend", queue)
        assert Queue.objects.get().suspended

    @pytest.mark.parametrize("in_bulk", [True, False])
    def test_a_deleted_queue_leaves_its_jobs_to_the_default(
        self, boss: Client, in_bulk: bool
    ) -> None:
        queue = Queue.objects.create(name="narrow", topics=["dam/**"], suspended=True)
        snapshot(fresh=True)

        if in_bulk:
            data = {"action": "delete_selected", "_selected_action": [queue.pk], "post": "yes"}
            boss.post(QUEUES, data)
        else:
            boss.post(address(queue, "delete"), {"post": "yes"})

        assert not snapshot(fresh=True).policy("narrow").suspended


def _change_three(change: Any, which: Any, act: Any, most: int) -> Any:
    """Change no more than three jobs by one request."""
    assert most == bulk.JOBS_PER_REQUEST
    return change(which, act, 3)


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
        assert "2 jobs were passed over" in told(again)
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
        monkeypatch.setattr(bulk, "_change", partial(_change_three, bulk._change))
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
