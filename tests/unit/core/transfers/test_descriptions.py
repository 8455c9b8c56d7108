"""Descriptions of files: what another site says is taken only if a file can be so."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offload.core.exceptions import InvalidTicket
from offload.core.transfers.descriptions import (
    Direction,
    FileDescription,
    Transfer,
    parse_description,
    parse_transfer,
)
from offload.core.transfers.tickets import Ticket, parse_ticket

DIGEST = "ab" * 32
FILE = FileDescription(name="a.png", size=3, media_type="image/png", sha256=DIGEST)
TRANSFER = Transfer(peer="paris", job_id="j1", direction=Direction.INPUT, file=FILE, epoch=2)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def test_a_transfer_comes_back_from_json_as_it_was() -> None:
    assert parse_transfer(json.loads(json.dumps(TRANSFER.packed()))) == TRANSFER


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "../a.png"},
        {"name": "/etc/passwd"},
        {"name": "..\\a"},
        {"name": "a\x00b"},
        {"name": ""},
        {"name": 7},
        {"size": -1},
        {"size": True},
        {"size": 1.5},
        {"size": "3"},
        {"size": 2**63},
        {"media_type": "a\nb"},
        {"media_type": "x" * 256},
        {"media_type": None},
        {"sha256": DIGEST.upper()},
        {"sha256": DIGEST + "\n"},
        {"sha256": ""},
        {"sha256": None},
        {"more": 1},
    ],
)
def test_a_description_that_no_file_can_have_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidTicket):
        parse_description({**FILE.packed(), **wrong})


@given(JSON)
@example({"name": ["a"], "size": 1, "media_type": "", "sha256": DIGEST})
def test_any_other_json_is_refused_and_breaks_nothing(value: Any) -> None:
    with pytest.raises(InvalidTicket):
        parse_description(value)
    with pytest.raises(InvalidTicket):
        parse_ticket(value)


@given(JSON)
def test_a_transfer_of_any_other_json_is_refused(value: Any) -> None:
    with pytest.raises(InvalidTicket):
        parse_transfer({**TRANSFER.packed(), "file": value})


@given(st.text(max_size=300))
@example("renditions/48.png")
def test_no_name_leads_anywhere_but_down(name: str) -> None:
    try:
        file = replace(FILE, name=name)
    except InvalidTicket:
        return

    assert {"", ".", ".."}.isdisjoint(file.name.split("/"))
    assert set(replace(TRANSFER, file=file).key) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "other",
    [
        replace(TRANSFER, peer="rome"),
        replace(TRANSFER, job_id="j2"),
        replace(TRANSFER, epoch=3),
        replace(TRANSFER, direction=Direction.OUTPUT),
        replace(TRANSFER, file=replace(FILE, name="b.png")),
        replace(TRANSFER, file=replace(FILE, size=4)),
        replace(TRANSFER, file=replace(FILE, sha256="cd" * 32)),
    ],
)
def test_each_transfer_has_its_own_key(other: Transfer) -> None:
    assert other.key != TRANSFER.key


def test_a_ticket_comes_back_from_json_as_it_was() -> None:
    ticket = Ticket(transport="inline", data={"content": "YQ=="})

    assert parse_ticket(json.loads(json.dumps(ticket.packed()))) == ticket


@pytest.mark.parametrize("value", [None, 7, ["x"], "x" * 9])
def test_what_a_ticket_lacks_is_said(value: Any) -> None:
    ticket = Ticket(transport="http", data={} if value is None else {"url": value})

    with pytest.raises(InvalidTicket, match="no valid url"):
        ticket.text("url", name="a.png", most=8)
