"""How states look: a glyph, a word and a tone each, so that colour is never alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from offload.core.placement.topology import Mode
from offload.core.states import JobState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise


class Standing(enum.StrEnum):
    """How an instance stands to a topic, by rules."""

    # Nothing forbids it.
    ALLOWED = "allowed"
    # It is the one pattern on the instance's own allow list.
    ONLY = "only"
    # Some topics of the pattern are allowed, others are not.
    PARTLY = "partly"
    # A rule denies it.
    DENIED = "denied"
    # The instance has allow rules, and none of them includes it.
    UNLISTED = "unlisted"
    # The instance is switched off.
    OFF = "off"
    # The instance has no consumer for it.
    ABSENT = "absent"
    # The instance has not announced by which rules it acts.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sign:
    """The appearance of a state."""

    glyph: str
    word: _StrPromise
    #: Picks the colour: good, busy, idle, warn or bad.
    tone: str


SIGNS: Mapping[enum.StrEnum, Sign] = MappingProxyType(
    {
        Standing.ALLOWED: Sign("✓", _("allowed"), "good"),
        Standing.ONLY: Sign("★", _("exclusive"), "good"),
        Standing.PARTLY: Sign("◐", _("partly allowed"), "warn"),
        Standing.DENIED: Sign("✕", _("denied"), "bad"),
        Standing.UNLISTED: Sign("∅", _("not allowed"), "bad"),
        Standing.OFF: Sign("⊘", _("switched off"), "bad"),
        Standing.ABSENT: Sign("·", _("no consumer"), "idle"),
        Standing.UNKNOWN: Sign("?", _("unknown"), "warn"),
        Mode.STARTING: Sign("◌", _("starting"), "busy"),
        Mode.READY: Sign("●", _("ready"), "good"),
        Mode.DRAINING: Sign("◐", _("draining"), "warn"),
        Mode.RECONNECTING: Sign("≈", _("reconnecting"), "warn"),
        Mode.SUSPECT: Sign("?", _("suspect"), "warn"),
        Mode.GONE: Sign("○", _("gone"), "idle"),
        JobState.PENDING: Sign("◌", _("pending"), "idle"),
        JobState.QUEUED: Sign("◐", _("queued"), "busy"),
        JobState.ACTIVE: Sign("►", _("active"), "busy"),
        JobState.SUCCEEDED: Sign("✓", _("succeeded"), "good"),
        JobState.STOPPED: Sign("■", _("stopped"), "warn"),
        JobState.GIVEN_UP: Sign("✕", _("given up"), "bad"),
        JobState.ERROR: Sign("✕", _("error"), "bad"),
        JobState.DROPPED: Sign("⊘", _("dropped"), "warn"),
        JobState.EXPIRED: Sign("○", _("expired"), "warn"),
    }
)
