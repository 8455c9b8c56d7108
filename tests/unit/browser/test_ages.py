"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from offload.browser import ages

NOW = datetime(2026, 3, 29, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (200_000, "2 d ago"),
        (-30, "in 30 s"),
        (-90_000, "in 1 d"),
    ],
)
def test_a_moment_is_told_by_its_greatest_unit(seconds: float, told: str) -> None:
    assert ages.relative(NOW - timedelta(seconds=seconds), NOW) == told


def test_a_moment_is_exact_for_machines_and_on_hover() -> None:
    shown = ages.shown(NOW, NOW + timedelta(minutes=5))

    assert 'datetime="2026-03-29T12:00:00+00:00"' in shown
    assert shown.endswith('title="2026-03-29 12:00:00 UTC">5 min ago</time>')
    assert ages.shown(None, NOW) == "—"
