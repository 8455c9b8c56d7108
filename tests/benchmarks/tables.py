"""The figures as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from tests.benchmarks.figures import OURS, RATES, ROLES, THEIRS
from tests.benchmarks.variants import VARIANTS, variant

if TYPE_CHECKING:
    from collections.abc import Mapping


def figures(name: str, found: Mapping[str, Any], statements: Mapping[str, Any]) -> Table:
    """Return medians, delays and statements, a column per contender."""
    table = Table("median", *(one.label for one in VARIANTS), title=f"\n{name}")
    keys = [one.key for one in VARIANTS]
    for rate, (label, _) in RATES.items():
        table.add_row(label, *(f"{found['medians'][key][rate]:,.0f}" for key in keys))
    for percent in ("p50", "p99"):
        label = f"submit to start {percent}, ms"
        table.add_row(label, *(f"{found['delays_ms'][key][percent]:.1f}" for key in keys))
    for role in ROLES:
        label = f"processor time per job, {role}, ms"
        table.add_row(label, *(f"{found['cpu_ms'][key][role]:.1f}" for key in keys))
    for role in ROLES:
        label = f"SQL statements per job, {role}"
        table.add_row(label, *(f"{statements[key][role]:.2f}" for key in keys))
    _align(table)
    return table


def ratios(name: str, found: Mapping[str, Any]) -> Table:
    """Return how many times the others' figures ours are."""
    table = Table("ratio, median of pairs", *(label for label, _ in RATES.values()), title=name)
    for ours in OURS:
        for theirs in THEIRS:
            pair = found["ratios"][f"{ours}/{theirs}"]
            label = f"{variant(ours).label} / {variant(theirs).label}"
            table.add_row(label, *(f"{pair[rate]:.2f}" for rate in RATES))
    _align(table)
    return table


def routing(found: Mapping[str, float]) -> Table:
    """Return what a decision costs."""
    table = Table("route(), 100 instances, 100 rules", "µs", title="\nrouting")
    table.add_row("known topology", f"{found['warm_us']:.1f}")
    table.add_row("topology seen first", f"{found['cold_us']:.0f}")
    _align(table)
    return table


def _align(table: Table) -> None:
    for column in table.columns[1:]:
        column.justify = "right"
