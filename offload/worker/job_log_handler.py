"""A handler of Python's logging, for the site's ``LOGGING``; imported before models may be."""

from __future__ import annotations

import logging
import sys

#: Where the job of this context is known, once anything has run one.
HOME = "offload.worker.tasks.current_job"
#: Loggers whose lines are in the log of their job anyway.
KNOWN = frozenset({"offload.program"})


class JobLogHandler(logging.Handler):
    """Adds what is logged during a run to the log of its job; ignores everything else."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add a record to the log of the job that runs here, if one does."""
        home = sys.modules.get(HOME)
        job = home.running_job() if home is not None else None
        if job is None or record.name in KNOWN:
            return
        try:
            job.log(self.format(record), level=record.levelname)
        except Exception:  # As every handler does: a log line breaks nothing.
            self.handleError(record)
