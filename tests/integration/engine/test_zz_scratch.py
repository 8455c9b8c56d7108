from __future__ import annotations
import pytest
from offload.engine import dispatch, endings, losses
from offload.engine.publisher import breaker
from offload.core.outcomes import ErrorInfo
from offload.core.retries import RetryDecision
from offload.core.states import JobState
from offload.worker.outcome import info
from offload.engine.tracking.bindings import waiting_lanes
from tests.integration.engine.world import *

@pytest.fixture(autouse=True)
def _instance(app): join()

def test_lanes():
    drafts = [Draft(id=new_id(), topic=f"dam/x{i}/y") for i in range(600)]
    insert(drafts)
    assert dispatch.refill(HERE) == 4

def test_poison_compression(broker):
    ids = waiting(1, options={"compression": "nope"}) + waiting(2)
    n = dispatch.refill(HERE)
    assert n == 3
    assert not breaker.is_open
    assert len(broker.sent_to()) == 2

def test_poison_serializer(broker):
    ids = waiting(1, options={"serializer": "nope"}) + waiting(2)
    n = dispatch.refill(HERE)
    assert n == 3
    assert not breaker.is_open
    assert len(broker.sent_to()) == 2

@pytest.mark.parametrize("text", ["a\x00b", "a\udcffb"])
def test_text(text):
    run = running()
    try:
        raise ValueError(text)
    except ValueError as e:
        told = info(e)
    d = RetryDecision(state=JobState.GIVEN_UP, delay=0.0, failures=1, crashes=0, reason="")
    assert endings.fail(run.ending, d, told) is JobState.GIVEN_UP

@pytest.mark.parametrize("text", ["a\x00b", "a\udcffb"])
def test_value(text):
    run = running()
    assert endings.succeed(run.ending, text) is JobState.SUCCEEDED
