"""stop, retry and remove: some jobs by their ids, or all that match a filter."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.models import Job
from offload.operations import bulk
from offload.tracking import terminations
from tests.integration.world import TOPIC, join, row, running, states, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


class Keyboard(StringIO):
    """A terminal before which somebody sits."""

    def isatty(self) -> bool:
        return True


def given_up(count: int = 1, **facts: Any) -> list[str]:
    ids = waiting(count, **facts)
    terminations.give_up(ids, state="GIVEN_UP", error_type="shop.OutOfPaper", error="no paper")
    return ids


def changed(answer: dict[str, Any]) -> list[str]:
    return [one["id"] for one in answer["changed"]]


def test_a_waiting_job_is_stopped_at_once(said: Said, answered: Answered) -> None:
    first, second = waiting(2)
    assert answered("stop", first) == {
        "changed": [{"id": first, "state": "STOPPED", "retried_as": None}],
        "refused": [],
        "left": 0,
    }
    assert f"Job {second} is STOPPED." in said("stop", second)


def test_a_running_job_is_asked_to_stop_or_killed(said: Said) -> None:
    join()
    run = running()
    assert "was asked to stop" in said("stop", run.id)
    assert run.row.stop_requested
    assert "It was asked to stop." in said("job", run.id)
    assert "its process is killed" in said("stop", run.id, "--force")
    assert run.row.stop_forced


def test_jobs_are_stopped_by_what_they_have_in_common(answered: Answered) -> None:
    join()
    run = running()
    mine, others = waiting(2), waiting(topic="other")
    answer = answered("stop", "--topic", "dam/**", "--yes")
    assert changed(answer) == [run.id, *mine]
    assert states([*mine, *others]) == ["STOPPED", "STOPPED", "PENDING"]


def test_many_jobs_are_counted_and_not_named(said: Said) -> None:
    join()
    run = running()
    waiting(12)
    told = said("stop", "--topic", TOPIC, "--yes")
    assert told.splitlines() == [
        "1 job is ACTIVE, asked to stop: they end when their consumers check, or by themselves.",
        "12 jobs are STOPPED.",
    ]
    assert run.row.stop_requested


def test_more_than_one_request_may_change_is_changed_by_several(
    answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "JOBS_PER_REQUEST", 2)
    ids = waiting(5)
    answer = answered("stop", "--state", "pending", "--yes")
    assert (sorted(changed(answer)), answer["left"]) == (sorted(ids), 0)


def test_as_many_as_asked_for_are_changed_the_oldest_first(said: Said) -> None:
    ids = waiting(5)
    told = said("remove", "--state", "waiting", "--limit", "2", "--yes")
    assert told.splitlines()[-1] == "3 more are left; repeat the command."
    assert states(ids) == ["DROPPED", "DROPPED", "PENDING", "PENDING", "PENDING"]
    told = said("remove", "--state", "waiting", "--limit", "2", "--yes")
    assert told.splitlines()[-1] == "1 more is left; repeat the command."


def test_what_failed_is_retried_by_topic_or_error(said: Said, answered: Answered) -> None:
    web, other = given_up(), given_up(topic="other")
    waiting()
    answer = answered("retry", "--topic", TOPIC, "--yes")
    (one,) = answer["changed"]
    assert (one["id"], one["state"], row(one["retried_as"]).retry_of_id) == (
        web[0],
        "GIVEN_UP",
        web[0],
    )
    assert f"Job {other[0]} (GIVEN_UP) is retried as " in said("retry", "--error", "paper", "--yes")
    told = said("retry", "--error", "paper", "--yes")
    assert told.startswith("2 jobs are like this, and none is left to retry: ")
    assert "--again" in told
    assert said("retry", "--error", "ink", "--yes") == "There is no such job.\n"


def test_jobs_that_cannot_be_stopped_or_removed_are_not_said_to_be_missing(said: Said) -> None:
    given_up()
    for verb in ("stop", "remove"):
        told = said(verb, "--topic", TOPIC, "--state", "failed", "--yes")
        assert told.startswith(f"1 job is like this, and none is left to {verb}: ")


def test_jobs_are_retried_by_ids_and_once_more_only_if_that_is_meant(said: Said) -> None:
    (old,) = given_up()
    said("retry", old[-12:])
    with pytest.raises(CommandError, match=r"It was retried as .*, which is PENDING") as refused:
        said("retry", old)
    (step,) = re.findall(r"manage\.py offload (retry .*)", str(refused.value))
    said(*step.split())
    assert Job.objects.filter(retry_of=old).count() == 2


def test_what_cannot_be_changed_is_told_and_the_others_are_changed(said: Said) -> None:
    join()
    run, idle = running(), waiting()[0]
    out = StringIO()
    with pytest.raises(CommandError, match=f"Job {run.id}: It runs on .* stop it instead"):
        said("remove", run.id, idle, "--json", to=out)
    answer = json.loads(out.getvalue())
    assert changed(answer) == [idle]
    assert [one["id"] for one in answer["refused"]] == [run.id]


@pytest.mark.parametrize("verb", ["stop", "retry", "remove"])
@pytest.mark.parametrize("arguments", [[], ["some-id", "--topic", "dam/**"], ["--yes"]])
def test_a_verb_without_a_choice_changes_nothing(
    said: Said, verb: str, arguments: list[str]
) -> None:
    (job_id,) = waiting()
    with pytest.raises(CommandError, match=f"Write: manage.py offload {verb} ID"):
        said(verb, *arguments)
    assert states([job_id]) == ["PENDING"]


def test_nobody_who_could_answer_is_asked(said: Said) -> None:
    (job_id,) = waiting()
    with pytest.raises(CommandError, match=r"Stop 1 of 1 jobs\? .*: --yes"):
        said("stop", "--topic", TOPIC)
    with pytest.raises(CommandError, match="--yes"):
        said("stop", "--topic", TOPIC, "--json", to=Keyboard())
    assert states([job_id]) == ["PENDING"]


@pytest.mark.parametrize(("answer", "state"), [("n", "PENDING"), ("", "PENDING"), ("Y", "STOPPED")])
def test_a_person_is_asked_first(
    said: Said, monkeypatch: pytest.MonkeyPatch, answer: str, state: str
) -> None:
    (job_id,) = waiting()
    monkeypatch.setattr("builtins.input", lambda *_: answer)
    out = Keyboard()
    if state == "PENDING":
        with pytest.raises(CommandError, match="Nothing was changed"):
            said("stop", "--topic", TOPIC, to=out)
    else:
        said("stop", "--topic", TOPIC, to=out)
    assert "Stop 1 of 1 jobs? [y/N]" in out.getvalue()
    assert states([job_id]) == [state]


@pytest.mark.parametrize(
    ("verb", "arrange", "state"),
    [("stop", waiting, "PENDING"), ("remove", waiting, "PENDING"), ("retry", given_up, "GIVEN_UP")],
)
def test_a_dry_run_names_the_jobs_and_leaves_them_as_they_are(
    said: Said,
    answered: Answered,
    verb: str,
    arrange: Callable[[int], list[str]],
    state: str,
) -> None:
    ids = arrange(3)
    told = said(verb, "--topic", TOPIC, "--dry-run")
    assert told.startswith(f"Nothing was changed. This would {verb} 3 jobs:\n")
    assert f"Job {ids[0]} is {state}." in told
    facts = answered(verb, *ids[:2], "--dry-run")
    assert facts == {
        "changed": [{"id": one, "state": state, "retried_as": None} for one in ids[:2]],
        "refused": [],
        "left": 0,
        "dry_run": True,
    }
    assert answered(verb, "--topic", TOPIC, "--limit", "1", "--dry-run")["left"] == 2
    assert states(ids) == [state] * 3
    assert Job.objects.count() == 3


def test_a_dry_run_refuses_what_would_be_refused(said: Said) -> None:
    (waits,) = waiting()
    (ended,) = given_up()
    said("retry", ended)
    for words in (["stop", ended], ["remove", ended], ["retry", waits], ["retry", ended]):
        with pytest.raises(CommandError) as previewed:
            said(*words, "--dry-run")
        with pytest.raises(CommandError) as applied:
            said(*words)
        assert str(previewed.value) == str(applied.value)
    assert f"Job {ended} is GIVEN_UP." in said("retry", ended, "--again", "--dry-run")


def test_a_dry_run_of_many_counts_them(said: Said) -> None:
    waiting(12)
    told = said("stop", "--topic", TOPIC, "--dry-run")
    assert "12 jobs are PENDING." in told
    assert "none is left to retry" in said(
        "retry", "--topic", TOPIC, "--state", "open", "--dry-run"
    )
