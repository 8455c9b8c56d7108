"""Requests by the command, in explain, by the doctor, and when the instance confirms them."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from offload.diagnostics import peers as findings
from offload.models import Peer, PeerRequest, Rule
from offload.reading.rules import peer_requests
from offload.reading.waiting.explain import explain
from tests.integration.peers.requests.mail import THERE, Mail
from tests.integration.world import HERE, waiting


def said(mail: Mail, *words: str) -> str:
    """Return what the command says at home."""
    out = StringIO()
    with mail.home():
        call_command("offload", *words, stdout=out)
    return " ".join(out.getvalue().split())


def answered(mail: Mail, *words: str) -> Any:
    return json.loads(said(mail, *words, "--json"))


class TestVerbs:
    @pytest.mark.parametrize(
        ("words", "wish"),
        [
            (("allow", THERE, "dam/a", "dam/b"), f"allow dam/a, dam/b on {THERE}"),
            (("deny", THERE, "dam/a"), f"deny dam/a on {THERE}"),
            (("exclusive", THERE, "dam/a"), f"exclusive dam/a on {THERE}"),
            (("clear", THERE, "dam/a"), f"clear dam/a on {THERE}"),
            (("off", THERE), f"off {THERE}"),
            (("on", THERE), f"on {THERE}"),
        ],
    )
    def test_a_verb_asks_the_cluster_of_the_instance(
        self, words: tuple[str, ...], wish: str, mail: Mail
    ) -> None:
        told = said(mail, *words)
        with mail.home():
            number = PeerRequest.objects.get().pk
        assert f"Asked render: {wish}. It is requested until" in told
        assert f"It is request {number}. See: manage.py offload peers requests" in told

    def test_its_answer_for_programs(self, mail: Mail) -> None:
        found = answered(mail, "deny", THERE, "dam/a", "--for", "1h", "--note", "disk")["request"]
        assert found["number"] > 0
        assert (found["cluster"], found["instance"]) == ("render", THERE)
        assert (found["action"], found["patterns"]) == ("deny", ["dam/a"])
        assert (found["state"], found["note"]) == ("requested", "disk")
        assert found["expires"] == found["until"]
        again = answered(mail, "deny", THERE, "dam/a")["request"]
        assert again["replaced"] == [found["number"]]

    def test_a_dry_run_asks_nobody(self, mail: Mail) -> None:
        told = said(mail, "off", THERE, "--dry-run")
        assert "Nothing was changed." in told
        assert "Asked render" in told
        assert "See: manage.py" not in told
        assert told.endswith("What it changes shows once render has applied it.")
        assert answered(mail, "off", THERE, "--dry-run")["request"]["number"] is None
        with mail.home():
            assert not PeerRequest.objects.exists()

    def test_here_keeps_a_rule_in_this_cluster(self, mail: Mail) -> None:
        said(mail, "deny", THERE, "dam/a", "--here")
        said(mail, "deny", "render/*", "dam/a", "--scope", "glob")
        with mail.home():
            assert Rule.objects.count() == 2
            assert not PeerRequest.objects.exists()
        told = said(mail, "allow", THERE, "dam/*", "--here")
        assert f"manage.py offload clear {THERE} dam/a --here" in told
        said(mail, "clear", THERE, "dam/a", "dam/*", "--here")
        with mail.home():
            assert Rule.objects.get().scope == "glob"

    def test_an_instance_that_is_not_announced_is_named(self, mail: Mail) -> None:
        assert "render announces no such instance now" in said(mail, "off", "render/x@y")

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("off", "rendr/x@y"), "Did you mean 'render'?"),
            (("deny", THERE, "dam//"), "is not a pattern"),
            (("deny", "render/", "dam/a"), "This field cannot be blank"),
            (("peers", "requests", "rendr"), "Did you mean 'render'?"),
            (("peers", "withdraw", "7000"), "There is no request 7000"),
            (("peers", "withdrew", "7"), "Did you mean 'withdraw'?"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, words: tuple[str, ...], told: str, mail: Mail
    ) -> None:
        with pytest.raises(CommandError) as refused:
            said(mail, *words)
        assert told in str(refused.value)

    def test_a_cluster_that_would_refuse_is_not_asked(self, mail: Mail) -> None:
        mail.let_rule(lets=False)
        with pytest.raises(CommandError, match="does not let this cluster change its rules"):
            said(mail, "off", THERE)
        assert answered(mail, "peers")[0]["lets_rule"] is False


class TestListing:
    def test_who_lets_this_cluster_rule_is_said(self, mail: Mail) -> None:
        sentence = "render lets this cluster change its rules."
        assert sentence in said(mail, "peers")
        mail.let_rule(lets=False)
        assert sentence not in said(mail, "peers")

    def test_requests_are_listed_with_what_came_of_them(self, mail: Mail) -> None:
        assert said(mail, "peers", "requests") == "There is no request to another cluster."
        first = answered(mail, "deny", THERE, "dam/a")["request"]["number"]
        mail.exchange()
        mail.may_rule = False
        second = answered(mail, "off", THERE)["request"]["number"]
        mail.exchange()
        third = answered(mail, "on", THERE)["request"]["number"]
        found = answered(mail, "peers", "requests")
        assert [(one["number"], one["state"]) for one in found] == [
            (third, "requested"),
            (second, "refused"),
            (first, "applied"),
        ]
        assert found[1]["reason"] == "MAY_RULE is not set there for this cluster."
        told = said(mail, "peers", "requests", "render")
        assert f"off {THERE}" in told
        assert "MAY_RULE is not set there for this cluster." in told
        assert [one["number"] for one in answered(mail, "peers", "requests", "--open")] == [third]
        assert "more than these 1" in said(mail, "peers", "requests", "--limit", "1")

    def test_a_request_is_withdrawn_by_its_number(self, mail: Mail) -> None:
        number = answered(mail, "off", THERE)["request"]["number"]
        assert "was withdrawn" in said(mail, "peers", "withdraw", str(number), "--dry-run")
        mail.send()
        assert answered(mail, "peers", "withdraw", str(number)) == {
            "number": number,
            "state": "requested",
        }
        assert "being withdrawn" in said(mail, "peers", "requests")
        mail.sent["render"].clear()
        mail.exchange()
        assert answered(mail, "peers", "requests")[0]["state"] == "withdrawn"

    def test_it_is_confirmed_once_the_instance_announces_that_version(self, mail: Mail) -> None:
        said(mail, "off", THERE)
        mail.exchange()
        with mail.home():
            [line] = peer_requests.recent()
            assert line.progress == "applied"
            row = Peer.objects.get()
            version = PeerRequest.objects.get().version
            instances = [{**one, "applied": {"version": version}} for one in row.instances]
            Peer.objects.update(instances=instances)
            [line] = peer_requests.recent()
            assert line.progress == "applied and confirmed"
        assert answered(mail, "peers", "requests")[0]["confirmed"] is True


class TestExplained:
    def test_a_waiting_job_has_the_open_requests_that_concern_it(self, mail: Mail) -> None:
        number = answered(mail, "deny", THERE, "dam/*")["request"]["number"]
        said(mail, "deny", THERE, "billing/*")
        with mail.home():
            [job_id] = waiting(topic="dam/web")
            told = explain("dam/web").sentence
            assert f"waits for render: deny dam/* on {THERE}." in told
            assert told.count("Request ") == 1
        assert f"Request {number} by " in said(mail, "job", job_id)

    def test_an_answered_one_is_not_named(self, mail: Mail) -> None:
        said(mail, "off", THERE)
        mail.exchange()
        with mail.home():
            assert "Request" not in explain("dam/web").sentence


class TestDoctor:
    def told(self, mail: Mail) -> list[tuple[str, str]]:
        with mail.home():
            found = [(one.fact, one.next_step) for one in findings.examine()]
        return [one for one in found if "request" in one[0]]

    def test_it_names_what_has_waited_for_a_minute_and_what_was_refused(self, mail: Mail) -> None:
        number = answered(mail, "off", THERE)["request"]["number"]
        assert self.told(mail) == []
        with mail.home():
            PeerRequest.objects.update(asked_at=Now() - timedelta(hours=3))
        assert self.told(mail) == [
            (
                f"render has not answered request {number} for 3 h: off {THERE}.",
                f"To take it back: manage.py offload peers withdraw {number}",
            )
        ]
        mail.may_rule = False
        mail.exchange()
        [(fact, step)] = self.told(mail)
        assert fact.startswith(f"render refused request {number} by ")
        assert fact.endswith(f"off {THERE}. MAY_RULE is not set there for this cluster.")
        assert step == "Ask the people there. See: manage.py offload peers requests"
        assert HERE in fact
