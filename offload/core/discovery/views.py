"""The topology as listeners see it: the instances that live, and who leads them."""

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

    #: Its nodename.
    name: str
    #: Which start of that name it is.
    incarnation: str
    #: The cluster it belongs to.
    cluster: str
    #: Whether it leads its cluster.
    is_leader: bool = False
    #: Whether it is the instance of the process that listens.
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
        """Return an instance of a topology as it is seen where ``local`` is the own nodename."""
        return cls(
            name=info.name,
            incarnation=info.incarnation,
            cluster=info.cluster,
            is_leader=info.is_leader,
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
        """Return what tells it from other instances, and from other starts of its name."""
        return self.name, self.incarnation


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyView:
    """The instances that lived at one moment, in the order in which they joined.

    Two views are equal if their instances and the leader are, whatever the version.
    """

    #: The version of the topology that it was made from.
    version: int = field(compare=False)
    instances: tuple[InstanceView, ...] = ()
    #: The nodename of the process that listens; None outside of workers.
    local_name: str | None = None
    _outdated: threading.Event = field(
        default_factory=threading.Event, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, topology: Topology, *, local: str | None = None) -> TopologyView:
        """Return the view of a topology where ``local`` is the own nodename."""
        order = sorted(topology.live, key=lambda info: info.joined)
        return cls(
            version=topology.version,
            instances=tuple(InstanceView.of(info, local=local) for info in order),
            local_name=local,
        )

    @property
    def is_current(self) -> bool:
        """Return whether no newer view or change is known here; once False, always False."""
        return not self._outdated.is_set()

    @property
    def leader(self) -> InstanceView | None:
        """Return the instance that leads, or None if there is no instance."""
        return next((one for one in self.instances if one.is_leader), None)

    @property
    def local(self) -> InstanceView | None:
        """Return the instance of the process that listens, or None outside of workers."""
        return next((one for one in self.instances if one.is_local), None)

    @property
    def is_established(self) -> bool:
        """Return whether the instances have a leader, and the own one is among them."""
        is_led = self.leader is not None or not self.instances
        return is_led and (self.local_name is None or self.local is not None)

    @property
    def membership(self) -> tuple[object, ...]:
        """Return what makes a change of the topology if it differs: the instances, the leader."""
        leader = self.leader
        return (tuple(one.key for one in self.instances), leader and leader.key)

    def instance(self, name: str) -> InstanceView | None:
        """Return the instance of that name, or None."""
        return next((one for one in self.instances if one.name == name), None)

    def find(self, where: Callable[[InstanceView], bool]) -> tuple[InstanceView, ...]:
        """Return the instances for which ``where`` is true, in join order."""
        return tuple(filter(where, self.instances))

    def retire(self) -> None:
        """Mark it as not current."""
        self._outdated.set()
