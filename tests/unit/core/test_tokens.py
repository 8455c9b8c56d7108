"""Tokens of jobs that were handed over, as one text."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from urllib.parse import quote
from uuid import uuid4

import pytest

from offload.core import tokens
from offload.core.exceptions import InvalidToken
from offload.core.tokens import Token


def encoded(value: object) -> str:
    """Return a value in the form of a token."""
    return urlsafe_b64encode(json.dumps(value).encode()).decode()


IDS = ["0190f3a2-7c5e-7d43-a4b1-2f6f0c1d9e8a", "order 7/ü?&=%", "x" * 255]


@pytest.mark.parametrize("job_id", IDS)
def test_a_token_holds_id_epoch_and_secret_and_survives_json_and_urls(job_id: str) -> None:
    token = Token(job_id, 7, str(uuid4()))

    text = str(token)

    assert re.fullmatch(r"[\w-]+", text, re.ASCII)
    assert quote(text, safe="") == text == json.loads(json.dumps(text))
    assert tokens.read(text) == token


BROKEN: dict[str, object] = {
    "nothing": "",
    "none": None,
    "bytes": b"WyJh",
    "words": "not a token",
    "letters beyond ASCII": "ümläut",
    "no list": encoded(7),
    "no JSON": urlsafe_b64encode(b"[1, 2").decode(),
    "no text": urlsafe_b64encode(b"\xff\xfe\xff").decode(),
    "too deep": urlsafe_b64encode(b"[" * 100_000).decode(),
    "too few": encoded(["a", 1]),
    "too many": encoded(["a", 1, "b", "c"]),
    "a number as id": encoded([1, 1, "b"]),
    "an empty id": encoded(["", 1, "b"]),
    "an endless id": encoded(["a" * 256, 1, "b"]),
    "an id no database looks for": encoded(["a\0", 1, "b"]),
    "an id that is no text": encoded(["a\ud800", 1, "b"]),
    "an empty secret": encoded(["a", 1, ""]),
    "a long secret": encoded(["a", 1, "b" * 37]),
    "epoch 0": encoded(["a", 0, "b"]),
    "true as epoch": encoded(["a", True, "b"]),
    "an epoch no column holds": encoded(["a", 2**31, "b"]),
    "a fraction as epoch": encoded(["a", 1.5, "b"]),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_what_is_no_token_is_refused_without_being_shown(text: object) -> None:
    with pytest.raises(InvalidToken) as caught:
        tokens.read(text)

    assert not text or str(text) not in str(caught.value)


def test_a_token_that_was_cut_is_refused() -> None:
    text = str(Token("a", 1, str(uuid4())))

    for length in range(len(text)):
        with pytest.raises(InvalidToken):
            tokens.read(text[:length])
