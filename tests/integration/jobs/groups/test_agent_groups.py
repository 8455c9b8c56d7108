"""The agent's side of groups: what it does with requests, and what it answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError

from offload.core.envelopes import HEADER, Envelope
from offload.core.states import JobState
from offload.jobs.groups import group_endings
from offload.models import Job
from offload.tracking import terminations
from offload.worker.agent.groups import Groups
from offload.worker.channel import Channel
from offload.worker.group_messages import ClaimRequest, TaskFacts, ToAgent, ToParent
from tests.databases import on_postgresql
from tests.integration.jobs.groups.group_runs import begun, prepared
from tests.integration.world import HERE, TASK, bound, key_of, place, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.attempt_key import AttemptKey


class Pair:
    """An agent's groups and the parent process's end, in one thread."""

    def __init__(self) -> None:
        self.channel, theirs = Channel.pair()
        self.ended = 0
        heartbeat: Any = SimpleNamespace(nodename=HERE, incarnation=place().incarnation)
        self.groups = Groups(theirs.detach(), heartbeat, self._count)

    def _count(self) -> None:
        self.ended += 1

    def say(self, **said: Any) -> list[ToParent]:
        """Say something to the agent, let it act once, and return its answers."""
        self.channel.send(ToAgent(**said))
        self.groups._collect()
        return self.act()

    def act(self) -> list[ToParent]:
        self.groups._act()
        return list(self.channel.receive())


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Yield both ends."""
    made = Pair()
    yield made
    made.channel.close()


def asked(key: AttemptKey) -> ClaimRequest:
    envelope = Envelope(job_id=key.job_id, epoch=key.epoch).packed()
    return ClaimRequest(
        key, TaskFacts(TASK), {"id": key.job_id, HEADER: envelope, "hostname": HERE}
    )


def test_what_may_begin_is_granted_and_the_rest_refused_with_the_reason(pair: Pair) -> None:
    mine, stopped = (key_of(job) for job in bound(2))
    terminations.stop([stopped.job_id])

    [answer] = pair.say(asked=[asked(mine), asked(stopped)])

    assert [grant.key for grant in answer.granted] == [mine]
    assert answer.granted[0].incarnation == place().incarnation
    assert answer.refused == {stopped: "the job is STOPPED"}


@on_postgresql
def test_one_value_among_a_hundred_that_the_database_refuses_spoils_no_other(pair: Pair) -> None:
    ends = [prepared(run, number) for number, run in enumerate(begun(100))]
    ends[41] = replace(ends[41], result="\0")

    [answer] = pair.say(ends=ends)

    assert set(answer.ended) == {end.key for end in ends}
    assert Counter(Job.objects.values_list("state", flat=True)) == {"SUCCEEDED": 99, "ERROR": 1}
    spoilt = row(ends[41].key.job_id)
    assert (spoilt.state, spoilt.error_type.rpartition(".")[2]) == ("ERROR", "InvalidValue")
    assert pair.ended == 1


def test_ends_wait_while_the_database_is_away_and_are_not_confirmed_before(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = begun(2)
    with monkeypatch.context() as patch:
        patch.setattr(group_endings, "end_all", _away)
        assert pair.say(ends=[prepared(first, 1)]) == []
        assert pair.say(ends=[prepared(second, 2)]) == []

    [answer] = pair.act()

    assert list(answer.ended) == [first.key, second.key]
    assert {first.row.state, second.row.state} == {JobState.SUCCEEDED}


def _away(*_: object) -> None:
    raise OperationalError("away")


def test_a_stale_end_is_confirmed_too_since_nobody_else_will_write_it(pair: Pair) -> None:
    [run] = begun(1)
    end = prepared(run, 1)
    pair.say(withdrawn=[run.key])

    [answer] = pair.say(ends=[end])

    assert list(answer.ended) == [run.key]
    assert run.row.state == JobState.PENDING


def test_a_claim_is_undone_and_that_confirmed(pair: Pair) -> None:
    [run] = begun(1)

    answers = pair.say(withdrawn=[run.key, run.key])

    assert [list(one.undone) for one in answers] == [[run.key], [run.key]]
    assert (run.row.state, run.row.attempts) == (JobState.PENDING, 0)


def test_who_leaves_writes_ends_and_begins_nothing(pair: Pair) -> None:
    [run] = begun(1)
    waiting = key_of(bound()[0])
    pair.channel.send(ToAgent(ends=[prepared(run, 1)], asked=[asked(waiting)]))

    pair.groups.finish(0)
    pair.groups.run()

    assert run.row.state == JobState.SUCCEEDED
    assert row(waiting.job_id).state == JobState.QUEUED


def test_a_fault_of_the_agent_refuses_what_was_asked_for_and_keeps_ends(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    [run] = begun(1)
    waiting = key_of(bound()[0])
    with monkeypatch.context() as patch:
        patch.setattr(group_endings, "end_all", _fault)
        [answer] = pair.say(ends=[prepared(run, 1)], asked=[asked(waiting)])
    assert answer.refused == {waiting: "its agent failed: AttributeError"}

    [answer] = pair.act()

    assert list(answer.ended) == [run.key]
    assert row(waiting.job_id).state == JobState.QUEUED


def _fault(*_: object) -> None:
    raise AttributeError("a mistake")
