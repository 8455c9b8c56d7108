"""The stage of a replay between two clusters: their tables, and the contents on their way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any

from django.db.models.functions import Now

from offload.core.peers.contents import (
    Acknowledgement,
    CloneReport,
    PeerEnvelope,
    PeerNews,
    ReportAnswer,
    ReportVerdict,
    Withdrawal,
)
from offload.core.states import JobState
from offload.fleet import leadership
from offload.fleet.snapshots import now
from offload.messaging.installation import current_installation as here
from offload.models import ClosedBinding, Instance, Job, News, Peer, WithdrawnBinding
from offload.peers.kinds import OUTBOXES
from offload.tracking.peers.news import ENDED
from tests.conftest import empty
from tests.integration.world import HERE, join, place, waiting
from tests.unit.protocol.model import FAILURES
from tests.unit.protocol.peers.model import Kind, Message, Place, World
from tests.unit.protocol.peers.model import News as Told

if TYPE_CHECKING:
    from offload.fleet.leadership import Term
    from offload.jobs.endings import Ending
    from offload.tracking.binding.bindings import Place as Where
    from tests.integration.peers.travel.clusters import Cluster, Link

OWN = "worker@site"
HOUR = timedelta(hours=1)
#: The news that a report may tell where the model's tells this.
NEWS = {
    Told.STARTED: {PeerNews.STARTED},
    Told.SUCCEEDED: {PeerNews.SUCCEEDED},
    Told.FAILED: {PeerNews.FAILED},
    Told.LOST: {PeerNews.LOST},
    Told.EXPIRED: {PeerNews.LEASE_EXPIRED, PeerNews.STOPPED},
    Told.STOPPED: {PeerNews.STOPPED},
    Told.REFUSED: {PeerNews.REFUSED},
}


@dataclass(slots=True)
class Stage:
    """The stage on which one schedule is replayed."""

    link: Link
    job_id: str = ""
    #: The contents that the model's messages stand for.
    contents: dict[Message, Any] = field(default_factory=dict)
    #: What each run's end needs.
    runs: dict[tuple[Place, int], Ending] = field(default_factory=dict)

    @property
    def home(self) -> Cluster:
        """Return the cluster that owns the job."""
        return self.link.home

    @property
    def peer(self) -> Cluster:
        """Return the cluster that clones it."""
        return self.link.peer

    def set_up(self) -> None:
        """Let two clusters hear each other, and a job be at home; nothing of another schedule."""
        for cluster in (self.home, self.peer):
            empty(cluster.alias)
        for breaker in (here.to_broker, here.to_backend):
            breaker.trip(inf)
        self.link.introduce()
        with self.home.here():
            join(OWN)
            [self.job_id] = waiting()
            Job.objects.update(failures=FAILURES - 1)

    @property
    def row(self) -> Job | None:
        """Return home's row, for whoever is at home."""
        found: Job | None = Job.objects.filter(pk=self.job_id).first()
        return found

    def term(self) -> Term:
        """Return the term of home's leader."""
        found = leadership.acquire(OWN, Instance.objects.get(pk=OWN).incarnation)
        assert found is not None
        return found

    def place(self, where: Place) -> Where:
        """Return a place to bind to, as home sees it."""
        if where == Place.HOME:
            return place(OWN)
        return replace(place(f"render/{HERE}"), peer="render")

    def let_begin(self, is_leased: bool) -> None:
        """Let the peer have a lease, or none."""
        with self.peer.here():
            Peer.objects.update(lease_until=Now() + (HOUR if is_leased else -HOUR))

    def due(self, kind: type[Any], sender: Cluster) -> Any:
        """Return the content of a kind that one side sends, as if its time had come."""
        with sender.here():
            WithdrawnBinding.objects.update(due_at=Now() - HOUR)
            News.objects.filter(due_at__isnull=False).update(due_at=Now() - HOUR)
            Job.objects.filter(bound_at__isnull=False).update(bound_at=Now() - HOUR)
            found = [one for box in OUTBOXES for one in box.due(sender.other, now(), 100)]
        [content] = [one for one in found if type(one) is kind]
        return content

    def renew(self) -> None:
        """Let the peer number what there is to report."""
        with self.peer.here():
            for box in OUTBOXES:
                box.due("site", now(), 100)

    # The tables and the world, as the same values.

    def of_home(self) -> tuple[Any, ...]:
        """Return what home's tables say."""
        with self.home.here():
            row, taken = self.row, WithdrawnBinding.objects.first()
            withdrawn = (taken.epoch, taken.stops_runs) if taken else (0, False)
            silent = Peer.objects.get().silent_since is not None
        if row is None:
            return None, withdrawn, silent
        where = None
        if row.state in {JobState.QUEUED, JobState.ACTIVE}:
            where = Place.HOME if row.peer is None else Place.PEER
        counts = (row.failures, row.crashes, row.heard_epoch or 0)
        return (row.state, row.epoch, where, row.stop_requested, *counts), withdrawn, silent

    def of_peer(self, *, has_clone: bool) -> tuple[Any, ...]:
        """Return what the peer's tables say; of a clone only where the model has one too."""
        with self.peer.here():
            clone = Job.objects.filter(home="site").first()
            closed = ClosedBinding.objects.first()
            news = News.objects.filter(due_at__isnull=False).first()
        known = max(clone.home_epoch or 0 if clone else 0, closed.epoch if closed else 0)
        report = (news.epoch, 2 if news.reported == ENDED else 1) if news else None
        if not has_clone or clone is None:
            return known, report, None
        state = JobState.PENDING if clone.state == JobState.QUEUED else clone.state
        return known, report, (state, clone.home_epoch, clone.stop_requested)


def home_of(world: World) -> tuple[Any, ...]:
    """Return what the model's world says of home."""
    job = world.job
    withdrawn = (world.withdrawn.epoch, world.withdrawn.stops_runs)
    if world.purged:
        return None, withdrawn, world.silent
    where = job.instance if job.state in {JobState.QUEUED, JobState.ACTIVE} else None
    counts = (job.failures, job.crashes, world.heard[0])
    return (job.state, job.epoch, where, job.stop_requested, *counts), withdrawn, world.silent


def peer_of(world: World) -> tuple[Any, ...]:
    """Return what the model's world says of the peer."""
    peer, clone = world.peer, world.peer.clone
    report = (peer.report.epoch, peer.report.number) if peer.report else None
    facts = (clone.state, peer.home_epoch, clone.stop_requested) if clone else None
    return max(peer.closed, peer.home_epoch), report, facts


def agrees(message: Message, content: Any) -> bool:
    """Tell whether a content says what a message of the model does."""
    match message.kind:
        case Kind.ENVELOPE:
            return isinstance(content, PeerEnvelope) and content.epoch == message.epoch
        case Kind.WITHDRAWAL | Kind.ACKNOWLEDGEMENT:
            kind = Withdrawal if message.kind == Kind.WITHDRAWAL else Acknowledgement
            said = isinstance(content, kind) and (content.epoch, int(content.stops_runs))
            return said == (message.epoch, message.number)
        case Kind.VERDICT:
            verdict = ReportVerdict(message.says)
            return isinstance(content, ReportAnswer) and content.verdict is verdict
        case _:
            is_report = isinstance(content, CloneReport) and content.epoch == message.epoch
            return is_report and content.news in NEWS[Told(message.says)]
