"""Who consumes a topic, as far as is known: tasks of this process, and what was announced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from offload.core.exceptions import UnfitProperties
from offload.core.placement.judgement import best_consumer, consumer_for
from offload.fleet.row_values import consumer_of
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import installed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from offload.core.placement.topology import Consumer
    from offload.core.validation.parameters import Parameters
    from offload.fleet.snapshots import Snapshot


class Consumers:
    """The consumers of an app, as its workers announce them."""

    def __init__(self, tasks: dict[str, Any]) -> None:
        """Note the tasks as they are now."""
        self.tasks = tasks
        self._all = [
            consumer_of(task.announcement())
            for _, task in sorted(tasks.items())
            if getattr(task, "pattern", "") and hasattr(task, "announcement")
        ]
        self._by_topic: dict[str, Consumer | None] = {}

    def of(self, topic: str) -> Consumer | None:
        """Return what consumes a topic, or None."""
        if topic not in self._by_topic:
            self._by_topic[topic] = best_consumer(self._all, topic)
        return self._by_topic[topic]


_known: WeakKeyDictionary[Any, Consumers] = WeakKeyDictionary()


def consumers(app: Any) -> Consumers:
    """Return what an app consumes, read anew where its tasks have changed."""
    found = _known.get(app)
    if found is None or found.tasks != app.tasks:
        found = _known[app] = Consumers(dict(app.tasks))
    return found


def has_one_here(topic: str) -> bool:
    """Return whether a task that this process has loaded consumes the topic."""
    here = _here()
    return here is not None and here.of(topic) is not None


def _here() -> Consumers | None:
    app: Any = installed()
    return consumers(app) if app and (app.finalized or app.autofinalize) else None


def check_names(topic: str, *jobs: Collection[str]) -> None:
    """Raise UnfitProperties if every known consumer of the topic would refuse a job's names.

    ``jobs`` are the names of the properties of each. A consumer that is not known, or does not
    say what it takes, might take them.
    """
    known = _parameters(topic)
    if not all(known):
        return
    for names in jobs:
        problems = [parameters.problem(names) for parameters in known if parameters]
        if problems and all(problems):
            raise UnfitProperties(topic=topic, problem=problems[0])


class _Cache:
    seen: Snapshot | None = None
    here: Consumers | None = None
    found: dict[str, tuple[Parameters | None, ...]]


_cache = _Cache()


def _parameters(topic: str) -> tuple[Parameters | None, ...]:
    """Return what each kind of consumer of a topic takes, those of this process first."""
    seen = snapshot()
    here = _here()
    if _cache.seen is not seen or _cache.here is not here:
        _cache.seen, _cache.here, _cache.found = seen, here, {}
    if topic not in _cache.found:
        known = [here.of(topic)] if here else []
        known += [consumer_for(one, topic) for one in seen.topology.live]
        _cache.found[topic] = _each(known)
    return _cache.found[topic]


def _each(known: Iterable[Consumer | None]) -> tuple[Parameters | None, ...]:
    return tuple(dict.fromkeys(one.parameters for one in known if one is not None))
