"""Times as people read them: how long ago, or in how long; the exact moment is on hover."""

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
#: Seconds of each unit and its sign; the page's script counts on by the same.
UNIT_SECONDS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def age(seconds: float) -> str:
    """Return a duration by its greatest unit."""
    size, unit = next((one for one in UNIT_SECONDS if seconds >= one[0]), UNIT_SECONDS[-1])
    return f"{int(seconds // size)} {unit}"


def told(value: datetime, now: datetime) -> str:
    """Return how long ago a moment was, or in how long it comes."""
    passed = between(value, now)
    if passed < 0:
        return _("in %(age)s") % {"age": age(-passed)}
    return _("%(age)s ago") % {"age": age(passed)}


def shown(value: datetime | None, now: datetime) -> SafeString | str:
    """Return a moment as an element: its age, and the moment itself by the site's zone.

    The page's script names it by the viewer's zone, and lets it age.
    """
    if value is None:
        return NOTHING
    here = localtime(value)
    exact = date_format(here, "Y-m-d H:i:s T")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', here.isoformat(), exact, told(value, now)
    )
