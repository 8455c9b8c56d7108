"""The protocol keeps its promises in every schedule of two faults, and each rule is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import combinations_with_replacement

import pytest

from offload.core.states import JobState
from tests.unit.protocol.explorer import explore
from tests.unit.protocol.faults import FAULTS
from tests.unit.protocol.promises import Broken
from tests.unit.protocol.rules import Rules

PAIRS = list(combinations_with_replacement(FAULTS, 2))

# Rules that are broken, faults that then suffice, the promise that does not hold any more.
NEEDED: list[tuple[str, Sequence[str], Broken]] = [
    ("register_moves", ["kill"], Broken.HEALTHY_MOVED),
    ("claim_needs_lease", ["pause"], Broken.STARTED_WITHOUT_LEASE),
    ("bind_reads_incarnation", ["kill"], Broken.HEALTHY_MOVED),
    ("bind_raises_epoch", [], Broken.HEALTHY_MOVED),
    ("republish recall", ["broker loss"], Broken.STUCK),
    ("claim_matches_epoch", [], Broken.STALE_WRITE),
    ("reread", ["reply lost"], Broken.THROWN_AWAY),
    ("reread reconcile", ["reply lost"], Broken.STUCK),
    ("reread_obeys_stop", ["reply lost", "stop"], Broken.STARTED_AFTER_STOP),
    ("finish_matches_attempt", ["pause"], Broken.STALE_WRITE),
    ("finish_needs_active", ["reply lost"], Broken.SECOND_FINISH),
    ("finish_needs_active finish_matches_attempt", ["pause"], Broken.ILLEGAL_CHANGE),
    ("reconcile", ["child kill"], Broken.STUCK),
    ("reconcile", ["drop"], Broken.STUCK),
    ("reconcile", ["database out"], Broken.STUCK),
    ("lost_clears_token", ["pause", "kill"], Broken.FALSE_FINISH),
    ("others_set_due", ["stop"], Broken.STUCK),
    ("conclude_compares", [], Broken.SECOND_RESULT),
    ("claim_refuses_stop stop_ends_waiting", ["stop"], Broken.STARTED_AFTER_STOP),
    ("claim_refuses_stop requeue_yields_stopped", ["stop"], Broken.STARTED_AFTER_STOP),
    ("requeue_yields_stopped", ["stop"], Broken.STUCK),
    ("move_asks_rows recall", ["kill"], Broken.STUCK),
]
