"""Tags and filters of the browser's pages: badges, times, durations, and the matrix."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from offload.browser import ages, values
from offload.browser.access import access_of
from offload.browser.badges import BADGES
from offload.browser.cluster import views
from offload.browser.cluster.view_state import ViewState
from offload.core.placement.rule_status import RuleStatus

if TYPE_CHECKING:
    import enum
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.contrib.admin.filters import ListFilter
    from django.contrib.admin.views.main import ChangeList
    from django.template import Context
    from django.utils.functional import _StrPromise
    from django.utils.safestring import SafeString

    from offload.reading.cluster.cells import Cell

register = template.Library()

#: Glyph and word of each verb's button in a cell.
BUTTONS: Mapping[str, tuple[str, _StrPromise]] = MappingProxyType(
    {
        "allow": ("✓", _("allow")),
        "deny": ("✕", _("deny")),
        "exclusive": ("★", _("exclusive")),
        "clear": ("↺", _("clear")),
    }
)
WORD_BUTTON = '<button name="{0}" value="{1}" id="{0}-{2}"{3}>{4}</button>'
GLYPH_BUTTON = (
    '<button name="{0}" value="{1}" id="{0}-{2}"{3} title="{4}" aria-label="{4}">{5}</button>'
)
COMPACT_CELL = (
    '<td><button name="cell" value="{0}" id="c{1}" class="ob-{2}" aria-label="{3}"{6}>{4}{5}'
    "</button></td>"
)
ABSENT_CELL = '<td title="{1}">{0}</td>'
#: Separators of a name after which a line may break; not behind the last part.
BREAK_AFTER = re.compile(r"([/@])(?=.)")
PRESSED = mark_safe(' aria-pressed="true"')

#: Seconds of a minute, an hour and a day, each with the sign of the next smaller unit.
AGE_UNITS = ((86_400, 3_600, "d", "h"), (3_600, 60, "h", "min"), (60, 1, "min", "s"))


@register.simple_tag
def badge(state: enum.StrEnum) -> SafeString:
    """Show a state by glyph, word and tone."""
    shown = BADGES[state]
    return format_html(
        '<span class="ob-badge ob-{}"><span aria-hidden="true">{}</span> {}</span>',
        shown.tone,
        shown.glyph,
        shown.word,
    )


@register.simple_tag
def tone_of(states: Mapping[str, enum.StrEnum] | None, name: str) -> str:
    """Return the class of a step's colour in a picture."""
    return f"ob-{BADGES[states[name]].tone}" if states and name in states else "ob-plain"


@register.simple_tag
def glyph_of(states: Mapping[str, enum.StrEnum] | None, name: str) -> str:
    """Return the glyph of a step's state in a picture, and a space."""
    return f"{BADGES[states[name]].glyph} " if states and name in states else ""


@register.simple_tag
def verbs(cell: Cell, dense: bool) -> SafeString:
    """Show the buttons of a cell as words, or as glyphs if there are many cells."""
    layout = GLYPH_BUTTON if dense else WORD_BUTTON
    return format_html_join("", layout, (_button(cell, verb) for verb in cell.verbs))


@register.simple_tag
def glyphs(cells: Sequence[Cell], chosen: str) -> SafeString:
    """Show cells as glyphs; each is a button for its details, if it has any."""
    return mark_safe("".join([_glyph(cell, chosen) for cell in cells]))  # noqa: S308  # Escaped.


def _glyph(cell: Cell, chosen: str) -> str:
    shown = BADGES[cell.desired.status]
    if cell.is_absent and not cell.own:
        return ABSENT_CELL.format(shown.glyph, shown.word)
    tone, words, mark = _look_of(cell)
    return COMPACT_CELL.format(
        escape(cell.key),
        cell.id,
        tone,
        words,
        mark,
        cell.running or "",
        ' aria-current="true"' if cell.key == chosen else "",
    )


def _look_of(cell: Cell) -> tuple[str, str, str]:
    """Return tone, words and glyphs of a cell; what is not as desired is a warning."""
    shown = BADGES[cell.desired.status]
    if cell.there is not None and cell.is_refused_there:
        there = BADGES[cell.there.status]
        words = f"{shown.word}, {escape(cell.peer)}: {there.word}"
        return "warn", words, f"{shown.glyph}{there.glyph}"
    if cell.differs:
        return "warn", f"{shown.word} {_('not applied yet')}", f"≠{shown.glyph}"
    return shown.tone, str(shown.word), shown.glyph


@register.simple_tag
def glyph(state: enum.StrEnum, is_off: bool, is_behind: bool) -> SafeString:
    """Show an instance's state as a glyph, with words for screen readers."""
    shown = BADGES[RuleStatus.OFF] if is_off else BADGES[state]
    words = f"{shown.word}, {_('rules not applied yet')}" if is_behind else shown.word
    return format_html(
        '<span class="ob-{0}" title="{1}"><span aria-hidden="true">{2}</span>'
        '<span class="visually-hidden">{1}</span></span>',
        shown.tone,
        words,
        f"{shown.glyph}≠" if is_behind else shown.glyph,
    )


@register.simple_tag
def view_query(view: ViewState | str, name: str = "", value: object = "") -> str:
    """Return the query string for the same part, or for another page of it."""
    if not isinstance(view, ViewState):
        return ""
    return view.query(**{name: value}) if name else view.query()


@register.simple_tag
def paused_query(view: ViewState | str) -> str:
    """Return the query string for the same part, which also stops the refreshing."""
    return view.query(paused="on") if isinstance(view, ViewState) else "?paused"


def _button(cell: Cell, verb: str) -> tuple[object, ...]:
    glyph, word = BUTTONS[verb]
    pressed = PRESSED if cell.holds(verb) else ""
    return verb, cell.key, cell.id, pressed, word, glyph


@register.simple_tag
def moment(value: datetime | None) -> SafeString | str:
    """Show a time as its age, with the exact time on hover."""
    return ages.shown(value, timezone.now())


@register.simple_tag
def choices_of(changes: ChangeList, spec: ListFilter) -> list[Mapping[str, object]]:
    """Return the choices of a list's filter."""
    return list(spec.choices(changes))


@register.filter
def broken(name: object) -> SafeString:
    """Show a topic, pattern or nodename so that it breaks between its parts."""
    shown = BREAK_AFTER.sub(r"\1<wbr>", escape(name))
    return format_html('<span class="ob-parted">{}</span>', mark_safe(shown))  # noqa: S308  # Escaped.


register.filter("value_text", values.text_of)
register.filter("plain_value", values.plain_value)
register.filter("truncated", values.truncated_value)


@register.filter
def seconds(value: float | None) -> str:
    """Show a duration in its two largest units."""
    if value is None:
        return ages.NOTHING
    for size, below, unit, next_unit in AGE_UNITS:
        if value >= size:
            return f"{int(value // size)} {unit} {int(value % size // below)} {next_unit}"
    return f"{value:.3g} s" if value < 1 or value != int(value) else f"{int(value)} s"


@register.simple_tag(takes_context=True)
def offload_matrix(context: Context) -> dict[str, Any] | None:
    """Return the matrix's context, or None for users who may not see instances."""
    request = context["request"]
    if not access_of(request.user).instances:
        return None
    return views.matrix_context(request)
