"""job: what there is to say of one job, now or until its end."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.core.progress import Progress
from offload.core.retries import Cause, decide
from offload.files import outputs
from offload.fleet.snapshots import snapshot
from offload.jobs import endings
from offload.management import job_text
from offload.models import Job, Run
from offload.operations.submission import submit
from offload.rules import editing
from offload.tracking import finishing, terminations
from offload.tracking.drafts import FILES_NEED, Draft, insert
from tests.integration.management.listed import ids, requeue
from tests.integration.world import BROKE, HERE, TOPIC, join, running, waiting
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Said = Callable[..., str]
    Answered = Callable[..., Any]
    Meanwhile = Callable[[Callable[[], object]], AbstractContextManager[None]]


def test_a_job_that_waits_says_why(said: Said, answered: Answered) -> None:
    join()
    editing.deny(HERE, TOPIC)
    (job_id,) = waiting(properties={"width": 5})
    told = said("job", job_id)
    assert "PENDING" in told
    assert '{"width": 5}' in told
    assert f"denies {TOPIC} on {HERE}" in told
    facts = answered("job", job_id)
    assert facts["explanation"]["waiting"] == "unassigned"
    assert facts["tried"] == []


def test_a_job_shows_its_attempts(said: Said, answered: Answered) -> None:
    join()
    run = running()
    requeue(run)
    (failed,) = answered("job", run.id)["tried"]
    assert (failed["outcome"], failed["error"], failed["instance"]) == ("failed", "no", HERE)
    assert "failed" in said("job", run.id)


def test_a_running_job_shows_the_present_attempt_and_its_progress(
    said: Said, answered: Answered
) -> None:
    join()
    run = running()
    finishing.report(run.key, Progress.of(3, 4, "cutting"))
    (present,) = answered("job", run.id)["tried"]
    assert (present["number"], present["outcome"], present["ended"]) == (1, "", None)
    assert "3 of 4 cutting" in said("job", run.id)


def test_a_job_that_was_handed_over_says_until_when(said: Said, answered: Answered) -> None:
    join()
    run = running()
    endings.hand_over(run.ending, 3600)

    assert "It was handed over until 20" in said("job", run.id)
    assert ", handed over until 20" in str(job_text.line(run.row))
    assert answered("job", run.id)["handed_until"] is not None


def test_a_job_shows_files_and_result(said: Said, answered: Answered) -> None:
    job_id = submit(TOPIC, files={"original": b"in"}).id
    join()
    snapshot(fresh=True)
    run = running(needs=FILES_NEED)
    assert run.id == job_id
    outputs.add(run.key, "small.png", b"out")
    assert answered("job", job_id)["outputs"] == []
    finishing.succeed(run.key, [1, 2], aftermath=False)
    facts = answered("job", job_id)
    assert [one["name"] for one in facts["inputs"]] == ["original"]
    assert [(one["name"], one["bytes"]) for one in facts["outputs"]] == [("small.png", 3)]
    told = said("job", job_id)
    assert "[1, 2]" in told
    assert "small.png" in told
    assert facts["outputs"][0]["sha256"] in told


def test_a_step_shows_the_other_steps_of_its_run(said: Said, answered: Answered) -> None:
    run = Run.objects.create(id="r1", workflow="dam/update")
    first, second = waiting(2, run_id=run.pk)
    facts = answered("job", first)
    assert (facts["run"], ids(facts["steps"])) == ("r1", [first, second])
    assert second in said("job", first)


def test_a_failed_job_shows_its_traceback(said: Said) -> None:
    join()
    run = running()
    decision = decide(
        snapshot().default.retry, cause=Cause.FAILED, failures=0, crashes=0, final=True
    )
    finishing.fail(run.key, decision, BROKE, aftermath=False)
    assert "Traceback: no" in said("job", run.id)


def test_what_a_job_says_cannot_steer_the_terminal(said: Said) -> None:
    (job_id,) = waiting(properties={"a": "[red]x[/red] :smile:"})
    Job.objects.update(error="\x1b[2Jgone")
    told = said("job", job_id) + said("jobs")
    assert "[red]x[/red] :smile:" in told
    assert "\x1b" not in told


@pytest.mark.parametrize("verb", ["job", "stop", "retry", "remove"])
def test_an_unknown_job_is_an_error_with_the_next_step(said: Said, verb: str) -> None:
    with pytest.raises(CommandError, match=r"manage\.py offload jobs. lists"):
        said(verb, "nope")


def test_following_shows_every_change_until_the_end(said: Said, meanwhile: Meanwhile) -> None:
    join()
    run = running()
    out = StringIO()

    def go_on() -> None:
        eventually(lambda: "ACTIVE" in out.getvalue())
        finishing.report(run.key, Progress.of(1, 2, ""))
        eventually(lambda: "1 of 2" in out.getvalue())
        finishing.succeed(run.key, "done", aftermath=False)

    with meanwhile(go_on):
        told = said("job", run.id, "--follow", to=out).splitlines()
    assert [line.split(maxsplit=1)[1] for line in told[:3]] == [
        f"ACTIVE on {HERE}, attempt 1",
        f"ACTIVE on {HERE}, attempt 1, 1 of 2",
        f"SUCCEEDED on {HERE}, attempt 1",
    ]
    assert told[3:] == ['"done"']


def test_following_gives_programs_a_line_per_change(said: Said) -> None:
    (job_id,) = waiting()
    terminations.stop([job_id])
    out = StringIO()
    with pytest.raises(CommandError, match="ended STOPPED") as caught:
        said("job", job_id, "--follow", "--json", to=out)
    assert caught.value.returncode == 1
    assert [json.loads(line)["state"] for line in out.getvalue().splitlines()] == ["STOPPED"]


def test_following_says_why_an_attempt_failed(said: Said, meanwhile: Meanwhile) -> None:
    join()
    run = running()
    requeue(run)
    out = StringIO()

    def stop() -> None:
        eventually(out.getvalue)
        terminations.stop([run.id])

    with meanwhile(stop), pytest.raises(CommandError):
        said("job", run.id, "--follow", to=out)
    assert "PENDING, attempt 1, not before" in out.getvalue()
    assert out.getvalue().splitlines()[0].endswith(", no")


@pytest.mark.parametrize("part", [slice(30), slice(-10, None)])
def test_enough_of_an_id_will_do(said: Said, answered: Answered, part: slice) -> None:
    (job_id,) = waiting()
    assert answered("job", job_id[part])["id"] == job_id
    assert job_id in said("job", "…" + job_id[part])


def test_an_id_without_its_dashes_will_do(said: Said, answered: Answered) -> None:
    (job_id,) = waiting()
    form = job_id.replace("-", "").upper()

    assert answered("job", form)["id"] == job_id
    said("stop", form, "--yes")
    assert Job.objects.get().state == "STOPPED"


def test_too_little_of_an_id_names_those_that_are_meant(said: Said) -> None:
    jobs = waiting(2)
    with pytest.raises(CommandError, match=rf"(?s){jobs[1]}, {jobs[0]}\. Write more of it"):
        said("job", jobs[0][:6])
    with pytest.raises(CommandError, match="too short for a part of one"):
        said("job", jobs[0][:3])


def test_of_ids_that_are_the_end_of_others_the_whole_one_is_meant(answered: Answered) -> None:
    insert([Draft(id="order-7", topic=TOPIC), Draft(id="re-order-7", topic=TOPIC)])
    assert answered("job", "order-7")["id"] == "order-7"
    assert answered("job", "re-o")["id"] == "re-order-7"
