"""Ends of plain Celery tasks, as their successors get them."""

from __future__ import annotations

from offload.canvas.failing import NodeResult
from offload.canvas.plain_tasks import cause_of


def test_an_error_is_told_as_text_that_every_database_takes() -> None:
    error = ValueError("a\x00b\udcff")

    cause = cause_of(NodeResult(id="t1", state="FAILURE", error=repr(error)), error)

    assert (cause.error_type, cause.error) == ("builtins.ValueError", r"a\x00b\udcff")
    assert str(cause).startswith("ValueError(")


def test_an_end_without_an_exception_is_told_as_it_came() -> None:
    cause = cause_of(NodeResult(id="t1", state="REVOKED", error="'terminated'"), "terminated")

    assert (cause.state, cause.error_type, cause.error) == ("STOPPED", "", "'terminated'")
