"""NOTIFY and LISTEN: words that PostgreSQL hands to listeners once their transaction commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.db import database

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

#: Sends a word; rolled back, it was never sent.
SEND = "SELECT pg_notify(%(channel)s, %(word)s)"


def can_notify(connection: BaseDatabaseWrapper) -> bool:
    """Return whether words reach their listeners: not where a pooler lends its connections."""
    pooled = connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
    return connection.vendor == "postgresql" and not pooled


class Notices:
    """Listens on a channel by this thread's connection, which may do other things in between."""

    def __init__(self) -> None:
        """Begin without a channel."""
        self._raw: Any = None
        self._channel = ""
        self._words: list[str] = []

    def listen(self, channel: str) -> bool:
        """Listen on this channel alone; return whether that is new, as after a lost connection."""
        connection = database.connection()
        connection.ensure_connection()
        raw: Any = connection.connection
        if raw is self._raw and channel == self._channel:
            return False
        if raw is not self._raw:
            raw.add_notify_handler(self._note)
        database.execute("UNLISTEN *")
        database.execute(f"LISTEN {connection.ops.quote_name(channel)}")
        self._raw, self._channel = raw, channel
        return True

    def fileno(self) -> int:
        """Return the descriptor on which words come."""
        return int(self._raw.fileno())

    def _note(self, notice: Any) -> None:
        self._words.append(notice.payload)

    def take(self) -> list[str]:
        """Return the words that came, without waiting; raise django.db.Error if it is cut off."""
        with database.connection().wrap_database_errors:
            self._raw.pgconn.consume_input()
            while notice := self._raw.pgconn.notifies():
                self._words.append(notice.extra.decode())
        words, self._words = self._words, []
        return words
