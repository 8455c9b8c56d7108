"""Names of instances' queues at the broker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.messaging.names import QUEUE_UNSAFE_CHARACTERS, queue_name

NODES = st.from_regex(r"[a-z]{1,3}@[a-z.-]{1,3}", fullmatch=True)
CLUSTERS = st.sampled_from(["", "a", "b", "a-b", "render"])


@pytest.mark.parametrize("name", ["gpu1@host", "w-1@node.example.com"])
def test_a_cluster_without_a_name_keeps_the_name_that_its_queues_had(name: str) -> None:
    assert queue_name(name) == f"offload.v1.{name}"


def test_a_cluster_is_part_of_the_name() -> None:
    assert queue_name("gpu1@host", "render").startswith("offload.v1.render-gpu1@host-")


@given(NODES, CLUSTERS, NODES, CLUSTERS)
def test_no_two_instances_share_a_name(one: str, here: str, other: str, there: str) -> None:
    names = queue_name(one, here), queue_name(other, there)

    assert (names[0] == names[1]) is ((one, here) == (other, there))
    assert not any(QUEUE_UNSAFE_CHARACTERS.search(name) for name in names)
