"""The order of requests, those that are taken back, and what is remembered of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from offload.core.exceptions import (
    UnknownRequest,
)
from offload.core.peers.rule_requests import RequestAction, RequestRefusal, RequestState
from offload.models import (
    AnsweredRequest,
    PeerRequest,
    Rule,
    Switch,
)
from offload.operations.changes.requests import WithdrawRequest
from offload.peers import outboxes
from offload.peers.requests import outbox
from offload.rules import editing
from tests.integration.peers.requests.mail import ADA, THERE, Mail, heard, rules
from tests.integration.world import HERE

ALLOW, DENY, CLEAR, EXCLUSIVE, OFF, ON = RequestAction


class TestOrder:
    def test_of_one_instance_only_the_oldest_is_sent(self, mail: Mail) -> None:
        first = mail.ask(DENY, "dam/a")
        second = mail.ask(DENY, "dam/b")
        other = mail.ask(DENY, "dam/a", instance="render/other@host")
        assert mail.send() == 2
        mail.deliver(mail.link.peer)
        assert rules(mail) == {("deny", HERE, "dam/a")}
        mail.deliver(mail.link.home)
        assert mail.row(first).state == RequestState.APPLIED
        assert mail.row(second).tries == 0
        assert mail.row(other).refusal == RequestRefusal.UNKNOWN_INSTANCE
        mail.exchange()
        assert rules(mail) == {("deny", HERE, "dam/a"), ("deny", HERE, "dam/b")}

    def test_a_newer_one_of_the_same_subject_replaces_one_that_was_never_sent(
        self, mail: Mail
    ) -> None:
        off, deny = mail.ask(OFF), mail.ask(DENY, "dam/a")
        on = mail.ask(ON)
        states = [mail.row(one).state for one in (off, deny, on)]
        assert states == ["replaced", "requested", "requested"]

    def test_one_that_was_sent_is_not_replaced(self, mail: Mail) -> None:
        off = mail.ask(OFF)
        mail.send()
        mail.ask(ON)
        assert mail.row(off).state == RequestState.REQUESTED


class TestTakenBack:
    def test_one_that_was_never_sent_is_withdrawn_at_once(self, mail: Mail) -> None:
        number = mail.ask(OFF)
        with mail.home(), heard() as events:
            found = WithdrawRequest(number=number).apply(ADA)
        assert found.sentence == f"Request {number} by ada was withdrawn by ada: off {THERE}."
        assert [one.state for one in events] == ["withdrawn"]
        assert mail.send() == 0

    def test_a_withdrawal_that_overtakes_its_request_closes_it(self, mail: Mail) -> None:
        number = mail.ask(OFF)
        mail.send()
        late = mail.sent["render"].pop()
        with mail.home():
            WithdrawRequest(number=number).apply(ADA)
        assert mail.row(number).state == RequestState.REQUESTED
        mail.exchange()
        assert mail.row(number).state == RequestState.WITHDRAWN
        mail.sent["render"].append(late)
        mail.deliver(mail.link.peer)
        with mail.peer():
            assert not Switch.objects.exists()

    def test_what_was_applied_stays_applied(self, mail: Mail) -> None:
        number = mail.ask(OFF)
        mail.send()
        mail.deliver(mail.link.peer)
        mail.sent["site"].clear()
        with mail.home():
            WithdrawRequest(number=number).apply(ADA)
        mail.exchange()
        assert mail.row(number).state == RequestState.APPLIED

    def test_only_an_open_one_can_be_withdrawn(self, mail: Mail) -> None:
        number = mail.ask(OFF)
        mail.exchange()
        with mail.home():
            with pytest.raises(UnknownRequest, match="is applied already"):
                WithdrawRequest(number=number).apply(ADA)
            with pytest.raises(UnknownRequest, match="There is no request"):
                WithdrawRequest(number=number + 1).apply(ADA)

    @pytest.mark.parametrize("is_sent", [True, False])
    def test_it_expires_once_the_peer_says_so_if_it_was_sent(
        self, mail: Mail, *, is_sent: bool
    ) -> None:
        number = mail.ask(OFF)
        if is_sent:
            mail.send()
            mail.sent["render"].clear()
        with mail.home():
            PeerRequest.objects.update(expires_at=Now())
        with heard() as events:
            mail.send()
            state = mail.row(number).state
            assert state == (RequestState.REQUESTED if is_sent else RequestState.EXPIRED)
            mail.exchange()
        assert mail.row(number).state == RequestState.EXPIRED
        assert [one.state for one in events] == ["expired"]
        with mail.peer():
            assert not Switch.objects.exists()

    def test_one_to_a_cluster_that_was_removed_is_withdrawn_here(self, mail: Mail) -> None:
        number = mail.ask(OFF)
        mail.send()
        with mail.link.home.here(PEERS={"print": {"KEY": "p" * 48}}):
            WithdrawRequest(number=number).apply(ADA)
            assert outboxes.drain_requests() == 0
        assert mail.row(number).state == RequestState.WITHDRAWN


class TestMemory:
    def test_the_peer_forgets_what_home_has_verdicts_of_once_no_copy_is_taken(
        self, mail: Mail
    ) -> None:
        for pattern in ("dam/a", "dam/b"):
            mail.ask(DENY, pattern)
            mail.exchange()
        with mail.peer():
            assert AnsweredRequest.objects.count() == 2
            AnsweredRequest.objects.update(answered_at=Now() - timedelta(hours=1))
        last = mail.ask(DENY, "dam/c")
        mail.exchange()
        with mail.peer():
            assert list(AnsweredRequest.objects.values_list("number", flat=True)) == [last]

    def test_requests_are_deleted_long_after_their_end(self, mail: Mail) -> None:
        mail.ask(DENY, "dam/a")
        mail.exchange()
        mail.ask(DENY, "dam/b")
        with mail.home():
            assert outbox.purge() == 0
            ended = PeerRequest.objects.exclude(answered_at=None)
            ended.update(answered_at=Now() - timedelta(days=31))
            assert outbox.purge() == 1
            assert PeerRequest.objects.get().state == RequestState.REQUESTED


def test_the_own_rules_of_home_about_the_instance_are_others(mail: Mail) -> None:
    with mail.home():
        editing.deny(THERE, "dam/web")
    mail.ask(CLEAR, "dam/web")
    mail.exchange()
    with mail.home():
        assert Rule.objects.count() == 1
