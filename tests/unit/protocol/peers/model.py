"""The world of two clusters that share a broker alone: a job at home, its clone at a peer.

What happens inside a cluster is the other model's: here a run begins and ends in one step each, by
the same statements. Fields named *ghost* are what an all-seeing observer notes.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple, TypeAlias

from offload.core.states import JobState
from tests.unit.protocol.model import CRASHES, FAILURES, Attempt, Job, Key, Step


class Place(IntEnum):
    """Where a row can be bound to."""

    #: An instance of home's own cluster.
    HOME = 0
    #: An instance of the peer.
    PEER = 1
    #: An instance of a third cluster, a peer of the peer.
    THIRD = 2


class Kind(StrEnum):
    """The kinds of messages between the two clusters."""

    ENVELOPE = "envelope"
    WITHDRAWAL = "withdrawal"
    VERDICT = "verdict"
    REPORT = "report"
    ACKNOWLEDGEMENT = "acknowledgement"
    INVITATION = "invitation"


#: The messages that go from home to the peer; the others go back.
OUTWARD = frozenset({Kind.ENVELOPE, Kind.WITHDRAWAL, Kind.VERDICT, Kind.INVITATION})


class News(StrEnum):
    """What a report tells of a binding."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    EXPIRED = "lease expired"
    STOPPED = "stopped"
    REFUSED = "refused"


class Verdict(StrEnum):
    """Home's answer to a report; each is final."""

    ACCEPTED = "accepted"
    STALE = "stale"
    UNKNOWN = "unknown"


class Message(NamedTuple):
    """A signed message on its way."""

    kind: Kind
    #: The epoch at home that it is about.
    epoch: int
    #: Of a report and its verdict; of a withdrawal, whether it stops runs.
    number: int = 0
    says: str = ""

    def __str__(self) -> str:
        says = f" ({self.says})" if self.says else ""
        return f"the {self.kind} of epoch {self.epoch}{says}"


class Withdrawal(NamedTuple):
    """The row in home's outbox that takes back a binding, and all older ones."""

    epoch: int
    #: Whether what runs shall stop; else it may go on, and only nothing begin.
    stops_runs: bool = False

    def __bool__(self) -> bool:
        return self.epoch > 0

    def message(self, kind: Kind) -> Message:
        """Return the message that asks for it, or the one that acknowledges it."""
        return Message(kind, self.epoch, int(self.stops_runs))

    @classmethod
    def of(cls, message: Message) -> Withdrawal:
        return cls(message.epoch, bool(message.number))


NOTHING = Withdrawal(0)


class Report(NamedTuple):
    """The row in the peer's outbox: all that home has to know of a binding."""

    epoch: int
    number: int
    news: News

    @property
    def message(self) -> Message:
        return Message(Kind.REPORT, self.epoch, self.number, self.news)


class Run(NamedTuple):
    """A run in either cluster."""

    place: Place
    #: Ghost: the epoch at home that it is for.
    home_epoch: int
    attempt: Attempt
    #: Ghost: whether home took its job away while it could not be reached.
    left: bool = False


class Carrying(NamedTuple):
    """The files of the clone on their way, in or out, as the peer's rows and agents have them."""

    #: Whether rows say that files are to be carried.
    wanted: bool = False
    #: Whether they name an agent that carries them.
    owned: bool = False
    #: What agents carry now: the epoch at home, and whether it is outputs.
    agents: tuple[tuple[int, bool], ...] = ()

    def without(self, agent: tuple[int, bool]) -> Carrying:
        rest = tuple(one for one in self.agents if one != agent)
        return self._replace(agents=rest)

    def over(self) -> Carrying:
        """Delete the rows; agents notice later."""
        return self._replace(wanted=False, owned=False)


#: One failed attempt is one too many, but a lost one is not: two ways to go on are enough.
JOB = Job(failures=FAILURES - 1)
#: A clone has one attempt: whether there is another one, home decides.
CLONE = Job(failures=FAILURES - 1, crashes=CRASHES - 1)


class Peer(NamedTuple):
    """The cluster that runs the job for home: its database, and whether it works."""

    alive: bool = True
    paused: bool = False
    clone: Job | None = None
    #: The epoch at home that the clone is for.
    home_epoch: int = 0
    report: Report | None = None
    #: The highest epoch at home for which no clone is made any more.
    closed: int = 0
    #: Whether the inputs of the clone are here.
    inputs: bool = False
    carrying: Carrying = Carrying()

    @property
    def awake(self) -> bool:
        return self.alive and not self.paused

    def knows(self, epoch: int) -> bool:
        """Tell whether a binding is, or was, here; or a newer one."""
        return epoch <= max(self.closed, self.home_epoch)


