"""exclusive, off and on."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.fleet.snapshots import now
from offload.models import ChangeRecord, Job, Switch
from offload.operations.changes.actors import at_terminal
from tests.arranging import arrange
from tests.databases import SQLITE
from tests.integration.management.steered import rules
from tests.integration.world import HERE, THERE, TOPIC, bound, join, row, running

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]

#: The use cases make the queries of these verbs, and their tests cover both databases.
pytestmark = pytest.mark.parametrize("database_alias", [SQLITE], indirect=True)


def test_exclusive_leaves_the_instance_these_patterns_alone(said: Said) -> None:
    said("allow", HERE, "audio/mix")
    said("allow", THERE, "audio/mix")
    said("exclusive", HERE, "dam/web", "dam/print", "--note", "licence")
    assert rules() == {
        ("allow", "instance", HERE, "dam/web"),
        ("allow", "instance", HERE, "dam/print"),
        ("allow", "instance", THERE, "audio/mix"),
    }


def test_exclusive_says_which_rules_of_many_it_does_not_undo(
    said: Said, answered: Answered
) -> None:
    join(labels=["big"])
    said("allow", "render@*", "dam/**", "--scope", "glob")
    said("deny", "big", "audio/mix", "--scope", "label")
    told = said("exclusive", HERE, "audio/*")
    clear = "manage.py offload clear 'render@*' 'dam/**' --scope glob"
    assert "But allow dam/** on render@* (glob) lets it run more." in told
    assert f"To end it: {clear}" in told
    assert "But deny audio/mix on big (label) keeps it from some of that." in told
    more, less = answered("exclusive", HERE, "audio/*")["others"]
    assert (more["target"], more["effect"]) == ("render@*", "lets it run more")
    assert more["next_step"] == clear
    assert (less["verb"], less["scope"]) == ("deny", "label")


def test_exclusive_alone_has_nothing_to_add(said: Said, answered: Answered) -> None:
    assert "But" not in said("exclusive", HERE, "dam/web")
    assert answered("exclusive", HERE, "dam/web")["others"] == []


def test_exclusive_does_not_end_by_itself(said: Said) -> None:
    with pytest.raises(CommandError, match="unrecognized arguments: --for"):
        said("exclusive", HERE, "dam/web", "--for", "30m")


def test_an_instance_is_switched_off_and_on(said: Said, answered: Answered) -> None:
    join()
    (job,) = bound()
    assert f"{HERE} is off" in said("off", HERE, "--note", "lunch")
    assert Switch.objects.get().note == "lunch"
    assert row(job.id).state == "PENDING"
    answer = answered("on", HERE)
    assert answer == {"instance": HERE, "off": False, "until": None, "recalled": 0}
    assert not Switch.objects.exists()


def test_an_instance_is_drained_for_a_while_and_tells_how_much_is_left(
    said: Said, answered: Answered
) -> None:
    join()
    run = running()
    bound()

    told = said("drain", HERE, "--for", "2h", "--grace", "10m", "--note", "new disk")

    assert f"{HERE} is drained until " in told
    assert "what runs is given back in 10 m." in " ".join(told.split())
    assert "1 unstarted job" in told
    (facts,) = answered("instances")
    assert (facts["state"], facts["off"], facts["switch"]["drains"]) == ("draining", True, True)
    for words in (("instances",), ("doctor",)):
        listed = " ".join(said(*words).split())
        assert f"{HERE} is drained since" in listed
        assert "(1 run is left; given back at" in listed
        assert listed.count("new disk.")
    assert [one["verb"] for one in answered("rules")] == ["drain"]
    arrange(Job.objects.filter(pk=run.id), state="SUCCEEDED", finished_at=now())
    assert "(it is empty)" in " ".join(said("instances").split())


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--for", "2h", "--until", "18:30"), "not allowed with"),
        (("--until", "yesterday"), "is no time"),
        (("--until", "2020-01-01T00:00"), "has passed"),
        (("--grace", "-5m"), "--grace"),
        (("--for", "0s"), "no time at all"),
    ],
)
def test_a_drain_with_wrong_times_is_refused_and_nothing_is_stored(
    said: Said, words: tuple[str, ...], problem: str
) -> None:
    join()
    with pytest.raises(CommandError, match=re.escape(problem)):
        said("drain", HERE, *words)
    assert not Switch.objects.exists()


def test_only_the_own_people_drain_an_instance_of_another_cluster(said: Said) -> None:
    with pytest.raises(CommandError, match="whose own people drain it"):
        said("drain", "render/gpu1@host")
    with pytest.raises(CommandError, match="has no end"):
        said("off", "render/gpu1@host", "--for", "2h")


def test_a_dry_run_says_what_an_instance_that_is_off_leaves_behind(
    said: Said, answered: Answered
) -> None:
    join()
    (job,) = bound()
    told = said("off", HERE, "--dry-run")
    assert told.startswith("Nothing was changed. With this change:\n")
    assert f"{HERE} is off: unstarted jobs go elsewhere" in told
    assert f"{HERE} may no longer run: dam/**, {TOPIC}." in told
    assert f"No instance may run dam/**, {TOPIC}." in told
    assert "1 unstarted job would be taken back." in told
    facts = answered("off", HERE, "--dry-run")
    assert facts["dry_run"] is True
    assert facts["preview"]["closed"][0] == {"instance": HERE, "topic": "dam/**"}
    assert facts["preview"]["stranded"] == ["dam/**", TOPIC]
    assert (facts["preview"]["recalled"], facts["preview"]["opened"]) == (1, [])
    assert not Switch.objects.exists()
    assert row(job.id).state == "QUEUED"


@pytest.mark.parametrize("verb", ["off", "on"])
def test_an_unknown_instance_is_not_switched(said: Said, verb: str) -> None:
    with pytest.raises(CommandError, match=r"manage\.py offload instances. lists"):
        said(verb, THERE)


def test_what_is_changed_from_a_terminal_is_recorded(said: Said) -> None:
    join()
    said("off", HERE, "--note", "disk")
    said("deny", HERE, TOPIC)
    said("queues", "add", "slow", "a/*")
    said("on", HERE, "--dry-run")
    records = ChangeRecord.objects.values_list("action", "kind", "subject", "entrance")
    assert list(records) == [
        ("add queue", "queue", "slow", "terminal"),
        ("deny", "instance", HERE, "terminal"),
        ("off", "instance", HERE, "terminal"),
    ]
    assert {record.actor for record in ChangeRecord.objects.all()} == {at_terminal().name}


@pytest.mark.parametrize("verb", [["deny", HERE, TOPIC], ["off", HERE]])
def test_a_note_that_cannot_be_kept_is_refused(said: Said, verb: list[str]) -> None:
    join()
    with pytest.raises(CommandError, match=r"at most 255 characters \(it has 256\)"):
        said(*verb, "--note", "x" * 256)


def test_changes_are_listed_the_newest_first(said: Said, answered: Answered) -> None:
    join()
    assert said("changes") == "No change is recorded.\n"
    said("off", HERE, "--note", "disk")
    said("deny", "gpu", TOPIC, "--scope", "label")
    newest, first = answered("changes")
    assert (newest["action"], newest["kind"], newest["subject"]) == ("deny", "label", "gpu")
    assert (first["text"], first["entrance"]) == (f"Switched {HERE} off: disk.", "terminal")
    assert first["actor"] == at_terminal().name
    table = said("changes").splitlines()
    assert table[0].split() == ["time", "by", "via", "change"]
    assert table[1].endswith(f"Denied {TOPIC} on gpu (label).")


def test_changes_are_narrowed_down(said: Said, answered: Answered) -> None:
    join()
    said("off", HERE)
    said("queues", "add", "slow", "a/*")
    ChangeRecord.objects.filter(subject=HERE).update(at=datetime.now(UTC) - timedelta(hours=2))
    assert [one["subject"] for one in answered("changes", "--of", HERE)] == [HERE]
    assert [one["subject"] for one in answered("changes", "--since", "1h")] == ["slow"]
    assert [one["subject"] for one in answered("changes", "--limit", "1")] == ["slow"]
    assert "There are more than these 1" in said("changes", "--limit", "1")
    assert "There are more" not in said("changes", "--limit", "2")
    assert said("changes", "--of", THERE) == f"No change of {THERE} is recorded.\n"
