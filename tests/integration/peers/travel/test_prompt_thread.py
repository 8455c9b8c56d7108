"""The thread of an agent that does at once what ends of runs and messages call for."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.peers.contents import (
    CloneReport,
    OutputInvitation,
    PeerEnvelope,
    PeerNews,
    ReportAnswer,
    ReportVerdict,
    Withdrawal,
)
from offload.peers import prompt
from offload.peers.prompt_thread import PromptThread
from tests.polling import eventually

if TYPE_CHECKING:
    from offload.core.peers.contents import Content


class Files:
    """A thread that carries files, as the others see it."""

    def __init__(self) -> None:
        self.woken = 0
        self.tell: Any = None

    def wake(self) -> None:
        """Count it."""
        self.woken += 1


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of what a thread did."""
    found: list[str] = []
    monkeypatch.setattr(prompt, "report_ends", partial(found.append, "reports"))
    monkeypatch.setattr(prompt, "refill", partial(found.append, "refill"))
    return found


ENVELOPE = PeerEnvelope(job_id="one", epoch=1, topic="dam/web", instance="thumbs@a")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (CloneReport(job_id="one", epoch=1, number=1, news=PeerNews.STARTED), ["refill"]),
        (ENVELOPE, ["reports"]),
        (OutputInvitation(job_id="one", epoch=1), ["reports"]),
        (Withdrawal(job_id="one", epoch=1, stops_runs=True), ["reports"]),
        (ReportAnswer(job_id="one", epoch=1, number=1, verdict=ReportVerdict.ACCEPTED), []),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_message_is_followed_by_what_it_calls_for(
    done: list[str], content: Content, expected: list[str]
) -> None:
    thread = PromptThread()
    thread.heed(content)
    thread.start()
    try:
        eventually(lambda: done == expected, what=f"{expected} is done")
    finally:
        thread.stop()
        thread.join(60)
    assert not thread.is_alive()


def test_what_is_asked_for_many_times_is_done_once(done: list[str]) -> None:
    thread = PromptThread()
    for _ in range(50):
        thread.report_ends()
    thread.start()
    try:
        eventually(lambda: done, what="it is done")
        thread.heed(CloneReport(job_id="one", epoch=1, number=1, news=PeerNews.STARTED))
        eventually(lambda: "refill" in done, what="the next is done")
    finally:
        thread.stop()
        thread.join(60)
    assert done == ["reports", "refill"]


def test_what_fails_keeps_the_thread_from_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries = threading.Semaphore(0)

    def broken() -> int:
        tries.release()
        raise ZeroDivisionError

    monkeypatch.setattr(prompt, "report_ends", broken)
    thread = PromptThread()
    thread.start()
    try:
        for _ in range(2):
            thread.report_ends()
            assert tries.acquire(timeout=60)
    finally:
        thread.stop()
        thread.join(60)
    assert "sent later" in caplog.text


def test_files_are_looked_for_at_once_and_what_came_of_them_is_told(done: list[str]) -> None:
    files = [Files(), Files()]
    thread = PromptThread(files)  # type: ignore[arg-type]
    thread.heed(ENVELOPE)
    assert [one.woken for one in files] == [0, 0]
    thread.heed(OutputInvitation(job_id="one", epoch=1, files=(object(),)))  # type: ignore[arg-type]
    assert [one.woken for one in files] == [1, 1]
    files[0].tell()
    thread.start()
    try:
        eventually(lambda: done, what="it is reported")
    finally:
        thread.stop()
        thread.join(60)
