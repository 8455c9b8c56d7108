"""Messages between clusters: what is accepted, and every forgery that is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from offload.core.exceptions import ConfigurationError
from offload.core.peers.contents import CloneRefusal, CloneReport, PeerNews
from offload.core.peers.encoding import packed
from offload.core.peers.messages import new_nonce, read
from offload.core.peers.permissions import PeerPatterns
from offload.core.peers.refusal import PeerMessageRefused, RefusalKind
from offload.core.peers.signing import PeerKey, signed
from tests.unit.core.peers.sealed import (
    JOB,
    KEY,
    LIMITS,
    MESSAGE,
    NOW,
    OTHER_KEY,
    RECEIVER,
    content,
    refusal,
    said,
    said_of,
    sealed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LINE, _, BODY = sealed().partition(b"\n")

FORGERIES: dict[str, tuple[RefusalKind, Callable[[], bytes]]] = {
    "nothing": (RefusalKind.UNSIGNED, lambda: b""),
    "a body alone": (RefusalKind.UNSIGNED, lambda: BODY),
    "a line alone": (RefusalKind.UNSIGNED, lambda: LINE),
    "noise": (RefusalKind.UNSIGNED, lambda: bytes(range(256))),
    "no signature": (RefusalKind.UNSIGNED, lambda: LINE.rpartition(b" ")[0] + b" \n" + BODY),
    "a changed body": (RefusalKind.UNSIGNED, lambda: sealed().replace(b"dam/web", b"dam/wee")),
    "the same JSON in other bytes": (RefusalKind.UNSIGNED, lambda: LINE + b"\n " + BODY),
    "a cut body": (RefusalKind.UNSIGNED, lambda: sealed()[:-1]),
    "a longer body": (RefusalKind.UNSIGNED, lambda: sealed() + b"\n"),
    "the key id of another": (
        RefusalKind.UNSIGNED, lambda: sealed().replace(b" 2026-03 ", b" print-1 "),
    ),
    "a wrong secret": (
        RefusalKind.UNSIGNED, lambda: sealed(key=replace(KEY, secret=b"x" * 32)),
    ),
    "another version": (
        RefusalKind.OTHER_VERSION, lambda: sealed().replace(b"offload-peer 1", b"offload-peer 2"),
    ),
    "an unknown key": (RefusalKind.FOREIGN, lambda: sealed(key=replace(KEY, id="2020-01"))),
    "a sender with another's key": (RefusalKind.FOREIGN, lambda: sealed(key=OTHER_KEY)),
    "for another cluster": (
        RefusalKind.FOREIGN, lambda: sealed(replace(MESSAGE, receiver="print")),
    ),
    "sent back to where it came from": (
        RefusalKind.FOREIGN, lambda: sealed(replace(MESSAGE, sender="home", receiver="render")),
    ),
    "too old": (
        RefusalKind.OLD,
        lambda: sealed(replace(MESSAGE, sent_at=NOW - timedelta(seconds=361))),
    ),
    "from the future": (
        RefusalKind.OLD, lambda: sealed(replace(MESSAGE, sent_at=NOW + timedelta(seconds=61))),
    ),
    "once more": (RefusalKind.REPLAYED, lambda: sealed(replace(MESSAGE, nonce="0" * 32))),
    "too large": (RefusalKind.OVERSIZED, lambda: b"x" * 4097),
    "too large, and signed": (
        RefusalKind.OVERSIZED, lambda: content(properties={"text": "x" * 4096}),
    ),
    "a topic that is not accepted": (
        RefusalKind.NOT_PERMITTED, lambda: content(topic="billing/invoice"),
    ),
    "no JSON": (RefusalKind.MALFORMED, lambda: signed(b"{", KEY)),
    "no UTF-8": (RefusalKind.MALFORMED, lambda: signed(b"\xff", KEY)),
    "no object": (RefusalKind.MALFORMED, lambda: signed(b"[]", KEY)),
    "NaN": (RefusalKind.MALFORMED, lambda: signed(b'{"at":NaN}', KEY)),
    "nested without end": (RefusalKind.MALFORMED, lambda: signed(b"[" * 2000, KEY)),
    "a time of a thousand digits": (RefusalKind.MALFORMED, lambda: said(at=10**1000)),
    "no sender": (RefusalKind.MALFORMED, lambda: said(**{"from": ""})),
    "a receiver that is none": (RefusalKind.MALFORMED, lambda: said(to=["home"])),
    "a short nonce": (RefusalKind.MALFORMED, lambda: said(nonce="1")),
    "a time that is none": (RefusalKind.MALFORMED, lambda: said(at=True)),
    "a time beyond all": (RefusalKind.MALFORMED, lambda: said(at=1e300)),
    "a kind that is none": (RefusalKind.MALFORMED, lambda: said(kind="reboot")),
    "a kind that is a list": (RefusalKind.MALFORMED, lambda: said(kind=["job"])),
    "no content": (RefusalKind.MALFORMED, lambda: said(content=None)),
    "the content of another kind": (RefusalKind.MALFORMED, lambda: said(kind="report")),
    "an epoch that is none": (RefusalKind.MALFORMED, lambda: content(epoch=0)),
    "an epoch that is true": (RefusalKind.MALFORMED, lambda: content(epoch=True)),
    "a job without an id": (RefusalKind.MALFORMED, lambda: content(job_id="")),
    "an id that no database holds": (RefusalKind.MALFORMED, lambda: content(job_id="a\0b")),
    "a pattern for a topic": (RefusalKind.MALFORMED, lambda: content(topic="dam/*")),
    "properties that are none": (RefusalKind.MALFORMED, lambda: content(properties=[1])),
    "properties that no database holds": (
        RefusalKind.MALFORMED, lambda: content(properties={"a": "\ud800"}),
    ),
    "a flag that is none": (RefusalKind.MALFORMED, lambda: content(is_limited=1)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused_with_its_type(name: str) -> None:
    kind, forged = FORGERIES[name]

    assert refusal(forged()).kind is kind


def test_every_type_of_refusal_has_a_forgery() -> None:
    # The others are an error here, requests for files, which are no messages, and late reports,
    # which are read.
    others = {RefusalKind.FAILED, RefusalKind.FILE, RefusalKind.STALE}
    assert {kind for kind, _ in FORGERIES.values()} == {*RefusalKind} - others


def test_a_message_is_read_as_it_was_written() -> None:
    assert read(sealed(), RECEIVER, NOW) == MESSAGE


@pytest.mark.parametrize("seconds", [-360, -1, 60])
def test_a_message_is_accepted_for_its_time_by_clocks_that_differ(seconds: int) -> None:
    message = replace(MESSAGE, sent_at=NOW + timedelta(seconds=seconds))

    assert read(sealed(message), RECEIVER, NOW) == message


def test_nonces_are_kept_for_as_long_as_a_copy_would_be_accepted() -> None:
    early = replace(MESSAGE, sent_at=NOW + timedelta(seconds=LIMITS.skew_seconds))
    last = NOW + timedelta(seconds=LIMITS.memory_seconds)

    assert read(sealed(early), RECEIVER, last) == early
    with pytest.raises(PeerMessageRefused) as caught:
        read(sealed(early), RECEIVER, last + timedelta(seconds=1))
    assert caught.value.kind is RefusalKind.OLD


def test_a_key_is_replaced_without_a_gap() -> None:
    new = replace(KEY, id="2026-04", secret=b"n" * 32)
    both, after = replace(RECEIVER, keys=(KEY, new)), replace(RECEIVER, keys=(new,))

    assert read(sealed(), both, NOW) == read(sealed(key=new), both, NOW) == MESSAGE
    assert read(sealed(key=new), after, NOW) == MESSAGE
    assert refusal(sealed(), after).kind is RefusalKind.FOREIGN


def test_two_peers_may_choose_the_same_key_id() -> None:
    same = replace(OTHER_KEY, id=KEY.id)
    receiver = replace(RECEIVER, keys=(same, KEY))
    of_other = replace(MESSAGE, sender="print")

    assert read(sealed(), receiver, NOW) == MESSAGE
    assert read(sealed(of_other, key=same), receiver, NOW) == of_other
    assert refusal(sealed(key=same), receiver).kind is RefusalKind.FOREIGN


def test_a_nonce_is_one_of_its_sender() -> None:
    of_other = replace(MESSAGE, sender="print", nonce="0" * 32)

    assert read(sealed(of_other, key=OTHER_KEY), RECEIVER, NOW) == of_other


def test_a_job_that_is_not_permitted_can_be_answered() -> None:
    refused = refusal(content(topic="billing/invoice")).message

    assert refused is not None
    assert refused.content == replace(JOB, topic="billing/invoice")
    assert refusal(sealed()[:-1]).message is None


def test_a_report_needs_no_permission() -> None:
    report = CloneReport(job_id="one", epoch=7, number=1, news=PeerNews.STARTED)
    message = replace(MESSAGE, content=report)

    assert read(sealed(message), replace(RECEIVER, accepts=PeerPatterns()), NOW) == message


def test_a_refusal_does_not_tell_the_content() -> None:
    secret = "x-very-secret-x"

    for data in (content(epoch=secret), content(properties=secret), said(kind=secret)):
        assert secret not in str(refusal(data))


def test_what_its_receiver_would_not_take_is_not_written() -> None:
    large = replace(MESSAGE, content=replace(JOB, properties={"text": "x" * 4096}))

    with pytest.raises(PeerMessageRefused) as caught:
        sealed(large)
    assert caught.value.kind is RefusalKind.OVERSIZED


def test_a_field_of_a_later_version_is_ignored() -> None:
    assert read(content(colour="blue"), RECEIVER, NOW) == MESSAGE


def test_a_reason_of_a_later_version_is_a_reason_all_the_same() -> None:
    report = CloneReport(
        job_id="one", epoch=7, number=1, news=PeerNews.REFUSED, reason=CloneRefusal.NO_INSTANCE
    )
    data = said_of("report", {**packed(report), "reason": "phase_of_the_moon"})

    assert read(data, RECEIVER, NOW).content == replace(report, reason=CloneRefusal.OTHER)


@pytest.mark.parametrize(
    ("news", "reason"),
    [("refused", None), ("refused", ""), ("refused", 1), ("started", "no_instance")],
)
def test_a_refused_job_and_no_other_has_a_reason(news: str, reason: object) -> None:
    report = CloneReport(job_id="one", epoch=7, number=1, news=PeerNews.STARTED)
    data = said_of("report", {**packed(report), "news": news, "reason": reason})

    assert refusal(data).kind is RefusalKind.MALFORMED


def test_a_key_does_not_show_its_secret() -> None:
    assert "kkkk" not in repr(KEY)


@pytest.mark.parametrize(
    ("key_id", "secret"), [("a b", b"k" * 32), ("", b"k" * 32), ("a", b"k" * 31)]
)
def test_a_key_that_is_none_is_refused(key_id: str, secret: bytes) -> None:
    with pytest.raises(ConfigurationError):
        PeerKey(id=key_id, peer="render", secret=secret)


def test_two_nonces_differ() -> None:
    assert new_nonce() != new_nonce()
