"""The current topology for any process: the view of this thread's last snapshot."""

from __future__ import annotations

import threading

from offload.conf import peers
from offload.core.discovery.topology_views import TopologyView
from offload.core.moments import between
from offload.fleet.snapshots import Snapshot, snapshot
from offload.models import Peer
from offload.models.fields import DatabaseNow
from offload.models.versions import uncommitted


class _ThreadView(threading.local):
    """This thread's last snapshot, and its view."""

    snapshot: Snapshot | None = None
    view: TopologyView | None = None


class _Process:
    """The facts that all threads of this process share."""

    lock = threading.Lock()
    #: The last view of committed data.
    view: TopologyView | None = None
    #: The nodename of the worker that this process belongs to.
    local: str | None = None


_thread = _ThreadView()


def view() -> TopologyView:
    """Return the topology as it is now, in any process.

    At most once a second, and if this process learnt of a change, it asks the database whether
    the topology's version has moved (`TOPOLOGY_AGE`). As long as instances and leader are the
    same it returns the same object. A view that it returned before is marked as not current.

    Raise django.db.Error if the database does not answer.
    """
    held = _thread.view
    if held is None or not held.is_current:
        return _take(snapshot(fresh=True))
    current = snapshot()
    return held if current is _thread.snapshot else _take(current)


def news_ages() -> dict[str, float]:
    """Return for how many seconds nothing was heard of each other cluster that was ever heard.

    Without `PEERS` it asks nothing and returns nothing. Raise django.db.Error if the database does
    not answer.
    """
    names = peers().by_name
    if not names:
        return {}
    aged = Peer.objects.filter(pk__in=names).annotate(read_at=DatabaseNow())
    rows = aged.values_list("pk", "heard_at", "read_at")
    return {name: max(0.0, between(at, now)) for name, at, now in rows if at is not None}


def _take(current: Snapshot) -> TopologyView:
    """Return the view of a snapshot, and hold it instead of the former one."""
    former, found = _thread.view, _newest(TopologyView.of(current.topology, local=local()))
    if former is not None and former is not found:
        former.retire()
    _thread.view, _thread.snapshot = found, current
    return found


def _newest(found: TopologyView) -> TopologyView:
    """Return the view to hold: the one that other threads hold, if it is equal.

    A view of uncommitted data is not shared.
    """
    if uncommitted() is not None:
        return found
    with _Process.lock:
        held = _Process.view
        if held is not None and held.is_current and held == found:
            return held
        if held is not None:
            held.retire()
        _Process.view = found
    return found


def belong_to(nodename: str) -> None:
    """Set the worker that this process and its forks belong to."""
    _Process.local = nodename


def local() -> str | None:
    """Return the nodename of the worker that this process belongs to, or None."""
    return _Process.local
