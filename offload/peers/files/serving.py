"""The site's addresses for files of jobs that travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.utils.functional import SimpleLazyObject

from offload.conf import settings
from offload.files.transfers import ways
from offload.files.transports import configured
from offload.files.transports.http.home import TransferSite
from offload.files.transports.http.uploads import UploadFolder
from offload.files.transports.http.views import transfer_urls
from offload.peers.files.home_jobs import HomeJobs

if TYPE_CHECKING:
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
    return transfer_urls(cast("TransferSite", SimpleLazyObject(site)))
