"""The rules between peers that the model can follow or, to prove that it can fail, break."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRules:
    """Say which rules two clusters follow; all of them, unless told otherwise."""

    #: P1: the binding to a peer and its row in the outbox are one transaction.
    bind_writes_outbox: bool = True
    #: P2: a clone has an epoch of its own beside home's, which it never changes.
    clone_keeps_home_epoch: bool = True
    #: P2: a report changes the row of the binding that it is about, no other.
    report_matches_epoch: bool = True
    #: P2: a report changes a row that is bound to the peer, no other.
    report_matches_place: bool = True
    #: P3: a report is written in the transaction of what it tells.
    report_in_transaction: bool = True
    #: P3: a report stays in the outbox until home's verdict.
    report_waits_for_verdict: bool = True
    #: P3: a verdict ends the report of its number alone.
    verdict_matches_number: bool = True
    #: P3: a report that home has taken is answered again.
    known_is_answered: bool = True
    #: P3: the answer to a report that home has taken stays the same.
    known_is_accepted: bool = True
    #: P3: a report of a job that home does not know is answered too.
    unknown_is_answered: bool = True
    #: P4: a report tells everything that happened up to it.
    report_tells_all: bool = True
    #: P5: a refusal closes its binding.
    refusal_closes: bool = True
    #: P5: a withdrawal closes its binding, even one that never came.
    withdrawal_closes: bool = True
    #: P5: the end of a clone closes its binding.
    end_closes: bool = True
    #: P5: a closed binding is remembered for longer than a message is valid.
    memory_outlives_messages: bool = True
    #: P6: a binding is taken once the run of an older one is over.
    takes_at_rest: bool = True
    #: P7: a stop of a job at a peer is a request, until the peer has answered.
    stop_waits_for_peer: bool = True
    #: P7: a withdrawal is repeated until it is acknowledged.
    withdrawal_is_repeated: bool = True
    #: P7: a known withdrawal is acknowledged again.
    withdrawal_is_acknowledged: bool = True
    #: P7: an acknowledgement ends the withdrawal that it names, or a weaker one.
    acknowledgement_matches: bool = True
    #: P8: a peer whose lease expired begins nothing of home's.
    claim_needs_lease: bool = True
    #: P8: a peer whose lease expired ends its runs of limited queues.
    lease_ends_limited: bool = True
    #: P8: what a silent peer holds is asked for again and again.
    move_asks_rows: bool = True
    #: P9: what is moved from a silent peer is withdrawn there.
    move_withdraws: bool = True
    #: P9: a peer that was silent has no lease until it acknowledged every withdrawal.
    lease_waits_for_withdrawals: bool = True
    #: P10: a clone runs in the cluster that took it.
    clone_stays: bool = True
    #: P11: a clone begins once its inputs are there.
    begin_waits_for_inputs: bool = True
    #: P11: what an agent fetched is stored for the clone that it was fetched for, or not at all.
    fetched_is_fenced: bool = True
    #: P11: another agent carries on what a dead one began.
    carrying_is_taken_over: bool = True
    #: P12: home accepts a success once all its outputs are there.
    verdict_waits_for_outputs: bool = True
    #: P12: home asks for outputs that it lacks each time that it is told of them.
    lacking_is_asked_for_again: bool = True
    #: P12: home asks for an output after all if it could not copy the content that it had.
    held_may_be_gone: bool = True
    #: P12: outputs are kept by the epoch that made them.
    outputs_are_kept_by_epoch: bool = True
    #: P12: home removes outputs that will never be visible.
    vain_is_removed: bool = True
