"""Names loaded at first use: those that need models, in modules that are imported before them."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def load(path: str) -> Any:
    """Return the object at ``module:name``, imported at the first call."""
    home, _, name = path.partition(":")
    return getattr(import_module(home), name)


def public(package: str, homes: Mapping[str, str], name: str) -> Any:
    """Return a public name of a package from its home, and keep it as one of the package.

    ``homes`` has the module of each. Raise AttributeError for a name that has none: it is what a
    package's ``__getattr__`` returns.
    """
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    found = load(f"{homes[name]}:{name}")
    setattr(sys.modules[package], name, found)
    return found
