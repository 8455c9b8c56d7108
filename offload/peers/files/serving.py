"""The site's addresses for files of jobs that travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.http import HttpResponse
from django.urls import path
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from offload.conf import settings
from offload.core.peers.signing import PEER_VERSION
from offload.core.transfers.ranges import PROTOCOL
from offload.files.transfers import ways
from offload.files.transports import configured
from offload.files.transports.http.home import TransferSite
from offload.files.transports.http.uploads import UploadFolder
from offload.files.transports.http.views import transfer_urls
from offload.peers.files.home_jobs import HomeJobs

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import URLPattern


def site() -> TransferSite:
    """Return the facts that the views need, as the settings say them now."""
    return TransferSite(
        home=HomeJobs(),
        signer=ways.signer(),
        uploads=UploadFolder(path=ways.uploads()),
        limits=configured.limits(),
        sendfile_header=settings().sendfile_header,
        sendfile_prefix=settings().sendfile_prefix,
    )


def purge_uploads() -> None:
    """Remove from this host what came of uploads of jobs that are over."""
    place = ways.uploads_place()
    if place.is_dir():
        UploadFolder(path=place).purge(HomeJobs().is_open)


def urls() -> list[URLPattern]:
    """Return the addresses, to include in the site's own; the first request reads the settings."""
    transfers = transfer_urls(cast("TransferSite", SimpleLazyObject(site)))
    return [path("", here, name="offload-here"), *transfers]


@require_safe
def here(_: HttpRequest) -> HttpResponse:
    """Say that these addresses are here: it needs no grant, and tells nothing of the site."""
    return HttpResponse(status=204, headers={PROTOCOL: str(PEER_VERSION)})
