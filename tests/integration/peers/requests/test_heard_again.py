"""Requests to a cluster that was away: they go at once when it is heard again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db.models.functions import Now

from offload.core.peers.messages import PeerMessage, new_nonce
from offload.core.peers.rule_requests import RequestAction, RequestState
from offload.db import database
from offload.fleet import snapshots
from offload.models import Peer, PeerRequest
from offload.peers import hearing
from offload.peers.requests.outbox import PAUSES
from tests.integration.peers.messages import announcement
from tests.integration.world import statements

if TYPE_CHECKING:
    from offload.core.peers.contents import PeerAnnouncement
    from tests.integration.peers.requests.mail import Mail


def hear(mail: Mail, beat: int) -> None:
    """Let home hear an announcement of the peer."""
    with mail.home(), database.atomic():
        known = Peer.objects.get(pk="render").instances
        content: PeerAnnouncement = announcement(beat, instances=tuple(known), lets_rule=True)
        message = PeerMessage(
            sender="render",
            receiver="site",
            sent_at=datetime.now(UTC),
            nonce=new_nonce(),
            content=content,
            key_id="k",
        )
        hearing.hear(message, content, snapshots.now())


def ask_in_vain(mail: Mail) -> int:
    """Ask for a change, and lose all messages until the longest pause."""
    number = mail.ask(RequestAction.DENY, "dam/web")
    for _ in PAUSES:
        mail.send_again()
    mail.sent["render"].clear()
    assert mail.send() == 0
    return number


@pytest.mark.parametrize(
    "away",
    [
        {"silent_since": Now()},
        {"heard_at": Now() - timedelta(seconds=30)},
        {"heard_at": None},
    ],
    ids=["silent", "late", "never heard"],
)
def test_an_open_request_is_sent_at_once_to_who_is_heard_again(
    mail: Mail, away: dict[str, object]
) -> None:
    number = ask_in_vain(mail)
    with mail.home():
        Peer.objects.filter(pk="render").update(**away)

    hear(mail, beat=1)

    assert mail.send() == 1
    mail.deliver(mail.link.peer)
    mail.deliver(mail.link.home)
    assert mail.row(number).state == RequestState.APPLIED


def test_who_is_heard_all_the_time_hurries_nothing_and_costs_nothing(mail: Mail) -> None:
    ask_in_vain(mail)

    hear(mail, beat=1)
    with mail.home(), statements() as asked:
        hear(mail, beat=2)

    assert Peer._meta.db_table in "".join(asked)
    assert PeerRequest._meta.db_table not in "".join(asked)
    assert mail.send() == 0
