from __future__ import annotations

import pytest

from offload.core.nearness import did_you_mean, nearest_topic, unknown_key


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("rendr", " Did you mean 'render'?"),
        ("RENDER", " Did you mean 'render'?"),
        ("zoo", ""),
        ("", ""),
        ("x" * 100_000, ""),
    ],
)
def test_the_nearest_name_is_asked_for(word: str, told: str) -> None:
    assert did_you_mean(word, ["render", "audio"]) == told


@pytest.mark.parametrize(
    ("word", "told"),
    [("one", " Did you mean 'celery@one'?"), ("Two", " Did you mean 'celery@two'?"), ("x", "")],
)
def test_an_instance_is_known_by_the_name_its_worker_was_started_under(
    word: str, told: str
) -> None:
    assert did_you_mean(word, ["celery@one", "celery@two"]) == told


KNOWN = ["dam/rendition/*", "dam/meta", "audio/**", "**"]


@pytest.mark.parametrize(
    ("topic", "near"),
    [
        ("dam/renditon/web", "dam/rendition/*"),
        ("DAM/rendition/web", "dam/rendition/*"),
        ("audio", "audio/**"),
        ("adio/mix/left/right", "audio/**"),
        ("dam/mta", "dam/meta"),
        ("zoo", ""),
        ("x" * 100_000, ""),
    ],
)
def test_the_nearest_topic_is_found_also_by_a_pattern(topic: str, near: str) -> None:
    assert nearest_topic(topic, KNOWN) == near


def test_a_topic_is_not_its_own_nearest() -> None:
    assert nearest_topic("dam/meta", ["dam/meta"]) == ""


def test_an_unknown_key_is_told_with_the_nearest_or_all() -> None:
    assert unknown_key("topix", ["topics", "type"]) == "it has no 'topix'; did you mean 'topics'?"
    assert unknown_key(7, ["topics", "type"]) == "it has no 7; there are topics, type"
