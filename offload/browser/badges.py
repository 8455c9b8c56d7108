"""How states look: each has a glyph, a word and a tone, so colour is never the only sign."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from offload.core.placement.instance_conditions import Condition
from offload.core.placement.rule_status import RuleStatus
from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.core.workflows.plans import StepState

if TYPE_CHECKING:
    import enum
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class Badge:
    """The appearance of a state."""

    glyph: str
    word: _StrPromise
    #: Picks the colour: good, busy, idle, warn or bad.
    tone: str


BADGES: Mapping[enum.StrEnum, Badge] = MappingProxyType(
    {
        RuleStatus.ALLOWED: Badge("✓", _("allowed"), "good"),
        RuleStatus.ONLY: Badge("★", _("exclusive"), "good"),
        RuleStatus.PARTLY: Badge("◐", _("partly allowed"), "warn"),
        RuleStatus.DENIED: Badge("✕", _("denied"), "bad"),
        RuleStatus.UNLISTED: Badge("∅", _("not allowed"), "bad"),
        RuleStatus.OFF: Badge("⊘", _("switched off"), "bad"),
        RuleStatus.NOT_SENT: Badge("↛", _("not sent there"), "idle"),
        RuleStatus.ABSENT: Badge("·", _("no consumer"), "idle"),
        RuleStatus.UNKNOWN: Badge("?", _("unknown"), "warn"),
        Condition.BUSY: Badge("►", _("busy"), "busy"),
        Condition.OFF: Badge("⊘", _("switched off"), "bad"),
        # Conditions of instances have the words of modes, where they are the same.
        Mode.STARTING: Badge("◌", _("starting"), "busy"),
        Mode.READY: Badge("●", _("ready"), "good"),
        Mode.DRAINING: Badge("◐", _("draining"), "warn"),
        Mode.RECONNECTING: Badge("≈", _("reconnecting"), "warn"),
        Mode.SUSPECT: Badge("?", _("suspect"), "warn"),
        Mode.GONE: Badge("○", _("gone"), "idle"),
        JobState.PENDING: Badge("◌", _("pending"), "idle"),
        JobState.QUEUED: Badge("◐", _("queued"), "busy"),
        JobState.ACTIVE: Badge("►", _("active"), "busy"),
        JobState.SUCCEEDED: Badge("✓", _("succeeded"), "good"),
        JobState.STOPPED: Badge("■", _("stopped"), "warn"),
        JobState.GIVEN_UP: Badge("✕", _("given up"), "bad"),
        JobState.ERROR: Badge("✕", _("error"), "bad"),
        JobState.DROPPED: Badge("⊘", _("dropped"), "warn"),
        JobState.EXPIRED: Badge("○", _("expired"), "warn"),
        # Those that jobs have too look alike.
        StepState.WAITING: Badge("◌", _("waiting"), "idle"),
        StepState.RUNNING: Badge("►", _("running"), "busy"),
        StepState.SKIPPED: Badge("⊘", _("skipped"), "idle"),
        StepState.FAILED: Badge("✕", _("failed"), "bad"),
        StepState.UNREACHED: Badge("·", _("not reached"), "warn"),
    }
)
