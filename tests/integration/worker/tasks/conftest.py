"""Fixtures of this room's tests: an app with jobs and plain tasks, and their driver."""

from __future__ import annotations

from tests.integration.driving.fixtures import app, calls, driver, job, plain
from tests.integration.worker.tasks.hooked import hooked

__all__ = ["app", "calls", "driver", "hooked", "job", "plain"]
