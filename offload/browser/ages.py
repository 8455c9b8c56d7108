"""Times for people: how long ago or in how long, with the exact time on hover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from offload.core.moments import between

if TYPE_CHECKING:
    from datetime import datetime

    from django.utils.safestring import SafeString

#: Shown where there is nothing to show.
NOTHING = "—"
#: Seconds of each unit, with its sign; the page's script uses the same table.
UNIT_SECONDS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def age(seconds: float) -> str:
    """Return a duration in its largest unit."""
    size, unit = next((one for one in UNIT_SECONDS if seconds >= one[0]), UNIT_SECONDS[-1])
    return f"{int(seconds // size)} {unit}"


def relative(value: datetime, now: datetime) -> str:
    """Return how long ago a moment was, or how long until it comes."""
    passed = between(value, now)
    if passed < 0:
        return _("in %(age)s") % {"age": age(-passed)}
    return _("%(age)s ago") % {"age": age(passed)}


def shown(value: datetime | None, now: datetime) -> SafeString | str:
    """Return a moment as an HTML element: its age, and the time in the site's zone.

    The page's script shows it in the viewer's zone and keeps the age current.
    """
    if value is None:
        return NOTHING
    local = localtime(value)
    exact = date_format(local, "Y-m-d H:i:s T")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, relative(value, now)
    )
