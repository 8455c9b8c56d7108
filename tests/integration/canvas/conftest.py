"""Fixtures of this room's tests: an app with jobs and plain tasks, and their driver."""

from __future__ import annotations

from tests.integration.canvas.sending.messages import elsewhere
from tests.integration.driving.fixtures import app, calls, driver, job, plain

__all__ = ["app", "calls", "driver", "elsewhere", "job", "plain"]
