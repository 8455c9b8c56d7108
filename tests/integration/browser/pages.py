"""Pages of the browser, and clusters that they show."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone

from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job
from offload.rules import enforcement
from offload.tracking import terminations
from tests.integration.world import HERE, TOPIC, waiting

if TYPE_CHECKING:
    from django.test import Client


MATRIX = reverse("admin:app_list", args=["offload"])
MATRIX_NOW = reverse("admin:offload_instance_matrix")
FLEET = reverse("admin:offload_instance_changelist")
FLEET_NOW = reverse("admin:offload_instance_fleet")
JOBS = reverse("admin:offload_job_changelist")


def page_of(job_id: str, name: str = "change") -> str:
    """Return an address of a job."""
    return reverse(f"admin:offload_job_{name}", args=[job_id])


def text(client: Client, address: str) -> str:
    """Return a page as text without its tags."""
    answer = client.get(address)
    assert answer.status_code == 200
    found = re.sub(r"<[^>]*>", " ", answer.content.decode().replace("<wbr>", ""))
    return re.sub(r"\s+", " ", found)


def apply(name: str = HERE) -> None:
    """Let an instance announce that it has applied the rules as they are."""
    row = Instance.objects.get(pk=name)
    enforcement.announce(name, row.incarnation, snapshot(fresh=True))


def version(content: bytes) -> str:
    """Return the version a page shows."""
    found = re.search(rb'id="ob-version" name="v" value="([^"]*)"', content)
    assert found is not None
    return found[1].decode()


def failed(
    topic: str = TOPIC,
    *,
    kind: str = "builtins.ValueError",
    error: str = "no",
    ago: float = 60,
    seconds: float = 1,
) -> str:
    """Return a job that was given up so many seconds ago, after an attempt of so many seconds."""
    job_id = waiting(topic=topic)[0]
    terminations.give_up([job_id], state="GIVEN_UP", error_type=kind, error=error)
    end = timezone.now() - timedelta(seconds=ago)
    Job.objects.filter(pk=job_id).update(
        attempts=11, started_at=end - timedelta(seconds=seconds), finished_at=end
    )
    return job_id
