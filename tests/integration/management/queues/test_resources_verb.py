"""Resources on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.core.matching.amounts import Amounts
from offload.dispatch import dispatching
from offload.models import ChangeRecord, Job, Queue, Resource
from offload.queues import resources
from tests.integration.world import HERE, join, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


def test_a_resource_is_defined_shown_changed_and_removed(said: Said, answered: Answered) -> None:
    assert "There are no resources." in said("resources")
    said("resources", "set", "maya", "--capacity", "2", "--per", "host", "--note", "none")
    assert ChangeRecord.objects.get().text == (
        "Set resource maya: capacity 2, counted per host, note none."
    )
    said("queues", "add", "renders", "dam/**", "--resource", "maya")
    join()
    [job_id, *_] = waiting(3, queue="renders")
    dispatching.refill(HERE)

    [facts] = answered("resources")
    assert (facts["name"], facts["capacity"], facts["used"]) == ("maya", 2, 1)
    assert facts["users"][0]["job"] == job_id
    assert f"{job_id} uses 1 of maya on" in said("resources")

    found = answered("resources", "set", "maya", "--capacity", "0", "--dry-run")
    assert (found["recalled"], Resource.objects.get().capacity) == (3, 2)
    assert Job.objects.bound().count() == 3
    assert answered("resources", "set", "maya", "--capacity", "0")["recalled"] == 3
    text = said("resources", "remove", "maya")
    assert "Jobs of queues that use it wait until it is defined again: renders." in text


def test_reports_and_coolings(said: Said, answered: Answered) -> None:
    resources.set_("maya", capacity=5)
    with pytest.raises(CommandError, match="it takes no reports"):
        said("resources", "report", "maya", "3")
    said("resources", "set", "maya", "--report-age", "1m", "--stale", "open")
    assert "There are 3 of maya, for 1 m." in said("resources", "report", "maya", "3")
    assert "3 were reported" in said("resources")
    said("resources", "cool", "maya", "10m")
    assert "maya cools down until" in said("resources")
    assert answered("resources")[0]["cooled_by"] != ""
    assert "cools down no more" in said("resources", "clear", "maya")
    said("resources", "set", "maya", "--report-age", "none")
    assert Resource.objects.get().report_age is None


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["set", "maya"], "Say what to change"),
        (["set", "maya", "--per", "host"], "a new one needs a capacity"),
        (["set", "maya", "--capacity", "-1"], "is not a whole number from 0"),
        (["set", "may a", "--capacity", "1"], "is invalid"),
        (["set", "maya", "--capacity", "1", "--per", "room"], "none of job, host"),
        (["report", "maya", "1"], "Nobody has defined a resource 'maya'"),
        (["cool", "maya", "0"], "no time at all"),
        (["clear", "maya"], "Nobody has defined"),
        (["remove", "maya"], "Nobody has defined"),
        (["drop", "maya"], "there is no action 'drop'"),
    ],
)
def test_wrong_words_change_nothing(said: Said, words: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        said("resources", *words)

    assert not Resource.objects.exists()


def test_jobs_and_queues_cannot_use_what_nobody_has_defined(said: Said) -> None:
    resources.set_("maya", capacity=1)
    with pytest.raises(CommandError, match="Did you mean 'maya'"):
        said("submit", "dam/x", "--resource", "mya=2")
    with pytest.raises(CommandError, match="Nobody has defined a resource 'nuke'"):
        said("queues", "add", "renders", "dam/**", "--resource", "nuke")
    with pytest.raises(CommandError, match="is no amount of a resource"):
        said("submit", "dam/x", "--resource", "maya=-1")
    assert not Job.objects.exists()
    assert not Queue.objects.exists()

    said("submit", "dam/x", "--resource", "maya=2")
    assert Amounts.of({"maya": 2}).text in Job.objects.get().lane
