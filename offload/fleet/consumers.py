"""The known consumers of a topic: tasks of this process, and announced ones."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from offload.conf import takes_runs
from offload.core.envelopes import RUN_TASK
from offload.core.exceptions import UnfitProperties
from offload.core.placement.judgement import best_consumer, consumer_for
from offload.fleet.instance_values import consumer_of
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import installed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from offload.core.matching.consumers import Consumer
    from offload.core.matching.job_slots import Slots
    from offload.core.matching.requirements import Requirements
    from offload.core.placement.topology import Topology
    from offload.core.validation.parameters import Parameters


class Consumers:
    """The consumers of an app, as its workers announce them."""

    def __init__(self, tasks: dict[str, Any]) -> None:
        """Note the tasks as they are now."""
        self.tasks = tasks
        self._all = [consumer_of(one) for one in announcements(tasks)]
        self._by_topic: dict[str, Consumer | None] = {}

    def of(self, topic: str) -> Consumer | None:
        """Return the consumer of a topic, or None."""
        if topic not in self._by_topic:
            self._by_topic[topic] = best_consumer(self._all, topic)
        return self._by_topic[topic]


def announcements(tasks: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the consumers among the tasks, as a worker announces them, by name."""
    return [
        task.announcement()
        for _, task in sorted(tasks.items())
        if getattr(task, "pattern", "") and hasattr(task, "announcement") and _has_use(task)
    ]


def _has_use(task: Any) -> bool:
    """Return whether a consumer is announced: that of whole runs only where such may come from."""
    return task.name != RUN_TASK or takes_runs()


_known: WeakKeyDictionary[Any, Consumers] = WeakKeyDictionary()


def consumers(app: Any) -> Consumers:
    """Return the consumers of an app; read them again if its tasks have changed."""
    found = _known.get(app)
    if found is None or found.tasks != app.tasks:
        found = _known[app] = Consumers(dict(app.tasks))
    return found


def is_loaded(topic: str) -> bool:
    """Return whether a task that this process has loaded consumes the topic."""
    loaded = _loaded()
    return loaded is not None and loaded.of(topic) is not None


def _loaded() -> Consumers | None:
    app: Any = installed()
    return consumers(app) if app and (app.finalized or app.autofinalize) else None


def check_names(topic: str, *jobs: Collection[str]) -> None:
    """Raise UnfitProperties if every known consumer of the topic would refuse a job's names.

    ``jobs`` are the property names of each job. An unknown consumer, or one that does not announce
    its names, might accept them.
    """
    known = _parameters(topic)
    if not all(known):
        return
    for names in jobs:
        problems = [parameters.problem(names) for parameters in known if parameters]
        if problems and all(problems):
            raise UnfitProperties(topic=topic, problem=problems[0])


def required_of(topic: str, queue: str, own: Requirements) -> list[Requirements]:
    """Return all that is required of the instance of a job: its own, its queue's, its consumers'.

    The consumers are those of this process, and all that are announced for the topic.
    """
    current, loaded = snapshot(), _loaded()
    found = [loaded.of(topic)] if loaded else []
    found += [consumer_for(one, topic) for one in current.topology.everyone]
    theirs = dict.fromkeys(one.requires for one in found if one is not None)
    return [own, current.policy(queue).requires, *theirs]


def slots_of(topic: str) -> Slots | None:
    """Return the places that the known consumer of a topic takes; None for one."""
    loaded = _loaded()
    mine = loaded.of(topic) if loaded else None
    return mine.slots if mine else _announced_slots(snapshot().topology)(topic)


# Few topologies are in use at once.
@lru_cache(maxsize=4)
def _announced_slots(topology: Topology) -> Callable[[str], Slots | None]:
    @lru_cache(maxsize=1024)
    def found(topic: str) -> Slots | None:
        known = (consumer_for(one, topic) for one in topology.live)
        return next((one.slots for one in known if one and one.slots), None)

    return found


def _parameters(topic: str) -> tuple[Parameters | None, ...]:
    """Return the parameters of each known consumer of a topic, those of this process first."""
    return _takers(snapshot().topology, _loaded())(topic)


# Few topologies are in use at once: the present one and its forerunners.
@lru_cache(maxsize=4)
def _takers(
    topology: Topology, loaded: Consumers | None
) -> Callable[[str], tuple[Parameters | None, ...]]:
    @lru_cache(maxsize=1024)
    def taken(topic: str) -> tuple[Parameters | None, ...]:
        known = [loaded.of(topic)] if loaded else []
        known += [consumer_for(one, topic) for one in topology.live]
        return _each(known)

    return taken


def _each(known: Iterable[Consumer | None]) -> tuple[Parameters | None, ...]:
    return tuple(dict.fromkeys(one.parameters for one in known if one is not None))
