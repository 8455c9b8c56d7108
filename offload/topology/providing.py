"""The properties of an instance in its agent: fixed ones, and those of a site's functions."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from django.db import connections

from offload.core.discovery.properties import Scalar, plain_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offload.topology.providers import Provider

logger = logging.getLogger("offload.topology")

#: Seconds after which it is told of a function that it has not returned.
LIMIT_SECONDS = 10.0
#: Characters of an error that are announced; the log has the rest.
ERROR_CHARACTERS_MAX = 300


class Caller(threading.Thread):
    """Calls one function at its pace, in a thread of its own, so that it delays nobody."""

    def __init__(self, provider: Provider) -> None:
        """Take the function; nothing is called yet."""
        super().__init__(name=f"topology-property-{provider.name}", daemon=True)
        self.provider = provider
        self.value: Scalar = None
        #: Whether it has ever returned a value.
        self.has_value = False
        self._error = ""
        self._began: float | None = None
        self._over = threading.Event()

    @property
    def problem(self) -> str:
        """Return why the value is not renewed; nothing if it is."""
        began = self._began
        if began is not None and time.monotonic() - began > LIMIT_SECONDS:
            # Without the seconds: whatever is announced is written whenever it differs.
            return f"it has not returned for more than {LIMIT_SECONDS:g} s"
        return self._error

    def stop(self) -> None:
        """Call it no more; a call that has begun is not waited for."""
        self._over.set()

    def run(self) -> None:
        """Call it until stopped; a call that took longer than the pace is followed at once."""
        while not self._over.is_set():
            self._began = began = time.monotonic()
            self._call()
            self._began = None
            self._over.wait(max(0.0, began + self.provider.every - time.monotonic()))

    def _call(self) -> None:
        try:
            self.value = plain_value(self.provider.name, self.provider.function())
            self.has_value, self._error = True, ""
        except BaseException as error:
            self._fail(error)
        finally:
            # It is called rarely: what it asked the database by is not kept until then.
            connections.close_all()

    def _fail(self, error: BaseException) -> None:
        """Keep the error, and log it once as long as it is the same."""
        text = f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS_MAX]
        if text != self._error:
            logger.error(
                "the property %r is not renewed: %s failed",
                self.provider.name,
                self.provider.place,
                exc_info=error,
            )
        self._error = text


class Properties:
    """The properties of an instance as they are now."""

    def __init__(self, fixed: Mapping[str, Scalar], providers: Iterable[Provider] = ()) -> None:
        """Take those that do not change, and the functions that give the others."""
        self._fixed = dict(fixed)
        self._callers = [Caller(one) for one in providers]

    def start(self) -> None:
        """Begin to call the functions."""
        for one in self._callers:
            one.start()

    def stop(self) -> None:
        """Begin no further call."""
        for one in self._callers:
            one.stop()

    @property
    def now(self) -> dict[str, Scalar]:
        """Return the fixed ones, and the last value of each function that has returned one."""
        given = {one.provider.name: one.value for one in self._callers if one.has_value}
        return {**self._fixed, **given}

    @property
    def pending(self) -> frozenset[str]:
        """Return the names of those whose function has returned no value yet."""
        return frozenset(one.provider.name for one in self._callers if not one.has_value)

    @property
    def failing(self) -> dict[str, str]:
        """Return why values are not renewed, by the names of those that are not."""
        found = ((one.provider, one.problem) for one in self._callers)
        return {each.name: f"{each.place}: {problem}" for each, problem in found if problem}
