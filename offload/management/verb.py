"""A verb of ``manage.py offload``, and the options that every verb takes."""

from __future__ import annotations

from argparse import SUPPRESS
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


def general(parser: ArgumentParser) -> None:
    """Let a parser below the command's own take the general options too."""
    unset: dict[str, Any] = {"action": "store_true", "default": SUPPRESS}
    parser.add_argument("--json", dest="as_json", help="for programs", **unset)
    for option in ("--no-color", "--force-color", "--traceback"):
        parser.add_argument(option, help=SUPPRESS, **unset)
    for option in ("--settings", "--pythonpath"):
        parser.add_argument(option, help=SUPPRESS, default=SUPPRESS)
