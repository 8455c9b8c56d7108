"""Home's outbox: the envelopes and withdrawals that a peer has not answered yet (P1, P7)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.exceptions import FileProblem, InvalidProperties
from offload.core.peers.contents import PeerEnvelope, Withdrawal
from offload.core.peers.messages import PeerLimits
from offload.core.placement.affinity import Avoidance, Return, cluster_word
from offload.core.placement.lanes import Lane
from offload.core.placement.routing import Need, plan
from offload.core.topics import RUN_TOPIC
from offload.core.transfers.announced_files import packed_all
from offload.core.validation.job_properties import check_properties
from offload.core.workflows import whole_runs
from offload.fleet.snapshots import now as moment
from offload.fleet.snapshots import snapshot
from offload.jobs import elsewhere as endings
from offload.peers.files import offered
from offload.peers.travel.options import travelling
from offload.peers.travel.plain import plain
from offload.runs import placing
from offload.tracking import queries
from offload.tracking.peers import elsewhere, withdrawals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from offload.core.peers.contents import Content
    from offload.tracking.binding.bindings import BoundJob

#: Bytes of a message that are left for all but the job's own values.
SPARE_BYTES = 16_384


class HomeOutbox:
    """The envelopes and withdrawals of the jobs that are bound to a peer."""

    def due(self, peer: str, now: datetime, limit: int) -> Sequence[Content]:
        """Return contents that are due for a peer: first what it shall begin no more."""
        found: list[Content] = list(withdrawals.due(peer, limit))
        jobs = queries.unanswered(
            peer, first=settings().republish, limit=max(0, limit - len(found))
        )
        return [*found, *of(peer, jobs)]

    def sent(self, peer: str, contents: Sequence[Content], now: datetime) -> None:
        """Note that they were sent: they are due again later, unless answered."""
        withdrawals.note_sent(peer, [one for one in contents if isinstance(one, Withdrawal)])
        note_sent([one for one in contents if isinstance(one, PeerEnvelope)])

    def has_withdrawals(self, peer: str) -> bool:
        """Tell whether the peer has withdrawals to acknowledge (P9)."""
        return withdrawals.has_any(peer)


def of(peer: str, jobs: Iterable[BoundJob]) -> list[PeerEnvelope]:
    """Return the envelopes of bound jobs; those that cannot be sent come back at once."""
    return [made for one in jobs if (made := _envelope(peer, one)) is not None]


def note_sent(sent: Iterable[PeerEnvelope]) -> None:
    """Note that envelopes were sent: they are due again later, unless answered."""
    elsewhere.note_sent([(one.job_id, one.epoch) for one in sent])


def _envelope(peer: str, job: BoundJob) -> PeerEnvelope | None:
    """Return the envelope of a bound job; one that fits into no message comes back at once."""
    try:
        files = offered.inputs(peer, job, _transports(job))
    except FileProblem as error:
        offered.take_back(job, error)
        return None
    places = _places(peer, job)
    if not places:
        endings.refused(job.key, f"settings or rules here keep a step of its run from {peer}")
        return None
    made = PeerEnvelope(
        job_id=job.id,
        epoch=job.epoch,
        topic=job.topic,
        instance=places[0],
        others=places[1:],
        task=job.task,
        args=tuple(plain(list(job.args))),
        properties=plain(job.properties),
        options=plain(travelling(job.options)),
        priority=job.priority,
        failures=job.failures,
        parent_id=job.parent_id,
        root_id=job.root_id,
        is_limited=snapshot().policy(job.queue).is_limited,
        resources=_resources(job),
        files=files,
    )
    if problem := _problem(made):
        endings.refused(job.key, f"its envelope does not fit into a message: {problem}")
        return None
    return made


def _resources(job: BoundJob) -> dict[str, int]:
    """Return the amounts of resources that a job and its queue use; those of the peer count."""
    queue = snapshot().policy(job.queue).resources
    return Lane.parse(job.lane).resources.merged(queue).given


def _transports(job: BoundJob) -> tuple[str, ...]:
    """Return the transports by which files may travel to the instance of a bound job."""
    found = snapshot().topology.instance(job.instance)
    return found.transports if found is not None else ()


def name_there(instance: str) -> str:
    """Return the name of a peer's instance in its own cluster."""
    return instance.partition("/")[2]


def _places(peer: str, job: BoundJob) -> tuple[str, ...]:
    """Return the instances of the peer where it may run: first the one that it is bound to.

    Those of a whole run are where no rule here keeps any of its steps from (P15).
    """
    mine = name_there(job.instance)
    if job.topic != RUN_TOPIC:
        return (mine, *_others(peer, job))
    run = whole_runs.read(job.properties)
    found = placing.clusters(run.graph, only=peer).candidates if run else {}
    names = [name_there(one) for one in found.get(cluster_word(peer), ())]
    return tuple(sorted(names, key=lambda one: one != mine))


def _others(peer: str, job: BoundJob) -> tuple[str, ...]:
    """Return the other instances of the peer that have what the job requires, and may run it.

    There are none for a job that is kept to the one it is bound to. One that was lost somewhere
    keeps away from there, or comes back to it (E4b).
    """
    if job.options.get("affinity"):
        return ()
    current, lane = snapshot(), Lane.parse(job.lane)
    lost = lane.affinity if isinstance(lane.affinity, Return | Avoidance) else None
    need = Need(topic=job.topic, requires=current.need(lane).requires, affinity=lost)
    candidates = plan(need, current.topology, moment()).candidates
    there = [one.instance.name for one in candidates if one.instance.peer == peer]
    return tuple(name_there(name) for name in there if name != job.instance)


def _problem(made: PeerEnvelope) -> str:
    most = PeerLimits().size_bytes - SPARE_BYTES
    values = {
        "args": list(made.args),
        "properties": made.properties,
        "options": made.options,
        "files": packed_all(made.files),
    }
    try:
        check_properties(values, most)
    except InvalidProperties as error:
        return str(error)
    size = len(json.dumps(values, ensure_ascii=False).encode())
    return f"it has {size} bytes, {most} are allowed" if size > most else ""
