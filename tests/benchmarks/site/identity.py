"""The identity of this process, from the environment that the benchmark sets."""

from __future__ import annotations

import os
from pathlib import Path

from tests.benchmarks.variants import variant

VARIANT = variant(os.environ["BENCH_VARIANT"])
#: Where a turn's files lie.
FOLDER = Path(os.environ["BENCH_FOLDER"])
#: A name that nobody else has on the broker.
NAME = f"bench-{os.environ['BENCH_OWNER']}"
#: Whether this process is of the other cluster, which runs the jobs of this one.
IS_PEER = os.environ.get("BENCH_SIDE") == "peer"
#: Whether runs of the sample workflow are measured.
IS_FLOWS = "BENCH_FLOWS" in os.environ
