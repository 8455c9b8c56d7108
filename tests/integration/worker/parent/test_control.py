"""Celery's remote control of tasks that are jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery.app.control import Control
from celery.bin.base import CLIContext
from celery.bin.control import control as control_command
from click.testing import CliRunner

from offload.models import Job
from offload.worker.parent.control import JobControl
from tests.integration.world import join, row, running, waiting

if TYPE_CHECKING:
    from celery import Celery


@pytest.fixture
def sent(app: Celery, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Return the commands that workers get; they do not reply."""
    found: list[tuple[str, Any]] = []

    def broadcast(_: Control, command: str, arguments: Any = None, **__: Any) -> list[Any]:
        found.append((command, arguments))
        return []

    monkeypatch.setattr(Control, "broadcast", broadcast)
    join()
    return found


@pytest.fixture
def control(app: Celery) -> JobControl:
    """Return the remote control of an app with jobs."""
    return JobControl(app)


def test_a_revoked_job_is_stopped_and_no_worker_is_told(
    control: JobControl, sent: list[tuple[str, Any]]
) -> None:
    (job,) = waiting()

    control.revoke(job)

    assert row(job).state == "STOPPED"
    assert sent == []


def test_a_running_job_is_asked_and_a_terminated_one_is_to_be_killed(
    control: JobControl, sent: list[tuple[str, Any]]
) -> None:
    asked, killed = running(), running()

    control.revoke(asked.id)
    control.terminate(killed.id)

    assert (row(asked.id).stop_requested, row(asked.id).stop_forced) == (True, False)
    assert (row(killed.id).stop_requested, row(killed.id).stop_forced) == (True, True)
    assert sent == []


def test_other_tasks_among_them_are_revoked_as_celery_does(
    control: JobControl, sent: list[tuple[str, Any]]
) -> None:
    (job,) = waiting()

    control.revoke([job, "plain"], signal="SIGUSR1")

    assert sent == [("revoke", {"task_id": ["plain"], "terminate": False, "signal": "SIGUSR1"})]


def test_other_commands_pass_as_they_are(control: JobControl, sent: list[tuple[str, Any]]) -> None:
    control.rate_limit("dam.render", "1/s")

    assert [command for command, _ in sent] == ["rate_limit"]


@pytest.mark.parametrize(
    ("words", "force"), [(["revoke"], False), (["terminate", "SIGTERM"], True)]
)
def test_the_command_line_stops_jobs_and_says_so(
    app: Celery,
    control: JobControl,
    sent: list[tuple[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    force: bool,
) -> None:
    monkeypatch.setattr(app, "control", control)
    job = running().id

    program = CLIContext(app=app, no_color=True, workdir=None)
    done = CliRunner().invoke(control_command, [*words, job], obj=program)

    assert done.exit_code == 0, done.output
    assert f"jobs asked to stop: {job}" in done.output
    assert row(job).stop_forced is force


def stamped(**stamps: Any) -> str:
    """Store a job that waits with these stamps; return its id."""
    (job,) = waiting()
    Job.objects.filter(pk=job).update(options={"stamped_headers": list(stamps), **stamps})
    return job


@pytest.mark.parametrize(
    "headers", [{"customer": "c1"}, {"customer": ["c0", "c1"]}, {"many": "b"}, ["customer=c1"]]
)
def test_jobs_with_a_stamp_are_stopped_and_workers_told(
    control: JobControl, sent: list[tuple[str, Any]], headers: Any
) -> None:
    mine = stamped(customer="c1", many=["a", "b"])
    others = [stamped(customer="c2"), stamped(other="c1"), *waiting()]

    control.revoke_by_stamped_headers(headers)

    assert row(mine).state == "STOPPED"
    assert {row(other).state for other in others} == {"PENDING"}
    assert [command for command, _ in sent] == ["revoke_by_stamped_headers"]


def test_a_running_job_with_a_stamp_is_to_be_killed_where_it_is_terminated(
    control: JobControl, sent: list[tuple[str, Any]]
) -> None:
    job = running().id
    Job.objects.filter(pk=job).update(options={"stamped_headers": ["customer"], "customer": "c1"})

    control.revoke_by_stamped_headers({"customer": "c1"}, terminate=True)

    assert row(job).stop_forced
