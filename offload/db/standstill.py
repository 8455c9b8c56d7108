"""A limit on how long a transaction may stand still while others wait for its locks."""

from __future__ import annotations

from offload.conf import settings
from offload.db import database

#: PostgreSQL's code for a transaction that this limit ended.
STANDSTILL_CODE = "25P03"


def limit() -> str:
    """Return the SQL of a value whose selection limits this transaction.

    PostgreSQL then ends the transaction if its process sends nothing for as long as an instance may
    be silent: it is frozen, or its machine is lost, and would hold its locks until the network
    gives the connection up. Select it with what takes the lock, in a transaction of offload's own.
    SQLite releases the locks of a process that dies, and has no such limit.
    """
    if database.vendor() == "sqlite":
        return "1"
    milliseconds = round(settings().timeout * 1000)
    return f"set_config('idle_in_transaction_session_timeout', '{milliseconds}ms', true)"