class World(NamedTuple):
    """All that exists at one moment."""

    #: Whether no two runs of the job's queue may overlap.
    limited: bool = False
    #: Whether the job comes with files and makes some.
    files: bool = False
    #: Whether each side sends again what is on its way to be answered, as one that waits too
    #: short does. Otherwise such a message is the fault of a doubled one.
    hasty: bool = False
    job: Job = JOB
    #: Whether home's retention has deleted the row.
    purged: bool = False
    #: What home has taken back from the peer and has no answer for: the highest epoch, and whether
    #: runs shall stop too.
    withdrawn: Withdrawal = NOTHING
    #: The last report that home has taken: epoch and number.
    heard: tuple[int, int] = (0, 0)
    #: Whether home has declared the peer silent; until then the peer's lease may hold.
    silent: bool = False
    #: Whether home has a leader.
    led: bool = True
    #: Whether home's envelope is in a process alone (a rule is off).
    unsent: bool = False
    peer: Peer = Peer()
    link: tuple[Message, ...] = ()
    #: The outputs that home has: the epoch in their rows, and as a ghost the one that made them.
    outputs: tuple[tuple[int, int], ...] = ()
    #: The last epoch whose outputs were asked for, or begun to be copied (a rule is off).
    invited: int = 0
    #: The epoch whose outputs home copies from contents that it has; 0 while it copies none.
    copying: int = 0
    #: Whether each side reaches the broker.
    home_linked: bool = True
    peer_linked: bool = True
    runs: tuple[Run, ...] = ()
    #: Ghost: whether a stop was accepted for good.
    stopped: bool = False

    @property
    def connected(self) -> bool:
        """Tell whether home and peer hear each other."""
        return self.home_linked and self.peer_linked and self.peer.awake

    @property
    def at_peer(self) -> bool:
        """Tell whether the job is bound to the peer."""
        bound = self.job.state in {JobState.QUEUED, JobState.ACTIVE}
        return bound and self.job.instance == Place.PEER

    @property
    def clean(self) -> bool:
        """Tell whether the job is over and nothing is left of it between the clusters."""
        peer = self.peer
        at_rest = not self.withdrawn and peer.clone is None and peer.report is None
        carried = not peer.inputs and peer.carrying == Carrying()
        is_alone = carried and all(one in self.visible for one in self.outputs)
        is_alone = is_alone and not self.copying
        return self.job.final and at_rest and is_alone and not self.runs

    @property
    def visible(self) -> tuple[tuple[int, int], ...]:
        """Return the outputs that home shows: those of the binding that succeeded."""
        if self.job.state != JobState.SUCCEEDED:
            return ()
        return tuple(one for one in self.outputs if one[0] == self.job.epoch)

    def with_peer(self, **changes: object) -> World:
        return self._replace(peer=self.peer._replace(**changes))  # type: ignore[arg-type]

    def with_message(self, message: Message) -> World:
        return self._replace(link=(*self.link, message))

    def with_answer(self, message: Message) -> World:
        """Send a message unless one of its kind is on its way: one is enough, faults add more."""
        return self if self.carries(message.kind) else self.with_message(message)

    def carries(self, *kinds: Kind) -> bool:
        """Tell whether a message of one of these kinds is on its way."""
        return any(message.kind in kinds for message in self.link)

    def waits_for(self, sent: Kind, answer: Kind) -> bool:
        """Tell whether a message need not be sent: it, or its answer, is on its way."""
        return self.carries(sent) if self.hasty else self.carries(sent, answer)

    def without_message(self, message: Message) -> World:
        rest = list(self.link)
        rest.remove(message)
        return self._replace(link=tuple(rest))

    def with_run(self, old: Run, *new: Run) -> World:
        """Replace a run, or take it away."""
        rest = list(self.runs)
        rest.remove(old)
        return self._replace(runs=(*rest, *new))

    def row(self, run: Run) -> Job | None:
        """Return the row that a run is for."""
        return self.job if run.place == Place.HOME else self.peer.clone

    def key(self) -> Key:
        """Name this world and all others that no rule can tell from it.

        Epochs and tokens are compared, never counted: their order is all that matters.
        """
        epochs = {0, *self._epochs()}
        ranks = {epoch: rank for rank, epoch in enumerate(sorted(epochs))}
        peer, (heard, number) = self.peer, self.heard
        report = peer.report and (ranks[peer.report.epoch], *peer.report[1:])
        return (
            (
                self.limited,
                self.files,
                self.hasty,
                self.purged,
                self.silent,
                self.led,
                self.unsent,
                self.stopped,
            ),
            (self.home_linked, self.peer_linked, peer.alive, peer.paused),
            _facts(self.job, ranks),
            (ranks[self.withdrawn.epoch], self.withdrawn.stops_runs),
            (ranks[heard], number),
            peer.clone and _facts(peer.clone._replace(epoch=0), ranks),
            # The clone's own epoch, which rises to 2 here.
            peer.clone and peer.clone.epoch,
            (ranks[peer.home_epoch], report, ranks[peer.closed]),
            self._files(ranks) if self.files else (),
            tuple(sorted((one.kind, ranks[one.epoch], *one[2:]) for one in self.link)),
            tuple(sorted(self._seen(run, ranks) for run in self.runs)),
        )

    def _files(self, ranks: dict[int, int]) -> Key:
        peer = self.peer
        agents = sorted((ranks[epoch], is_out) for epoch, is_out in peer.carrying.agents)
        outputs = sorted((ranks[row], ranks[maker]) for row, maker in self.outputs)
        carrying = (peer.carrying.wanted, peer.carrying.owned, tuple(agents))
        return (peer.inputs, carrying, tuple(outputs), ranks[self.invited], ranks[self.copying])

    def _epochs(self) -> list[int]:
        peer = self.peer
        report = [peer.report.epoch] if peer.report else []
        own = [self.job.epoch, self.withdrawn.epoch, self.heard[0], peer.home_epoch, peer.closed]
        sent = [message.epoch for message in self.link]
        files = [self.invited, self.copying, *(epoch for epoch, _ in peer.carrying.agents)]
        made = [epoch for both in self.outputs for epoch in both]
        return [*own, *report, *sent, *files, *made, *(run.home_epoch for run in self.runs)]

    def _seen(self, run: Run, ranks: dict[int, int]) -> Key:
        row, attempt = self.row(run), run.attempt
        current = row is not None and (row.epoch, row.token) == (attempt.epoch, attempt.token)
        return (run.place, ranks[run.home_epoch], current, run.left)


def _facts(job: Job, ranks: dict[int, int]) -> Key:
    instance = -1 if job.instance is None else int(job.instance)
    counts = (job.failures, job.crashes, min(job.finishes, 2))
    return (job.state, ranks[job.epoch], instance, job.stop_requested, *counts)


Edge: TypeAlias = tuple[Step, World]
