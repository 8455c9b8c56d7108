"""Queues in the admin: each field is checked, and acts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from offload.fleet.snapshots import snapshot
from offload.models import Queue
from tests.integration.admin.pages import ADD_QUEUE, QUEUE, address, errors, press, told
from tests.integration.world import TOPIC, bound, join, states, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client


QUEUES = reverse("admin:offload_queue_changelist")


class TestQueues:
    """Queues as forms."""

    def test_patterns_are_lines(self, boss: Client) -> None:
        boss.post(ADD_QUEUE, {**QUEUE, "topics": "dam/**\r\n\r\n  billing/* \r\n"})

        queue = Queue.objects.get()
        assert queue.topics == ["dam/**", "billing/*"]
        page = boss.get(address(queue, "change")).content.decode()
        assert "dam/**\nbilling/*</textarea>" in page

    def test_what_instances_must_have_is_set_and_cleared(self, boss: Client) -> None:
        boss.post(ADD_QUEUE, {**QUEUE, "requires": '{"ram_gb": {">=": 64}}'})
        queue = Queue.objects.get()
        assert queue.requires == {"ram_gb": {">=": 64}}

        boss.post(address(queue, "change"), {**QUEUE, "requires": ""})

        queue.refresh_from_db()
        assert queue.requires == {}

    def test_what_instances_had_better_have_is_set_and_cleared(self, boss: Client) -> None:
        boss.post(ADD_QUEUE, {**QUEUE, "prefers": '[[{"gpu": true}, 5]]'})
        queue = Queue.objects.get()
        assert queue.prefers == [[{"gpu": True}, 5]]

        boss.post(address(queue, "change"), {**QUEUE, "prefers": ""})

        queue.refresh_from_db()
        assert queue.prefers == []

    def test_rules_by_keys_are_made_and_cleared(self, boss: Client) -> None:
        rules = {"key": "tenant", "max_per_key": "2", "fair": "on", "weights": '{"acme": 3}'}
        boss.post(ADD_QUEUE, {**QUEUE, **rules, "max_per_instance": "0.5"})
        queue = Queue.objects.get()
        assert (queue.key, queue.max_per_key, queue.fair) == ("tenant", 2, True)
        assert (queue.weights, queue.max_per_instance) == ({"acme": 3}, 0.5)
        boss.post(address(queue, "change"), QUEUE)
        queue.refresh_from_db()
        assert (queue.key, queue.max_per_key, queue.fair, queue.weights) == ("", None, False, {})

    def test_windows_are_lines(self, boss: Client) -> None:
        boss.post(ADD_QUEUE, {**QUEUE, "windows": "mon-fri 22:00-06:00\n\n12:00-13:00 "})
        queue = Queue.objects.get()
        assert queue.windows == ["mon-fri 22:00-06:00", "12:00-13:00"]

        boss.post(address(queue, "change"), {**QUEUE, "windows": ""})

        queue.refresh_from_db()
        assert queue.windows == []

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"topics": "dam/**\nb//c"}, "Line 2: 'b//c' is not a pattern: a segment is empty."),
            ({"topics": " \n "}, "This field is required."),
            ({"type": "ordered", "max_parallel": "3"}, "An ordered queue runs one job at a time"),
            ({"max_parallel": "0"}, "greater than or equal to 1"),
            ({"retries": "-2"}, "greater than or equal to -1"),
            ({"name": "a b"}, "slug"),
            ({"requires": '{"ram_gb": {"=>": 1}}'}, "is no comparison"),
            ({"windows": "mon 22-6\n"}, "Line 1: The window"),
            ({"time_zone": "Mars/Base"}, "There is no time zone"),
            ({"rate": "100"}, "is no number of jobs per unit of time"),
            ({"burst": "5"}, "give a rate too"),
            ({"key": "a..b"}, "no path of a property"),
            ({"type": "ordered", "max_per_key": "2"}, "one job run at a time"),
            ({"fair": "on", "weights": '{"acme": 0}'}, "from 1 to 1,000"),
            ({"prefers": '[[{"gpu": true}, "much"]]'}, "is no number"),
            ({"requires": "gpu"}, "Enter a valid JSON."),
            ({"requires": "[" * 5000}, "Enter a valid JSON."),
            ({"weights": "[" * 5000 + "]" * 5000}, "Enter a valid JSON."),
            ({"requires": '["gpu"]'}, "is no object"),
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

        assert "Submitted before, 2 jobs of its topics stay in queue default and go by it." in shown

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
