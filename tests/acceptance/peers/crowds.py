"""Many jobs of one cluster that run in another one, and what must be true of them at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import offload
from offload.core.states import JobState
from offload.db import database
from offload.models import Attempt, Job, News, WithdrawnBinding
from tests.acceptance.site.journal import Event, events
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.retries import Cause
    from tests.acceptance.peers.clusters import Cluster, Pair
    from tests.acceptance.place import Place

#: Seconds for all jobs to end on a busy machine, whatever was broken.
LIMIT = 400.0
#: Let the database itself write down each time that a job becomes SUCCEEDED.
WATCH = (
    "CREATE TABLE success (id text)",
    f"CREATE TRIGGER success AFTER UPDATE OF state ON {Job._meta.db_table} "  # noqa: S608
    "WHEN NEW.state = 'SUCCEEDED' BEGIN INSERT INTO success VALUES (NEW.id); END",
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Jobs that were submitted together at home."""

    pair: Pair
    ids: Sequence[str]

    def begun(self, least: int = 1) -> None:
        """Wait until so many of them have begun at the peer."""
        eventually(
            lambda: len({one.job for one in self._runs("start")}) >= least,
            within=LIMIT,
            what=f"{least} jobs begin",
        )

    def known_to_run(self) -> None:
        """Wait until home knows that all run."""
        with self.pair.site.visited():
            running = Job.objects.filter(pk__in=self.ids, state=JobState.ACTIVE)
            count = len(self.ids)
            eventually(lambda: running.count() == count, within=LIMIT, what="home knows")

    def all_ended(self) -> None:
        """Wait until all have ended at home."""
        with self.pair.site.visited():
            eventually(lambda: not self._open(), within=LIMIT, what="the end of all")

    def ended(self) -> list[Job]:
        """Return home's rows once all have ended, and neither cluster waits for the other."""
        self.all_ended()
        settle(self.pair)
        with self.pair.site.visited():
            return list(Job.objects.filter(pk__in=self.ids))

    def check(self) -> list[Job]:
        """Return home's rows: none is lost, none was committed twice, each begun as home knows."""
        rows = self.ended()
        runs = {(one.job, f"slept in epoch {one.epoch}") for one in self._runs("end")}
        assert Counter(row.state for row in rows) == {JobState.SUCCEEDED: len(self.ids)}
        assert {(row.pk, row.result) for row in rows} <= runs
        assert self._successes() == Counter(self.ids)
        starts = Counter(one.job for one in self._runs("start"))
        assert not {row.pk: row.epoch for row in rows if starts[row.pk] > row.epoch}
        return rows

    def check_once(self, causes: Sequence[Cause] = ()) -> list[Job]:
        """Return home's rows: besides, none began again but for one of these causes."""
        rows = self.check()
        again = self._causes()
        starts = Counter(one.job for one in self._runs("start"))
        assert {cause for found in again.values() for cause in found} <= set(causes)
        assert starts == {one: 1 + len(again.get(one, ())) for one in self.ids}
        return rows

    def _runs(self, what: str) -> list[Event]:
        """Return what the journals of both say of these jobs."""
        known = set(self.ids)
        found = [one for place in self._places for one in events(what=what, folder=place.folder)]
        return [one for one in found if one.job in known]

    @property
    def _places(self) -> list[Place]:
        return [self.pair.site.place, self.pair.render.place]

    def _open(self) -> Counter[str]:
        rows = Job.objects.filter(pk__in=self.ids, finished_at=None)
        return Counter(rows.values_list("state", flat=True))

    def _causes(self) -> dict[str, list[str]]:
        """Return why attempts ended that were not their jobs' last."""
        found: dict[str, list[str]] = {}
        with self.pair.site.visited():
            for one in Attempt.objects.filter(job__in=self.ids):
                found.setdefault(one.job_id, []).append(one.cause)
        return found

    def _successes(self) -> Counter[str]:
        with self.pair.site.visited():
            rows = Counter(row[0] for row in database.rows("SELECT id FROM success"))
        return Counter({one: rows[one] for one in self.ids if rows[one]})


def watch(cluster: Cluster) -> None:
    """Let a cluster's database, a SQLite file, write down each success."""
    with cluster.visited():
        for statement in WATCH:
            database.execute(statement)


def crowd(pair: Pair, topic: str, count: int, **properties: Any) -> Crowd:
    """Submit so many jobs at home, each with these properties."""
    with pair.site.visited():
        jobs = offload.submit_many(topic, [properties] * count)
    return Crowd(pair, [one.id for one in jobs])


def settle(pair: Pair) -> None:
    """Wait until the peer runs nothing, and no cluster has anything to say to the other."""
    with pair.render.visited():
        running = Job.objects.unfinished()
        eventually(lambda: not running.exists(), within=LIMIT, what="the peer runs nothing")
        eventually(lambda: not News.objects.exists(), within=LIMIT, what="all is reported")
    with pair.site.visited():
        withdrawn = WithdrawnBinding.objects.all()
        eventually(lambda: not withdrawn.exists(), within=LIMIT, what="the peer knows all")
