"""The rules of docs/protocol.md that the model can follow or, to prove that it can fail, break."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Say which rules a world follows; all of them, unless told otherwise."""

    #: A3: taking a new incarnation moves the rows of the old one in the same transaction.
    register_moves: bool = True
    #: A5: an instance whose lease expired starts nothing.
    claim_needs_lease: bool = True
    #: B5: a binding names the incarnation that the instance's row holds at that moment.
    bind_reads_incarnation: bool = True
    #: B8a: a binding does nothing where the rules have changed since it was decided.
    bind_matches_version: bool = True
    #: B8a: a rule takes back, in its own transaction, what is bound where it denies.
    rule_recalls: bool = True
    #: B8a: a rule is committed after the bindings that began before it.
    rule_waits_for_bindings: bool = True
    #: B8: each binding raises the epoch.
    bind_raises_epoch: bool = True
    #: B8: what is bound is published again, as long as nobody holds it.
    republish: bool = True
    #: B8: what arrives for a binding that is held or runs there already is dropped.
    arrival_drops_twins: bool = True
    #: B8: what is bound and not claimed is taken back.
    recall: bool = True
    #: R1: a claim matches the epoch.
    claim_matches_epoch: bool = True
    #: R1: a claim matches the instance and the incarnation that the job is bound to.
    claim_matches_place: bool = True
    #: R12: what goes wrong before the claim is a failed attempt.
    counts_unstarted: bool = True
    #: R1: a claim matches no job that shall stop.
    claim_refuses_stop: bool = True
    #: R1, R5: a write that matched no row is followed by one look at the row's token.
    reread: bool = True
    #: R1: a claim recognised by its token ends the job at once when it shall stop.
    reread_obeys_stop: bool = True
    #: R5: a finish matches epoch and token.
    finish_matches_attempt: bool = True
    #: R5: a finish matches ACTIVE rows alone.
    finish_needs_active: bool = True
    #: R9: an instance ends the attempts that its row has and its parent process does not know.
    reconcile: bool = True
    #: R9, E4: who ends an attempt in its place takes away its token.
    lost_clears_token: bool = True
    #: K1: not attempts alone, whoever makes a job final marks its aftermath as due.
    others_set_due: bool = True
    #: K1: a conclusion is a compare-and-set of the due mark.
    conclude_compares: bool = True
    #: E1: a stop ends a waiting job in the UPDATE that accepts it.
    stop_ends_waiting: bool = True
    #: E1: every way back to PENDING yields STOPPED when the job shall stop.
    requeue_yields_stopped: bool = True
    #: E4a: a run that was lost is not run again by itself where its job must not be.
    lost_is_over: bool = True
    #: E3: what is sent again under the id of a job that is over goes on with its epoch.
    again_keeps_epoch: bool = True
    #: E4: a move is a question over rows, asked again and again; not an event.
    move_asks_rows: bool = True
