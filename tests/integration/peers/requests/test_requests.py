"""Requests to change rules in another cluster: applied once, refused, withdrawn, in order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from offload.core.exceptions import (
    InvalidPattern,
    InvalidRule,
    NotLetToRule,
    UnknownPeer,
)
from offload.core.peers.refusal import RefusalKind
from offload.core.peers.rule_requests import RequestAction, RequestRefusal, RequestState
from offload.fleet.snapshots import now
from offload.models import (
    ChangeRecord,
    PeerRefusal,
    PeerRequest,
    Rule,
    Switch,
)
from offload.operations.changes.requests import AskPeer
from tests.integration.peers.requests.mail import ADA, THERE, Mail, heard, rules
from tests.integration.world import HERE

ALLOW, DENY, CLEAR, EXCLUSIVE, OFF, ON = RequestAction


class TestApplied:
    def test_a_deny_is_applied_recorded_at_both_ends_and_told(self, mail: Mail) -> None:
        number = mail.ask(DENY, "dam/web", note="the licence ended")
        with heard() as events:
            mail.exchange()

        row = mail.row(number)
        assert (row.state, row.refusal) == (RequestState.APPLIED, "")
        assert row.version > 0
        with mail.peer():
            rule = Rule.objects.get()
            assert (rule.verb, rule.target, rule.pattern) == ("deny", HERE, "dam/web")
            assert rule.note == "the licence ended (ada of site)"
            made = ChangeRecord.objects.get()
            assert (made.actor, made.entrance, made.action) == ("ada of site", "peer", "deny")
        with mail.home():
            assert not Rule.objects.exists()
            asked, ended = ChangeRecord.objects.order_by("pk")
            assert (asked.actor, asked.action, asked.subject) == ("ada", "ask deny", THERE)
            assert (ended.actor, ended.entrance, ended.action) == ("render", "peer", "applied")
        [event] = events
        assert (event.number, event.state, event.by) == (number, "applied", "ada")
        assert event.text == f"Request {number} by ada was applied by render: {ended_wish()}."

    def test_every_action_does_what_it_does_at_home(self, mail: Mail) -> None:
        for action, patterns in [(ALLOW, ["dam/a"]), (EXCLUSIVE, ["dam/b"]), (DENY, ["dam/c"])]:
            mail.ask(action, *patterns)
            mail.exchange()
        assert rules(mail) == {("allow", HERE, "dam/b"), ("deny", HERE, "dam/c")}
        mail.ask(CLEAR, "dam/b", "dam/c")
        mail.ask(OFF, note="a leak")
        mail.exchange()
        mail.exchange()
        assert rules(mail) == set()
        with mail.peer():
            assert Switch.objects.get().note == "a leak (ada of site)"
        mail.ask(ON)
        mail.exchange()
        with mail.peer():
            assert not Switch.objects.exists()

    def test_a_copy_gets_the_same_verdict_and_changes_nothing(self, mail: Mail) -> None:
        number = mail.ask(DENY, "dam/web")
        mail.send()
        mail.send_again()
        assert len(mail.sent["render"]) == 2
        mail.deliver(mail.link.peer)
        assert len(mail.sent["site"]) == 2
        mail.deliver(mail.link.home)
        with mail.peer():
            assert ChangeRecord.objects.count() == 1
        assert mail.row(number).state == RequestState.APPLIED

    def test_a_lost_verdict_is_given_again_whatever_the_settings_say_then(self, mail: Mail) -> None:
        number = mail.ask(DENY, "dam/web")
        mail.send()
        mail.deliver(mail.link.peer)
        mail.sent["site"].clear()
        mail.may_rule = False
        mail.exchange()
        assert mail.row(number).state == RequestState.APPLIED

    def test_the_end_of_a_rule_travels_with_it(self, mail: Mail) -> None:
        with mail.home():
            until = now() + timedelta(hours=2)
        mail.ask(DENY, "dam/web", until=until)
        mail.exchange()
        with mail.peer():
            found = Rule.objects.get().until
        assert found is not None
        assert abs(found - until) < timedelta(seconds=0.01)


class TestRefused:
    def test_without_may_rule_it_is_refused_counted_and_stays_so(self, mail: Mail) -> None:
        mail.may_rule = False
        number = mail.ask(DENY, "dam/web")
        mail.send()
        mail.send_again()
        copy = mail.sent["render"].pop()
        with heard() as events:
            mail.deliver(mail.link.peer)
            mail.deliver(mail.link.home)
        row = mail.row(number)
        assert (row.state, row.refusal) == (RequestState.REFUSED, RequestRefusal.NOT_PERMITTED)
        assert [one.refusal for one in events] == ["not_permitted"]
        with mail.peer():
            assert PeerRefusal.objects.get().kind == RefusalKind.NOT_PERMITTED
        mail.may_rule = True
        mail.sent["render"].append(copy)
        mail.deliver(mail.link.peer)
        assert rules(mail) == set()

    def test_an_instance_that_never_was_there_is_unknown(self, mail: Mail) -> None:
        number = mail.ask(OFF, instance="render/nobody@host")
        mail.exchange()
        assert mail.row(number).refusal == RequestRefusal.UNKNOWN_INSTANCE

    def test_what_is_invalid_there_is_refused_with_the_reason_and_nothing_is_left(
        self, mail: Mail
    ) -> None:
        number = mail.ask(DENY, "dam/web")
        with mail.home():
            PeerRequest.objects.update(patterns=["dam/web", "dam//"])
        mail.exchange()
        row = mail.row(number)
        assert row.refusal == RequestRefusal.INVALID
        assert "'dam//' is not a pattern" in row.detail
        assert rules(mail) == set()
        with mail.peer():
            assert not ChangeRecord.objects.exists()

    @pytest.mark.parametrize(
        ("facts", "error"),
        [
            ({"instance": "rendr/a@b"}, UnknownPeer),
            ({"patterns": ("dam//",)}, InvalidPattern),
            ({"patterns": ()}, InvalidRule),
            ({"instance": "render/gpu*"}, InvalidRule),
            ({"note": "x" * 256}, InvalidRule),
            ({"instance": "render/a\0b"}, InvalidRule),
        ],
    )
    def test_what_would_be_refused_is_not_asked(
        self, facts: dict[str, Any], error: type[Exception], mail: Mail
    ) -> None:
        given = {"instance": THERE, "action": DENY, "patterns": ("dam/web",), **facts}
        with mail.home():
            with pytest.raises(error):
                AskPeer(**given).apply(ADA)
            assert not PeerRequest.objects.exists()

    def test_a_cluster_that_says_that_it_refuses_is_not_asked(self, mail: Mail) -> None:
        mail.let_rule(lets=False)
        with mail.home(), pytest.raises(NotLetToRule, match="MAY_RULE"):
            AskPeer(instance=THERE, action=ON).apply(ADA)


def ended_wish() -> str:
    return f"deny dam/web on {THERE}"
