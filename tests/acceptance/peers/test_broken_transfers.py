"""Files between two sites while workers, agents, servers and lines fail: right, or not there."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.states import JobState
from offload.db import database
from offload.models import FileTransfer, Job, KeptFile, PayloadFile
from offload.rules import editing
from tests.acceptance.peers.clusters import pair
from tests.acceptance.peers.crowds import settle, watch
from tests.integration.files.transports.proxy import Fault, Proxy
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django.plugin import DjangoDbBlocker

    from tests.acceptance.peers.clusters import Cluster, Pair

#: Seconds for everything to end on a busy machine.
LIMIT = 120.0
KIB, MIB = 1 << 10, 1 << 20
#: The same offsets each time.
DRAW = random.Random(11)  # noqa: S311
OFFSETS = DRAW.sample(range(MIB), 20)
NO_ROOM = b"HTTP/1.1 507 Full\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Line:
    """Two clusters, and the proxy between the second one and the first one's web server."""

    pair: Pair
    proxy: Proxy

    def submit(self, count: int, size: int) -> dict[str, bytes]:
        """Let the other cluster make a file of another one, a few times; return what is sent."""
        contents = [DRAW.randbytes(size) for _ in range(count)]
        with self.pair.site.visited():
            jobs = [offload.submit("acc/echo", files={"a.bin": one}) for one in contents]
        return {job.id: one for job, one in zip(jobs, contents, strict=True)}

    def moving(self, direction: str, sent: dict[str, bytes]) -> None:
        """Wait until the other cluster is in the middle of such files."""

        def is_moving() -> bool:
            with self.pair.render.visited():
                rows = FileTransfer.objects.filter(job__in=sent, direction=direction)
                return rows.filter(stage="running").exists()

        eventually(is_moving, within=LIMIT, what=f"an {direction} is on its way")

    def check(self, sent: dict[str, bytes]) -> None:
        """Check that each job ended once, with its file, and that nothing else is left."""
        with self.pair.site.visited():
            mine = Job.objects.filter(pk__in=sent)
            eventually(lambda: not mine.unfinished().exists(), within=LIMIT, what="all have ended")
            assert Counter(mine.values_list("state", "error")) == {("SUCCEEDED", ""): len(sent)}
            rows = Counter(row[0] for row in database.rows("SELECT id FROM success"))
            assert {one: rows[one] for one in sent} == dict.fromkeys(sent, 1)
            made = PayloadFile.objects.outputs().filter(job__in=sent).select_related("payload")
            found = {one.job_id: content_of(one) for one in made}
        assert found == {job: one.upper() for job, one in sent.items()}
        settle(self.pair)
        for cluster in (self.pair.site, self.pair.render):
            eventually(partial(is_tidy, cluster), within=LIMIT, what="nothing is left")
        eventually(lambda: not self.pair.web.parts, within=LIMIT, what="no upload is left")


def content_of(row: PayloadFile) -> bytes:
    """Return the bytes of a stored file."""
    with row.open() as file:
        return bytes(file.read())


def is_tidy(cluster: Cluster) -> bool:
    """Tell whether a cluster's storage has a file for each row, and no other."""
    folder = cluster.place.folder / "media"
    with cluster.visited():
        rows = set(PayloadFile.objects.values_list("location", flat=True))
        # What a clone left in whose place a newer one is.
        rows |= set(KeptFile.objects.values_list("location", flat=True))
    return {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()} == rows


@pytest.fixture(scope="module")
def line(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Line]:
    """Return the clusters; the first one's worker may run nothing."""
    folder = tmp_path_factory.mktemp("broken")
    with django_db_blocker.unblock(), pair(folder, proxied=True) as found:
        for one in (found.site, found.render):
            with one.visited():
                one.fleet.need("a")
        watch(found.site)
        with found.site.visited():
            editing.deny(found.site.place.nodename("a"), "acc/**")
        found.web.start()
        assert found.proxy is not None
        yield Line(found, found.proxy)


@pytest.fixture(autouse=True)
def _whole(line: Line) -> Iterator[None]:
    yield
    line.proxy.faults.clear()
    line.proxy.always = None


FAULTS: dict[str, list[Fault]] = {
    # Inputs come in responses, and outputs go in requests: each offset cuts either.
    "cut": [Fault(cut_request=one, cut_response=one) for one in OFFSETS],
    "changed": [Fault(corrupts_request=True, corrupts_response=True)] * 2,
    "no room": [Fault(answer=NO_ROOM)] * 2,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_line_that_fails_loses_nothing(line: Line, fault: str) -> None:
    line.proxy.faults.extend(FAULTS[fault])

    line.check(line.submit(3, 4 * MIB))

    assert not line.proxy.faults


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_a_line_that_fails_anywhere_loses_nothing(line: Line, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    sizes = [(draw.randrange(4 * MIB), draw.randrange(4 * MIB)) for _ in range(10)]
    line.proxy.faults.extend(Fault(cut_request=up, cut_response=down) for up, down in sizes)

    line.check(line.submit(5, 3 * MIB))


def kill_worker(line: Line) -> None:
    """Kill the worker, and its agent with it; start it again."""
    render = line.pair.render
    with render.visited():
        render.fleet["a"].kill()
        render.fleet.need("a")


def kill_agent(line: Line) -> None:
    """Kill the agent; its worker starts another one."""
    with line.pair.render.visited():
        line.pair.render.fleet["a"].agent.kill()


def restart_web(line: Line) -> None:
    """Kill the web server, and start it again."""
    line.pair.web.kill()
    line.pair.web.start()


@pytest.mark.parametrize(
    ("disturb", "direction"),
    [
        (kill_worker, "input"),
        (kill_agent, "output"),
        (restart_web, "output"),
        pytest.param(kill_worker, "output", marks=pytest.mark.long),
        pytest.param(kill_agent, "input", marks=pytest.mark.long),
        pytest.param(restart_web, "input", marks=pytest.mark.long),
    ],
)
def test_whoever_dies_in_the_middle_loses_nothing(
    line: Line, direction: str, disturb: Callable[[Line], None]
) -> None:
    # Each connection carries so little that the file takes many of them.
    every = 300 * KIB
    is_input = direction == "input"
    narrow = Fault(cut_response=every) if is_input else Fault(cut_request=every)
    line.proxy.always = narrow
    sent = line.submit(2, 4 * MIB)
    line.moving(direction, sent)

    disturb(line)
    line.proxy.always = None

    line.check(sent)


def test_a_line_that_only_drips_is_waited_for(line: Line) -> None:
    line.proxy.always = Fault(drip=0.05)
    sent = line.submit(1, 100 * KIB)
    line.moving("input", sent)

    # It would take minutes; on another line it goes on where it was.
    line.proxy.always = None
    line.proxy.cut()

    line.check(sent)
    with line.pair.site.visited():
        assert Job.objects.filter(pk__in=sent, state=JobState.SUCCEEDED).count() == 1
