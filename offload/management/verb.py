"""A verb of ``manage.py offload``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    from offload.management.terminal import Terminal

#: What was written behind the verb, by name.
Options: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Its name, its arguments, and what it does."""

    name: str
    #: One line for the list of verbs.
    help: str
    run: Callable[[Terminal, Options], None]
    arguments: Callable[[ArgumentParser], None] = lambda _: None
    #: Whether it can do its work while the settings are wrong.
    tolerant: bool = False
