"""The topology as a site's code sees it: the instances that live, and who leads them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from offload.core.placement.topology import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.core.placement.topology import InstanceInfo, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceView:
    """An instance in a view."""

    #: Its nodename; if it is remote, with its cluster before it: ``render/gpu1@host``.
    name: str
    #: Identifies this start of that name.
    incarnation: str
    #: The cluster it belongs to.
    cluster: str
    #: Whether it leads its cluster.
    is_leader: bool = False
    #: Whether it belongs to another cluster.
    is_remote: bool = False
    #: Whether it is the worker that this process belongs to.
    is_local: bool = False
    #: Whether it takes work, drains, or is in trouble.
    mode: Mode = Mode.READY
    #: Whether an operator has switched it off.
    is_off: bool = False
    #: The jobs that it runs at once.
    concurrency: int = 1
    #: The patterns of the topics that it has consumers for, in the order it announced them.
    patterns: tuple[str, ...] = ()
    labels: frozenset[str] = frozenset()
    #: Facts of its machine, such as ``cpus`` and ``memory``. Numbers are numbers.
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, info: InstanceInfo, *, local: str | None) -> InstanceView:
        """Return an instance of a topology; ``local`` is the nodename of this process, or None."""
        return cls(
            name=info.name,
            incarnation=info.incarnation,
            cluster=info.cluster,
            is_leader=info.is_leader,
            is_remote=info.is_remote,
            is_local=info.name == local,
            mode=info.mode,
            is_off=info.is_off,
            concurrency=info.concurrency,
            patterns=tuple(consumer.pattern.text for consumer in info.consumers),
            labels=info.labels,
            properties=MappingProxyType(dict(info.properties)),
        )

    @property
    def key(self) -> tuple[str, str]:
        """Return its key, which differs from other instances' and from other starts of its name."""
        return self.name, self.incarnation


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """The instances of one cluster in a view, in the order in which they joined."""

    name: str
    instances: tuple[InstanceView, ...]
    #: Whether it is another one than that of this process.
    is_remote: bool = False
    #: Whether it is another one, and nothing was heard of it for the timeout.
    is_silent: bool = False

    @property
    def leader(self) -> InstanceView | None:
        """Return the instance that leads the cluster, or None while none does."""
        return next((one for one in self.instances if one.is_leader), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyView:
    """The instances that lived at one moment, in the order in which they joined.

    Two views are equal if their instances and leaders are; versions do not count.
    """

    #: The version of the topology that it was made from.
    version: int = field(compare=False)
    instances: tuple[InstanceView, ...] = ()
    #: The nodename of the worker that this process belongs to; None outside of workers.
    local_name: str | None = None
    #: The names of the other clusters that were ever heard.
    peers: tuple[str, ...] = ()
    #: Those of them of which nothing was heard for the timeout; they have no instance here.
    silent_peers: tuple[str, ...] = ()
    _outdated: threading.Event = field(
        default_factory=threading.Event, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, topology: Topology, *, local: str | None = None) -> TopologyView:
        """Return the view of a topology; ``local`` is the nodename of this process, or None."""
        order = sorted(topology.live, key=lambda info: info.joined)
        remote = (info for info in topology.remote if not info.is_silent)
        return cls(
            version=topology.version,
            instances=tuple(InstanceView.of(info, local=local) for info in (*order, *remote)),
            local_name=local,
            peers=tuple(dict.fromkeys(info.peer for info in topology.remote)),
            silent_peers=tuple(
                dict.fromkeys(info.peer for info in topology.remote if info.is_silent)
            ),
        )

    @property
    def is_current(self) -> bool:
        """Return whether this process knows no newer view or change; once False, always False."""
        return not self._outdated.is_set()

    @property
    def leader(self) -> InstanceView | None:
        """Return the instance that leads this cluster, or None if there is no instance."""
        return next((one for one in self.own if one.is_leader), None)

    @property
    def own(self) -> tuple[InstanceView, ...]:
        """Return the instances of this cluster."""
        return tuple(one for one in self.instances if not one.is_remote)

    @property
    def local(self) -> InstanceView | None:
        """Return the worker that this process belongs to, or None outside of workers."""
        return next((one for one in self.instances if one.is_local), None)

    @property
    def clusters(self) -> tuple[ClusterView, ...]:
        """Return the clusters: those of the instances, this one first, and silent ones."""
        found: dict[str, list[InstanceView]] = {}
        for one in self.instances:
            found.setdefault(one.cluster, []).append(one)
        return (
            *(self._cluster(name, each) for name, each in found.items()),
            *(self._cluster(name, []) for name in self.peers if name not in found),
        )

    def _cluster(self, name: str, instances: list[InstanceView]) -> ClusterView:
        return ClusterView(
            name=name,
            instances=tuple(instances),
            is_remote=name in self.peers,
            is_silent=name in self.silent_peers,
        )

    @property
    def is_established(self) -> bool:
        """Return whether there is a leader and the local instance, if any, is in the view."""
        is_led = self.leader is not None or not self.own
        return is_led and (self.local_name is None or self.local is not None)

    @property
    def membership(self) -> tuple[object, ...]:
        """Return the instances and the leader; if these differ, the topology has changed."""
        leader = self.leader
        return (tuple(one.key for one in self.instances), leader and leader.key)

    def instance(self, name: str) -> InstanceView | None:
        """Return the instance of this nodename, ``name``, or None."""
        return next((one for one in self.instances if one.name == name), None)

    def find(self, where: Callable[[InstanceView], bool]) -> tuple[InstanceView, ...]:
        """Return the instances for which ``where`` is true, in the order they joined.

        ``where`` is a function that takes an `InstanceView`.
        """
        return tuple(filter(where, self.instances))

    def retire(self) -> None:
        """Mark it as not current."""
        self._outdated.set()
