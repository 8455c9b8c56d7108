"""Conditions of steps: on a file's media type, or on an earlier step's result."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeAlias

from offload.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts that are known when a step is due."""

    #: The results of the steps that it waited for, by name; None for one that has none.
    values: Mapping[str, Any] = field(default_factory=dict)
    #: The media types of the run's files, by name.
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaType:
    """A file's media type is one of some, and none of others; the others are asked first."""

    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    #: The file; "" for the first input of the step.
    of: str = ""

    def problem(self, facts: Facts) -> str:
        """Say why it does not hold; return "" if it does."""
        found = facts.files.get(self.of)
        if found is None:
            return f"there is no file {self.of!r}"
        is_meant = not fits(found, self.exclude) and fits(found, self.include)
        return "" if is_meant else f"{self.of!r} is {found}"

    def __str__(self) -> str:
        """Return it as people read it."""
        but = f", not {' or '.join(self.exclude)}" if self.exclude else ""
        return f"{self.of or 'its file'} is {' or '.join(self.include)}{but}"

    def facts(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"include": [*self.include], "exclude": [*self.exclude], "of": self.of}


def fits(found: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a media type is one of some, in which ``*`` and ``?`` are wildcards."""
    return any(fnmatchcase(found.lower(), one.lower()) for one in patterns)


#: The comparisons of results, each with its words.
COMPARISONS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "equals": ("is", lambda found, wanted: bool(found == wanted)),
    "above": ("is above", lambda found, wanted: bool(found > wanted)),
    "below": ("is below", lambda found, wanted: bool(found < wanted)),
    "holds": ("holds", lambda found, _: bool(found)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """A step's result, or a part of it, compares as wanted."""

    step: str
    #: Keys and indexes that lead to the part.
    path: tuple[Any, ...] = ()
    comparison: str = "holds"
    wanted: Any = None

    def value(self, facts: Facts) -> Any:
        """Return the part of the result; None if there is no such part."""
        found = facts.values.get(self.step)
        for key in self.path:
            try:
                found = found[key]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def problem(self, facts: Facts) -> str:
        """Say why it does not hold; return "" if it does."""
        found = self.value(facts)
        try:
            is_so = COMPARISONS[self.comparison][1](found, self.wanted)
        except TypeError:
            is_so = False
        return "" if is_so else f"{self.place} is {found!r:.60}"

    @property
    def place(self) -> str:
        """Return the step and the path in its result."""
        return "".join([self.step, *(f"[{key!r}]" for key in self.path)])

    def __str__(self) -> str:
        """Return it as people read it."""
        wanted = "" if self.comparison == "holds" else f" {self.wanted!r:.60}"
        return f"{self.place} {COMPARISONS[self.comparison][0]}{wanted}"

    def facts(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "step": self.step, "path": [*self.path],
            "comparison": self.comparison, "wanted": self.wanted,
        }  # fmt: skip


Condition: TypeAlias = MediaType | StepResult


def media_type(*include: str, exclude: str | tuple[str, ...] = (), of: str = "") -> MediaType:
    """Return the condition that a file has one of these media types.

    ``include`` are media types such as ``"image/*"``; those of ``exclude`` are asked first. ``of``
    is the file's name, by default the first input of the step. Raise ConfigurationError if none is
    included.
    """
    if not include or not all("/" in str(one) for one in include):
        problem = f"{include!r:.100} are no media types. Write media_type('image/*')"
        raise ConfigurationError(setting="when=media_type(…)", problem=problem)
    left_out = (exclude,) if isinstance(exclude, str) else tuple(exclude)
    return MediaType(include=include, exclude=left_out, of=of)


def result(step: str, *path: str | int, **comparison: Any) -> StepResult:
    """Return the condition that an earlier step's result is as wanted, or the list in it.

    ``step`` is its name, ``path`` leads to a part of its result. ``comparison`` is one of
    ``equals=``, ``above=`` and ``below=``; without one the part must be true. Raise
    ConfigurationError for any other.
    """
    if len(comparison) > 1 or not comparison.keys() <= {"equals", "above", "below"}:
        problem = f"it takes one of equals=, above= and below=, not {', '.join(comparison)}"
        raise ConfigurationError(setting="when=result(…)", problem=problem)
    [(kind, wanted)] = comparison.items() or [("holds", None)]
    return StepResult(step=step, path=path, comparison=kind, wanted=wanted)


def read(facts: Mapping[str, Any] | None) -> Condition | None:
    """Return the condition of JSON values."""
    if facts is None:
        return None
    if "step" in facts:
        return StepResult(**{**facts, "path": tuple(facts["path"])})
    include, exclude = tuple(facts["include"]), tuple(facts["exclude"])
    return MediaType(include=include, exclude=exclude, of=facts["of"])
