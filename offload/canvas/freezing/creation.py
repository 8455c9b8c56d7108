"""Affinity to the instance in whose worker a job is submitted."""

from __future__ import annotations

from offload.canvas.freezing.context import running
from offload.conf import settings
from offload.core.placement.affinity import Affinity
from offload.core.placement.judgement import consumer_for
from offload.fleet.snapshots import snapshot


def near(instance: str, topic: str, seconds: float | None = None) -> Affinity | None:
    """Return the affinity to an instance for a time, by default that of the settings.

    None if it has no consumer for the topic, or if the time is 0.
    """
    found = snapshot().topology.instance(instance)
    time = settings().near if seconds is None else seconds
    if not time or found is None or consumer_for(found, topic) is None:
        return None
    return Affinity(instance=instance, seconds=time)


def near_creator(topic: str, seconds: float | None = None) -> Affinity | None:
    """Return the affinity to the instance whose job submits this one; None outside of a job."""
    job = running.get()
    return near(job.instance, topic, seconds) if job and job.instance else None


def preferred(topic: str, queue: str) -> Affinity | None:
    """Return the affinity of a new job whose queue prefers the instance that creates it."""
    if not snapshot().policy(queue).prefer_creation_instance:
        return None
    return near_creator(topic)
