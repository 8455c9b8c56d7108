"""A verb of ``manage.py offload``, and the options that every verb takes."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from django.core.management.base import CommandParser

from offload.core.nearness import did_you_mean

if TYPE_CHECKING:
    from argparse import Action, ArgumentParser
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


class Choices(dict[str, Any]):
    """The parsers of verbs or actions; a name that is none is refused with the nearest one."""

    def __init__(self, action: Action, *, kind: str, help_of: str) -> None:
        """Take over what the action has; ``help_of`` is what lists them."""
        super().__init__(action.choices)  # type: ignore[arg-type]
        self.action, self.kind, self.help_of = action, kind, help_of

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a name; raise ArgumentError where there is none."""
        if super().__contains__(name):
            return True
        listed = f" 'manage.py {self.help_of} --help' lists them."
        near = did_you_mean(str(name), self) or listed
        raise ArgumentError(self.action, f"there is no {self.kind} {str(name)!r:.60}.{near}")


class VerbParser(CommandParser):
    """The parser of a verb, or of its action: it refuses itself what it does not know.

    Left to the parser above it, the refusal comes with the usage of the whole command.
    """

    def parse_known_args(self, *args: Any, **kwargs: Any) -> Any:
        """Read the words; what is left over is an error."""
        found, unknown = super().parse_known_args(*args, **kwargs)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


def general(parser: ArgumentParser) -> None:
    """Let a parser below the command's own take the general options too."""
    unset: dict[str, Any] = {"action": "store_true", "default": SUPPRESS}
    parser.add_argument("--json", dest="as_json", help="for programs", **unset)
    for option in ("--no-color", "--force-color", "--traceback"):
        parser.add_argument(option, help=SUPPRESS, **unset)
    for option in ("--settings", "--pythonpath"):
        parser.add_argument(option, help=SUPPRESS, default=SUPPRESS)
