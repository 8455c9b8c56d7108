"""Measure fleets of rows: what each instance and the leader ask of the database.

Each instance is a row whose heartbeats, looks at its window and questions about leadership are the
agent's own code; the leader is real, with all its duties. As a program, with a size, it prints the
figures of one fleet as JSON, in the database that ``BENCH_DATABASE`` names.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SIZES = (10, 100, 1000)
RULES, TOPICS, CONSUMED = 1000, 200, 20
#: Instances whose agents are simulated, for so many of their seconds.
SAMPLE, SECONDS = 10, 30
WARM_UP_SECONDS, LEADER_SECONDS = 6.0, 6.0
ROUNDS = 5
#: Where Linux keeps the bytes that were acknowledged and received, in ``struct tcp_info``.
TCP_BYTES = struct.Struct("@QQ")
TCP_BYTES_AT = 120


def measure(database: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of each size of fleet, each in a process of its own."""
    return {str(size): _in_process(size, database) for size in SIZES}


def _in_process(size: int, database: Mapping[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.simulated_fleet", str(size)],
        env={**os.environ, "BENCH_DATABASE": json.dumps(database)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


class Traffic:
    """Statements on every connection of this process, and bytes on those to a server."""

    def __init__(self) -> None:
        """Watch every connection that is opened from now on."""
        from django.db.backends.signals import connection_created

        self.statements = 0
        self._ended = 0
        self._open: list[Any] = []
        connection_created.connect(self._watch, weak=False)

    def _watch(self, connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(self._count)
        if connection.vendor == "postgresql":
            self._open.append(connection.connection.pgconn)

    def _count(self, execute: Callable[..., Any], *args: Any) -> Any:
        self.statements += 1
        return execute(*args)

    @property
    def bytes(self) -> int:
        """Return how many bytes went to and came from the server, over connections that live."""
        return self._ended + sum(_bytes(one.socket) for one in self._open if one.status == 0)

    @contextmanager
    def counted(self) -> Iterator[dict[str, float]]:
        """Fill a dict with the statements and bytes of a block."""
        found: dict[str, float] = {}
        before = self.statements, self.bytes
        yield found
        found["statements"] = self.statements - before[0]
        found["bytes"] = self.bytes - before[1]


def _bytes(descriptor: int) -> int:
    with socket.socket(fileno=os.dup(descriptor)) as end:
        facts = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return sum(TCP_BYTES.unpack_from(facts, TCP_BYTES_AT))


def configure() -> None:
    """Set Django up in this process, with the database that the environment names."""
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="benchmark",
        DATABASES={"default": json.loads(os.environ["BENCH_DATABASE"])},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "offload"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        OFFLOAD={"CELERY_APP": "tests.benchmarks.simulated_fleet:app"},
    )
    django.setup()


def populate(size: int) -> None:
    """Store so many instances, each with some of the topics, and a thousand rules."""
    from django.core.management import call_command

    from offload.core.placement.topology import Mode
    from offload.models import Instance, Rule, Slot

    call_command("migrate", verbosity=0, interactive=False)
    for model in (Instance, Rule, Slot):
        model.objects.all().delete()
    names = [f"worker{number}@host{number}" for number in range(size)]
    Instance.objects.bulk_create(
        Instance(
            name=name, incarnation=f"incarnation-{number:08}", cluster="default", mode=Mode.READY,
            joined=number, host=f"host{number}", boot_id="b", pid=1, concurrency=4, window=8,
            protocol=1, labels=["spot"], facts={"cpus": 4, "ram_gb": 16.0, "platform": "Linux"},
            consumers=[
                {"pattern": f"dam/topic{(number + one) % TOPICS}", "task": "dam.render"}
                for one in range(CONSUMED)
            ],
        )
        for number, name in enumerate(names)
    )  # fmt: skip
    Rule.objects.bulk_create(
        Rule(
            verb="deny", scope="instance", target=names[number % size],
            pattern=f"dam/topic{number % TOPICS}/x{number}",
        )
        for number in range(RULES)
    )  # fmt: skip


def follower(traffic: Traffic) -> dict[str, float]:
    """Return statements and bytes per second of an instance that holds nothing and follows."""
    from offload.conf import settings
    from offload.core.placement.topology import Mode
    from offload.fleet import leadership, membership, snapshots
    from offload.models import Instance
    from offload.worker.agent.leading import Leader
    from offload.worker.agent.window import Window
    from offload.worker.reports import Report

    now = [0.0]
    snapshots.reader.clock = lambda: now[0]
    first = Instance.objects.order_by("joined")[0]
    leadership.acquire(first.name, first.incarnation)
    rows = list(Instance.objects.order_by("-joined")[:SAMPLE])
    agents = []
    for row in rows:
        heart: Any = SimpleNamespace(
            incarnation=row.incarnation, trouble=None, is_deaf=False, resumed_at=0.0, failing={}
        )
        window = Window(row.name, heart, can_kill=True, clock=lambda: now[0])
        agents.append((row, window, Leader(row.name, heart, duties=[], clock=lambda: now[0])))
    beat, sweep = settings().heartbeat, settings().sweep
    with traffic.counted() as found:
        for step in range(round(SECONDS / sweep)):
            now[0] = step * sweep
            for row, window, leader in agents:
                leader._seek()
                leader._observe()
                if now[0] % 1.0 == 0:
                    window.look(Report(at=now[0], mode=Mode.READY, concurrency=4))
                if now[0] % beat == 0:
                    membership.beat(row.name, row.incarnation)
    snapshots.reader.clock = time.monotonic
    return {name: count / len(rows) / SECONDS for name, count in found.items()}


def leading(traffic: Traffic) -> dict[str, float]:
    """Return statements and bytes per second of the leader, and its processor time."""
    from offload.models import Instance
    from offload.worker.agent.leading import Leader

    first = Instance.objects.order_by("joined")[0]
    heart: Any = SimpleNamespace(incarnation=first.incarnation, failing={})
    leader = Leader(first.name, heart)
    leader.start()
    # Each of its threads reads the topology once.
    time.sleep(WARM_UP_SECONDS)
    cpu = time.process_time()
    with traffic.counted() as found:
        time.sleep(LEADER_SECONDS)
    spent = (time.process_time() - cpu) / LEADER_SECONDS
    leader.halt()
    return {
        **{name: count / LEADER_SECONDS for name, count in found.items()},
        "cpu_percent": spent * 100,
    }


def reading(traffic: Traffic) -> dict[str, dict[str, float]]:
    """Return statements, bytes and milliseconds of what decides and of what people look at."""
    from offload.browser.cluster import fleet, matrix
    from offload.core.placement.routing import Need, plan
    from offload.fleet import snapshots
    from offload.models.versions import current_version
    from offload.reading.cluster import facts
    from offload.reading.waiting.explain import explain

    number = current_version()
    known = snapshots.load(number).topology
    needs = iter([Need(topic=f"dam/topic{one}") for one in range(TOPICS)])
    return {
        "snapshot": _timed(traffic, lambda: snapshots.load(number)),
        "plan": _timed(traffic, lambda: plan(next(needs), known, snapshots.now())),
        "explain": _timed(traffic, lambda: explain("dam/topic7")),
        "instances page": _timed(traffic, lambda: fleet.build(facts.read())),
        "matrix": _timed(traffic, lambda: matrix.build(facts.read())),
    }


def _timed(traffic: Traffic, act: Callable[[], object]) -> dict[str, float]:
    act()
    taken = []
    with traffic.counted() as found:
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            act()
            taken.append((time.perf_counter() - begun) * 1000)
    return {**{name: count / ROUNDS for name, count in found.items()}, "ms": median(taken)}


def main(size: int) -> None:
    """Print the figures of one fleet."""
    import resource

    configure()
    traffic = Traffic()
    populate(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    parts = {one.__name__: one(traffic) for one in (reading, follower, leading)}
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    sys.stdout.write(json.dumps({**parts, "mib": grown / 1024}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
