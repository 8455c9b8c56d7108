"""Requests to change rules and their verdicts as messages: permitted, well-formed, or refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from offload.core.peers.contents import RequestAnswer, RuleRequest
from offload.core.peers.encoding import packed
from offload.core.peers.messages import read
from offload.core.peers.refusal import RefusalKind
from offload.core.peers.rule_requests import RequestAction, RequestOutcome, RequestRefusal
from tests.unit.core.peers.sealed import MESSAGE, NOW, RECEIVER, refusal, said_of, sealed

REQUEST = RuleRequest(
    key="0" * 32, number=7, settled=7, action=RequestAction.OFF, instance="gpu1@host", by="ada"
)


def test_a_request_needs_permission_unless_it_is_taken_back() -> None:
    data, back = (
        sealed(replace(MESSAGE, content=replace(REQUEST, is_withdrawn=one)))
        for one in (False, True)
    )
    ruled = replace(RECEIVER, rulers=frozenset({"render"}))

    refused = refusal(data)
    assert refused.kind is RefusalKind.NOT_PERMITTED
    assert refused.message is not None
    assert read(data, ruled, NOW).content == REQUEST
    assert read(back, RECEIVER, NOW).content == replace(REQUEST, is_withdrawn=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "0"),
        ("key", "x" * 32),
        ("number", 0),
        ("settled", -1),
        ("action", "reboot"),
        ("instance", ""),
        ("patterns", "dam/*"),
        ("patterns", [""]),
        ("patterns", ["dam/*"] * 101),
        ("until", True),
        ("until", -1.0),
        ("until", 1e300),
        ("note", "x" * 1001),
        ("note", "a\0b"),
        ("by", ""),
        ("is_withdrawn", 1),
    ],
)
def test_a_request_that_no_cluster_writes_is_malformed(name: str, value: object) -> None:
    data = said_of("request", {**packed(REQUEST), name: value})

    assert refusal(data).kind is RefusalKind.MALFORMED


@pytest.mark.parametrize(
    ("outcome", "why"), [("refused", None), ("applied", "invalid"), ("refused", 1), ("done", None)]
)
def test_a_refused_request_and_no_other_has_a_reason(outcome: str, why: object) -> None:
    answer = RequestAnswer(key="0" * 32, outcome=RequestOutcome.APPLIED)
    data = said_of("verdict", {**packed(answer), "outcome": outcome, "refusal": why})

    assert refusal(data).kind is RefusalKind.MALFORMED


def test_a_refusal_of_a_later_version_is_one_all_the_same() -> None:
    outcome = RequestOutcome.REFUSED
    answer = RequestAnswer(key="0" * 32, outcome=outcome, refusal=RequestRefusal.INVALID)
    data = said_of("verdict", {**packed(answer), "refusal": "phase_of_the_moon"})

    assert read(data, RECEIVER, NOW).content == replace(answer, refusal=RequestRefusal.OTHER)
