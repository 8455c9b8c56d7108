"""The rules of runs that go whole, each of which can be switched off (P15)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """The parts of P15, and those of P that it rests on."""

    #: The run is stored in the transaction that hands the clone over.
    stored_once: bool = True
    #: The transaction that takes the run's last end completes the clone.
    ends_both: bool = True
    #: A withdrawal stops the run before it is acknowledged.
    stopped_first: bool = True
    #: A step begins only within the lease.
    leased: bool = True
    #: Home takes the end of its present epoch alone.
    fenced: bool = True
    #: The run at home ends by its placeholder alone, also if it is stopped.
    by_report: bool = True
