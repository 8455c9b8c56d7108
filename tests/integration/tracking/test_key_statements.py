"""Queries about keys that use their indexes, however many jobs wait and have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.admission.turns import QueueTurn
from offload.core.placement.lanes import Lane
from offload.reading.jobs.selection import Selection
from offload.tracking.binding import queue_use
from offload.tracking.binding.candidate_sql import head_of_key
from offload.tracking.binding.candidates import Question, first_in_order, of_next_keys
from tests.integration.tracking.plans import analyse, history, slow
from tests.integration.world import TOPIC, bound, join, place, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

LANE = Lane(queue="narrow", topic=TOPIC, keyed=True)
AFTER, FIRST = QueueTurn(of="k1"), QueueTurn()
HEADS = "offload_job_key_begun(.|\n)*offload_job_key_head"


def question(*, in_order: bool = False) -> Question:
    return Question(
        place=place(), queue="narrow", limit=4, rows=9, most_per_key=2, in_order=in_order
    )


#: A question, and the index that answers it among thousands of jobs.
QUESTIONS: dict[str, tuple[Callable[[], object], str]] = {
    "first jobs": (lambda: first_in_order(question(), [LANE]), "offload_job_waiting"),
    "first in line": (lambda: first_in_order(question(in_order=True), [LANE]), HEADS),
    "next keys": (lambda: of_next_keys(question(), [LANE], AFTER, again=False), "offload_job_keys"),
    "heads": (lambda: of_next_keys(question(in_order=True), [LANE], FIRST, again=True), HEADS),
    "head of a key": (lambda: head_of_key("narrow", "k1"), "offload_job_key_head"),
    "use": (lambda: queue_use.of("narrow"), "offload_job_(bound|in_queue)"),
    "jobs of a key": (lambda: list(Selection(key="k1").jobs().newest_first()), "job_of_key"),
}


@pytest.mark.usefixtures("values_in_the_text", "app")
def test_each_question_about_keys_is_answered_by_its_own_index() -> None:
    join()
    history()
    bound(queue="narrow")
    for number in range(200):
        waiting(2, queue="narrow", key=f"k{number}")
    analyse()

    plans = {name: slow(ask, index) for name, (ask, index) in QUESTIONS.items()}

    assert {name: plan for name, plan in plans.items() if plan} == {}
