"""The ages of rules, which only what is not applied yet needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.models import Rule
from offload.reading.cluster import instance_rows

if TYPE_CHECKING:
    from collections.abc import Collection

    from offload.reading.cluster.facts import ClusterFacts


def with_rule_ages(facts: ClusterFacts, ids: Collection[int]) -> ClusterFacts:
    """Return the facts with the ages of these rules."""
    found = Rule.objects.filter(pk__in=ids).annotate(age=instance_rows.age("created_at"))
    ages = {pk: age.total_seconds() for pk, age in found.values_list("pk", "age")}
    return replace(facts, rule_ages=ages)
