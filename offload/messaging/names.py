"""Names that both sides of a message use: queues of instances, and builtin tasks."""

from __future__ import annotations

import re
from hashlib import blake2b

#: Increase this when the arguments of instance queues change: brokers refuse a redeclaration.
QUEUE_VERSION = 1
#: The task of a workflow's step; its topic alone says what runs.
STEP_TASK = "offload.step"
#: The name in a canvas of a step without a job, which waits; nothing is ever sent by it.
WAIT_TASK = "offload.wait"
#: Option of a signature: the topic, for processes that do not have the task.
TOPIC_OPTION = "offload_topic"
#: Option of a signature: what a workflow says of a step; of a call: the step's name.
STEP_OPTION = "offload_step"
#: Option of a call: the names of the files that the step takes from earlier ones.
INPUTS_OPTION = "offload_inputs"
#: Option of a call: the instance that the step's job is kept to.
AFFINITY_OPTION = "offload_affinity"
QUEUE_UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9@._-]")


def queue_name(instance: str, cluster: str = "") -> str:
    """Return the name of an instance's queue, which is also its routing key.

    ``cluster`` tells instances of one name apart, if several clusters share a broker; "" for a
    cluster without a name of its own.
    """
    whole = f"{cluster}/{instance}" if cluster else instance
    safe = QUEUE_UNSAFE_CHARACTERS.sub("-", whole)[:120]
    if safe != whole:
        safe += "-" + blake2b(whole.encode(), digest_size=4).hexdigest()
    return f"offload.v{QUEUE_VERSION}.{safe}"
