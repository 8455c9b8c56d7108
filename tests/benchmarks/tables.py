"""The figures as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from tests.benchmarks.figures import OURS, RATES, ROLES, THEIRS
from tests.benchmarks.variants import FLOWS, PLACES, VARIANTS, variant

if TYPE_CHECKING:
    from collections.abc import Mapping

PROCESSES = f"{', '.join(ROLES[:-1])} and {ROLES[-1]}"


def figures(name: str, found: Mapping[str, Any], statements: Mapping[str, Any]) -> Table:
    """Return medians, delays and costs, a row per contender."""
    table = Table(
        f"{name}: medians",
        *(label for label, _ in RATES.values()),
        "submit to start, ms: p50",
        "p99",
        "processor ms a job*",
        "SQL statements a job*",
        caption=f"* of {PROCESSES}; a server is on this machine, or not counted",
    )
    for one in VARIANTS:
        delays, cpu = found["delays_ms"][one.key], found["cpu_ms"][one.key]
        table.add_row(
            one.label,
            *(f"{found['medians'][one.key][rate]:,.0f}" for rate in RATES),
            *(f"{delays[percent]:.1f}" for percent in ("p50", "p99")),
            " + ".join(f"{cpu[role]:.1f}" for role in ROLES),
            " + ".join(f"{statements[one.key][role]:.1f}" for role in ROLES[:-1]),
        )
    return _aligned(table)


def ratios(name: str, found: Mapping[str, Any]) -> Table:
    """Return how many times the others' figures ours are."""
    labels = (label.removesuffix(", jobs/s") for label, _ in RATES.values())
    table = Table(f"{name}: ratio, median of pairs", *labels)
    for ours in OURS:
        for theirs in THEIRS:
            pair = found["ratios"][f"{ours}/{theirs}"]
            label = f"{variant(ours).label} / {variant(theirs).label}"
            table.add_row(label, *(f"{pair[rate]:.2f}" for rate in RATES))
    return _aligned(table)


def places(name: str, found: Mapping[str, Any]) -> Table:
    """Return what a job costs in the own cluster, and in another one whose database is SQLite."""
    table = Table(f"{name}: where a job runs", "jobs/s", "submit to result, ms: p50", "ratio")
    for one in PLACES:
        ratio = f"{found['ratio']:.3f}" if one.remote else ""
        trip = f"{found['round_trip_p50_ms'][one.key]:,.0f}"
        table.add_row(one.label, f"{found['medians'][one.key]:,.1f}", trip, ratio)
    return _aligned(table)


def flows(name: str, found: Mapping[str, Any]) -> Table:
    """Return what runs of the sample workflow cost, beside a chord of Celery's."""
    table = Table(
        f"{name}: the sample workflow",
        "runs/s",
        "processor ms a run",
        "renditions verified",
        "ratio",
    )
    for key in FLOWS:
        is_ours = variant(key).offload
        table.add_row(
            variant(key).label,
            f"{found['medians'][key]:.2f}",
            " + ".join(f"{found['cpu_ms'][key][role]:.0f}" for role in ROLES),
            f"{found['verified'][key]:,}",
            f"{found['ratio']:.2f}" if is_ours else "",
        )
    return _aligned(table)


def routing(found: Mapping[str, float]) -> Table:
    """Return the cost of a decision."""
    table = Table("route(), 1,000 instances, 1,000 rules, 200 topics", "µs")
    table.add_row("known topology", f"{found['warm_us']:.1f}")
    table.add_row("topology seen first", f"{found['cold_us']:.0f}")
    return _aligned(table)


def fleets(name: str, found: Mapping[str, Any]) -> Table:
    """Return what fleets of each size cost, a column per size."""
    table = Table(f"{name}: simulated fleets", *(f"{int(size):,} instances" for size in found))
    for who, part in (("idle instance", "follower"), ("leader", "leading")):
        for what in ("statements", "bytes"):
            cells = (f"{one[part][what]:,.1f}" for one in found.values())
            table.add_row(f"{who}: {what} a second", *cells)
    for what in next(iter(found.values()))["reading"]:
        cells = (
            f"{one['reading'][what]['ms']:.1f} ({one['reading'][what]['statements']:.0f})"
            for one in found.values()
        )
        table.add_row(f"{what}: ms (statements)", *cells)
    table.add_row("memory, MiB", *(f"{one['mib']:.0f}" for one in found.values()))
    return _aligned(table)


def _aligned(table: Table) -> Table:
    for column in table.columns[1:]:
        column.justify = "right"
    return table
