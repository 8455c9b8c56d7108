"""The threads of an agent that deal with other clusters; there are none without peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import peers
from offload.peers import links, prompt_thread
from offload.peers.files import carrying
from offload.worker.agent import request_taking

if TYPE_CHECKING:
    from offload.peers.files.carrying import FileThread
    from offload.peers.links import PeerLink
    from offload.peers.prompt_thread import PromptThread


class PeerThreads:
    """Take messages, carry files, and do at once what those, and ends of runs, call for."""

    def __init__(self) -> None:
        """Begin without any."""
        self._all: list[PeerLink | FileThread | PromptThread] = []
        self._prompt: PromptThread | None = None

    def start(self, owner: str) -> None:
        """Start those that the settings call for, for the instance of that name."""
        if not peers():
            return
        files = carrying.start(owner)
        self._prompt = prompt_thread.PromptThread(files)
        self._all = [self._prompt, *files, *links.start(request_taking.take, self._prompt.heed)]
        self._prompt.start()

    def runs_ended(self) -> None:
        """Let the ends of runs that were for other clusters be reported."""
        if self._prompt is not None:
            self._prompt.report_ends()

    def stop(self) -> None:
        """Begin nothing more; what is under way is not waited for."""
        for one in self._all:
            one.stop()
