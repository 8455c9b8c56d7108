"""Jobs by their ids, and by parts of them."""

from __future__ import annotations

from django.db.models import Q

from offload.models import Job


def find(job_id: str) -> Job | None:
    """Return the job with its run and payload, or None."""
    job: Job | None = Job.objects.select_related("run", "payload").filter(pk=job_id).first()
    return job


def with_id(text: str) -> str | None:
    """Return the id of the job that a text names whole, in any form of its UUID, or None."""
    key = Job.objects.key(text)
    return key if Job.objects.filter(pk=key).exists() else None


def with_part(part: str, most: int) -> list[str]:
    """Return that many ids that begin or end with the text, those of the newest jobs first."""
    found = Job.objects.filter(Q(pk__startswith=part) | Q(pk__endswith=part))
    return list(found.newest_first().values_list("pk", flat=True)[:most])
