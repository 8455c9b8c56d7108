"""Starting the agent's program."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping


def start_agent(
    spec: Mapping[str, Any], ends: Mapping[str, Any], launch: Callable[..., subprocess.Popen[bytes]]
) -> subprocess.Popen[bytes]:
    """Start an agent with a worker's specification; return its process.

    ``ends`` are its ends of sockets, by the names under which the specification gives their
    descriptors; they are closed here.
    """
    descriptors = {name: end.fileno() for name, end in ends.items()}
    agent = launch(
        [sys.executable, "-m", "offload.worker.agent", json.dumps({**spec, **descriptors})],
        pass_fds=list(descriptors.values()),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    for end in ends.values():
        end.close()
    return agent
