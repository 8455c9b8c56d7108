"""Any message comes back as it was, and no changed byte is accepted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from offload.core.peers.contents import (
    Acknowledgement,
    CloneRefusal,
    CloneReport,
    PeerAnnouncement,
    PeerEnvelope,
    PeerNews,
    ReportAnswer,
    ReportVerdict,
    RequestAnswer,
    RuleRequest,
    Withdrawal,
)
from offload.core.peers.encoding import KINDS, packed, unpacked
from offload.core.peers.messages import PeerLimits, PeerMessage, read, write
from offload.core.peers.refusal import PeerMessageRefused, RefusalKind
from offload.core.peers.rule_requests import RequestAction, RequestOutcome, RequestRefusal
from tests.unit.core.peers.sealed import JOB, KEY, NOW, RECEIVER, refusal, said_of, sealed

IDS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)
EPOCHS = st.integers(1, 2**31 - 1)
COUNTS = st.integers(0, 2**63 - 1)
LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | IDS
VALUES = st.recursive(
    LEAVES,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(IDS, one, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(IDS, VALUES, max_size=3)
KEYS = st.integers(0, 2**128 - 1).map("{:032x}".format)
BINDING = {"job_id": IDS, "epoch": EPOCHS}
CONTENTS = st.one_of(
    st.builds(
        PeerEnvelope, **BINDING, topic=st.just("dam/web"), instance=IDS, properties=OBJECTS,
        is_limited=st.booleans(),
    ),
    st.builds(Withdrawal, **BINDING, stops_runs=st.booleans()),
    st.builds(Acknowledgement, **BINDING, stops_runs=st.booleans()),
    st.builds(
        CloneReport, **BINDING, number=EPOCHS, details=OBJECTS,
        news=st.sampled_from(sorted(set(PeerNews) - {PeerNews.REFUSED})),
    ),
    st.builds(
        CloneReport, **BINDING, number=EPOCHS, news=st.just(PeerNews.REFUSED),
        reason=st.sampled_from(CloneRefusal),
    ),
    st.builds(ReportAnswer, **BINDING, number=EPOCHS, verdict=st.sampled_from(ReportVerdict)),
    st.builds(
        RuleRequest, key=KEYS, number=EPOCHS, settled=COUNTS, action=st.sampled_from(RequestAction),
        instance=IDS, patterns=st.lists(IDS, max_size=3).map(tuple), note=IDS, by=IDS,
        until=st.none() | st.floats(0, 2**32), is_withdrawn=st.booleans(),
    ),
    st.builds(
        RequestAnswer, key=KEYS, version=COUNTS, detail=IDS,
        outcome=st.sampled_from([RequestOutcome.APPLIED, RequestOutcome.WITHDRAWN]),
    ),
    st.builds(
        RequestAnswer, key=KEYS, outcome=st.just(RequestOutcome.REFUSED),
        refusal=st.sampled_from(RequestRefusal),
    ),
    st.builds(
        PeerAnnouncement, term=COUNTS, beat=COUNTS, confirms=COUNTS, left_out=COUNTS,
        is_accepting=st.booleans(), lets_rule=st.booleans(),
        lease=st.floats(0, 86_400), instances=st.lists(OBJECTS, max_size=3).map(tuple),
    ),
)  # fmt: skip
MESSAGES = st.builds(
    PeerMessage,
    sender=st.just("render"),
    receiver=st.just("home"),
    sent_at=st.integers(-360, 60).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    nonce=st.integers(1, 2**128 - 1).map("{:032x}".format),
    content=CONTENTS,
)
ROOMY = PeerLimits(size_bytes=1 << 20)


@given(MESSAGES)
def test_every_message_comes_back_as_it_was(message: PeerMessage) -> None:
    receiver = replace(RECEIVER, limits=ROOMY, rulers=frozenset({"render"}))

    assert read(write(message, KEY, ROOMY), receiver, NOW) == message


@given(st.data())
def test_no_changed_byte_is_accepted(data: st.DataObject) -> None:
    whole = sealed()
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[place]))

    refusal(whole[:place] + bytes([byte]) + whole[place + 1 :])


@given(
    st.sampled_from([*KINDS, "other"]),
    st.dictionaries(st.sampled_from(sorted(packed(JOB))), VALUES),
)
def test_whatever_is_said_is_a_content_or_refused(kind: str, said: dict[str, object]) -> None:
    data = said_of(kind, said)
    with suppress(PeerMessageRefused):
        found = read(data, RECEIVER, NOW)
        assert unpacked(kind, packed(found.content), 4096) == found.content
        return
    assert refusal(data).kind in {RefusalKind.MALFORMED, RefusalKind.NOT_PERMITTED}
