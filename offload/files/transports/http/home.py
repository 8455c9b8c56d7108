"""The home site of transfers by HTTP: what its views ask of the rest of the site."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from offload.core.transfers.limits import TransferLimits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.files import File

    from offload.core.exceptions import NoSpace, TransferFailed
    from offload.core.transfers.descriptions import Transfer
    from offload.files.transports.http.grants import GrantSigner
    from offload.files.transports.http.uploads import UploadFolder
    from offload.files.transports.transport import Source


class Refusal(enum.StrEnum):
    """Why a request was refused."""

    #: Its address is not signed with the key of its peer.
    FORGED = "forged"
    #: The time of its grant is over.
    EXPIRED = "expired"
    #: Its job is final, or bound anew.
    OVER = "over"
    #: It goes the other way than its grant.
    OTHER_DIRECTION = "other direction"
    #: Home does not have the file.
    MISSING = "missing"
    #: Its headers contradict its grant or one another.
    MALFORMED = "malformed"


class Home(Protocol):
    """The jobs and files of the site, for peers."""

    def is_open(self, transfer: Transfer) -> bool:
        """Return whether its job is still bound to the peer by this epoch, and not final."""

    def source(self, transfer: Transfer) -> Source | None:
        """Return the input to send, if the site has it."""

    def held(self, transfers: Sequence[Transfer]) -> set[Transfer]:
        """Return those outputs of one binding that the site has, of which nothing is to be sent."""

    def accept(
        self, files: Sequence[tuple[Transfer, File[Any]]]
    ) -> Sequence[NoSpace | TransferFailed | None]:
        """Store outputs of one binding, which were verified; return what is wrong with each."""

    def refused(self, peer: str, refusal: Refusal) -> None:
        """Count a refusal; the peer's name may be made up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSite:
    """Everything that the views need."""

    home: Home
    signer: GrantSigner
    uploads: UploadFolder
    limits: TransferLimits = field(default_factory=TransferLimits)
    #: The header by which the web server is asked to send a file of a folder itself, such as
    #: ``X-Accel-Redirect`` (nginx) or ``X-Sendfile`` (Apache); empty if it cannot.
    sendfile_header: str = ""
    #: The prefix of a file's path in that header.
    sendfile_prefix: str = ""
