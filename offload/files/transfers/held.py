"""Contents that this side has already, by their SHA-256 (G5).

Whoever knows a digest need not know the content. So a content counts as held only among the files
of one other cluster's jobs: those that went there, or came from there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from offload.files.transfers import kept
from offload.files.transports.transport import Source
from offload.models import Job, KeptFile, PayloadFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from offload.core.transfers.descriptions import FileDescription
    from offload.models.payloads import PayloadFileQuerySet

#: Digests that one statement asks for.
DIGESTS = 500


def held_with(peer: str) -> Callable[[FileDescription], Source | None]:
    """Return the function that finds contents among the files that a cluster knows."""
    return partial(held, peer)


def held(peer: str, file: FileDescription) -> Source | None:
    """Return where the same content lies here, or None; it may be deleted at any moment."""
    same = _known_to(peer).filter(sha256=file.sha256, size=file.size)
    found = same.select_related("payload").order_by("-pk").first()
    return kept.pinned(peer, file) if found is None else source_of(found)


def digests_held(peer: str, files: Sequence[FileDescription]) -> set[str]:
    """Return the SHA-256 of those contents among these that lie here."""
    digests = sorted({one.sha256 for one in files})
    found: set[str] = set()
    for begin in range(0, len(digests), DIGESTS):
        same = _known_to(peer).filter(sha256__in=digests[begin : begin + DIGESTS])
        found.update(same.values_list("sha256", flat=True))
        others = KeptFile.objects.filter(peer=peer, sha256__in=digests[begin : begin + DIGESTS])
        found.update(others.values_list("sha256", flat=True))
    return found


def _known_to(peer: str) -> PayloadFileQuerySet:
    """Return the files of jobs that went to a cluster, or came from it."""
    jobs = Job.objects.filter(Q(peer=peer) | Q(home=peer), payload=OuterRef("payload"))
    theirs = Q(job__peer=peer) | Q(job__home=peer) | Q(Exists(jobs), job=None)
    return PayloadFile.objects.filter(theirs)


def source_of(file: PayloadFile) -> Source:
    """Return a stored file as the source of a transfer."""
    return Source(open=file.open, storage=file.payload.storage, location=file.location)
