from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.envelopes import Envelope, Malformed, OtherVersion
from offload.core.placement.topology import PROTOCOL_VERSION

SAID = {"v": PROTOCOL_VERSION, "id": "one", "epoch": 7, "topic": "a/b", "instance": "w@host"}
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
ENVELOPES = st.builds(
    Envelope,
    job_id=TEXT.filter(bool),
    epoch=st.integers(1, 2**31 - 1),
    topic=TEXT,
    instance=TEXT,
    incarnation=TEXT,
    is_silent=st.none() | st.booleans(),
    is_limited=st.booleans(),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(LEAVES, lambda one: st.lists(one) | st.dictionaries(st.text(), one))
KEYS = st.sampled_from(
    ["v", "id", "epoch", "topic", "instance", "incarnation", "silent", "limited", "more"]
)


@given(ENVELOPES)
def test_an_envelope_comes_back_from_json_as_it_was(envelope: Envelope) -> None:
    assert Envelope.read(json.loads(json.dumps(envelope.packed()))) == envelope


def test_its_fields_are_those_that_every_worker_of_this_version_reads() -> None:
    envelope = Envelope(job_id="one", epoch=7, is_silent=False, is_limited=True)

    assert envelope.packed() == {
        "v": PROTOCOL_VERSION, "id": "one", "epoch": 7, "topic": "", "instance": "",
        "incarnation": "", "silent": False, "limited": True,
    }  # fmt: skip
    assert envelope.key == ("one", 7)


def test_a_field_that_is_not_there_says_nothing() -> None:
    envelope = Envelope.read({"v": PROTOCOL_VERSION, "id": "one", "epoch": 7, "more": "to come"})

    assert envelope == Envelope(job_id="one", epoch=7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"v": None}, {"v": True}, {"v": "1"}, {"v": 0}, {"v": 2**40}, {"v": {}},
        {"id": ""}, {"id": "a\0b"}, {"id": "\ud800"}, {"id": "x" * 256}, {"id": 1},
        {"epoch": 0}, {"epoch": True}, {"epoch": "1"}, {"epoch": 2**31},
        {"topic": None}, {"instance": 1}, {"incarnation": []}, {"silent": None}, {"limited": 1},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_envelope_is_refused_without_its_content(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as refused:
        Envelope.read({**SAID, **wrong})

    assert not isinstance(refused.value, OtherVersion)
    assert refused.value.hint == "somebody else writes there"


@pytest.mark.parametrize("said", [None, "text", 7, [1], []], ids=str)
def test_what_is_no_object_is_refused(said: object) -> None:
    with pytest.raises(Malformed, match="not an object"):
        Envelope.read(said)


def test_another_version_is_told_before_anything_else_of_it_is_read() -> None:
    with pytest.raises(OtherVersion, match=f"protocol 99, and this worker {PROTOCOL_VERSION}"):
        Envelope.read({"v": 99})


@given(VALUES | st.dictionaries(KEYS, VALUES) | st.dictionaries(KEYS, VALUES).map(SAID.__or__))
def test_whatever_is_written_it_is_read_or_refused(said: object) -> None:
    try:
        envelope = Envelope.read(said)
    except Malformed:
        return
    assert Envelope.read(envelope.packed()) == envelope
