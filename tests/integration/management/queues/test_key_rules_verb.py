"""queues: rules by keys, on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.models import Queue

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


def test_rules_by_keys_are_set_shown_and_cleared(said: Said, answered: Answered) -> None:
    said(
        "queues", "add", "slow", "dam/**", "--key", "user.tenant", "--max-per-key", "2", "--fair",
        "--weight", "acme=3", "--weight", "b=2", "--max-per-instance", "0.5", "--max-per-host", "2",
    )  # fmt: skip
    (slow,) = [one for one in answered("queues") if one["name"] == "slow"]
    assert (slow["key"], slow["max_per_key"], slow["fair"]) == ("user.tenant", 2, True)
    assert (slow["weights"], slow["max_per_instance"]) == ({"acme": 3, "b": 2}, 0.5)
    listed = said("queues")
    by_keys = "slow: its key is user.tenant; at most 2 at once of a key; keys take turns (acme=3, "
    limits = "at most 0.5 of its processes on an instance; at most 2 on a host."
    assert f"{by_keys}b=2); {limits}" in " ".join(listed.split())
    ended = ("--key", "none", "--max-per-key", "none", "--no-fair", "--max-per-instance", "none")
    said("queues", "set", "slow", *ended, "--max-per-host", "none")
    row = Queue.objects.get()
    assert (row.key, row.max_per_key, row.fair, row.weights) == ("", None, False, {})
    assert (row.max_per_instance, row.max_per_host) == (None, None)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--key", "a..b"], "no path of a property"),
        (["--max-per-key", "0"], "from 1 to 1,000,000"),
        (["--weight", "acme"], "write KEY=N"),
        (["--weight", "acme=0"], "from 1 to 1,000"),
        (["--max-per-instance", "1.5"], "Give a whole number"),
        (["--weight", "acme=2"], "let them"),
    ],
)
def test_rules_by_keys_that_cannot_be_are_refused(
    said: Said, words: list[str], problem: str
) -> None:
    with pytest.raises(CommandError, match=problem):
        said("queues", "add", "slow", "dam/**", *words)
    assert not Queue.objects.exists()
