"""Small outputs that go several in one request: each is right, or not there."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offload.core.exceptions import SourceCorrupt, TimedOut, TransferFailed, TransferRefused
from offload.core.transfers import file_batches
from tests.integration.files.transports.batches.posted import (
    CONTENTS,
    OUTPUT,
    assert_nothing_is_left,
    stored,
)
from tests.integration.files.transports.links import described
from tests.integration.files.transports.proxy import Fault

if TYPE_CHECKING:
    from tests.integration.files.transports.http_link import HttpLink

WHOLE = sum(map(len, CONTENTS.values()))
NUMBERS = count()


def requests(link: HttpLink, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list in which the methods of all requests will be."""
    found: list[str] = []
    usual = link.client.request

    def asked(method: str, *rest: Any, **options: Any) -> Any:
        found.append(method)
        return usual(method, *rest, **options)

    monkeypatch.setattr(link.client, "request", asked)
    return found


def test_many_small_files_take_few_requests(
    http_link: HttpLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = requests(http_link, monkeypatch)
    large = {"large.bin": os.urandom(file_batches.FILE_BYTES_MAX + 1)}

    assert http_link.carry(OUTPUT, CONTENTS | large) == CONTENTS | large

    assert sorted(asked) == ["HEAD", "POST", "PUT"]
    for name, content in CONTENTS.items():
        assert [one.done for one in http_link.progress if one.name == name] == [len(content)]


def test_a_home_that_does_not_say_that_it_takes_batches_gets_none(
    http_link: HttpLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = requests(http_link, monkeypatch)
    http_link.takes_batches = False

    assert http_link.carry(OUTPUT, CONTENTS) == CONTENTS

    assert set(asked) == {"PUT"}


@pytest.mark.parametrize("status", ["400 What", "404 Where", "405 How", "413 Large"])
def test_what_something_on_the_way_refuses_goes_one_by_one(
    http_link: HttpLink, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = requests(http_link, monkeypatch)
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    http_link.proxy.faults.append(Fault(answer=answer.encode()))

    assert http_link.carry(OUTPUT, CONTENTS) == CONTENTS

    assert asked == ["POST"] + ["PUT"] * len(CONTENTS)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(cuts=st.lists(st.tuples(st.booleans(), st.integers(0, WHOLE)), min_size=1, max_size=4))
def test_a_cut_anywhere_loses_only_what_was_not_whole(
    http_link: HttpLink, cuts: list[tuple[bool, int]]
) -> None:
    http_link.client.close()
    http_link.server.clear()
    http_link.proxy.faults.clear()
    http_link.proxy.faults.extend(
        # A response has some thousand bytes.
        Fault(cut_request=size) if is_request else Fault(cut_response=size % 3_000)
        for is_request, size in cuts
    )

    # Home may still store what came of the last example.
    number = next(NUMBERS)
    contents = {f"{number}/{name}": content for name, content in CONTENTS.items()}

    assert http_link.carry(OUTPUT, contents) == contents

    assert http_link.leftovers() == []


def test_a_changed_byte_is_noticed_and_the_file_sent_again(http_link: HttpLink) -> None:
    http_link.proxy.faults.append(Fault(corrupts_request=True))

    assert http_link.carry(OUTPUT, CONTENTS) == CONTENTS

    assert http_link.leftovers() == []


def test_bytes_that_always_change_are_given_up(http_link: HttpLink) -> None:
    http_link.proxy.always = Fault(corrupts_all=True)

    with pytest.raises((SourceCorrupt, TransferFailed, TransferRefused)):
        http_link.carry(OUTPUT, CONTENTS)

    right = set(CONTENTS.values())
    assert all(one in right for one in stored(http_link.server))


def test_a_line_that_only_drips_is_given_up_in_time(http_link: HttpLink) -> None:
    http_link.policy = replace(http_link.policy, timeout=0.5)
    http_link.proxy.always = Fault(drip=0.1)

    with pytest.raises((TimedOut, TransferFailed)) as caught:
        http_link.carry(OUTPUT, CONTENTS)

    assert caught.value.can_retry
    right = set(CONTENTS.values())
    assert all(one in right for one in stored(http_link.server))


def test_a_busy_home_is_asked_again_when_it_says(http_link: HttpLink) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    http_link.proxy.faults.extend([Fault(answer=busy), Fault(answer=busy)])

    assert http_link.carry(OUTPUT, CONTENTS) == CONTENTS

    assert http_link.pauses == [7.0, 7.0]


def test_a_source_that_changed_is_not_sent(http_link: HttpLink) -> None:
    claimed = {name: described(name, content) for name, content in CONTENTS.items()}

    with pytest.raises(SourceCorrupt, match="damaged"):
        http_link.carry(OUTPUT, CONTENTS | {"007.bin": b"as it is"}, claimed=claimed)

    assert_nothing_is_left(http_link)


def test_an_answer_that_is_none_is_tried_again(http_link: HttpLink) -> None:
    for text in (b"[]", b"{}", b"null", b'[{"status": "x", "reason": ""}]', b'[{"status": 503'):
        http_link.client.close()
        http_link.server.clear()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(text)
        http_link.proxy.faults.append(Fault(answer=head + text))

        assert http_link.carry(OUTPUT, CONTENTS) == CONTENTS
