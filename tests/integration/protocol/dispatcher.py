"""Steps of the dispatcher: bind, publish, recall."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import F
from django.db.models.functions import Now

from offload.core.placement.lanes import Lane
from offload.dispatch import dispatching, republishing
from offload.messaging.installation import current_installation
from offload.models import Exclusion, Job
from offload.models.versions import current_version
from offload.tracking import requeue
from offload.tracking.binding.bindings import Place, bind
from tests.arranging import arrange
from tests.integration.protocol.stage import refused, within_reach
from tests.integration.protocol.stand_ins import ID
from tests.integration.world import Broker

if TYPE_CHECKING:
    from tests.integration.protocol.schedules import Act
    from tests.integration.protocol.stage import Stage

HOUR = timedelta(hours=1)


def bind_(stage: Stage, act: Act) -> None:
    """Bind the job once its delay is over; nothing is bound under an older picture."""
    worker, row = stage.worker(act), stage.row
    arrange(Job.objects.filter(run_at__isnull=False), run_at=Now() - HOUR)
    requeue.release_due()
    lanes, suspect, version = [Lane.parse(row.lane)], row.hold == "suspect", current_version()
    place = Place(
        instance=worker.name, incarnation=worker.incarnation, window=1, version=version - 1
    )
    with refused():
        assert bind(place, lanes, limit=1, suspect=suspect) == []
    if act.before.instances[worker.number].gone:
        # As a process does that began before the instance was declared gone.
        bind(replace(place, version=version), lanes, limit=1, suspect=suspect)
    else:
        dispatching.refill(worker.name)


def publish(stage: Stage, act: Act) -> None:
    """Send what is bound, not held, and whose time has come."""
    worker, row = stage.worker(act), stage.row
    arrange(Job.objects.all(), bound_at=F("bound_at") - HOUR, publishes=0)
    known = stage.known(act.before, worker)
    with within_reach(current_installation.to_broker):
        assert republishing.send_again(worker.name, row.incarnation, held=known) == 1
    [sent] = Broker(stage.app).sent_to(worker.name)
    assert (sent["id"], sent["epoch"], sent["instance"]) == (ID, row.epoch, worker.name)


def recall(stage: Stage, act: Act) -> None:
    """Take the job back, and let the time pass for which the instance is left out for it."""
    epoch = act.before.job.epoch
    with refused():
        assert requeue.reassign((ID, epoch - 1), reason="of an older binding") == []
    assert requeue.reassign((ID, epoch), reason="not begun in time")
    Exclusion.objects.all().delete()
