"""The page of the matrix: failures, cells and rules, as each user may see them."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from offload.models import Switch
from offload.rules import editing
from tests.integration.browser.pages import MATRIX, MATRIX_NOW, apply, failed, text, version
from tests.integration.world import HERE, TOPIC, join, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client


class TestFailures:
    """Recent failures on the first page."""

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
        rule = editing.deny(HERE, TOPIC)
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
        editing.deny(HERE, TOPIC)

        assert "✕ denied ≠ applied: ✓ allowed · 0 s" in text(boss, MATRIX)

        apply()
        assert "≠" not in text(boss, MATRIX).split("What the cells mean")[0]

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


class TestNotes:
    """The note of what narrows an instance stands in the cell, with its reason."""

    def test_of_a_deny(self, boss: Client) -> None:
        join()
        rule = editing.deny(HERE, TOPIC, note="Colours are <wrong>.")

        told = f"✕ denied applied Rule {rule.pk} denies {TOPIC} on {HERE}: Colours are &lt;wrong"
        apply()
        assert told in text(boss, MATRIX)

    def test_of_an_allow_where_it_applies_and_where_it_bars(self, boss: Client) -> None:
        join()
        rule = editing.allow(HERE, TOPIC, note="only colours")
        waiting(topic="dam/other")

        found = text(boss, MATRIX)

        assert f"Rule {rule.pk} allows {TOPIC} and nothing else: only colours." in found
        assert f"{HERE} is allowed only {TOPIC}: only colours." in found

    def test_of_a_switch(self, boss: Client) -> None:
        join()
        Switch.objects.create(instance=HERE, note="disk is full")

        assert f"{HERE} is switched off: disk is full." in text(boss, MATRIX)

    def test_in_a_large_matrix_the_chosen_cell_shows_it(self, boss: Client) -> None:
        topics = [f"dam/step{number:02d}" for number in range(50)]
        consumers = [{"pattern": topic, "task": "dam.work"} for topic in topics]
        for number in range(4):
            join(f"render@gpu{number}", consumers=consumers)
        editing.deny("render@gpu1", topics[1], note="Colours are wrong.")

        assert "Colours are wrong" not in text(boss, MATRIX)
        found = text(boss, f"{MATRIX}?{urlencode({'cell': f'render@gpu1 {topics[1]}'})}")
        assert f"denies {topics[1]} on render@gpu1: Colours are wrong." in found
