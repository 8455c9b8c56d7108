"""Messages of another cluster, *render*, to this one, *site*."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from offload.core.peers.contents import (
    Acknowledgement,
    CloneReport,
    Confirmation,
    OutputInvitation,
    PeerAnnouncement,
    PeerEnvelope,
    PeerNews,
    ReportAnswer,
    ReportVerdict,
    RequestAnswer,
    RuleRequest,
    Withdrawal,
)
from offload.core.peers.messages import PeerLimits, PeerMessage, new_nonce, write
from offload.core.peers.rule_requests import RequestAction, RequestOutcome
from offload.core.peers.signing import PeerKey

if TYPE_CHECKING:
    from offload.core.peers.contents import Content

SITE, RENDER = "site", "render"
SECRET = "r" * 32
KEY = PeerKey(id="2026", peer=RENDER, secret=SECRET.encode())
SETTING: dict[str, Any] = {
    RENDER: {"KEY": {"2026": SECRET}, "ACCEPT": ["dam/*"], "SEND": ["render/**"]},
    "print": {"KEY": {"print-1": "p" * 32}},
}
#: One of each kind.
CONTENTS: dict[str, Content] = {
    "job": PeerEnvelope(job_id="one", epoch=1, topic="dam/web", instance="thumbs@a"),
    "withdrawal": Withdrawal(job_id="one", epoch=1, stops_runs=True),
    "acknowledgement": Acknowledgement(job_id="one", epoch=1, stops_runs=True),
    "report": CloneReport(job_id="one", epoch=1, number=1, news=PeerNews.STARTED),
    "answer": ReportAnswer(job_id="one", epoch=1, number=1, verdict=ReportVerdict.ACCEPTED),
    "invitation": OutputInvitation(job_id="one", epoch=1),
    "request": RuleRequest(
        key="0" * 32,
        number=1,
        settled=1,
        action=RequestAction.DENY,
        instance="gpu1@host",
        patterns=("dam/web",),
        by="ada",
    ),
    "verdict": RequestAnswer(key="0" * 32, outcome=RequestOutcome.APPLIED, version=7),
    "announcement": PeerAnnouncement(term=1, beat=7, confirms=0, lease=10.0),
    "confirmation": Confirmation(confirms=7, lease=10.0),
}


def instance(name: str = "gpu1@host", **facts: Any) -> dict[str, Any]:
    """Return an instance as another cluster announces it."""
    usual: dict[str, Any] = {
        "name": name,
        "incarnation": f"boot of {name}",
        "mode": "ready",
        "consumers": [{"pattern": "render/*", "task": "render.still"}],
        "labels": ["gpu"],
        "concurrency": 2,
        "window": 4,
        "can_kill": True,
        "can_limit": True,
        "protocol": 1,
        "broken": [],
        "facts": {"cpus": 8},
        "off": False,
        "leader": True,
        "room": 4,
        "load": {"running": 0},
    }
    return {**usual, **facts}


def announcement(beat: int = 7, **facts: Any) -> PeerAnnouncement:
    """Return an announcement of the other cluster with one instance."""
    usual: dict[str, Any] = {
        "term": 1,
        "confirms": 0,
        "lease": 10.0,
        "instances": (instance(),),
    }
    return PeerAnnouncement(beat=beat, **{**usual, **facts})


def sealed(
    content: Content,
    *,
    key: PeerKey = KEY,
    sender: str = RENDER,
    receiver: str = SITE,
    ahead: float = 0.0,
    nonce: str | None = None,
) -> bytes:
    """Return a message as its bytes, signed by a clock that is so many seconds ahead."""
    message = PeerMessage(
        sender=sender,
        receiver=receiver,
        sent_at=datetime.now(UTC) + timedelta(seconds=ahead),
        nonce=nonce or new_nonce(),
        content=content,
    )
    return write(message, key, PeerLimits(size_bytes=1 << 24))
