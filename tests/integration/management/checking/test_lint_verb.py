"""lint: what is wrong with consumers, rules and queues, by verb, by the doctor and by check."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from offload.db import database
from offload.diagnostics import Level, lint
from offload.queues import policies
from offload.rules import editing
from tests.integration.world import HERE, THERE, TOPIC, join, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


def checked() -> str:
    """Return what check says of the database."""
    said = StringIO()
    call_command("check", databases=[database.alias()], stdout=said, stderr=said)
    return said.getvalue()


def test_where_all_fits_together_that_is_said(said: Said, answered: Answered) -> None:
    join()
    waiting(topic=TOPIC)

    assert answered("lint") == {"ok": True, "problems": []}
    assert said("lint").strip() == "Consumers, rules and queues fit together."
    assert [one.level for one in lint.examine()] == [Level.OK]
    assert "W013" not in checked()


def test_problems_are_named_with_the_next_step(said: Said) -> None:
    join()
    waiting(topic="audio/mix")
    policies.add("mail", ["mail/**"])
    editing.deny(HERE, "dam/**", note="new disks")

    with pytest.raises(CommandError, match="3 problems found"):
        said("lint")

    facts = [one.fact for one in lint.problems()]
    assert facts == [
        "Jobs of audio/mix wait, and no known instance has a consumer for it.",
        f"Nobody may run dam/**: rules or a switch forbid it on {HERE}.",
        "No known instance consumes a topic of queue mail.",
    ]
    assert all(fact in checked() for fact in facts)
    [found] = lint.examine()
    assert (found.level, found.fact[:10]) == (Level.WARN, "3 problems")


def test_a_note_is_no_problem(answered: Answered) -> None:
    join()
    join(THERE, consumers=[{"pattern": "audio/*", "task": "audio.mix"}])

    found = answered("lint")

    assert (found["ok"], {one["note"] for one in found["problems"]}) == (True, {True})
    assert {one["subject"] for one in found["problems"]} == {HERE, THERE}


def test_words_that_it_does_not_know_are_refused(said: Said) -> None:
    with pytest.raises(CommandError):
        said("lint", "everything")
