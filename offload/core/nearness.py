"""Suggestions for unknown names."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Most characters and names that are compared; the cost grows with their square.
COMPARED_CHARACTERS_MAX, COMPARED_NAMES_MAX = 100, 2000
#: Least similarity of a suggestion.
LIKENESS_MIN = 0.6


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question with the nearest name, after a space, or "" if none is near."""
    names = {
        one.lower(): one for one, _number in zip(known, range(COMPARED_NAMES_MAX), strict=False)
    }
    meant = word[:COMPARED_CHARACTERS_MAX].lower()
    # `-n gpu` makes the instance celery@gpu, which people call gpu.
    found = [one for one in names if meant and meant in one.split("@")]
    found = found or get_close_matches(meant, names, n=1, cutoff=LIKENESS_MIN)
    return f" Did you mean {names[found[0]]!r}?" if found else ""


def unknown_key(key: object, known: Iterable[str]) -> str:
    """Return the problem of a key that is not among the known ones, with the nearest of them."""
    names = list(known)
    near = get_close_matches(str(key)[:COMPARED_CHARACTERS_MAX], names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
    return f"it has no {key!r:.60}; {hint}"


def nearest_topic(topic: str, known: Iterable[str]) -> str:
    """Return the nearest topic or pattern, or "" if none is near.

    A pattern is compared with the topic's first segments.
    """
    candidates = [
        one for one, _number in zip(known, range(COMPARED_NAMES_MAX), strict=False) if one != topic
    ]
    scored = [(_likeness(topic, one), "*" not in one, one) for one in candidates]
    best = max(scored, default=(0.0, False, ""))
    return best[2] if best[0] >= LIKENESS_MIN else ""


def _likeness(topic: str, known: str) -> float:
    named = known.rstrip("*").rstrip("/")
    compared = "/".join(topic.split("/")[: named.count("/") + 1]) if named != known else topic
    if not named:
        return 0.0
    return SequenceMatcher(
        None, compared[:COMPARED_CHARACTERS_MAX].lower(), named[:COMPARED_CHARACTERS_MAX].lower()
    ).ratio()
