"""Submitting by the public calls: what is refused, and with which words."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

import offload
from offload.core.exceptions import (
    InvalidDelay,
    InvalidFile,
    InvalidName,
    InvalidNumber,
    InvalidPriority,
    InvalidProperties,
    InvalidTopic,
    MissingFile,
    OffloadError,
    UnknownQueue,
)
from offload.models import Job
from tests.integration.world import TOPIC, join
from tests.parameters import without_addresses

#: Named so that they are no file of this folder.
TEXT_FILE = Path(__file__)


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


class Unread:
    """A file that gives numbers."""

    def read(self, size: int) -> int:
        return 7


BAD_SUBMITS: list[tuple[type[OffloadError], dict[str, Any]]] = [
    (InvalidTopic, {"topic": 7}),
    (InvalidTopic, {"topic": None}),
    (InvalidProperties, {"properties": [1]}),
    (InvalidProperties, {"properties": "a"}),
    (InvalidProperties, {"properties": {"a": {1}}}),
    (InvalidFile, {"files": ["photo.jpg"]}),
    (InvalidFile, {"files": {"a": None}}),
    (InvalidFile, {"files": {"a": 7}}),
    (InvalidFile, {"files": {"a": ["x"]}}),
    (InvalidFile, {"files": {"a": Unread()}}),
    (InvalidFile, {"files": {"a": io.StringIO("text")}}),
    (InvalidName, {"files": {7: b"x"}}),
    (MissingFile, {"files": {"a": "a\0b"}}),
    (UnknownQueue, {"queue": 7}),
    (UnknownQueue, {"queue": "a\0b"}),
    (UnknownQueue, {"queue": ["default"]}),
    (InvalidPriority, {"priority": "high"}),
    (InvalidPriority, {"priority": None}),
    (InvalidDelay, {"delay": "soon"}),
    (InvalidDelay, {"delay": timedelta(days=-1)}),
    (InvalidDelay, {"expires": timedelta.max}),
    (InvalidDelay, {"expires": float("nan")}),
]


@pytest.mark.parametrize(("error", "options"), BAD_SUBMITS, ids=without_addresses)
def test_what_cannot_be_submitted_is_refused_and_leaves_nothing(
    error: type[OffloadError], options: dict[str, Any]
) -> None:
    with pytest.raises(error) as told:
        offload.submit(**{"topic": TOPIC, **options})

    assert ". " in str(told.value)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a": "/proc"}, "The file 'a' cannot be taken: '/proc' is a folder. Pass its files one"),
        ({"a": "/dev/null"}, "'/dev/null' is no regular file. Open it for reading bytes"),
        (["a"], "^`files` cannot be taken: it is of type list. Pass a dict of names"),
    ],
    ids=without_addresses,
)
def test_what_is_no_file_is_told_by_what_it_is(files: Any, told: str) -> None:
    with pytest.raises(InvalidFile, match=told):
        offload.submit(TOPIC, files=files)


def test_retries_that_are_no_number_of_them_are_told_what_is_one() -> None:
    with pytest.raises(InvalidNumber, match=r"from -1 to 1,000,000 \(-1 is without a limit\)"):
        offload.submit(TOPIC, retries=-2)


def test_a_file_that_was_opened_as_text_is_refused() -> None:
    with TEXT_FILE.open() as text, pytest.raises(InvalidFile, match="'rb'"):
        offload.submit(TOPIC, files={"a": cast("Any", text)})


@pytest.mark.parametrize("many", [None, 7, "ab", {"a": 1}, [[1]], [None]], ids=without_addresses)
def test_what_is_no_list_of_properties_is_refused(many: Any) -> None:
    with pytest.raises(InvalidProperties):
        offload.submit_many(TOPIC, many)

    assert not Job.objects.exists()


def test_a_term_that_there_is_not_is_named_by_the_call_that_was_made() -> None:
    with pytest.raises(TypeError, match=r"submit_many\(\).*'prio'"):
        offload.submit_many(TOPIC, [{}], prio=1)  # type: ignore[call-arg]
