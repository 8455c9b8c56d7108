"""The agent's program: started by a worker with its specification as JSON; ends with it."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
from importlib import import_module

import django

from offload.messaging.installation import celery_app
from offload.worker.connections import do_without_pools
from offload.worker.link import Link
from offload.worker.pool.query_log import log_no_queries

#: Celery's own format, because its lines are in the worker's log.
LOG_FORMAT = "[%(asctime)s: %(levelname)s/agent-%(process)d] %(message)s"


def main() -> None:
    """Set up Django and the Celery app, settle the name, and run as long as the worker."""
    spec = json.loads(sys.argv[1])
    # Modules that load leave no garbage; looking for it takes a fifth of the time to start.
    gc.disable()
    # Signals end the worker; the agent stays until the last run is over.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    import_module(spec["module"])
    django.setup()
    log_no_queries()
    do_without_pools()
    # Error callbacks are called by their signatures, so the site's tasks must be known.
    celery_app().loader.import_default_modules()
    agent = import_module("offload.worker.agent.agent")
    gc.freeze()
    gc.enable()
    code = agent.Agent(spec, Link.of_descriptor(spec["link"])).run()
    logging.shutdown()
    # A normal exit would wait for a duty that hangs, such as on a broker.
    os._exit(code)


if __name__ == "__main__":
    main()
