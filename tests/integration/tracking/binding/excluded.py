"""Jobs that an incarnation has refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from offload.models import Exclusion
from tests.integration.world import row


def exclude(job_id: str, incarnation: str, *, seconds: int) -> None:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    Exclusion.objects.create(job=row(job_id), incarnation=incarnation, reason="no", until=until)
