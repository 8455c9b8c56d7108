"""What carrying files costs, in turns with what a shell does with the same files."""

from __future__ import annotations

import os
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.table import Table

from tests.benchmarks.files import contenders

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

MIB = 1 << 20
#: Small files, and the bytes of each.
SMALL_FILES, SMALL_BYTES = 1_000, 10 << 10


def measure(folder: Path, console: Console, *, runs: int, mib: int) -> dict[str, Any]:
    """Carry a large file and many small ones, both ways; print and return the figures."""
    if left_out := contenders.missing():
        console.print(
            f"Files are not measured, since {', '.join(left_out)} is not installed. "
            "On Debian: apt-get install nginx-light curl",
            style="yellow",
        )
        return {}
    large, small = _sources(folder, mib)
    with contenders.ours(folder, [large, small]) as ours, contenders.shell(folder) as shell:
        turns = [
            {
                "curl": shell.get(large / "large.bin"),
                "fetch": ours.carry("fetch", large),
                "push": ours.carry("push", large),
                "tar": shell.get_tar(small),
                "fetch small": ours.carry("fetch", small),
                "push small": ours.carry("push", small),
            }
            for _ in range(runs)
        ]
    found = _summary(turns)
    console.print(_table(found, mib))
    return {"mib": mib, **found, "samples": turns}


def _sources(folder: Path, mib: int) -> tuple[Path, Path]:
    large, small = folder / "large", folder / "small"
    for one in (large, small):
        one.mkdir(parents=True)
    with (large / "large.bin").open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))
    for number in range(SMALL_FILES):
        (small / f"{number:04}.bin").write_bytes(os.urandom(SMALL_BYTES))
    return large, small


def _summary(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Return medians of the seconds, of the ratios of each pair, and the largest growth."""
    mine = [name for name, one in turns[0].items() if isinstance(one, dict)]
    seconds = {
        name: median(one[name]["seconds"] if name in mine else one[name] for one in turns)
        for name in turns[0]
    }
    others = {name: "tar" if "small" in name else "curl" for name in mine}
    return {
        "seconds": seconds,
        # How many times as fast for the large file, how many times as long for the small ones.
        "speed": {
            name: median(one[others[name]] / one[name]["seconds"] for one in turns) for name in mine
        },
        "grown_mib": {name: max(one[name]["grown"] for one in turns) / MIB for name in mine},
    }


def _table(found: dict[str, Any], mib: int) -> Table:
    table = Table(
        f"files: {mib:,} MiB, and {SMALL_FILES:,} of 10 KiB", "seconds", "speed", "MiB more"
    )
    labels = {
        "curl": "curl -o FILE from nginx, sha256sum FILE",
        "tar": "tar, curl from nginx, tar, sha256sum",
    }
    for name, seconds in found["seconds"].items():
        speed, grown = found["speed"].get(name), found["grown_mib"].get(name)
        table.add_row(
            labels.get(name, f"{name}, by HTTP"),
            f"{seconds:.2f}",
            "" if speed is None else f"{speed:.2f}",
            "" if grown is None else f"{grown:.0f}",
        )
    return table
