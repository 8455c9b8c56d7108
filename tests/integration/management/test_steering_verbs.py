"""allow, deny and clear."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.models import Rule, Switch
from tests.databases import SQLITE
from tests.integration.management.steered import rules
from tests.integration.world import HERE, THERE, TOPIC, bound, join, row

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]

#: The use cases make the queries of these verbs, and their tests cover both databases.
pytestmark = pytest.mark.parametrize("database_alias", [SQLITE], indirect=True)


def notes() -> list[str]:
    rows = (Rule.objects, Switch.objects)
    return [note for one in rows for note in one.values_list("note", flat=True)]


def test_deny_writes_a_rule_per_pattern_and_takes_jobs_back(said: Said) -> None:
    join()
    (job,) = bound()
    told = said("deny", HERE, "dam/**", "audio/mix", "--note", "too hot")
    assert rules() == {
        ("deny", "instance", HERE, "dam/**"),
        ("deny", "instance", HERE, "audio/mix"),
    }
    assert set(Rule.objects.values_list("note", flat=True)) == {"too hot"}
    assert f"In force on {HERE}." in told
    assert row(job.id).state == "PENDING"


def test_a_rule_for_no_time_is_refused_and_not_kept_for_ever(said: Said) -> None:
    with pytest.raises(CommandError, match="no time at all"):
        said("deny", HERE, TOPIC, "--for", "0")
    assert not rules()


def test_allow_tells_programs_what_was_written(answered: Answered) -> None:
    join(labels=["gpu"])
    facts = answered("allow", "gpu", "dam/*", "--scope", "label")
    (rule,) = facts["rules"]
    assert (rule["verb"], rule["scope"], rule["target"]) == ("allow", "label", "gpu")
    assert (rule["pattern"], rule["until"]) == ("dam/*", None)
    assert rule["id"] == Rule.objects.get().pk
    assert facts["instances"] == [HERE]


def test_a_glob_needs_its_scope(said: Said) -> None:
    with pytest.raises(CommandError, match="choose the scope glob"):
        said("allow", "render@*", "dam/**")
    said("allow", "render@*", "dam/**", "--scope", "glob")
    assert rules() == {("allow", "glob", "render@*", "dam/**")}


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800)]
)
def test_a_rule_may_end_by_itself(said: Said, written: str, seconds: int) -> None:
    before = datetime.now(UTC)
    told = said("deny", HERE, TOPIC, "--for", written)
    until = Rule.objects.get().until
    assert until is not None
    assert until - before == pytest.approx(timedelta(seconds=seconds), abs=timedelta(seconds=30))
    assert f"deny {TOPIC} on {HERE} until " in told


@pytest.mark.parametrize("written", ["m", "3x", "-1m", "1m x", "99999999999d"])
def test_a_duration_is_refused_that_is_none(said: Said, written: str) -> None:
    with pytest.raises(CommandError, match=r"is not a duration|is too long"):
        said("deny", HERE, TOPIC, f"--for={written}")


def test_a_rule_for_nobody_says_so(said: Said) -> None:
    assert "No instance here matches" in said("allow", THERE, TOPIC)


def test_one_bad_pattern_and_no_rule_is_written(said: Said) -> None:
    with pytest.raises(CommandError, match="is not a pattern"):
        said("allow", HERE, "dam/web", "dam/*/x")
    assert rules() == set()


def test_clear_removes_exactly_what_is_named(said: Said, answered: Answered) -> None:
    said("deny", HERE, "dam/**", "dam/web")
    said("deny", "render@*", "dam/**", "--scope", "glob")
    assert answered("clear", HERE, "dam/**")["cleared"] == 1
    assert rules() == {
        ("deny", "instance", HERE, "dam/web"),
        ("deny", "glob", "render@*", "dam/**"),
    }
    assert "nothing changed" in said("clear", HERE, "dam/**")
    assert "Rules cleared: 1." in said("clear", "render@*", "dam/**", "--scope", "glob")


def test_an_allow_for_a_time_says_that_the_deny_holds_again(said: Said, answered: Answered) -> None:
    said("deny", HERE, TOPIC, "--note", "broken fan")
    told = said("allow", HERE, TOPIC, "--for", "30m")
    assert f"deny {TOPIC} on {HERE} is lifted until " in told
    assert "and applies again then: broken fan." in told
    assert rules() == {("deny", "instance", HERE, TOPIC), ("allow", "instance", HERE, TOPIC)}
    (rests,) = answered("allow", HERE, TOPIC, "--for", "1h")["resting"]
    until = Rule.objects.get(verb="allow").until
    assert until is not None
    assert (rests["verb"], rests["rests_until"][:19]) == ("deny", until.isoformat()[:19])
    assert "lifted until " in said("rules")


def test_an_allow_says_which_deny_it_replaces(said: Said, answered: Answered) -> None:
    said("deny", HERE, TOPIC, "--note", "broken fan")
    assert f"It replaces: deny {TOPIC} on {HERE}: broken fan." in said("allow", HERE, TOPIC)
    assert answered("allow", HERE, TOPIC)["replaced"] == []


def test_an_allow_says_which_wider_deny_beats_it(said: Said, answered: Answered) -> None:
    join()
    said("deny", "render@*", "dam/**", "--scope", "glob")
    told = said("allow", HERE, TOPIC)
    assert "But deny dam/** on render@* (glob) keeps it from some of that." in told
    assert "manage.py offload clear 'render@*' 'dam/**' --scope glob" in told
    (beaten,) = answered("allow", HERE, TOPIC)["denied_by"]
    assert (beaten["verb"], beaten["pattern"]) == ("deny", "dam/**")
    assert answered("allow", HERE, "audio/mix")["denied_by"] == []
    said("deny", HERE, "audio/mix")
    assert answered("allow", HERE, "audio/mix", "--for", "1h")["denied_by"] == []


@pytest.mark.parametrize("verb", [["deny", HERE, TOPIC], ["off", HERE]])
def test_a_note_stays_until_another_is_written(said: Said, verb: list[str]) -> None:
    join()
    said(*verb, "--note", "too hot")
    said(*verb)
    assert notes() == ["too hot"]
    said(*verb, "--note", "")
    assert notes() == [""]


def test_clear_takes_the_ids_that_rules_shows(said: Said, answered: Answered) -> None:
    said("deny", HERE, TOPIC, "audio/mix", "dam/web")
    kept, *gone = Rule.objects.order_by("pk").values_list("pk", flat=True)
    assert re.search(rf"^{kept} +deny ", said("rules"), re.MULTILINE)
    assert answered("clear", *map(str, gone))["cleared"] == 2
    with pytest.raises(CommandError, match=f"There is no rule {gone[0]}. 'manage.py offload rules"):
        said("clear", str(kept), str(gone[0]))
    assert [rule.pk for rule in Rule.objects.all()] == [kept]


def test_clear_of_the_last_allow_says_whom_it_opens(said: Said, answered: Answered) -> None:
    join()
    said("allow", HERE, TOPIC, "dam/web", "audio/mix")
    assert answered("clear", HERE, TOPIC)["opened"] == []
    assert "the last allow" not in said("clear", HERE, "dam/web")
    assert f"Without its last allow, {HERE} may run everything" in said("clear", HERE, "audio/mix")


def test_clear_of_all_allows_at_once_says_whom_it_opens(said: Said) -> None:
    join()
    said("allow", HERE, TOPIC, "dam/web")
    assert f"Without its last allow, {HERE} may run everything" in said(
        "clear", HERE, TOPIC, "dam/web"
    )


@pytest.mark.parametrize(
    ("verb", "told", "stranded"),
    [
        (["deny", HERE, TOPIC], f"deny {TOPIC} on {HERE}\n", [TOPIC]),
        (["allow", HERE, "dam/print"], f"allow dam/print on {HERE}\n", []),
        (
            ["exclusive", HERE, "dam/print"],
            f"It replaces: allow dam/** on {HERE}.",
            ["dam/**", TOPIC],
        ),
        (["clear", HERE, "dam/**"], "Rules cleared: 1.", []),
    ],
)
def test_a_dry_run_changes_no_rule_and_says_what_it_would_come_to(
    said: Said, answered: Answered, verb: list[str], told: str, stranded: list[str]
) -> None:
    join()
    said("allow", HERE, "dam/**")
    (job,) = bound()
    before = rules()
    found = said(*verb, "--dry-run")
    assert found.startswith("Nothing was changed. With this change:\n")
    assert told in found
    facts = answered(*verb, "--dry-run")
    assert facts["dry_run"] is True
    assert facts["preview"]["stranded"] == stranded
    assert [one["id"] for one in facts["rules"] if verb[0] != "clear"] in ([None], [])
    assert rules() == before
    assert row(job.id).state == "QUEUED"


def test_clear_of_an_instance_without_a_pattern_says_what_to_write(said: Said) -> None:
    with pytest.raises(CommandError, match="clear INSTANCE PATTERN, or the ids"):
        said("clear", HERE)


@pytest.mark.parametrize("verb", ["allow", "deny", "exclusive"])
def test_an_instance_without_a_pattern_is_refused(said: Said, verb: str) -> None:
    said("allow", HERE, "old/*")
    for words in ([], ["--", "--"]):
        with pytest.raises(CommandError, match=r"PATTERN|There is no pattern"):
            said(verb, HERE, *words)
    assert rules() == {("allow", "instance", HERE, "old/*")}


@pytest.mark.parametrize("verb", ["allow", "deny", "clear", "exclusive"])
def test_an_empty_name_is_refused(said: Said, verb: str) -> None:
    with pytest.raises(CommandError, match="cannot be blank"):
        said(verb, "", "dam/web")
