"""Foreign messages, and messages that never begin their job."""

from __future__ import annotations

from offload.diagnostics import Level, messages
from offload.models import Instance, Job
from offload.reading.waiting.explain import explain_job
from tests.integration.diagnostics.findings import the
from tests.integration.world import HERE, bound, join, row


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    join()
    bound()

    assert list(messages.examine()) == []


def test_an_instance_to_which_nonsense_is_sent_is_named() -> None:
    join()
    Instance.objects.update(load={"malformed": 7})

    found = the(Level.WARN, messages.examine())

    assert found.fact.startswith(f"{HERE} dropped 7 messages")
    assert "broker" in found.next_step


def test_a_job_that_was_sent_three_times_and_never_begun_says_so() -> None:
    join()
    job = bound()[0]
    assert "begins when a process there is free" in explain_job(row(job.id)).sentence

    Job.objects.update(publishes=2)

    assert f"sent to {HERE} 3 times and has not begun" in explain_job(row(job.id)).sentence
    found = the(Level.WARN, messages.examine())
    assert "1 job was sent 3 times or more" in found.fact
    assert job.id in found.next_step
