"""Who this process is, as the environment says that the benchmark sets."""

from __future__ import annotations

import os
from pathlib import Path

from tests.benchmarks.variants import variant

VARIANT = variant(os.environ["BENCH_VARIANT"])
#: Where a turn's files lie.
FOLDER = Path(os.environ["BENCH_FOLDER"])
#: What nobody else on the broker is called.
NAME = f"bench-{os.environ['BENCH_OWNER']}"
