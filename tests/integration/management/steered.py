"""Rules as they were written."""

from __future__ import annotations

from offload.models import Rule


def rules() -> set[tuple[str, str, str, str]]:
    return set(Rule.objects.values_list("verb", "scope", "target", "pattern"))
