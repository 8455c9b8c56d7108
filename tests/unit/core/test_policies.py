from __future__ import annotations

from typing import Any

import pytest

from offload.core.policies import DEFAULT_POLICY, Policy, QueueType, policy_for
from offload.core.retries import RetryPolicy
from offload.core.topics import Pattern


def queue(name: str, *patterns: str, **facts: Any) -> Policy:
    return Policy(
        name=name,
        patterns=tuple(Pattern.parse(text) for text in patterns),
        retry=RetryPolicy(retries=1, delay=1.0),
        **facts,
    )


def test_the_most_specific_queue_wins() -> None:
    queues = [queue("all", "**"), queue("web", "dam/web"), queue("dam", "dam/*")]

    assert policy_for("dam/web", queues).name == "web"
    assert policy_for("dam/print", queues).name == "dam"
    assert policy_for("mail", queues).name == "all"


def test_ranking_comes_before_how_specific_a_queue_is() -> None:
    queues = [queue("web", "dam/web"), queue("first", "**", ranking=1)]

    assert policy_for("dam/web", queues).name == "first"


def test_the_best_of_several_patterns_counts() -> None:
    queues = [queue("dam", "dam/*"), queue("many", "**", "mail", "dam/web")]

    assert policy_for("dam/web", queues).name == "many"
    assert policy_for("dam/print", queues).name == "dam"


def test_of_equal_queues_the_first_by_name_wins_in_any_order() -> None:
    queues = [queue("zebra", "dam/*"), queue("ape", "dam/*")]

    assert policy_for("dam/web", queues).name == "ape"
    assert policy_for("dam/web", reversed(queues)).name == "ape"


def test_what_no_queue_takes_goes_to_the_default() -> None:
    own = queue("own default", "**")

    assert policy_for("mail", [queue("dam", "dam/**")]) is DEFAULT_POLICY
    assert policy_for("mail", [], default=own) is own


@pytest.mark.parametrize(
    ("facts", "limit", "plain"),
    [
        ({}, None, True),
        ({"max_parallel": 3}, 3, False),
        ({"type": QueueType.ORDERED}, 1, False),
        ({"type": QueueType.ORDERED, "max_parallel": 3}, 1, False),
        ({"suspended": True}, None, False),
    ],
)
def test_limit_and_plainness_follow_from_the_policy(
    facts: dict[str, Any], limit: int | None, plain: bool
) -> None:
    policy = queue("one", "**", **facts)

    assert (policy.limit, policy.is_plain) == (limit, plain)


def test_the_default_retries_ten_times_after_two_seconds_and_holds_nothing_back() -> None:
    assert (DEFAULT_POLICY.retry.retries, DEFAULT_POLICY.retry.delay) == (10, 2.0)
    assert DEFAULT_POLICY.is_plain
