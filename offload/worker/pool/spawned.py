"""Pool processes that are spawned: they are given the facts that forked ones are born with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from celery import signals

from offload.core.lazy import load
from offload.messaging.installation import installed_by, remember
from offload.worker.connections import celery_defaults, do_without_pools
from offload.worker.pool.session_watch import watch_tasks
from offload.worker.pool.softlimit import restore_handler

if TYPE_CHECKING:
    from celery import Celery

    from offload.worker.liveness import SharedLease

HOOK = "offload.canvas.hooks:install"
BELONG_TO = "offload.topology.current:belong_to"


@dataclass(frozen=True, eq=False, slots=True)
class ParentFacts:
    """A fixup: Celery pickles it with the app, and calls it with the app of the new process.

    That app was made without the site's module. If the module is imported there too, its own app
    is a second one, which runs no task.
    """

    nodename: str
    #: The module that installs the app.
    module: str
    #: Unpickled as the lease of the new process, in the parent's memory.
    lease: SharedLease

    def __call__(self, app: Celery) -> None:
        """Install offload into the app as soon as Django is set up."""
        app.add_defaults(celery_defaults)
        signals.worker_process_init.connect(
            partial(self._install, app), weak=False, dispatch_uid="offload.spawned"
        )

    def _install(self, app: Celery, **_: object) -> None:
        remember(app, module=self.module)
        load(HOOK)(app)
        load(BELONG_TO)(self.nodename)
        do_without_pools()
        watch_tasks()
        signals.task_postrun.connect(
            restore_handler, weak=False, dispatch_uid="offload.restore_handler"
        )


def pass_on(app: Celery, *, nodename: str, lease: SharedLease) -> None:
    """Give the facts of this process to the pool processes that it spawns with this app."""
    facts = ParentFacts(nodename=nodename, module=installed_by(), lease=lease)
    app.fixups = {*app.fixups, facts}  # type: ignore[attr-defined]
