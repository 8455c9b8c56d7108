"""The list of jobs: filters, pages and columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from tests.integration.browser.pages import JOBS, failed, text
from tests.integration.world import HERE, age, bound, join, waiting

if TYPE_CHECKING:
    from django.test import Client


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
        with django_assert_max_num_queries(14) as captured:
            boss.get(JOBS)

        counts = [one["sql"] for one in captured.captured_queries if "COUNT(" in one["sql"]]
        assert counts
        assert all("LIMIT 10001" in sql for sql in counts)
