"""Workers of one name in two clusters on one broker: each gets the messages of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.states import JobState
from offload.messaging.publisher import instance_queue
from offload.models import Job
from offload.rules import editing
from tests.acceptance.peers.clusters import Pair, pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker

#: Seconds for jobs to travel and to come back, on a busy machine.
LIMIT = 120.0
JOBS = 6


@pytest.fixture(scope="module")
def namesakes(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Pair]:
    """Return two clusters, each with one worker, whose nodenames are equal."""
    folder = tmp_path_factory.mktemp("namesakes")
    with django_db_blocker.unblock(), pair(folder, namesakes=True) as found:
        for one in (found.site, found.render):
            with one.visited():
                one.fleet.need("a")
        yield found


def test_each_gets_the_messages_of_its_own_cluster(namesakes: Pair) -> None:
    site, render = namesakes.site, namesakes.render
    name = site.place.nodename("a")
    assert render.place.nodename("a") == name

    queues = set()
    for one, other in ((site, render), (render, site)):
        with one.visited():
            queues.add(instance_queue(name).name)
            editing.deny(f"{other.name}/*", "acc/**", scope="glob")
            try:
                jobs = [offload.submit("acc/any", {"number": number}) for number in range(JOBS)]
                for number, job in enumerate(jobs):
                    assert job.result(timeout=LIMIT) == {"number": number}
            finally:
                editing.clear(f"{other.name}/*", "acc/**", scope="glob")
            rows = Job.objects.filter(pk__in=[job.id for job in jobs])
            assert set(rows.values_list("instance", "peer")) == {(name, None)}
    assert len(queues) == 2


def test_a_job_travels_to_the_instance_of_the_same_name(namesakes: Pair) -> None:
    site, render = namesakes.site, namesakes.render
    name = site.place.nodename("a")
    with site.visited():
        editing.deny(name, "acc/**")
        try:
            job = offload.submit("acc/any", {"width": 7})
            assert job.result(timeout=LIMIT) == {"width": 7}
        finally:
            editing.clear(name, "acc/**")
        row = Job.objects.get(pk=job.id)
    assert (row.state, row.instance) == (JobState.SUCCEEDED, f"{render.name}/{name}")
