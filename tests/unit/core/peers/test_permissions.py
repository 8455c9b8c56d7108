"""Which topics may travel between clusters."""

from __future__ import annotations

import pytest

from offload.core.exceptions import InvalidPattern
from offload.core.peers.permissions import PeerPatterns

PATTERNS = PeerPatterns.parse({"render": ["dam/*", "print/**", "mail"], "empty": []})


@pytest.mark.parametrize(
    ("peer", "topic", "permitted"),
    [
        ("render", "dam/web", True),
        ("render", "dam/web/small", False),
        ("render", "print/a/b", True),
        ("render", "mail", True),
        ("render", "mail/bulk", False),
        ("empty", "dam/web", False),
        ("unknown", "dam/web", False),
    ],
)
def test_a_topic_travels_where_a_pattern_of_the_peer_matches(
    peer: str, topic: str, *, permitted: bool
) -> None:
    assert PATTERNS.permits(peer, topic) is permitted


def test_without_a_setting_nothing_travels() -> None:
    assert not PeerPatterns().permits("render", "dam/web")


def test_a_text_that_is_no_pattern_is_refused() -> None:
    with pytest.raises(InvalidPattern):
        PeerPatterns.parse({"render": ["dam/*/x"]})
