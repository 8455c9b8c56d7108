"""A duty of the leader that takes too long."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from django.db import connections

from offload.db import database
from offload.fleet.duties import Duty
from offload.fleet.leadership import Term
from offload.signals import alarm
from offload.worker.agent.duty_runner import Doing
from tests.polling import eventually

if TYPE_CHECKING:
    import pytest

TERM = Term(number=1, holder="a@b", incarnation="i")
#: A statement that is not over by itself before anybody loses patience.
ENDLESS = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) "
        "SELECT max(i) FROM n"
    ),
    "postgresql": "SELECT 1 FROM pg_sleep(3600)",
}


def test_a_duty_past_its_deadline_is_interrupted_and_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[dict[str, Any]] = []
    begun = threading.Event()

    def hang() -> int:
        begun.set()
        return len(database.rows(ENDLESS[database.vendor()]))

    def tell(**facts: Any) -> None:
        told.append(facts)

    doing = Doing(Duty(name="bind", do=hang))
    thread = threading.Thread(target=_in_a_thread, args=(doing,))
    alarm.connect(tell)
    thread.start()
    try:
        assert begun.wait(30)
        doing.interrupt_after(3600)
        assert (doing.is_over, told) == (False, [])

        # The statement may not have begun at the first time.
        eventually(lambda: _ended(doing), what="the end of the duty")
    finally:
        alarm.disconnect(tell)
        thread.join(30)

    assert [facts["fact"] for facts in told] == ["the leader's duty 'bind' took longer than 0 s"]
    assert "duty bind failed" in caplog.text


def test_a_duty_that_is_over_is_left_alone() -> None:
    doing = Doing(Duty(name="bind", do=lambda: 0))
    doing.run(TERM)

    doing.interrupt_after(0)

    assert doing.is_over
    assert database.rows("SELECT 1") == [(1,)]


def test_a_duty_that_fails_says_with_what() -> None:
    def fail() -> int:
        raise OverflowError("date value out of range")

    doing = Doing(Duty(name="purge", do=fail))
    doing.run(TERM)

    assert (doing.is_over, doing.error) == (True, "OverflowError: date value out of range")


def _in_a_thread(doing: Doing) -> None:
    try:
        doing.run(TERM)
    finally:
        connections.close_all()


def _ended(doing: Doing) -> bool:
    doing.interrupt_after(0)
    return doing.is_over
