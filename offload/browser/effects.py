"""Side effects of a change of rules, as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from offload.fleet.rule_effects import Overruled


def of_lifting(overruled: Overruled) -> list[str]:
    """Say which denies an allow replaced, and which hold again later."""
    gone = _("It replaces the deny of the same pattern and target.")
    rests = _(
        "The deny of the same pattern and target rests until %(moment)s, then it holds again."
    )
    return [
        *(gone for _one in overruled.replaced),
        *(rests % {"moment": _moment(one.rests_until)} for one in overruled.resting),
    ]


def of_opening(instances: Sequence[str]) -> list[str]:
    """Say which instances lost their last allow."""
    if not instances:
        return []
    told = _("That was the last allow of %(names)s: it may do everything that no deny forbids now.")
    return [told % {"names": ", ".join(instances)}]


def of_deleting(instances: Sequence[str]) -> list[str]:
    """Say which instances would lose their last allow."""
    if not instances:
        return []
    told = _("This is the last allow of %(names)s. Without one it may do all that no deny forbids.")
    return [told % {"names": ", ".join(instances)}]


def _moment(moment: datetime | None) -> str:
    return f"{localtime(moment):%Y-%m-%d %H:%M}"
