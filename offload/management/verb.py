"""A verb of ``manage.py offload``, and the options that every verb takes."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from django.core.management.base import CommandParser

from offload.core.nearness import did_you_mean

if TYPE_CHECKING:
    from argparse import Action, ArgumentParser
    from collections.abc import Callable

    from offload.management.terminal import Terminal

#: The arguments of the verb, by name.
Options: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb: its name, its arguments, and its function."""

    name: str
    #: Its line in the list of verbs.
    help: str
    run: Callable[[Terminal, Options], None]
    arguments: Callable[[ArgumentParser], None] = lambda _: None
    #: Whether it works even if the settings are wrong.
    tolerant: bool = False


class Choices(dict[str, Any]):
    """The parsers of verbs or actions; an unknown name is refused with the nearest one."""

    def __init__(self, action: Action, *, kind: str, help_of: str) -> None:
        """Take over the action's parsers; ``help_of`` is the command that lists them."""
        super().__init__(action.choices)  # type: ignore[arg-type]
        self.action, self.kind, self.help_of = action, kind, help_of

    def __contains__(self, name: object) -> bool:
        """Return True for a known name; raise ArgumentError for any other."""
        if super().__contains__(name):
            return True
        listed = f" 'manage.py {self.help_of} --help' lists them."
        near = did_you_mean(str(name), self) or listed
        raise ArgumentError(self.action, f"there is no {self.kind} {str(name)!r:.60}.{near}")


class VerbParser(CommandParser):
    """The parser of a verb, or of its action: it refuses unknown arguments itself.

    The parser above it would print the usage of the whole command.
    """

    def parse_known_args(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the arguments; unknown ones are an error."""
        found, unknown = super().parse_known_args(*args, **kwargs)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


def general(parser: ArgumentParser) -> None:
    """Add the general options to a verb's or an action's parser."""
    unset: dict[str, Any] = {"action": "store_true", "default": SUPPRESS}
    parser.add_argument("--json", dest="as_json", help="for programs", **unset)
    for option in ("--no-color", "--force-color", "--traceback"):
        parser.add_argument(option, help=SUPPRESS, **unset)
    for option in ("--settings", "--pythonpath"):
        parser.add_argument(option, help=SUPPRESS, default=SUPPRESS)


def refuse_alike(action: ArgumentParser, verb: ArgumentParser) -> None:
    """Report an action's usage errors as the verb does, for programs too."""
    usual = action.error

    def refuse(message: str) -> NoReturn:
        # It is set on the verb's parser for programs only.
        (verb.error if "error" in vars(verb) else usual)(message)

    action.error = refuse  # type: ignore[method-assign]
