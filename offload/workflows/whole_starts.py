"""The check that a new run can go whole to another cluster (P15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import peers
from offload.core.exceptions import NoPeerForRun
from offload.core.placement.reasons import Obstacle
from offload.core.workflows import whole_runs
from offload.core.workflows.whole_runs import ORDER_BYTES_MAX, WholeRun
from offload.runs import placing

if TYPE_CHECKING:
    from offload.core.workflows.graphs import Graph

#: Obstacles that may pass by themselves, or by somebody's switch: the run waits.
WAITED_FOR = frozenset(
    {
        Obstacle.PEER_SILENT, Obstacle.NOT_ACCEPTING, Obstacle.SEND_OFF, Obstacle.STARTING,
        Obstacle.SUSPECT, Obstacle.DISCONNECTED, Obstacle.OFF, Obstacle.GONE, Obstacle.DRAINING,
    }
)  # fmt: skip


def check(workflow: str, graph: Graph, *, peer: str = "", files: bool = False) -> None:
    """Raise NoPeerForRun unless another cluster can do all of a run, or may soon."""
    problem = whole_runs.problem_of(graph) or _unknown(peer) or _too_large(workflow, graph)
    if problem:
        raise NoPeerForRun(workflow=workflow, problem=problem)
    found = placing.clusters(graph, only=peer, files=files)
    reasons = tuple(one.reason for one in found.verdicts if one.reason)
    may_wait = any(one.obstacle in WAITED_FOR for one in reasons)
    if not found.candidates and not may_wait:
        raise NoPeerForRun(workflow=workflow, problem=found.problem, reasons=reasons)


def _unknown(peer: str) -> str:
    known = peers().by_name
    if not known:
        return "PEERS names no other cluster"
    if peer and peer not in known:
        return f"PEERS does not name {peer!r}, but {', '.join(sorted(known))}"
    return ""


def _too_large(workflow: str, graph: Graph) -> str:
    size = len(WholeRun(workflow=workflow, graph=graph).written().encode())
    if size <= ORDER_BYTES_MAX:
        return ""
    return f"its steps are {size} bytes as text, {ORDER_BYTES_MAX} are allowed in a message"
