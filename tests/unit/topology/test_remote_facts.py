"""The values of other clusters' news."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from offload.topology import RemoteNews, RemoteRule


def test_news_say_nothing_that_was_not_announced_and_stay_as_they_are() -> None:
    news = RemoteNews(age=1.0)
    assert (news.running, news.room, news.rules) == (None, None, None)
    with pytest.raises(FrozenInstanceError):
        news.room = 1  # type: ignore[misc]


def test_equal_rules_are_one() -> None:
    first, second = (RemoteRule(verb="deny", pattern="dam/**") for _ in range(2))
    assert len({first, second}) == 1


def test_rules_that_end_differ_from_those_that_do_not() -> None:
    ends = datetime(2050, 1, 1, tzinfo=UTC)
    assert RemoteRule(verb="deny", pattern="a", until=ends) != RemoteRule(verb="deny", pattern="a")
