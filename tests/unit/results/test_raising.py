"""Exceptions that are raised again for readers of a result."""

from __future__ import annotations

import pytest

from offload.results.raising import module_of


class Abort(BaseException):
    """An error of a site that passes all its handlers."""

    class Inner(Exception):
        """An exception inside of another class."""


@pytest.mark.parametrize(
    ("module", "name", "told"),
    [
        ("builtins", "ValueError", "builtins"),
        ("builtins", "SystemExit", None),
        ("builtins", "KeyboardInterrupt", None),
        ("asyncio.exceptions", "CancelledError", None),
        (__name__, "Abort", None),
        (__name__, "Abort.Inner", __name__),
        (__name__, "unknown.<locals>.Here", __name__),
        ("not.imported", "Error", "not.imported"),
        ("offload.core.exceptions.not_found", "MissingFile", None),
        ("offload.core.exceptions.runtime", "WrongCall", "offload.core.exceptions.runtime"),
    ],
)
def test_what_would_end_who_asks_is_raised_as_an_exception_of_its_name(
    module: str, name: str, told: str | None
) -> None:
    assert module_of(module, name) == told
