"""Labels of instances: plain ones such as `gpu`, and named values such as `site=lab`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from offload.core.discovery.properties import name_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Characters of a label.
LABEL_MAX = 100
#: Where labels are written, in the order of `named`.
SETTINGS_PLACE, ENVIRONMENT_PLACE = 'OFFLOAD["LABELS"]', "OFFLOAD_LABELS in the environment"


def split(text: str) -> tuple[str, ...]:
    """Return the labels of a text, in which commas separate them."""
    return tuple(filter(None, (one.strip() for one in text.split(","))))


def problems(labels: Iterable[str]) -> Iterator[str]:
    """Yield the problems of labels from one place, as sentences that name the label."""
    given = list(labels)
    for label in given:
        if problem := _problem(label):
            yield f"The label {label!r:.120} {problem}."
    for name, count in Counter(filter(None, map(_name, given))).items():
        if count > 1:
            yield f"{count} labels give {name!r:.120} a value, and an instance has one."


def _problem(label: str) -> str:
    name, is_named, value = label.partition("=")
    if not label or label != label.strip():
        return "is empty, or begins or ends with a blank"
    if len(label) > LABEL_MAX:
        return f"has {len(label)} characters, and {LABEL_MAX} are allowed"
    if "," in label or not label.isprintable():
        return "has a comma or a character that cannot be printed"
    if is_named and not value.strip():
        return "has a name and no value"
    return name_problem(name) if is_named else ""


def merged(settings: Iterable[str], environment: Iterable[str]) -> tuple[str, ...]:
    """Return the labels of both, in order; of two values of one name, that of the environment."""
    wins = list(environment)
    kept = [label for label in settings if _name(label) not in values(wins)]
    return tuple(sorted({*kept, *wins}))


def named(settings: Iterable[str], environment: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the names that labels give a value, each with the place whose value counts."""
    wins = values(environment)
    yield from ((name, SETTINGS_PLACE) for name in values(settings) if name not in wins)
    yield from ((name, ENVIRONMENT_PLACE) for name in wins)


def values(labels: Iterable[str]) -> Mapping[str, str]:
    """Return the values of the labels that have one, by name."""
    pairs = (label.partition("=") for label in labels)
    return {name: value for name, is_named, value in pairs if is_named}


def _name(label: str) -> str:
    name, is_named, _ = label.partition("=")
    return name if is_named else ""
