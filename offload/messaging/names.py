"""Names that the sides of a message agree on: queues of instances, tasks that carry others."""

from __future__ import annotations

import re
from hashlib import blake2b

#: Raised when the arguments of instance queues change: a broker refuses to declare one anew.
QUEUE_VERSION = 1
#: The task a job's step in a workflow is written as; only its topic says what runs.
STEP_TASK = "offload.step"
#: Option of a signature: the topic, also for processes that do not have the task.
TOPIC_OPTION = "offload_topic"
#: Tasks that run another one; jobs of its topic are sent under their own name.
MAP_TASK = "offload.map"
ERRBACK_TASK = "offload.errback"
BUILTIN_TASKS = frozenset({MAP_TASK, ERRBACK_TASK})
UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9@._-]")


def queue_name(instance: str) -> str:
    """Return the name of an instance's queue, which is its routing key too."""
    safe = UNSAFE_CHARACTERS.sub("-", instance)[:120]
    if safe != instance:
        safe += "-" + blake2b(instance.encode(), digest_size=4).hexdigest()
    return f"offload.v{QUEUE_VERSION}.{safe}"
