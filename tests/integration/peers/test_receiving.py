"""Messages of other clusters: taken once, or refused, counted, and without a trace otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.db import OperationalError, connections

from offload.core.peers.contents import (
    CloneRefusal,
    CloneReport,
    PeerEnvelope,
    PeerNews,
    ReportAnswer,
    ReportVerdict,
)
from offload.core.peers.encoding import KINDS
from offload.core.peers.messages import PeerLimits
from offload.core.peers.refusal import RefusalKind
from offload.core.peers.rule_requests import RequestRefusal
from offload.core.peers.signing import PeerKey, signed
from offload.models import AnsweredRequest, Job, News, Peer, PeerRefusal, Rule, SeenMessage
from offload.peers import hearing
from offload.peers.receiving import DatabaseOutOfReach, Receiver
from tests.integration.peers.messages import (
    CONTENTS,
    KEY,
    RENDER,
    announcement,
    sealed,
)
from tests.integration.world import waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.peers.configuration import PeersConfig
    from offload.core.peers.contents import Content

JOB_OF_ANOTHER_TOPIC = PeerEnvelope(
    job_id="one", epoch=1, topic="render/still", instance="thumbs@a"
)
OLD_SECONDS = PeerLimits().memory_seconds + 1
#: How each kind of message is forged, and as which it is refused.
FORGERIES: dict[str, tuple[RefusalKind, Callable[[Content], bytes]]] = {
    "unsigned": (RefusalKind.UNSIGNED, lambda one: sealed(one).partition(b"\n")[2]),
    "changed": (RefusalKind.UNSIGNED, lambda one: sealed(one) + b" "),
    "of another secret": (
        RefusalKind.UNSIGNED, lambda one: sealed(one, key=replace(KEY, secret=b"x" * 32)),
    ),
    "of an unknown key": (RefusalKind.FOREIGN, lambda one: sealed(one, key=replace(KEY, id="x"))),
    "of another peer's key": (
        RefusalKind.FOREIGN,
        lambda one: sealed(one, key=PeerKey(id="print-1", peer="print", secret=b"p" * 32)),
    ),
    "for another": (RefusalKind.FOREIGN, lambda one: sealed(one, receiver="print")),
    "of another version": (
        RefusalKind.OTHER_VERSION,
        lambda one: sealed(one).replace(b"offload-peer 1", b"offload-peer 9"),
    ),
    "old": (RefusalKind.OLD, lambda one: sealed(one, ahead=-OLD_SECONDS)),
    "of the future": (RefusalKind.OLD, lambda one: sealed(one, ahead=OLD_SECONDS)),
    "oversized": (RefusalKind.OVERSIZED, lambda one: sealed(one) + b" " * (1 << 20)),
    "malformed": (
        RefusalKind.MALFORMED,
        lambda one: signed(sealed(one).partition(b"\n")[2].replace(b'"content":{', b'"c":{'), KEY),
    ),
    "of no kind": (
        RefusalKind.MALFORMED,
        lambda one: signed(sealed(one).partition(b"\n")[2].replace(b'"kind":"', b'"kind":"x'), KEY),
    ),
    "no JSON": (RefusalKind.MALFORMED, lambda one: signed(b"{", KEY)),
}  # fmt: skip


@pytest.fixture
def receiver(config: PeersConfig) -> Receiver:
    return Receiver(config=config, answer=lambda peer, contents: None)


def counted(receiver: Receiver) -> dict[tuple[str, str], int]:
    """Return how often messages were refused, by peer and reason, as the rows say."""
    receiver.refusals.write()
    return {(one.peer, one.kind): one.count for one in PeerRefusal.objects.all()}


def rows() -> int:
    """Return how many rows there are but for refusals."""
    models: list[Any] = list(apps.get_app_config("offload").get_models())
    return sum(one._default_manager.count() for one in models if one is not PeerRefusal)


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_message_is_refused_and_counted_and_nothing_is_stored(
    kind: str, forgery: str, receiver: Receiver
) -> None:
    reason, forged = FORGERIES[forgery]
    before = rows()

    receiver.take(forged(CONTENTS[kind]))

    assert {kind: count for (_, kind), count in counted(receiver).items()} == {reason: 1}
    assert rows() == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_refused(kind: str, receiver: Receiver) -> None:
    data = sealed(CONTENTS[kind])
    receiver.take(data)
    before = rows()

    receiver.take(data)

    assert counted(receiver)[RENDER, RefusalKind.REPLAYED] == 1
    assert rows() == before


def test_a_job_of_another_topic_is_not_permitted(receiver: Receiver) -> None:
    receiver.take(sealed(JOB_OF_ANOTHER_TOPIC))

    assert counted(receiver) == {(RENDER, RefusalKind.NOT_PERMITTED): 1}
    assert not Job.objects.exists()
    # It is answered, so the answer is kept with the nonce of what it answers.
    assert News.objects.get().reason == CloneRefusal.NOT_PERMITTED
    assert SeenMessage.objects.count() == 1


def test_a_request_is_not_permitted_and_that_is_remembered(receiver: Receiver) -> None:
    receiver.take(sealed(CONTENTS["request"]))

    assert counted(receiver) == {(RENDER, RefusalKind.NOT_PERMITTED): 1}
    assert not Rule.objects.exists()
    assert AnsweredRequest.objects.get().refusal == RequestRefusal.NOT_PERMITTED


def test_refusals_add_up_and_keep_the_last_reason(receiver: Receiver) -> None:
    for _ in range(3):
        receiver.take(b"noise")
    receiver.refusals.write()
    receiver.take(b"noise")

    assert counted(receiver) == {("", RefusalKind.UNSIGNED): 4}
    assert PeerRefusal.objects.get().detail == "it has no line with a signature"


def test_a_message_is_refused_in_the_name_of_the_key_that_it_names(receiver: Receiver) -> None:
    receiver.take(sealed(CONTENTS["job"])[:-1])

    assert counted(receiver) == {(RENDER, RefusalKind.UNSIGNED): 1}


def test_refusals_stay_counted_while_they_cannot_be_written(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.take(b"noise")
    with monkeypatch.context() as away:
        away.setattr("offload.peers.refusals.database.execute", _away)
        with pytest.raises(OperationalError):
            receiver.refusals.write()

    assert counted(receiver) == {("", RefusalKind.UNSIGNED): 1}


def test_log_lines_have_no_content_and_come_once_a_minute(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        receiver.take(sealed(CONTENTS["job"], ahead=-OLD_SECONDS))

    (line,) = [one.getMessage() for one in caplog.records]
    assert line.startswith("refused a message in the name of render (old): it was signed 42")
    assert "dam/web" not in line


def test_a_message_that_fails_here_is_dropped_and_counted(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "hear", _broken)

    receiver.take(sealed(announcement()))

    assert counted(receiver) == {(RENDER, RefusalKind.FAILED): 1}
    assert not SeenMessage.objects.exists()


def test_a_message_that_the_database_does_not_take_is_dropped(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "hear", _away)

    receiver.take(sealed(announcement()))

    assert counted(receiver) == {(RENDER, RefusalKind.FAILED): 1}


def test_a_message_stays_where_it_is_while_the_database_is_away(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, database_alias: str
) -> None:
    data = sealed(announcement())
    with monkeypatch.context() as away:
        connections[database_alias].close()
        away.setattr(connections[database_alias], "connect", _away)
        with pytest.raises(DatabaseOutOfReach):
            receiver.take(data)

    receiver.take(data)

    assert Peer.objects.get().beat == 7
    assert counted(receiver) == {}


def test_a_report_of_a_run_that_was_taken_back_is_counted_and_answered(
    config: PeersConfig, app: object
) -> None:
    answered: list[Content] = []
    receiver = Receiver(config=config, answer=lambda _, contents: answered.extend(contents))
    [job_id] = waiting()
    report = CloneReport(job_id=job_id, epoch=1, number=1, news=PeerNews.STARTED)

    receiver.take(sealed(report))

    assert counted(receiver) == {(RENDER, RefusalKind.STALE): 1}
    verdict = ReportVerdict.STALE
    assert answered == [ReportAnswer(job_id=job_id, epoch=1, number=1, verdict=verdict)]
    assert Job.objects.get().state == "PENDING"


def _away(*_: object, **__: object) -> None:
    raise OperationalError("away")


def _broken(*_: object) -> None:
    raise ZeroDivisionError
