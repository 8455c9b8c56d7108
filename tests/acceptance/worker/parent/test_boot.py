"""A worker's parent that waits for its agent, a process."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import Celery

from offload.worker.link import Link
from offload.worker.parent import boot
from tests.polling import eventually


@pytest.mark.parametrize(("says", "settled"), [('{"settled": "i"}', True), ("", False)])
def test_an_agent_is_waited_for_as_long_as_it_lives(
    says: str, settled: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(boot, "AGENT_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(boot, "EXIT_SECONDS", 0.05)
    worker: Any = boot.Worker(Celery("one", set_as_current=False))
    worker._link, theirs = Link.pair()
    # It begins once it is told to: whoever waits has said a word by then.
    slow = f"read _; printf '%s' 'w{says}' >&{theirs.fileno()}" if says else "read _; exit 1"
    worker._agent = subprocess.Popen(
        ["bash", "-c", slow], pass_fds=[theirs.fileno()], stdin=subprocess.PIPE, text=True
    )
    theirs.close()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(worker._is_settled)
        eventually(lambda: "is waited for" in caplog.text, what="a warning")
        worker._agent.communicate("now\n")
        assert answer.result(30) is settled
    worker._link.close()
