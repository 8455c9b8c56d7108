"""The verdict on whether a job may travel to the cluster of an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.reasons import Obstacle, Reason
from offload.core.topics import RUN_TOPIC

if TYPE_CHECKING:
    from offload.core.placement.judgement import Need
    from offload.core.placement.topology import InstanceInfo


def travels(need: Need, instance: InstanceInfo) -> Reason | None:
    """Return why the job may not be sent to the instance's cluster, or None."""
    peer = instance.peer
    if need.clone:  # P10
        sentence = f"The job is a clone of another cluster's, and is not sent on to {peer}."
        return Reason(obstacle=Obstacle.IS_CLONE, detail=sentence)
    kept = kept_here(instance, need.topic, of_whole=need.of_whole)
    if reason := kept or switched_off_between(instance):
        return reason
    if need.files and not instance.transports:
        sentence = f"The job has files, and no transport carries them to {peer}."
        step = f"Set URL of this cluster in the PEERS of {peer}, and TRANSPORTS here."
        return Reason(obstacle=Obstacle.HAS_FILES, detail=f"{sentence} {step}")
    if need.stays:
        sentence = "The job replaces itself by others, which belong to the cluster that it is of"
        return Reason(
            obstacle=Obstacle.REPLACES, detail=f"{sentence}, and is not sent to {peer} again."
        )
    if need.errback:
        sentence = "The job is an error callback, which reads the row of the failed job here"
        return Reason(
            obstacle=Obstacle.RUNS_ANOTHER, detail=f"{sentence}, and is not sent to {peer}."
        )
    return _silent(instance)


def switched_off_between(instance: InstanceInfo) -> Reason | None:
    """Return the switch, here or there, that keeps jobs from the instance's cluster, or None."""
    if instance.send_off:
        return Reason(obstacle=Obstacle.SEND_OFF, detail=instance.send_off)
    if not instance.is_accepting:
        sentence = f"{instance.peer} says that it accepts no jobs from here: it was switched off."
        return Reason(obstacle=Obstacle.NOT_ACCEPTING, detail=sentence)
    return None


def kept_here(instance: InstanceInfo, topic: str, *, of_whole: bool = False) -> Reason | None:
    """Return the reason if the topic may not be sent to the instance's cluster, or None.

    ``of_whole`` says that it is the topic of a step of a run that goes whole.
    """
    sends = (*instance.sends, *instance.sends_whole) if of_whole else instance.sends
    # Of a whole run, the topics of its steps are asked one by one.
    if topic == RUN_TOPIC or not instance.peer or any(one.matches(topic) for one in sends):
        return None
    fact = f"No pattern lets {topic} be sent to {instance.peer}."
    if any(one.matches(topic) for one in instance.sends_whole):
        fact = f"{topic} is sent to {instance.peer} with whole runs only."
    where = "SEND or SEND_WHOLE" if of_whole else "SEND"
    sentence = f"{fact} To send it, add a pattern to {where} of this peer."
    return Reason(obstacle=Obstacle.NOT_SENT, detail=sentence)


def _silent(instance: InstanceInfo) -> Reason | None:
    if not instance.is_silent:  # P9
        return None
    sentence = f"{instance.peer} is silent, or has not confirmed yet what was taken back from it."
    return Reason(obstacle=Obstacle.PEER_SILENT, detail=sentence)
