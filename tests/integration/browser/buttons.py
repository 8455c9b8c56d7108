"""Buttons of the browser, and who may press them."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import quote
from django.contrib.messages import get_messages
from django.urls import reverse

from tests.integration.world import HERE, TOPIC

DESIRED = reverse("admin:offload_instance_desired")
SWITCH = reverse("admin:offload_instance_switch", args=[quote(HERE)])
STOP = reverse("admin:offload_job_stop", args=["the-job"])
CELL = f"{HERE} {TOPIC}"


def page_of(job_id: str, name: str) -> str:
    """Return an address of a job."""
    return reverse(f"admin:offload_job_{name}", args=[job_id])


def told(answer: Any) -> str:
    """Return the messages of a change."""
    return " ".join(str(one) for one in get_messages(answer.wsgi_request))
