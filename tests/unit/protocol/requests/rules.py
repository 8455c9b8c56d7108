"""The rules of requests that the model can follow or, to prove that it can fail, break."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRules:
    """Say which rules two clusters follow; all of them, unless told otherwise."""

    #: P13: a request is sent again until its verdict.
    request_is_repeated: bool = True
    #: P13: of one instance, only the oldest open request is sent.
    oldest_first: bool = True
    #: P13: a verdict ends the request that it names, no other.
    verdict_matches_request: bool = True
    #: P13: a newer request takes the place of one that was never sent, no other.
    replaces_unsent_alone: bool = True
    #: P13: one that was sent is withdrawn once the peer says so.
    withdrawal_waits_for_peer: bool = True
    #: P14: the peer asks its settings before it applies anything.
    asks_permission: bool = True
    #: P14: the change and its verdict are one transaction.
    verdict_with_change: bool = True
    #: P14: the peer remembers what it applied, and does not do it again.
    applied_is_remembered: bool = True
    #: P14: the peer remembers what it refused, and does not apply it later.
    refused_is_remembered: bool = True
    #: P14: a known request is answered again.
    known_is_answered: bool = True
    #: P14: a withdrawal closes a request that never came.
    withdrawal_closes: bool = True
    #: P14: what was applied stays applied, also for a withdrawal.
    verdict_is_final: bool = True
    #: P14: the peer remembers a request until home has its verdict, and no message is valid.
    memory_outlives_request: bool = True
